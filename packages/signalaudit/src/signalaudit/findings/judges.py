"""Who judges the clips of a table, and which judges are compared with which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from signalaudit.findings.disagreement import MAX_PAIRED_SCORERS, Comparison, Judge, Kind, compare
from signalaudit.statistics.correlation import spearman
from signalaudit.tables.columns import MOS_TARGETS, Column, ColumnPlan, names

if TYPE_CHECKING:
    from signalaudit.findings.gain import Gain
    from signalaudit.tables.sample import Sample

FULL_REFERENCE_TARGETS = ("vmaf", "vmaf_score")

SAME_RANKING = 0.9995
"""Scorers whose |rho| reaches this are one judge: comparing each of them would repeat it."""


def people_column(plan: ColumnPlan) -> str | None:
    """The column of people's ratings: the target, unless that is VMAF; then a MOS beside it."""
    if plan.target is not None and plan.target.lower() not in FULL_REFERENCE_TARGETS:
        return plan.target
    others = {name.lower(): name for name in names(plan.of_role("other_target"))}
    return next((others[name] for name in MOS_TARGETS if name in others), None)


def _full_reference(plan: ColumnPlan) -> list[Column]:
    targets = [
        column
        for column in (*plan.of_role("target"), *plan.of_role("other_target"))
        if column.name.lower() in FULL_REFERENCE_TARGETS
    ]
    return [*targets, *(c for c in plan.signals if c.full_reference and c.scorer is None)]


def judged_ends(
    plan: ColumnPlan, healthy: Sequence[str], stats: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Columns whose ends are looked at: FR-like ones, flat and constant included, and scorers."""
    references = [c.name for c in _full_reference(plan) if c.name != plan.target]
    full = [name for name in references if stats[name]["health"] != "mostly_non_finite"]
    return full + [c.name for c in plan.signals if c.scorer is not None and c.name in healthy]


def compare_judges(
    plan: ColumnPlan,
    sample: Sample,
    healthy: Sequence[str],
    directions: Mapping[str, Mapping[str, Any]],
    strength: Mapping[str, float],
    gain: Gain,
) -> list[Comparison]:
    """Compare full-reference columns, second opinions and people, each pair that says something.

    Args:
        plan: The columns and their roles.
        sample: The rows.
        healthy: The healthy signals.
        directions: What is better in each column, as the audit decided it.
        strength: |SROCC| with the target, by column.
        gain: What all signals together predict.
    """

    def judge(name: str) -> Judge | None:
        direction = directions[name]["direction"]
        return direction and Judge(name, sample.column(name), direction == "higher")

    people_name = people_column(plan)
    people = judge(people_name) if people_name else None
    scorers = sorted(
        (c for c in plan.signals if c.scorer is not None and c.name in healthy),
        key=lambda column: -strength.get(column.name, 0.0),
    )
    opinions = _distinct([each for each in (judge(column.name) for column in scorers) if each])
    references = [
        each for each in (judge(n) for n in _representatives(plan, healthy, strength)) if each
    ]
    pairs: list[tuple[Kind, Judge, Judge]] = []
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
        table = Judge("all signals together (cross-validated)", predicted, higher=True)
        rated = Judge(people.name, people.values, higher=True)
        pairs.append(("table_people", table, rated))
    return compare(pairs, sample, people_name)


def _distinct(judges: Sequence[Judge]) -> list[Judge]:
    """The judges without those that rank every clip as an earlier one does."""
    kept: list[Judge] = []
    for judge in judges:
        if not any(abs(spearman(judge.values, other.values)) >= SAME_RANKING for other in kept):
            kept.append(judge)
    return kept


def _representatives(
    plan: ColumnPlan, healthy: Sequence[str], strength: Mapping[str, float]
) -> list[str]:
    """One column per family that needs a reference, VMAF itself first."""
    chosen: list[str] = []
    by_family: dict[str, list[str]] = {}
    for column in _full_reference(plan):
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
