"""The health of each column, and the status of each family that its columns give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from signalaudit.statistics.correlation import shrink

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signalaudit.tables.columns import ColumnPlan
    from signalaudit.tables.families import FamilySet
    from signalaudit.tables.sample import Sample

Health = Literal["healthy", "mostly_non_finite", "constant", "flat"]
Status = Literal["covered", "weak", "missing"]

FLAT_SHARE = 0.98
"""A column of which this share of finite values is one and the same is flat."""

_RELATIVE_SPREAD = 1e-9


def column_stats(sample: Sample, *, min_finite_ratio: float) -> dict[str, dict[str, Any]]:
    """Health and summary of every column of the sample, and of its categories.

    A column is ``mostly_non_finite`` where less than ``min_finite_ratio`` of its rows hold a
    finite number, ``constant`` where all finite values are equal, ``flat`` where
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
    plan: ColumnPlan, families: FamilySet, stats: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Status of each family: ``covered``, ``weak`` (there, and no column healthy) or ``missing``.

    Returns:
        Per family key: ``status, matched_columns, healthy_columns``, columns in table order.
    """
    result = {}
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


def _stats(values: NDArray[np.float64], *, min_finite_ratio: float) -> dict[str, Any]:
    finite = values[np.isfinite(values)]
    ratio = finite.size / values.size if values.size else 0.0
    summary: dict[str, Any] = {"health": "mostly_non_finite", "kind": "number"}
    summary["finite_ratio"] = ratio
    members = ("mean", "std", "min", "p05", "median", "p95", "max", "most_common_share")
    if not finite.size:
        return summary | dict.fromkeys(members)
    finite.sort()
    low, high = float(finite[0]), float(finite[-1])
    shrunk, size = shrink(finite)
    spread = float(np.std(shrunk)) * size
    p05, median, p95 = (float(each) for each in np.quantile(shrunk, (0.05, 0.5, 0.95)) * size)
    common = _longest_run(finite) / finite.size
    if ratio >= min_finite_ratio:
        if low == high:
            summary["health"] = "constant"
        elif common >= FLAT_SHARE or spread <= _RELATIVE_SPREAD * size:
            summary["health"] = "flat"
        else:
            summary["health"] = "healthy"
    figures = (float(np.mean(shrunk)) * size, spread, low, p05, median, p95, high, common)
    return summary | dict(zip(members, figures, strict=True))


def _longest_run(ordered: NDArray[np.float64]) -> int:
    edges = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return int(np.diff(edges, prepend=0, append=ordered.size).max())
