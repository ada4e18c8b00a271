"""Bootstrap intervals of the gate's numbers (Efron 1979)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from moshead.gate import statistics
from moshead.gate.resampling import resample_counts, resampled_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from moshead.features.domain import Array
    from moshead.gate.report import Cell

RESAMPLES = 1000
LEAST_UNITS = 20
"""Clips or groups that an interval needs in all; signalaudit asks for as many."""

LEAST_UNITS_PER_FOLD = 4
"""Clips or groups that it needs in each fold: fewer hardly vary when they are drawn again."""

_RESAMPLED_VALUES = 1e8
_CHUNK_VALUES = 2_000_000


def enough_units(cells: Sequence[Cell], units: NDArray[np.int64] | None) -> bool:
    """Whether there are enough clips or groups, in all and in each fold, for an interval."""
    folds = {
        cell.fold: len(cell.rows) if units is None else len(np.unique(units[cell.rows]))
        for cell in cells
    }
    return sum(folds.values()) >= LEAST_UNITS and min(folds.values()) >= LEAST_UNITS_PER_FOLD


def intervals(
    mos: Array, cells: Sequence[Cell], units: NDArray[np.int64] | None, seed: int
) -> dict[str, tuple[float, float]]:
    """Percentile intervals of 95 %: units are redrawn in each fold, alike for all seeds.

    A resample holds some units twice, and ties lower a rank correlation: its resamples lie below
    what was measured, by .01 at 50 clips. They are moved, on the scale of Fisher's z, so that
    their mean is the measured value.

    Args:
        mos: Labels of all rows, (N,).
        cells: Predictions, every fold by every seed.
        units: What is redrawn: clip or group of each row, (N,); rows where None.
        seed: Seed of the draws.

    Returns:
        ``{number: (low, high)}``; NaN where too few resamples have the number, and where
        :func:`enough_units` says that there are too few to draw from.
    """
    if not enough_units(cells, units):
        return dict.fromkeys(("mean_plcc", "mean_srocc", "mean_rmse"), (math.nan, math.nan))
    seeds = sorted({cell.seed for cell in cells})
    by_fold: dict[int, list[Cell]] = {}
    for cell in cells:
        by_fold.setdefault(cell.fold, []).append(cell)
    largest = max(len(cell.rows) for cell in cells)
    resamples = int(np.clip(_RESAMPLED_VALUES / (largest * len(cells)), 200, RESAMPLES))
    chunk = max(1, _CHUNK_VALUES // largest)
    rng = np.random.Generator(np.random.PCG64([seed, 95]))
    chunks = []
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        scores = [
            _resample(mos, [c for s in seeds for c in fold if c.seed == s], units, rng, size)
            for fold in by_fold.values()
        ]
        chunks.append(np.mean(scores, axis=0))
    averages = np.concatenate(chunks, axis=2)
    named = dict(zip(("mean_plcc", "mean_srocc", "mean_rmse"), averages.mean(axis=1), strict=True))
    measured = float(np.mean([statistics.srocc(mos[c.rows], c.predicted) for c in cells]))
    named["mean_srocc"] = _centred(named["mean_srocc"], measured)
    if len(seeds) > 1:
        named["plcc_spread"] = np.ptp(averages[0], axis=0)
    return {name: _percentiles(values) for name, values in named.items()}


def _resample(
    mos: Array,
    cells: Sequence[Cell],
    units: NDArray[np.int64] | None,
    rng: np.random.Generator,
    resamples: int,
) -> Array:
    """Scores of one fold's seeds under resamples of its units, (3, S, B)."""
    rows = cells[0].rows
    _, groups = np.unique(rows if units is None else units[rows], return_inverse=True)
    counts = resample_counts(rng, groups, resamples)
    return resampled_scores(mos[rows], np.stack([cell.predicted for cell in cells]), counts)


def _centred(values: Array, measured: float) -> Array:
    """Correlations of resamples, moved so that their mean is the measured one."""
    if not math.isfinite(measured):
        return values
    z = np.arctanh(np.clip(values, -1 + 1e-12, 1 - 1e-12))
    shift = math.atanh(min(max(measured, -1 + 1e-12), 1 - 1e-12)) - float(np.nanmean(z))
    return np.asarray(np.tanh(z + shift))


def _percentiles(values: Array) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    # A resample of a small fold may hold one clip only and has no PLCC then.
    if len(finite) < 0.9 * len(values):
        return math.nan, math.nan
    low, high = np.percentile(finite, [2.5, 97.5])
    return float(low), float(high)
