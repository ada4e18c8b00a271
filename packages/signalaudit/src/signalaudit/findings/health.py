"""The health of each column, and the status of each family."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from signalaudit.statistics.correlation import shrink

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signalaudit.documents import ColumnStats, FamilyStatus, Health, Status
    from signalaudit.tables.columns import ColumnPlan
    from signalaudit.tables.families import FamilySet
    from signalaudit.tables.sample import Sample

FLAT_SHARE = 0.98
"""A column is flat if this share of its finite values is equal."""

_RELATIVE_SPREAD = 1e-9


def column_stats(sample: Sample, *, min_finite_ratio: float) -> dict[str, ColumnStats]:
    """Return health and summary of every column of the sample, and of its categories.

    A column is ``mostly_non_finite`` if less than ``min_finite_ratio`` of its rows hold a
    finite number, ``constant`` if all finite values are equal, ``flat`` if
    :data:`FLAT_SHARE` of them are equal or the spread is below 1e-9 of their size, else
    ``healthy``.

    Args:
        sample: The rows.
        min_finite_ratio: Least share of finite rows, in [0, 1].

    Returns:
        Per column: ``health, kind, finite_ratio, mean, std, min, p05, median, p95, max,
        most_common_share`` (``std`` with N in the denominator); for categories ``health, kind,
        finite_ratio, distinct``.
    """
    stats = {
        name: _stats(sample.column(name), min_finite_ratio=min_finite_ratio)
        for name in sample.columns
    }
    for name, seen in sample.categories.items():
        distinct, present = seen["distinct"], seen["present_ratio"]
        health: Health = "healthy"
        if present < min_finite_ratio:
            health = "mostly_non_finite"
        elif distinct < 2:
            health = "constant"
        stats[name] = {
            "health": health,
            "kind": "category",
            "finite_ratio": present,
            "distinct": distinct,
        }
    return stats


def family_status(
    plan: ColumnPlan, families: FamilySet, stats: dict[str, ColumnStats]
) -> dict[str, FamilyStatus]:
    """Return each family's status: ``covered``, ``weak`` (no healthy column) or ``missing``.

    Returns:
        Per family key: ``status, matched_columns, healthy_columns``, columns in table order.
    """
    result: dict[str, FamilyStatus] = {}
    for family in families.families:
        matched = [
            column.name
            for column in plan.columns
            if family.key in column.families and column.role in ("signal", "category")
        ]
        healthy = [name for name in matched if stats[name]["health"] == "healthy"]
        status: Status = "covered" if healthy else "weak" if matched else "missing"
        result[family.key] = {
            "status": status,
            "matched_columns": matched,
            "healthy_columns": healthy,
        }
    return result


def _stats(values: NDArray[np.float64], *, min_finite_ratio: float) -> ColumnStats:
    finite = values[np.isfinite(values)]
    ratio = finite.size / values.size if values.size else 0.0
    if not finite.size:
        return _summary("mostly_non_finite", ratio, *[None] * 8)
    finite.sort()
    low, high = float(finite[0]), float(finite[-1])
    shrunk, size = shrink(finite)
    spread = float(np.std(shrunk)) * size
    p05, median, p95 = (float(each) for each in np.quantile(shrunk, (0.05, 0.5, 0.95)) * size)
    common = _longest_run(finite) / finite.size
    health: Health = "healthy"
    if ratio < min_finite_ratio:
        health = "mostly_non_finite"
    elif low == high:
        health = "constant"
    elif common >= FLAT_SHARE or spread <= _RELATIVE_SPREAD * size:
        health = "flat"
    mean = float(np.mean(shrunk)) * size
    return _summary(health, ratio, mean, spread, low, p05, median, p95, high, common)


def _summary(
    health: Health,
    finite_ratio: float,
    mean: float | None,
    std: float | None,
    low: float | None,
    p05: float | None,
    median: float | None,
    p95: float | None,
    high: float | None,
    most_common_share: float | None,
) -> ColumnStats:
    return {
        "health": health,
        "kind": "number",
        "finite_ratio": finite_ratio,
        "mean": mean,
        "std": std,
        "min": low,
        "p05": p05,
        "median": median,
        "p95": p95,
        "max": high,
        "most_common_share": most_common_share,
    }


def _longest_run(ordered: NDArray[np.float64]) -> int:
    edges = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return int(np.diff(edges, prepend=0, append=ordered.size).max())
