"""Pearson's and Spearman's correlation of all pairs of columns, each pair on its finite rows.

Both are matrix products over blocks of rows. Columns with the same pattern of non-finite values
are handled together, so the cost of pairwise deletion depends on the number of patterns and not
on the number of columns.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from provenance.toolkit import processors

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Vector = NDArray[np.float64]

_BLOCK_CELLS = 2**20
_UNSAFE_VARIANCE = 1e-3


@dataclass(frozen=True)
class Correlations:
    """Correlations of all pairs of K columns.

    Attributes:
        pearson: Pearson's r, shape (K, K); NaN if a column is constant on the pair's rows or
            the pair has fewer than two rows.
        spearman: Spearman's rho with average ranks for ties, shape (K, K); NaN likewise.
        counts: Rows on which both columns are finite, shape (K, K).
    """

    pearson: Matrix
    spearman: Matrix
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class _Patterns:
    """Which rows are finite, for each distinct pattern of them."""

    masks: NDArray[np.bool_]  # (rows, patterns)
    of_column: NDArray[np.intp]  # (columns,)

    @property
    def complete(self) -> bool:
        return self.masks.shape[1] == 1 and bool(self.masks.all())


def average_ranks(values: Vector) -> Vector:
    """Rank N finite values from 1, ties by their average rank.

    Returns the same numbers as ``scipy.stats.rankdata`` in about a quarter of its time: the order
    among ties does not matter, so numpy's vectorised quicksort is enough.

    Args:
        values: Shape (N,), all finite.

    Returns:
        Shape (N,).
    """
    size = values.size
    order = np.argsort(values)
    ordered = values[order]
    first = np.empty(size, dtype=bool)
    first[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    starts = np.flatnonzero(first)
    ranks = np.empty(size, dtype=np.float64)
    if starts.size == size:
        ranks[order] = np.arange(1.0, size + 1.0)
        return ranks
    lengths = np.diff(starts, append=size)
    ranks[order] = np.repeat(starts + (lengths + 1) / 2, lengths)
    return ranks


def shrink(values: Vector) -> tuple[Vector, float]:
    """Divide values by the power of two next to their largest magnitude; return both.

    Squares of float64 values overflow from 1e154; the squares of the result, which lies in
    (-2, 2), do not. Division by a power of two is exact.

    Args:
        values: Finite values, shape (N,), at least one.
    """
    largest = max(abs(float(values.min())), abs(float(values.max())))
    size = math.ldexp(1.0, math.frexp(largest)[1] - 1)
    return values / size, size


def pearson(x: Vector, y: Vector) -> float:
    """Return Pearson's r of two columns on the rows where both are finite.

    r = cov(x, y) / (sd(x) sd(y)) (Pearson 1895); NaN for fewer than two rows or a constant column.

    Args:
        x: Shape (N,).
        y: Shape (N,).

    Example:
        >>> import numpy as np
        >>> round(pearson(np.array([1.0, 2.0, 3.0, np.nan]), np.array([2.0, 4.0, 7.0, 1.0])), 4)
        0.9934
    """
    both = np.isfinite(x) & np.isfinite(y)
    return _direct(x[both], y[both])


def spearman(x: Vector, y: Vector) -> float:
    """Return Spearman's rho, ties by average ranks, on the rows where both columns are finite.

    Rho is Pearson's r of the ranks (Spearman 1904; ties: Kendall 1948).

    Args:
        x: Shape (N,).
        y: Shape (N,).

    Example:
        >>> import numpy as np
        >>> round(spearman(np.array([1.0, 2.0, 3.0]), np.array([1.0, 8.0, 27.0])), 6)
        1.0
    """
    both = np.isfinite(x) & np.isfinite(y)
    if np.count_nonzero(both) < 2:
        return math.nan
    return _direct(average_ranks(x[both]), average_ranks(y[both]))


def correlate(
    columns: Matrix, *, progress: Callable[[str, int, int | None], None] | None = None
) -> Correlations:
    """Correlate all pairs of columns by Pearson and Spearman, each pair on its finite rows.

    r = cov(x, y) / (sd(x) sd(y)) (Pearson 1895); rho is r of the average ranks (Spearman 1904;
    ties: Kendall 1948). Agrees with ``scipy.stats.pearsonr`` and ``spearmanr`` on the pair's
    finite rows to 1e-10.

    Args:
        columns: Shape (N, K); contiguous columns (Fortran order) are fastest. NaN and infinities
            are left out pair by pair.
        progress: Called with the step's name, the columns done and the number of columns.

    Example:
        >>> import numpy as np
        >>> found = correlate(np.array([[1.0, 4.0], [2.0, 2.0], [3.0, 1.0]]))
        >>> found.spearman[0, 1], found.counts[0, 1]
        (np.float64(-1.0), np.int64(3))
    """
    patterns = _find_patterns(columns)
    masks = patterns.masks.astype(np.float64)
    counts = np.rint(masks.T @ masks).astype(np.int64)
    counts = counts[np.ix_(patterns.of_column, patterns.of_column)]
    linear = _pearson_matrix(columns, patterns, counts)
    ranked = _spearman_matrix(columns, patterns, progress)
    return Correlations(linear, ranked, counts)


def _find_patterns(columns: Matrix) -> _Patterns:
    found: dict[bytes, int] = {}
    masks: list[NDArray[np.bool_]] = []
    of_column = np.empty(columns.shape[1], dtype=np.intp)
    for index in range(columns.shape[1]):
        mask = np.isfinite(columns[:, index])
        key = np.packbits(mask).tobytes()
        if key not in found:
            found[key] = len(masks)
            masks.append(mask)
        of_column[index] = found[key]
    stacked = np.array(masks, dtype=bool).reshape(len(masks), columns.shape[0]).T
    return _Patterns(stacked, of_column)


def _blocks(rows: int, columns: int) -> list[slice]:
    step = max(256, _BLOCK_CELLS // max(columns, 1))
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]


def _pearson_matrix(columns: Matrix, patterns: _Patterns, counts: NDArray[np.int64]) -> Matrix:
    rows, width = columns.shape
    sizes, centre, scale = _standardise(columns)
    gram = np.zeros((width, width))
    sums = np.zeros((width, patterns.masks.shape[1]))
    squares = np.zeros_like(sums)
    for block in _blocks(rows, width):
        with np.errstate(invalid="ignore", over="ignore"):
            z = columns[block] / sizes
            z -= centre
            z /= scale
        if patterns.complete:
            gram += z.T @ z
            continue
        z[~np.isfinite(z)] = 0.0
        masks = patterns.masks[block].astype(np.float64)
        gram += z.T @ z
        sums += z.T @ masks
        squares += (z * z).T @ masks
    if patterns.complete:
        spread = np.diag(gram).copy()
        with np.errstate(divide="ignore", invalid="ignore"):
            result = gram / np.sqrt(np.outer(spread, spread))
    else:
        result = _pairwise(columns, patterns.of_column, counts, gram, sums, squares)
    constant = np.isnan(scale)
    result[constant, :] = np.nan
    result[:, constant] = np.nan
    result[counts < 2] = np.nan
    np.clip(result, -1.0, 1.0, out=result)
    index = np.flatnonzero(~np.isnan(np.diag(result)))
    result[index, index] = 1.0
    return result


def _pairwise(
    columns: Matrix,
    of_column: NDArray[np.intp],
    counts: NDArray[np.int64],
    gram: Matrix,
    sums: Matrix,
    squares: Matrix,
) -> Matrix:
    """Compute correlations from sums over each pair's rows, or from the rows if sums cancel."""
    n = np.maximum(counts, 1)
    sx = sums[:, of_column]  # [i, j]: sum of column i over the finite rows of column j
    sxx = squares[:, of_column]
    vx = sxx - sx**2 / n
    vy = vx.T
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Matrix = (gram - sx * sx.T / n) / np.sqrt(vx * vy)
    # If most of a column's spread lies in rows that its partner lacks, the differences above lose
    # their digits. Those few pairs are computed in two passes.
    total = np.diag(squares[:, of_column])[:, None]
    unsafe = (vx < _UNSAFE_VARIANCE * total) | (vx < _UNSAFE_VARIANCE * sxx)
    unsafe = (unsafe | unsafe.T) & (counts >= 2)
    for i, j in np.argwhere(np.triu(unsafe)):
        result[i, j] = result[j, i] = pearson(columns[:, i], columns[:, j])
    return result


def _standardise(columns: Matrix) -> tuple[Vector, Vector, Vector]:
    """Return each column's size, and mean and deviation of its finite values divided by it.

    The deviation is NaN for a constant column.
    """
    width = columns.shape[1]
    sizes = np.ones(width)
    centre = np.zeros(width)
    scale = np.full(width, np.nan)
    for index in range(width):
        values = columns[:, index]
        finite = np.isfinite(values)
        if not finite.all():
            values = values[finite]
        if values.size < 2:
            continue
        low, high = values.min(), values.max()
        if low == high:
            continue
        shrunk, sizes[index] = shrink(values)
        middle = shrunk.mean()
        shrunk -= middle
        centre[index] = middle
        scale[index] = math.sqrt(float(shrunk @ shrunk) / values.size)
    return sizes, centre, scale


def _spearman_matrix(
    columns: Matrix,
    patterns: _Patterns,
    progress: Callable[[str, int, int | None], None] | None,
) -> Matrix:
    width = columns.shape[1]
    result = np.full((width, width), np.nan)
    members = [np.flatnonzero(patterns.of_column == p) for p in range(patterns.masks.shape[1])]
    own: list[Matrix] = []
    done = 0
    for pattern, group in enumerate(members):
        ranks = _ranks_within(columns, group, patterns.masks[:, pattern])
        result[np.ix_(group, group)] = _rank_product(ranks, ranks)
        own.append(ranks)
        done += group.size
        if progress:
            progress("ranking columns", done, width)
    for p, left in enumerate(members):
        for q in range(p):
            right = members[q]
            both = patterns.masks[:, p] & patterns.masks[:, q]
            n = np.count_nonzero(both)
            if n < 2:
                continue
            # Ranks within a pattern stay valid if the other pattern removes no row.
            a = own[p] if n == own[p].shape[0] else _ranks_within(columns, left, both)
            b = own[q] if n == own[q].shape[0] else _ranks_within(columns, right, both)
            block = _rank_product(a, b)
            result[np.ix_(left, right)] = block
            result[np.ix_(right, left)] = block.T
    return result


def _ranks_within(columns: Matrix, group: NDArray[np.intp], rows: NDArray[np.bool_]) -> Matrix:
    """Return twice the average rank, minus its mean, of each column of ``group`` among ``rows``.

    Doubled and centred ranks are whole numbers, which float32 holds exactly up to 2^24 rows with
    half the memory of float64.
    """
    n = int(np.count_nonzero(rows))
    everything = n == rows.size
    kind = np.float32 if n <= 2**23 else np.float64
    ranks = np.empty((n, group.size), dtype=kind, order="F")

    def fill(place: int) -> None:
        values = columns[:, group[place]]
        values = values if everything else values[rows]
        ranks[:, place] = 2 * average_ranks(values) - (n + 1)

    if n * group.size < _BLOCK_CELLS:
        for place in range(group.size):
            fill(place)
    else:
        with ThreadPoolExecutor(min(4, processors())) as pool:  # numpy sorts without the GIL
            list(pool.map(fill, range(group.size)))
    return ranks


def _rank_product(left: Matrix, right: Matrix) -> Matrix:
    """Correlate the columns of two centred rank matrices of the same rows."""
    rows = left.shape[0]
    product = np.zeros((left.shape[1], right.shape[1]))
    a = np.zeros(left.shape[1])
    b = np.zeros(right.shape[1])
    for block in _blocks(rows, left.shape[1] + right.shape[1]):
        x = left[block].astype(np.float64)
        y = x if right is left else right[block].astype(np.float64)
        product += x.T @ y
        a += np.einsum("ij,ij->j", x, x)
        b += np.einsum("ij,ij->j", y, y)
    with np.errstate(divide="ignore", invalid="ignore"):
        result = product / np.sqrt(np.outer(a, b))
    np.clip(result, -1.0, 1.0, out=result)
    if right is left:
        index = np.flatnonzero(a > 0)
        result[index, index] = 1.0
    return result


def _direct(x: Vector, y: Vector) -> float:
    """Compute r of finite values in two passes; NaN for fewer than two rows or a constant."""
    if x.size < 2:
        return math.nan
    parts = []
    for values in (x, y):
        low, high = values.min(), values.max()
        if low == high:
            return math.nan
        shrunk, _ = shrink(values)
        shrunk -= shrunk.mean()
        parts.append(shrunk / math.sqrt(float(shrunk @ shrunk)))
    return max(-1.0, min(1.0, float(parts[0] @ parts[1])))
