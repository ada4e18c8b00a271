"""The audit of a join (``second-opinion-materializer-v1``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labeljoin.labels import judge_contamination

from secondopinion.scorers.columns import column_names
from secondopinion.scorers.training import trained_on
from secondopinion.scores.opinions import STATUS_BAD, STATUS_MISSING, STATUS_OK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labeljoin.engine import AttachReport
    from labeljoin.labels import Contamination

    from secondopinion.joining.matching import Plan, ScorerMatch
    from secondopinion.joining.options import JoinOptions
    from secondopinion.scores.opinions import Opinions, Scorer

AUDIT_SCHEMA = "second-opinion-materializer-v1"


def audit_of(
    plan: Plan,
    opinions: Opinions,
    options: JoinOptions,
    *,
    features: str,
    out: str,
    report: AttachReport | None,
    diagnoses: Mapping[str, Any],
) -> dict[str, Any]:
    """The audit of a join, without ``run_provenance``.

    Args:
        plan: What was counted before writing.
        opinions: The scores.
        options: The options.
        features: The feature table as given.
        out: The output as given.
        report: What was written, None where the policy for missing scores failed.
        diagnoses: By slug, what would raise the match rate.
    """
    coverage = plan.coverage
    written = report is not None
    return {
        "schema": AUDIT_SCHEMA,
        "status": "ok" if written else "failed",
        "failures": [] if written else failures(plan),
        "feature_table": features,
        "output": out if written else None,
        "feature_key_column": plan.key_column,
        "clip_key": plan.clip_key.to_dict(),
        "key_normalize": options.key_normalize,
        "feature_key_regex": options.feature_key_regex,
        "score_key_regex": options.score_key_regex,
        "ignore_case": options.ignore_case,
        "missing": options.missing,
        "prefix": options.prefix,
        "input_rows": coverage.rows,
        "output_rows": report.rows_out if report else None,
        "corpora_judged": list(plan.judged),
        "dropped_rows": {
            "count": report.rows_in - report.rows_out if report else 0,
            "by_scorer": plan.lacking if options.missing == "drop" else {},
        },
        "total_feature_keys": coverage.keys,
        "keyless_rows": {
            "count": coverage.keyless_rows,
            "rate": coverage.keyless_rate,
            "reasons": dict(coverage.keyless),
        },
        "folded_feature_keys": coverage.folded_keys,
        "complete_rows": plan.kept_rows,
        **{
            f"{status}_scores": sum(match.rows[status] for match in plan.matches)
            for status in (STATUS_OK, STATUS_MISSING, STATUS_BAD)
        },
        "scorers": [
            _scorer(match, plan, options, diagnoses.get(match.scorer.slug))
            for match in plan.matches
        ],
        "score_files": [file.to_dict() for file in opinions.files],
        "columns_added": list(plan.columns.schema.names) if written else [],
        "notes": [*opinions.notes, *notes(plan), *doubts(plan, options)],
        "engine": report.engine if report else None,
        "engine_reason": report.reason if report else None,
    }


def failures(plan: Plan) -> list[str]:
    """Which scorers lack how many scores, one sentence each."""
    return [
        f"{slug} has no score for {_counted(rows)} of {plan.coverage.rows:,}"
        for slug, rows in plan.lacking.items()
    ]


def notes(plan: Plan) -> list[str]:
    """What an operator should know about the scores themselves, one sentence each."""
    found = []
    for match in plan.matches:
        scorer = match.scorer
        if scorer.facts is None:
            found.append(
                f"It is not known whether higher or lower scores of {scorer.slug} are better; "
                f"say so with --direction {scorer.slug}=higher or lower."
            )
        if scorer.out_of_range and scorer.facts is not None:
            found.append(
                f"{scorer.out_of_range:,} scores of {scorer.slug} are outside its range, "
                f"{scorer.facts.low:g} to {scorer.facts.high:g}; they were stored as given."
            )
        if not match.rows[STATUS_OK] and match.rows[STATUS_BAD]:
            found.append(f"No score of {scorer.slug} is usable: all that matched are bad.")
        if sum(scorer.keyless.values()):
            found.append(
                f"{sum(scorer.keyless.values()):,} scores of {scorer.slug} yield no clip key and "
                "were set aside."
            )
    return found


def _counted(rows: Mapping[str, int]) -> str:
    missing, bad = rows[STATUS_MISSING], rows[STATUS_BAD]
    parts = [f"{missing:,} rows"] if missing else []
    parts += [f"a bad one for {bad:,}" if missing else f"{bad:,} rows (bad ones)"] if bad else []
    return " and ".join(parts)


def doubts(plan: Plan, options: JoinOptions) -> list[str]:
    """Which scorers were, or may have been, trained on the corpus of the feature table."""
    found = []
    for match in plan.matches:
        doubt = _contamination(match.scorer, plan, options)
        if doubt.status in ("contaminated", "possible"):
            found.append(doubt.sentence)
    return found


def _contamination(scorer: Scorer, plan: Plan, options: JoinOptions) -> Contamination:
    known = trained_on(scorer.slug, options.training)
    return judge_contamination(scorer.slug, known, plan.judged)


def _scorer(
    match: ScorerMatch, plan: Plan, options: JoinOptions, diagnosis: Any | None
) -> dict[str, Any]:
    scorer = match.scorer
    keys = plan.coverage.keys
    return {
        "scorer": scorer.name,
        "slug": scorer.slug,
        "decided_by": list(scorer.decided_by),
        "columns": column_names(options.prefix, scorer.slug),
        **_facts(scorer),
        "trained_on": trained_on(scorer.slug, options.training).to_dict(),
        "contamination": _contamination(scorer, plan, options).to_dict(),
        "scores_loaded": scorer.loaded,
        "scores_without_key": dict(scorer.keyless),
        "reruns_collapsed": scorer.reruns_collapsed,
        "rows": dict(match.rows),
        "bad_scores": dict(scorer.bad_reasons),
        "out_of_range_scores": scorer.out_of_range,
        "bad_runtimes": scorer.bad_runtimes,
        "bad_frames": scorer.bad_frames,
        "matched_feature_keys": match.matched_keys,
        "match_rate": match.matched_keys / keys if keys else 0.0,
        "unmatched_feature_keys": {
            "count": keys - match.matched_keys,
            "sample": list(match.unmatched_sample),
        },
        "stale_score_keys": {"count": match.stale_keys, "sample": list(match.stale_sample)},
        "suggestions": [each.to_dict() for each in diagnosis.suggestions] if diagnosis else [],
    }


def _facts(scorer: Scorer) -> dict[str, Any]:
    facts = scorer.facts
    bounded = facts is not None and facts.low is not None and facts.high is not None
    return {
        "direction": facts.direction if facts else None,
        "direction_decided_by": facts.decided_by if facts else None,
        "range": [facts.low, facts.high] if facts and bounded else None,
    }
