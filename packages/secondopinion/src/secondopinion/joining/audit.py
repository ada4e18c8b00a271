"""The audit of a join (``second-opinion-materializer-v1``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from labeljoin.keys import percent
from labeljoin.labels import judge_contamination
from provenance.toolkit import summary_html

from secondopinion.scorers.columns import column_names
from secondopinion.scorers.training import trained_on
from secondopinion.scores.opinions import STATUS_BAD, STATUS_MISSING, STATUS_OK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labeljoin.diagnose import Diagnosis
    from labeljoin.engine import AttachReport
    from labeljoin.labels import Contamination

    from secondopinion.facts import (
        AuditDocument,
        AuditedScorer,
        ContaminationDocument,
        LackingRows,
        ScoreColumns,
        Status,
        SuggestionDocument,
        TrainingDocument,
    )
    from secondopinion.joining.matching import Plan, ScorerMatch
    from secondopinion.joining.options import JoinOptions
    from secondopinion.scorers.facts import ScoreFacts
    from secondopinion.scores.opinions import Opinions, Scorer


LITTLE = 0.5
"""The share of matched clips below which an audit says that a scorer matches only so many."""


def audit_of(
    plan: Plan,
    opinions: Opinions,
    options: JoinOptions,
    *,
    features: str,
    out: str | None,
    report: AttachReport | None,
    diagnoses: Mapping[str, Diagnosis],
) -> AuditDocument:
    """Return the audit of a join, without ``run_provenance``.

    Args:
        plan: The matches, counted before writing.
        opinions: The scores.
        options: The options.
        features: The feature table as given.
        out: The output as given, or None in memory.
        report: What was written, or None if the policy for missing scores failed.
        diagnoses: By slug, what would raise the match rate.
    """
    coverage = plan.coverage
    written = report is not None
    lacking = plan.lacking if options.missing == "drop" else {}
    return {
        "schema": "second-opinion-materializer-v1",
        "status": "ok" if written else "failed",
        "failures": [] if written else failures(plan, options),
        "feature_table": features,
        "output": out if written else None,
        "feature_key_column": plan.key_column,
        "clip_key": plan.clip_key.to_dict(),
        "key_normalize": options.key_normalize,
        "feature_key_regex": options.feature_key_regex,
        "score_key_regex": options.score_key_regex,
        "ignore_case": options.ignore_case,
        "missing": options.missing,
        "min_match_rate": options.min_match_rate,
        "prefix": options.prefix,
        "input_rows": coverage.rows,
        "output_rows": report.rows_out if report else None,
        "corpora_judged": list(plan.judged),
        "dropped_rows": {
            "count": report.rows_in - report.rows_out if report else 0,
            "by_scorer": lacking,
        },
        "total_feature_keys": coverage.keys,
        "keyless_rows": {
            "count": coverage.keyless_rows,
            "rate": coverage.keyless_rate,
            "reasons": dict(coverage.keyless),
        },
        "folded_feature_keys": coverage.folded_keys,
        "complete_rows": plan.kept_rows,
        "ok_scores": _total(plan, STATUS_OK),
        "missing_scores": _total(plan, STATUS_MISSING),
        "bad_scores": _total(plan, STATUS_BAD),
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


def _total(plan: Plan, status: Status) -> int:
    return sum(match.rows[status] for match in plan.matches)


def failures(plan: Plan, options: JoinOptions) -> list[str]:
    """Return what the options do not accept, one sentence each."""
    few = [
        f"{match.scorer.slug} matches {percent(plan.match_rate(match))} of the clips, below the "
        f"minimum of {percent(options.min_match_rate)}"
        for match in plan.below(options.min_match_rate)
    ]
    if few:
        return few
    return [
        f"{slug} has no score for {_counted(rows)} of {plan.coverage.rows:,}"
        for slug, rows in plan.lacking.items()
    ]


def notes(plan: Plan) -> list[str]:
    """Return what you should know about the scores, one sentence each."""
    found = []
    for match in plan.matches:
        scorer = match.scorer
        if scorer.facts is None:
            found.append(
                f"It is unknown whether higher or lower scores of {scorer.slug} are better. State "
                f"it with --direction {scorer.slug}=higher or --direction {scorer.slug}=lower."
            )
        if scorer.out_of_range and scorer.facts is not None:
            found.append(
                f"{scorer.out_of_range:,} scores of {scorer.slug} are outside its range, "
                f"{scorer.facts.low:.15g} to {scorer.facts.high:.15g}. They were stored as given."
            )
        if plan.coverage.keys and plan.match_rate(match) < LITTLE:
            found.append(
                f"{scorer.slug} matches only {percent(plan.match_rate(match))} of the clips "
                f"({match.matched_keys:,} of {plan.coverage.keys:,}). --min-match-rate 0.95 makes "
                "that a failure."
            )
        if not match.rows[STATUS_OK] and match.rows[STATUS_BAD]:
            found.append(f"{scorer.slug} has no usable score: all matching ones are bad.")
        if sum(scorer.keyless.values()):
            found.append(
                f"{sum(scorer.keyless.values()):,} scores of {scorer.slug} yield no clip key and "
                "were left out."
            )
    return found


def _counted(rows: LackingRows) -> str:
    missing, bad = rows["missing"], rows["bad"]
    parts = [f"{missing:,} rows"] if missing else []
    parts += [f"a bad one for {bad:,}" if missing else f"{bad:,} rows (bad ones)"] if bad else []
    return " and ".join(parts)


def doubts(plan: Plan, options: JoinOptions) -> list[str]:
    """Return which scorers were, or may have been, trained on the corpus of the table."""
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
    match: ScorerMatch, plan: Plan, options: JoinOptions, diagnosis: Diagnosis | None
) -> AuditedScorer:
    scorer = match.scorer
    facts = scorer.facts
    keys = plan.coverage.keys
    return {
        "scorer": scorer.name,
        "slug": scorer.slug,
        "decided_by": list(scorer.decided_by),
        "columns": cast("ScoreColumns", column_names(options.prefix, scorer.slug)),
        "direction": facts.direction if facts else None,
        "direction_decided_by": facts.decided_by if facts else None,
        "range": _bounds(facts),
        "trained_on": cast("TrainingDocument", trained_on(scorer.slug, options.training).to_dict()),
        "contamination": cast(
            "ContaminationDocument", _contamination(scorer, plan, options).to_dict()
        ),
        "scores_loaded": scorer.loaded,
        "scores_without_key": dict(scorer.keyless),
        "reruns_collapsed": scorer.reruns_collapsed,
        "rows": match.rows,
        "bad_scores": dict(scorer.bad_reasons),
        "out_of_range_scores": scorer.out_of_range,
        "bad_runtimes": scorer.bad_runtimes,
        "bad_frames": scorer.bad_frames,
        "matched_feature_keys": match.matched_keys,
        "match_rate": plan.match_rate(match),
        "unmatched_feature_keys": {
            "count": keys - match.matched_keys,
            "sample": list(match.unmatched_sample),
        },
        "stale_score_keys": {"count": match.stale_keys, "sample": list(match.stale_sample)},
        "suggestions": suggestions_of(diagnosis),
    }


def suggestions_of(diagnosis: Diagnosis | None) -> list[SuggestionDocument]:
    """Return the suggestions of a diagnosis as documents list them."""
    if diagnosis is None:
        return []
    return [cast("SuggestionDocument", each.to_dict()) for each in diagnosis.suggestions]


def _bounds(facts: ScoreFacts | None) -> list[float] | None:
    if facts is None or facts.low is None or facts.high is None:
        return None
    return [facts.low, facts.high]


def audit_html(audit: Mapping[str, Any]) -> str:
    """Return the audit of a join as notebooks show it: coverage by scorer."""
    ok = audit["status"] == "ok"
    rows = audit["input_rows"]
    complete = percent(audit["complete_rows"] / rows) if rows else "none"
    return summary_html(
        "Second opinions",
        f"{complete} of {rows:,} rows have a score of every scorer."
        if ok
        else f"{'; '.join(audit['failures'])}.",
        tone="good" if ok else "bad",
        facts=[("is the key column", audit["feature_key_column"])],
        tables=[
            (
                "Scorers",
                ("scorer", "better", "ok", "missing", "bad"),
                [
                    [s["slug"], s["direction"], *(s["rows"][k] for k in ("ok", "missing", "bad"))]
                    for s in audit["scorers"]
                ],
            )
        ],
        notes=audit["notes"][:6],
    )
