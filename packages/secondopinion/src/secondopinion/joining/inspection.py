"""Inspect score files before a join: layouts, scorers, keys and matches."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pyarrow.compute as pc
from labeljoin import open_table
from labeljoin.joining import accepts_option_keywords

from secondopinion.joining.audit import suggestions_of
from secondopinion.joining.collection import read_opinions
from secondopinion.joining.diagnosis import diagnose
from secondopinion.joining.matching import plan_join
from secondopinion.joining.options import JoinOptions
from secondopinion.scores.opinions import STATUS_BAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labeljoin.diagnose import Diagnosis
    from provenance.toolkit import ProgressCallback

    from secondopinion.facts import (
        FeatureKeys,
        InspectedMatch,
        InspectedScorer,
        InspectionDocument,
    )
    from secondopinion.joining.matching import Plan, ScorerMatch
    from secondopinion.scores.opinions import Scorer

SAMPLE = 5

PathLike = str | os.PathLike[str]


@accepts_option_keywords(JoinOptions)
def inspect(
    scores: PathLike | Sequence[PathLike],
    options: JoinOptions | None = None,
    *,
    features: PathLike | None = None,
    progress: ProgressCallback | None = None,
) -> InspectionDocument:
    """Describe score files as a join would read them, without writing anything.

    Args:
        scores: ``[LABEL=]PATH`` each.
        options: How to read and match them; None takes the defaults of :class:`JoinOptions`.
        features: A feature table to match them with, or None.
        progress: Called while reading.

    Returns:
        A document ``second-opinion-inspection-v1``: each file's layout, each scorer's name, facts,
        spread and sample keys before and after normalisation; with ``features``, the matches of
        each, and the flags that would raise them.

    Raises:
        InputError: A file cannot be read or named, or a scorer scored a clip twice.

    Example:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp(), "niqe.json")
        >>> _ = path.write_text('{"a.mp4": 4.1, "b.mp4": 7.3}')
        >>> found = inspect(path)
        >>> found["score_files"][0]["format"], found["scorers"][0]["slug"]
        ('clip-scores', 'niqe')
    """
    chosen = options or JoinOptions()
    given = [scores] if isinstance(scores, str | os.PathLike) else list(scores)
    opinions = read_opinions(given, **chosen.reading(), progress=progress)
    found: InspectionDocument = {
        "schema": "second-opinion-inspection-v1",
        "score_files": [file.to_dict() for file in opinions.files],
        "scorers": [_scorer(scorer) for scorer in opinions.scorers.values()],
        "notes": list(opinions.notes),
        "feature_table": None if features is None else os.fspath(features),
        "feature_key_column": None,
        "feature_keys": None,
    }
    if features is None:
        return found
    table = open_table(features)
    plan = plan_join(table, opinions, chosen, progress=progress)
    found["feature_key_column"] = plan.key_column
    if plan.clip_key.evidence is not None:
        found["notes"].append(f"Values decided the key column: {plan.clip_key.evidence}.")
    found["feature_keys"] = _feature_keys(plan)
    for entry, match in zip(found["scorers"], plan.matches, strict=True):
        diagnosis = None
        if match.matched_keys < plan.coverage.keys and match.stale_keys:
            diagnosis = diagnose(table, plan.key_column, match, chosen)
        entry["match"] = _match(match, plan, diagnosis)
    return found


def _scorer(scorer: Scorer) -> InspectedScorer:
    score = scorer.scores["score"]
    spread = pc.min_max(score).as_py()
    keys = scorer.scores.slice(0, SAMPLE)
    facts = scorer.facts
    return {
        "scorer": scorer.name,
        "slug": scorer.slug,
        "decided_by": list(scorer.decided_by),
        "direction": facts.direction if facts else None,
        "direction_decided_by": facts.decided_by if facts else None,
        "range": [facts.low, facts.high]
        if facts and facts.low is not None and facts.high is not None
        else None,
        "scores": scorer.loaded,
        "clips": len(scorer.scores),
        "bad": int(pc.sum(pc.equal(scorer.scores["status"], STATUS_BAD)).as_py() or 0),
        "out_of_range_scores": scorer.out_of_range,
        "bad_runtimes": scorer.bad_runtimes,
        "bad_frames": scorer.bad_frames,
        "min": spread["min"],
        "mean": pc.mean(score).as_py(),
        "max": spread["max"],
        "sample_keys": [
            {"value": value, "key": key}
            for value, key in zip(keys["raw_key"].to_pylist(), keys["key"].to_pylist(), strict=True)
        ],
        "match": None,
    }


def _feature_keys(plan: Plan) -> FeatureKeys:
    return {
        "rows": plan.coverage.rows,
        "keys": plan.coverage.keys,
        "keyless_rows": plan.coverage.keyless_rows,
    }


def _match(match: ScorerMatch, plan: Plan, diagnosis: Diagnosis | None) -> InspectedMatch:
    keys = plan.coverage.keys
    return {
        "rows": match.rows,
        "matched_feature_keys": match.matched_keys,
        "match_rate": match.matched_keys / keys if keys else 0.0,
        "unmatched_feature_keys": list(match.unmatched_sample[:SAMPLE]),
        "stale_score_keys": list(match.stale_sample[:SAMPLE]),
        "suggestions": suggestions_of(diagnosis),
    }
