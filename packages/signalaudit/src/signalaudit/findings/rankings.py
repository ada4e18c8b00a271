"""The rankings of a table's clips, and which of them are compared with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from signalaudit.findings.disagreement import (
    MAX_PAIRED_SCORERS,
    Comparison,
    Ranking,
    compare,
)
from signalaudit.statistics.correlation import spearman
from signalaudit.tables.columns import RATINGS, VMAF_COLUMNS, Column, ColumnPlan, names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from signalaudit.documents import ColumnStats, ComparisonKind, DecidedDirection
    from signalaudit.findings.gain import Gain
    from signalaudit.tables.sample import Sample

SAME_RANKING = 0.9995
"""Scorers whose |rho| reaches this rank clips alike, and only the first of them is compared."""


def people_column(plan: ColumnPlan) -> str | None:
    """Return the column of human ratings: the target unless it is VMAF, else another MOS."""
    if plan.target is not None and plan.target.lower() not in VMAF_COLUMNS:
        return plan.target
    others = {name.lower(): name for name in names(plan.of_role("other_target"))}
    return next((others[name] for name in RATINGS if name in others), None)


def full_reference_columns(plan: ColumnPlan) -> list[Column]:
    """Return a VMAF target and the signals that compare a clip with its reference."""
    targets = [each for each in plan.of_role("target") if each.name.lower() in VMAF_COLUMNS]
    return [*targets, *(c for c in plan.signals if c.full_reference and c.scorer is None)]


def columns_that_saturate(
    plan: ColumnPlan, healthy: Sequence[str], stats: Mapping[str, ColumnStats]
) -> list[str]:
    """Return the columns whose ends are checked: full-reference columns and scorers.

    Flat and constant full-reference columns are included: they may be saturated throughout.
    """
    references = [c.name for c in full_reference_columns(plan) if c.name != plan.target]
    full = [name for name in references if stats[name]["health"] != "mostly_non_finite"]
    return full + [c.name for c in plan.signals if c.scorer is not None and c.name in healthy]


def compare_rankings(
    plan: ColumnPlan,
    sample: Sample,
    healthy: Sequence[str],
    directions: Mapping[str, DecidedDirection],
    strength: Mapping[str, float],
    gain: Gain,
) -> list[Comparison]:
    """Compare how full-reference columns, second opinions and people rank the clips.

    Args:
        plan: The columns and their roles.
        sample: The rows.
        healthy: The healthy signals.
        directions: Which direction of each column is better.
        strength: |SROCC| with the target, by column.
        gain: What all signals together predict.
    """

    def ranking(name: str) -> Ranking | None:
        direction = directions[name]["direction"]
        return direction and Ranking(name, sample.column(name), direction == "higher")

    people_name = people_column(plan)
    people = ranking(people_name) if people_name else None
    scorers = sorted(
        (c for c in plan.signals if c.scorer is not None and c.name in healthy),
        key=lambda column: -strength.get(column.name, 0.0),
    )
    opinions = _distinct([each for each in (ranking(c.name) for c in scorers) if each])
    references = [
        each for each in (ranking(n) for n in _representatives(plan, healthy, strength)) if each
    ]
    pairs: list[tuple[ComparisonKind, Ranking, Ranking]] = []
    if people:
        pairs += [("full_reference_people", each, people) for each in references]
    pairs += [
        ("full_reference_second_opinion", reference, opinion)
        for reference in references
        for opinion in opinions[:MAX_PAIRED_SCORERS]
    ]
    if people:
        pairs += [("second_opinion_people", each, people) for each in opinions]
    few = opinions[:MAX_PAIRED_SCORERS]
    pairs += [("second_opinions", a, b) for i, a in enumerate(few) for b in few[i + 1 :]]
    if people and people.name == plan.target and gain.rows.size:
        predicted = np.full(sample.rows, np.nan)
        predicted[gain.rows] = gain.predictions
        table = Ranking("all signals together (cross-validated)", predicted, higher=True)
        rated = Ranking(people.name, people.values, higher=True)
        pairs.append(("table_people", table, rated))
    return compare(pairs, sample, people_name)


def _distinct(rankings: Sequence[Ranking]) -> list[Ranking]:
    """Leave out rankings that order every clip as an earlier one does."""
    kept: list[Ranking] = []
    for each in rankings:
        if not any(abs(spearman(each.values, other.values)) >= SAME_RANKING for other in kept):
            kept.append(each)
    return kept


def _representatives(
    plan: ColumnPlan, healthy: Sequence[str], strength: Mapping[str, float]
) -> list[str]:
    """Return one column per family that needs a reference, VMAF itself first."""
    chosen: list[str] = []
    by_family: dict[str, list[str]] = {}
    for column in full_reference_columns(plan):
        if column.role != "signal" or column.name in healthy:
            by_family.setdefault(column.full_reference or "canonical_fr", []).append(column.name)
    for columns in by_family.values():
        best = max(
            columns,
            key=lambda name: (name.lower().startswith("vmaf"), strength.get(name, 0.0)),
        )
        if best not in chosen:
            chosen.append(best)
    return chosen
