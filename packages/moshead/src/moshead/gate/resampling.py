"""Figures under the resamples of a bootstrap, all resamples at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from moshead.features.domain import Array


def resample_counts(
    rng: np.random.Generator, groups: NDArray[np.int64], resamples: int
) -> NDArray[np.float64]:
    """Count how often each row occurs in each bootstrap resample of its groups.

    Args:
        rng: Source of the draws.
        groups: Group of each row, (N,), 0 to G - 1; by default, each clip is a group of its own.
        resamples: B.

    Returns:
        (B, N).
    """
    total = int(groups.max()) + 1
    draws = rng.integers(0, total, size=(resamples, total))
    offsets = np.arange(resamples)[:, None] * total
    counts = np.bincount((draws + offsets).ravel(), minlength=resamples * total)
    return counts.reshape(resamples, total)[:, groups].astype(np.float64)


def resampled_scores(truth: Array, predicted: Array, counts: NDArray[np.float64]) -> Array:
    """PLCC, SROCC and RMSE of S predictions under B resamples of their N rows.

    Equal predictions are computed once.

    Args:
        truth: MOS, (N,).
        predicted: Predicted MOS, (S, N).
        counts: From :func:`resample_counts`, (B, N).

    Returns:
        (3, S, B); NaN where a resample has no correlation.
    """
    rows: dict[bytes, int] = {}
    of_each = [rows.setdefault(values.tobytes(), len(rows)) for values in predicted]
    distinct = np.stack([np.frombuffer(row, predicted.dtype) for row in rows])
    total = counts.sum(axis=1)
    scores = np.stack(
        [
            resampled_plcc(truth, distinct, counts),
            _resampled_srocc(truth, distinct, counts),
            np.sqrt((truth - distinct) ** 2 @ counts.T / total),
        ]
    )
    return scores[:, of_each]


def resampled_plcc(truth: Array, predicted: Array, counts: NDArray[np.float64]) -> Array:
    """PLCC of S predictions under B resamples of their rows.

    Args:
        truth: MOS, (N,).
        predicted: (S, N).
        counts: How often each row occurs in each resample, (B, N).

    Returns:
        (S, B); NaN where a resample has no correlation.
    """
    # Centring first keeps the differences of moments below from cancelling.
    t = truth - truth.mean()
    p = predicted - predicted.mean(axis=1, keepdims=True)
    some, few = len(p), np.concatenate([p, p * p, p * t, [t, t * t]])
    moments = few @ counts.T
    n = counts.sum(axis=1)
    sp, spp, stp = moments[:some], moments[some : 2 * some], moments[2 * some : 3 * some]
    st, stt = moments[-2], moments[-1]
    return _correlation(stp - st * sp / n, stt - st * st / n, spp - sp * sp / n)


def _resampled_srocc(truth: Array, predicted: Array, counts: NDArray[np.float64]) -> Array:
    """Pearson's correlation of the average ranks that the rows have in each resample, (S, B)."""
    # One column a resample: then sums over rows run along memory.
    copies = np.ascontiguousarray(counts.T)
    total = counts.sum(axis=1)
    ranks = _ranks(truth, copies)
    ranks -= (total + 1) / 2
    weighted = copies * ranks
    own = np.einsum("nb,nb->b", weighted, ranks)
    found = np.empty((len(predicted), len(counts)))
    for place, values in enumerate(predicted):
        other = _ranks(values, copies)
        other -= (total + 1) / 2
        shared = np.einsum("nb,nb->b", weighted, other)
        spread = np.einsum("nb,nb,nb->b", copies, other, other)
        found[place] = _correlation(shared, own, spread)
    return found


def _ranks(values: Array, copies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average rank that each row has in each resample, (N, B), from copies of each, (N, B)."""
    distinct, position = np.unique(values, return_inverse=True)
    order = np.argsort(position, kind="stable")
    held = copies[order]
    if len(distinct) < len(values):
        starts = np.flatnonzero(np.diff(position[order], prepend=-1))
        held = np.add.reduceat(held, starts, axis=0)
    ranks = np.cumsum(held, axis=0)
    held *= 0.5
    ranks -= held
    ranks += 0.5
    return np.asarray(ranks[position])


def _correlation(shared: Array, one: Array, other: Array) -> Array:
    """From sums of products around the means; NaN where a side does not vary."""
    with np.errstate(divide="ignore", invalid="ignore"):
        r = shared / np.sqrt(one * other)
    return np.asarray(np.where((one > 1e-12) & (other > 1e-12), r, np.nan))
