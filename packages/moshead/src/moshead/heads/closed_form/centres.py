"""Centres of a kernel expansion: means of clusters of training rows, never a row itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from moshead.features.domain import Array

_ROUNDS = 6
_BLOCK = 512
"""Rows worked on at a time, few enough for the cache."""
_DRAW = 20260508
"""Entropy of the first centres: a constant, so that equal rows give equal centres."""
_DISTINCT = 1e-6
"""A centre this close to a row, relative to the spread of the rows, counts as the row."""


def squared_distances(a: Array, b: Array) -> Array:
    """Squared Euclidean distances between the rows of two matrices, (N, M)."""
    lengths = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b)
    lengths -= 2 * (a @ b.T)
    return np.asarray(np.maximum(lengths, 0, out=lengths))


def cluster_means(points: Array, count: int, units: NDArray[np.int64]) -> Array:
    """Find at most ``count`` cluster means by Lloyd's algorithm (Lloyd 1982) from a fixed draw.

    Every mean that is returned is one of rows of at least two units and differs from each row, so
    that no training row can be read from a head.

    Args:
        points: (N, D).
        count: Clusters wanted.
        units: Clip or group of each row, (N,).

    Returns:
        (M, D), M <= ``count``; M may be 0 where rows repeat each other.
    """
    draw = np.random.Generator(np.random.PCG64(_DRAW))
    count = min(count, len(points) // 2)
    if count < 1:
        return np.empty((0, points.shape[1]))
    means = points[np.sort(draw.permutation(len(points))[:count])]
    for _ in range(_ROUNDS):
        nearest = _nearest(points, means)
        means = _means(points, nearest, len(means))
    while len(means):
        nearest = _nearest(points, means)
        pairs = np.unique(np.stack([nearest, units]), axis=1)[0]
        shared = np.bincount(pairs, minlength=len(means)) >= 2
        if shared.all():
            means = _means(points, nearest, len(means))
            break
        # A cluster of one clip would give the clip away: its rows go to their next centre.
        means = means[shared]
    if not len(means):
        return means
    closest = squared_distances(points, means).min(axis=0)
    spread = float(points.var(axis=0).sum())
    return np.asarray(means[closest > _DISTINCT**2 * spread])


def _nearest(points: Array, means: Array) -> NDArray[np.intp]:
    """The closest mean of each point, in float32; its own length is the same for all means."""
    nearest = np.empty(len(points), dtype=np.intp)
    lengths = np.einsum("ij,ij->i", means, means).astype(np.float32)
    turned = np.ascontiguousarray(-2 * means.T, dtype=np.float32)
    for at in range(0, len(points), _BLOCK):
        apart = points[at : at + _BLOCK].astype(np.float32) @ turned
        apart += lengths
        nearest[at : at + _BLOCK] = apart.argmin(axis=1)
    return nearest


def _means(points: Array, nearest: NDArray[np.intp], count: int) -> Array:
    """Mean of each cluster that has rows."""
    sizes = np.bincount(nearest, minlength=count)
    order = np.argsort(nearest, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])[sizes > 0]
    sums = np.add.reduceat(points[order], starts, axis=0)
    return np.asarray(sums / sizes[sizes > 0, None])
