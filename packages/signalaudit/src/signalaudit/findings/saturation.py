"""Saturation: rows that pile up at one end of a metric although the target still varies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from signalaudit.statistics.correlation import shrink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from signalaudit.documents import SaturationEnd
    from signalaudit.tables.sample import Sample

BAND = 0.01
"""Width of the band at each end, as a share of the range from the 1st to the 99th percentile."""

LEAST_SHARE = 0.05
"""An end can be saturated if at least this share of the rows lies in its band."""

LEAST_SPREAD = 0.25
"""The target's standard deviation in a saturated band is at least this share of its overall one."""


def saturation(sample: Sample, columns: Sequence[str], target: str) -> list[SaturationEnd]:
    """Measure how many rows lie at each column's ends, and how much the target varies there.

    The band at an end reaches from the column's highest (lowest) value inwards by
    :data:`BAND` of its 1st-to-99th-percentile range, so that one far outlier does not turn the
    whole column into a band. A constant column is one band.

    Args:
        sample: The rows.
        columns: The columns to check.
        target: The target. Rows in which it or the column is not finite are left out.

    Returns:
        For each column two entries, ceiling then floor: ``{column, end, edge, share, rows,
        target_std_inside, target_std, spread_ratio, target_p05_inside, target_p95_inside,
        saturated}``. Columns with fewer than ten rows are left out.
    """
    goal = sample.column(target)
    entries: list[SaturationEnd] = []
    for name in columns:
        values = sample.column(name)
        both = np.isfinite(values) & np.isfinite(goal)
        if np.count_nonzero(both) < 10:
            continue
        entries.extend(_ends(name, values[both], goal[both]))
    return entries


def _ends(
    name: str, values: NDArray[np.float64], target: NDArray[np.float64]
) -> list[SaturationEnd]:
    values, size = shrink(values)
    target, target_size = shrink(target)
    low, high = float(values.min()), float(values.max())
    p01, p99 = np.quantile(values, (0.01, 0.99))
    span = float(p99 - p01) or high - low
    overall = float(target.std())
    entries: list[SaturationEnd] = []
    ends: tuple[tuple[Literal["ceiling", "floor"], float, NDArray[np.bool_]], ...] = (
        ("ceiling", high - BAND * span, values >= high - BAND * span),
        ("floor", low + BAND * span, values <= low + BAND * span),
    )
    for end, edge, inside in ends:
        within = target[inside]
        spread = float(within.std())
        ratio = spread / overall if overall > 0 else 0.0
        share = within.size / values.size
        p05, p95 = (float(each) for each in np.quantile(within, (0.05, 0.95)))
        entries.append(
            {
                "column": name,
                "end": end,
                "edge": edge * size,
                "share": share,
                "rows": int(within.size),
                "target_std_inside": spread * target_size,
                "target_std": overall * target_size,
                "spread_ratio": ratio,
                "target_p05_inside": p05 * target_size,
                "target_p95_inside": p95 * target_size,
                "saturated": share >= LEAST_SHARE and ratio >= LEAST_SPREAD,
            }
        )
    return entries
