"""The audit of one table: all findings, as one document."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import labeljoin
import numpy as np
from provenance.toolkit import InputError

from signalaudit.findings.contamination import contamination
from signalaudit.findings.gain import (
    LEAK,
    NO_FAMILY,
    Gain,
    find_blocks,
    measure_gain,
    noise_ceiling,
    numbered_sets,
)
from signalaudit.findings.health import column_stats, family_status
from signalaudit.findings.rankings import columns_that_saturate, compare_rankings
from signalaudit.findings.redundancy import (
    clusters,
    complementary_pairs,
    redundant_pairs,
    spare_columns,
)
from signalaudit.findings.saturation import saturation
from signalaudit.statistics.correlation import Correlations, correlate
from signalaudit.statistics.intervals import fisher_interval, spearman_interval
from signalaudit.tables.columns import ColumnPlan, names, plan_columns
from signalaudit.tables.direction import decide_directions
from signalaudit.tables.sample import Sample, read_sample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from labeljoin.formats import FrameTable
    from labeljoin.labels import TrainedOn
    from provenance.toolkit import ProgressCallback

    from signalaudit.documents import (
        ColumnStats,
        DecidedDirection,
        Direction,
        TableDocument,
        TargetCorrelation,
    )
    from signalaudit.findings.disagreement import Comparison
    from signalaudit.tables.families import FamilySet


@dataclass(frozen=True)
class Options:
    """Options that shape an audit, as ``signalaudit report`` takes them.

    Attributes:
        target: The target column, or None to infer one.
        redundancy_threshold: |correlation| from which two columns are redundant.
        complement_threshold: |correlation| up to which two columns are complementary.
        min_finite_ratio: Least share of finite rows of a healthy column.
        rating_sd_ddof: What published deviations of ratings were divided by: n - this.
        group_column: Column of groups: kept together in folds, reported apart in disagreement.
        key_column: Column of clip keys, or None to infer one.
        directions: Directions by column.
        trained_on: What scorers were trained on, before what is published.
        corpus: Name of the corpus of the tables; their column ``corpus`` by default.
        max_rows: How many rows to read at most; None reads what fits in memory.
        seed: Seed of samples, folds and bootstrap.
    """

    target: str | None = None
    redundancy_threshold: float = 0.95
    complement_threshold: float = 0.70
    min_finite_ratio: float = 0.80
    rating_sd_ddof: Literal[0, 1] = 1
    group_column: str | None = None
    key_column: str | None = None
    directions: Mapping[str, Direction] | None = None
    trained_on: Mapping[str, TrainedOn] | None = None
    corpus: str | None = None
    max_rows: int | None = None
    seed: int = 20260508

    def __post_init__(self) -> None:
        for flag, value in (
            ("--redundancy-threshold", self.redundancy_threshold),
            ("--complement-threshold", self.complement_threshold),
            ("--min-finite-ratio", self.min_finite_ratio),
        ):
            if not 0 <= value <= 1:
                raise InputError(
                    f"{flag} must be between 0 and 1, got {value:g}",
                    fix="Give a number from 0 to 1",
                    code="audit.threshold-range",
                )
        if self.max_rows is not None and self.max_rows < 1:
            raise InputError(
                f"--max-rows must be at least 1, got {self.max_rows}",
                fix="Give a positive number of rows",
                code="audit.max-rows-range",
            )
        if not 0 <= self.seed < 2**53:  # what all JSON readers know
            raise InputError(
                f"--seed must be between 0 and 2^53 - 1, got {self.seed}",
                fix="Give a smaller whole number, such as 20260508",
                code="audit.seed-range",
            )


@dataclass(frozen=True)
class TableAudit:
    """One table's audit.

    Attributes:
        document: The table's part of the audit JSON.
        sample: The rows that were read.
        signals: The signal columns, the K columns of ``correlations``.
        correlations: Correlations of all pairs of signals, shape (K, K).
        comparisons: The rankings that were compared, with every clip's percentiles.
    """

    document: TableDocument
    sample: Sample
    signals: list[str]
    correlations: Correlations
    comparisons: list[Comparison]


def opened(source: str | FrameTable) -> labeljoin.Table:
    """Return the table of an input."""
    return labeljoin.open_table(source) if isinstance(source, str) else source


def audit_table(
    label: str,
    source: str | FrameTable,
    families: FamilySet,
    options: Options,
    progress: ProgressCallback | None = None,
) -> TableAudit:
    """Audit one table.

    Args:
        label: The table's name in the report.
        source: The table: a file, a directory of parts, or a data frame.
        families: The families.
        options: Options that shape the audit.
        progress: Called with the step, the work done and the total work.

    Raises:
        InputError: The table is unreadable, empty, or lacks a column that an option names.
    """
    table = opened(source)
    path = source if isinstance(source, str) else str(table.path)
    schema = table.schema()
    key = _clip_key(table, options.key_column)
    plan = plan_columns(
        schema,
        families,
        target=options.target,
        key=key,
        group=options.group_column,
        where=path,
    )
    sample = read_sample(
        table, plan, seed=options.seed, max_rows=options.max_rows, progress=progress
    )
    if not sample.rows:
        raise InputError(
            "The table has no rows",
            where=path,
            fix="Give a table with rows",
            code="audit.empty-table",
        )
    stats = column_stats(sample, min_finite_ratio=options.min_finite_ratio)
    signals = names(plan.signals)
    target = plan.target
    # The sample holds the signals first and the target after them: a view gives all correlations
    # in one pass, where a choice of columns would copy the table.
    every = correlate(sample.values[:, : len(signals) + (target is not None)], progress=progress)
    found = _narrowed(every, len(signals))
    first = {c.name: c.families[0] if c.families else NO_FAMILY for c in plan.columns}
    with_target = _with_target(every, signals, first) if target else {}
    directions = decide_directions(plan, options.directions or {}, _signs(with_target))
    strength = _strength(with_target)
    leaks = sorted(
        name
        for name, row in with_target.items()
        if max(abs(_or_zero(row["pearson"])), abs(_or_zero(row["spearman"]))) >= LEAK
    )
    healthy = [name for name in signals if stats[name]["health"] == "healthy"]
    places = [signals.index(name) for name in healthy]
    healthy_found = _chosen(found, places)
    pairs, pair_count = redundant_pairs(healthy, first, healthy_found, options.redundancy_threshold)
    target_r = np.array([with_target[name]["pearson"] for name in healthy]) if target else None
    usable = [name for name in healthy if name not in leaks]
    groups = clusters(
        healthy,
        healthy_found,
        options.redundancy_threshold,
        strength=strength,
        finite={name: stats[name]["finite_ratio"] for name in healthy},
    )
    gain = _gain(sample, plan, usable, spare_columns(groups), stats, options.seed, progress)
    doubts = contamination(table, schema, options.trained_on, options.corpus)
    for entry in gain.entries:
        entry["contaminated_columns"] = [
            name
            for name in entry["columns"]
            if name in doubts and doubts[name]["status"] == "contaminated"
        ]
    comparisons = compare_rankings(plan, sample, healthy, directions, strength, gain)
    document: TableDocument = {
        "label": label,
        "path": path,
        "format": table.format,
        "rows": sample.rows_total,
        "rows_read": sample.rows,
        "sampling": {"method": sample.method, "seed": options.seed},
        "columns": len(plan.columns),
        "target": target,
        "key_column": plan.key,
        "group_column": plan.group,
        "signal_columns": signals,
        "other_targets": names(plan.of_role("other_target")),
        "excluded_columns": {c.name: c.reason or "" for c in plan.of_role("excluded")},
        "uncategorised_columns": [n for n in signals if first[n] == NO_FAMILY],
        "unnamed_features": numbered_sets(signals),
        "families": family_status(plan, families, stats),
        "scorers": {c.scorer: c.name for c in plan.signals if c.scorer is not None},
        "column_stats": stats,
        "directions": directions,
        "target_correlations": _target_correlations(with_target),
        "redundant_pairs": pairs,
        "redundant_pairs_total": pair_count,
        "clusters": groups,
        "complementary_pairs": complementary_pairs(
            healthy, first, healthy_found, target_r, options.complement_threshold
        ),
        "saturation": saturation(sample, columns_that_saturate(plan, healthy, stats), target)
        if target
        else [],
        "disagreement": [comparison.document for comparison in comparisons],
        "gain": gain.entries,
        "gain_method": gain.method,
        "label_noise_ceiling": noise_ceiling(sample, target, options.rating_sd_ddof)
        if target
        else None,
        "contamination": doubts,
        "leak_suspects": leaks,
        "warnings": [
            *_warnings(plan, directions, leaks, sample, target, stats),
            *dict.fromkeys(
                doubt["sentence"]
                for doubt in doubts.values()
                if doubt["status"] in ("contaminated", "possible")
            ),
        ],
        "next_steps": [],
    }
    return TableAudit(document, sample, signals, found, comparisons)


def _clip_key(table: labeljoin.Table, column: str | None) -> str | None:
    """Return the clip key column, or None if it is unknown: an audit does not need one."""
    if column is not None:
        return column
    try:
        return labeljoin.clip_key(table).column
    except InputError:
        return None


def _narrowed(found: Correlations, count: int) -> Correlations:
    grid = np.s_[:count, :count]
    return Correlations(found.pearson[grid], found.spearman[grid], found.counts[grid])


def _chosen(found: Correlations, places: list[int]) -> Correlations:
    grid = np.ix_(places, places)
    return Correlations(found.pearson[grid], found.spearman[grid], found.counts[grid])


def _with_target(
    every: Correlations, signals: Sequence[str], first: Mapping[str, str]
) -> dict[str, TargetCorrelation]:
    """Return each signal's correlations with the target, the last column of ``every``."""
    r, rho, n = every.pearson[:-1, -1], every.spearman[:-1, -1], every.counts[:-1, -1]
    ends = np.column_stack([*fisher_interval(r, n), *spearman_interval(rho, n)])
    return {
        name: {
            "column": name,
            "family": first[name],
            "pearson": float(r[place]),
            "spearman": float(rho[place]),
            "pearson_ci": ends[place, :2].tolist(),
            "spearman_ci": ends[place, 2:].tolist(),
            "rows": int(n[place]),
        }
        for place, name in enumerate(signals)
    }


def _signs(with_target: Mapping[str, TargetCorrelation]) -> dict[str, int]:
    signs = {}
    for name, row in with_target.items():
        low, high = (_or_zero(end) for end in row["spearman_ci"])
        signs[name] = 1 if low > 0 else -1 if high < 0 else 0
    return signs


def _strength(with_target: Mapping[str, TargetCorrelation]) -> dict[str, float]:
    return {name: abs(_or_zero(row["spearman"])) for name, row in with_target.items()}


def _target_correlations(with_target: Mapping[str, TargetCorrelation]) -> list[TargetCorrelation]:
    rows = [row for row in with_target.values() if _is_finite(row["pearson"], row["spearman"])]
    return sorted(rows, key=lambda row: -abs(_or_zero(row["spearman"])))


def _gain(
    sample: Sample,
    plan: ColumnPlan,
    usable: list[str],
    spare: list[str],
    stats: Mapping[str, ColumnStats],
    seed: int,
    progress: ProgressCallback | None,
) -> Gain:
    if plan.target is None:
        return Gain([], {"omitted": "The table has no target column."})
    if stats[plan.target]["health"] == "constant":
        return Gain([], {"omitted": f"The target {plan.target} is constant."})
    blocks = find_blocks(plan, usable, spare)
    return measure_gain(sample, blocks, usable, plan.target, seed=seed, progress=progress)


def _warnings(
    plan: ColumnPlan,
    directions: Mapping[str, DecidedDirection],
    leaks: Sequence[str],
    sample: Sample,
    target: str | None,
    stats: Mapping[str, ColumnStats],
) -> list[str]:
    warnings = list(plan.warnings)
    if target and stats[target]["health"] != "healthy":
        warnings.append(f"The target {target} is {stats[target]['health'].replace('_', ' ')}.")
    for name, decided in directions.items():
        source, disagrees = decided["source"], decided["disagrees"]
        if "option" in disagrees or "metadata" in disagrees:
            what = " and ".join(each for each in disagrees if each != "correlation")
            warnings.append(
                f"{name}: {decided['direction']} is better by {source}, but the {what} states the "
                f"opposite. The audit follows the {source}."
            )
        if "correlation" in disagrees:
            warnings.append(
                f"{name}: {decided['direction']} is better by {source}, but its correlation with "
                "the target has the opposite sign. Check whether it was negated."
            )
    warnings += [
        f"{name} almost equals the target {target} and is left out of the gain." for name in leaks
    ]
    if sample.method == "sample":
        warnings.append(
            f"The statistics come from a seeded sample of {sample.rows:,} of "
            f"{sample.rows_total:,} rows."
        )
    return warnings


def _or_zero(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else 0.0


def _is_finite(*values: float | None) -> bool:
    return any(value is not None and math.isfinite(value) for value in values)
