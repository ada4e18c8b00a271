"""Score candidates on the same folds: figures, paired differences, intervals."""

from __future__ import annotations

import math
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from provenance.toolkit import processors

from moshead.baselines.agreement import NAMES, measure_agreement
from moshead.baselines.mapping import PARAMETERS, fit_mapping
from moshead.baselines.pairing import (
    LEAST_UNITS,
    Difference,
    bootstrap_difference,
    holm,
    zou_interval,
)
from moshead.gate import statistics
from moshead.gate.resampling import resample_counts, resampled_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from provenance.toolkit import ProgressCallback

    from moshead.comparison.candidates import Cell
    from moshead.comparison.protocol import Protocol
    from moshead.corpus.folds import Fold

    Array = NDArray[np.float64]
    Indices = NDArray[np.int64]

RESAMPLED = ("plcc", "srocc", "rmse")
"""The figures that are bootstrapped, in the order of ``resampled_scores``."""

RESAMPLES = 2000
_LEAST_RESAMPLES = 400
_RESAMPLED_VALUES = 1e9
_COUNTED_VALUES = 2e8
_CHUNK_VALUES = 2_000_000


@dataclass(frozen=True)
class Scores:
    """Figures of one candidate.

    Attributes:
        figures: By name (``moshead.baselines.agreement.NAMES``), mean over folds or median over
            splits; NaN where one does not exist.
        draws: PLCC, SROCC and RMSE under B resamples, (3, B).
        intervals: 95 % intervals by name.
    """

    figures: dict[str, float]
    draws: Array
    intervals: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class PairScores:
    """Two candidates on the same clips.

    Attributes:
        a: Number of the first candidate.
        b: Number of the second.
        differences: By name of the figure.
        adjusted: Holm-adjusted p values by name.
        zou: Difference of pooled PLCC, its interval by Zou (2007), correlation of the
            predictors, and clips; None where clips are not independent.
    """

    a: int
    b: int
    differences: dict[str, Difference]
    adjusted: dict[str, float]
    zou: tuple[float, float, float, float, int] | None


@dataclass(frozen=True)
class Judged:
    """Candidates on some rows.

    Attributes:
        scores: One for each candidate.
        pairs: The pairs that were asked for.
        resamples: Resamples of the bootstrap; 0 if there are too few units.
    """

    scores: list[Scores]
    pairs: list[PairScores]
    resamples: int


def score_candidates(
    mos: Array,
    units: Indices,
    half_width: Array,
    protocol: Protocol,
    cells: Sequence[Sequence[Cell]],
    pairs: Sequence[tuple[int, int]] | None = None,
    *,
    within: NDArray[np.bool_] | None = None,
    independent: bool = True,
    seed: int = 0,
    progress: ProgressCallback | None = None,
) -> Judged:
    """Score candidates, and the differences between them.

    Resamples redraw clips or groups: within each fold for ``folds``, as the gate's intervals do,
    and over the whole corpus for ``splits``, whose judged rows overlap. The same resamples serve
    all candidates, so the intervals of differences are paired.

    Args:
        mos: Labels, (N,).
        units: Clip or group of each row, (N,), 0 to U - 1.
        half_width: Half width of each label's confidence interval, (N,), NaN where unknown.
        protocol: The folds.
        cells: Predictions of each candidate.
        pairs: Which candidates to compare; all pairs by default.
        within: Judge these rows alone, (N,); training is not touched.
        independent: Whether rows are independent clips, as Zou's interval needs.
        seed: Seed of the bootstrap.
        progress: Called after each fold.
    """
    folds = protocol.folds
    inside = np.ones(len(mos), dtype=bool) if within is None else within
    predicted = [_by_fold(own, len(folds)) for own in cells]
    judged_units = np.unique(units[inside])
    enough = len(judged_units) >= LEAST_UNITS
    resamples = _resamples(folds, inside, [len(p[0]) for p in predicted], len(judged_units))
    splits = protocol.kind == "splits"
    seeds = _slices([len(p[0]) for p in predicted])
    shared = _shared_counts(units, resamples, seed) if splits and enough else None

    def one(number: int) -> tuple[Array, Array, list[Array]]:
        fold = folds[number]
        own = np.flatnonzero(inside[fold.held_out])
        rows = fold.held_out[own]
        mapped, fitted = [], 0
        for candidate in predicted:
            values = candidate[number][:, own]
            if protocol.mapping == "held-out" and len(rows) > PARAMETERS + 1:
                fitted = PARAMETERS
                values = np.stack([fit_mapping(mos[rows], v, direction=1)(v) for v in values])
            mapped.append(values)
        figures = np.array(
            [
                np.mean([_figures(mos[rows], v, half_width[rows], fitted) for v in m], axis=0)
                for m in mapped
            ]
        )
        draws = np.full((len(mapped), len(RESAMPLED), resamples if enough else 0), np.nan)
        if enough and len(rows) >= 3:
            rng = np.random.Generator(np.random.PCG64([seed, 97, number]))
            _, groups = np.unique(units[rows], return_inverse=True)
            chunk = max(1, _CHUNK_VALUES // len(rows))
            for start in range(0, resamples, chunk):
                size = min(chunk, resamples - start)
                if shared is None:
                    counts = resample_counts(rng, groups, size)
                else:
                    counts = shared[start : start + size][:, units[rows]].astype(np.float64)
                # A resample of all clips may hold none of a small split, and says nothing of it.
                none = counts.sum(axis=1) == 0
                counts[none] = 1
                scores = resampled_scores(mos[rows], np.concatenate(mapped), counts)
                scores[:, :, none] = np.nan
                for place, own_seeds in enumerate(seeds):
                    draws[place, :, start : start + size] = scores[:, own_seeds].mean(axis=1)
        return figures, draws, [m.mean(axis=0) for m in mapped]

    parts = []
    with ThreadPoolExecutor(max(1, processors())) as pool:
        for part in pool.map(one, range(len(folds))):
            parts.append(part)
            if progress is not None:
                progress("scoring", len(parts), len(folds))
    figures = np.stack([part[0] for part in parts])
    draws = np.stack([part[1] for part in parts])
    point = _median(figures) if splits else _mean(figures)
    drawn = _known_median(draws) if splits else _mean(draws)
    scores = [
        Scores(
            dict(zip(NAMES, map(float, point[number]), strict=True)),
            drawn[number],
            {name: _percentiles(drawn[number, place]) for place, name in enumerate(RESAMPLED)},
        )
        for number in range(len(cells))
    ]
    wanted = list(combinations(range(len(cells)), 2)) if pairs is None else list(pairs)
    held = [fold.held_out[inside[fold.held_out]] for fold in folds]
    means = [[part[2][number] for part in parts] for number in range(len(cells))]
    return Judged(
        scores,
        _pairs(mos, held, means, scores, wanted, splits=splits, independent=independent),
        resamples if enough else 0,
    )


def _by_fold(cells: Sequence[Cell], folds: int) -> list[Array]:
    """Predictions by fold, (S, n) each."""
    found: list[list[Array]] = [[] for _ in range(folds)]
    for cell in cells:
        found[cell.fold].append(cell.predicted)
    return [np.stack(each) for each in found]


def _slices(lengths: Sequence[int]) -> list[slice]:
    """Where each candidate's seeds are among those of all."""
    ends = np.cumsum(lengths).tolist()
    return [slice(end - length, end) for length, end in zip(lengths, ends, strict=True)]


def _resamples(
    folds: Sequence[Fold], inside: NDArray[np.bool_], seeds: Sequence[int], units: int
) -> int:
    rows = sum(int(inside[fold.held_out].sum()) for fold in folds)
    most = min(_RESAMPLED_VALUES / max(1, rows * sum(seeds)), _COUNTED_VALUES / max(1, units))
    return int(np.clip(most, _LEAST_RESAMPLES, RESAMPLES))


def _shared_counts(units: Indices, resamples: int, seed: int) -> NDArray[np.uint8]:
    """How often each unit occurs in each resample of all units, (B, U)."""
    total = int(units.max()) + 1
    rng = np.random.Generator(np.random.PCG64([seed, 98]))
    counts = np.empty((resamples, total), dtype=np.uint8)
    for row in counts:
        row[:] = np.bincount(rng.integers(0, total, total), minlength=total)
    return counts


def _figures(truth: Array, predicted: Array, half_width: Array, fitted: int) -> list[float]:
    agreement = measure_agreement(truth, predicted, half_width, fitted)
    return [getattr(agreement, name) for name in NAMES]


def _mean(values: Array) -> Array:
    return np.asarray(values.mean(axis=0))


def _median(values: Array) -> Array:
    return np.asarray(np.median(values, axis=0))


def _known_median(values: Array) -> Array:
    """Median of what is known; NaN where nothing is."""
    if np.isfinite(values).all():
        return _median(values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmedian(values, axis=0))


def _percentiles(values: Array) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if not finite.size or len(finite) < 0.9 * len(values):
        return math.nan, math.nan
    low, high = np.percentile(finite, [2.5, 97.5])
    return float(low), float(high)


def _pairs(
    mos: Array,
    held: Sequence[Indices],
    means: Sequence[Sequence[Array]],
    scores: Sequence[Scores],
    wanted: Sequence[tuple[int, int]],
    *,
    splits: bool,
    independent: bool,
) -> list[PairScores]:
    differences = [
        {
            name: bootstrap_difference(
                scores[a].figures[name],
                scores[b].figures[name],
                scores[a].draws[place],
                scores[b].draws[place],
            )
            for place, name in enumerate(RESAMPLED)
        }
        for a, b in wanted
    ]
    adjusted = {name: holm([each[name].p for each in differences]) for name in RESAMPLED}
    return [
        PairScores(
            a,
            b,
            differences[number],
            {name: adjusted[name][number] for name in RESAMPLED},
            _zou(mos, held, means[a], means[b], splits=splits) if independent else None,
        )
        for number, (a, b) in enumerate(wanted)
    ]


def _zou(
    mos: Array, held: Sequence[Indices], a: Sequence[Array], b: Sequence[Array], *, splits: bool
) -> tuple[float, float, float, float, int] | None:
    """Zou's interval: of the pooled rows of all folds, or of the median split."""
    if splits:
        triples = np.array(
            [
                [
                    statistics.plcc(mos[rows], one),
                    statistics.plcc(mos[rows], other),
                    statistics.plcc(one, other),
                ]
                for rows, one, other in zip(held, a, b, strict=True)
            ]
        )
        r1, r2, r12 = map(float, np.median(triples, axis=0))
        clips = round(float(np.median([len(rows) for rows in held])))
    else:
        truth = mos[np.concatenate(held)]
        one, other = np.concatenate(a), np.concatenate(b)
        r1, r2, r12 = (
            statistics.plcc(truth, one),
            statistics.plcc(truth, other),
            statistics.plcc(one, other),
        )
        clips = len(truth)
    low, high = zou_interval(r1, r2, r12, clips)
    return r1 - r2, low, high, r12, clips
