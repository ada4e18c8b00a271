"""Redundant columns, and columns that complement each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from signalaudit.documents import Cluster, ComplementaryPair, RedundantPair
    from signalaudit.statistics.correlation import Correlations

MAX_PAIRS = 2_000
"""How many pairs the audit lists at most; it also states their total number."""

AGREEMENT_FLOOR = 0.5
"""Both correlations must reach this: a few outliers can cause a high r alone."""

LEAST_TARGET_R = 0.20
"""The least |r| with the target of each column of a complementary pair (ADR-0650)."""


def redundant_pairs(
    names: Sequence[str], families: Mapping[str, str], found: Correlations, threshold: float
) -> tuple[list[RedundantPair], int]:
    """Find pairs whose |Pearson| or |Spearman| reaches the threshold, and both of them 0.5.

    Args:
        names: The K columns of ``found``.
        families: The first family of each column.
        found: Correlations of all pairs.
        threshold: In (0, 1].

    Returns:
        At most :data:`MAX_PAIRS` pairs ``{left, right, left_family, right_family, pearson,
        spearman, rows}``, the strongest first, and their total number.
    """
    mask = _redundant(found, threshold)
    left, right = np.nonzero(np.triu(mask, 1))
    strength = np.fmax(np.abs(found.pearson[left, right]), np.abs(found.spearman[left, right]))
    order = np.lexsort((right, left, -strength))[:MAX_PAIRS]
    pairs: list[RedundantPair] = [
        {
            "left": names[i],
            "right": names[j],
            "left_family": families[names[i]],
            "right_family": families[names[j]],
            "pearson": float(found.pearson[i, j]),
            "spearman": float(found.spearman[i, j]),
            "rows": int(found.counts[i, j]),
        }
        for i, j in zip(left[order].tolist(), right[order].tolist(), strict=True)
    ]
    return pairs, int(left.size)


def clusters(
    names: Sequence[str],
    found: Correlations,
    threshold: float,
    *,
    strength: Mapping[str, float],
    finite: Mapping[str, float],
) -> list[Cluster]:
    """Group the columns that redundant pairs connect.

    The representative is the member with the strongest correlation with the target, then the
    most finite rows, then the first in the table.

    Args:
        names: The K columns of ``found``.
        found: Correlations of all pairs.
        threshold: As for :func:`redundant_pairs`.
        strength: |correlation with the target| per column, if known.
        finite: Share of finite rows per column.

    Returns:
        ``{columns, representative, weakest_pair}``, the largest first; ``weakest_pair`` is the
        lowest |Spearman| inside; it distinguishes a tight group from a chain.
    """
    if not names:
        return []
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    _, labels = connected_components(csr_matrix(_redundant(found, threshold)), directed=False)
    result: list[Cluster] = []
    for label in np.flatnonzero(np.bincount(labels) > 1).tolist():
        members = np.flatnonzero(labels == label)
        inside = np.abs(found.spearman[np.ix_(members, members)])
        columns = [names[place] for place in members.tolist()]
        result.append(
            {
                "columns": columns,
                "representative": min(
                    columns, key=lambda name: (-strength.get(name, 0.0), -finite[name])
                ),
                "weakest_pair": float(np.nanmin(inside)),
            }
        )
    return sorted(result, key=lambda cluster: (-len(cluster["columns"]), cluster["columns"][0]))


def spare_columns(found: Sequence[Cluster]) -> list[str]:
    """Return the columns of :func:`clusters` other than the representatives."""
    return [
        name
        for cluster in found
        for name in cluster["columns"]
        if name != cluster["representative"]
    ]


def complementary_pairs(
    names: Sequence[str],
    families: Mapping[str, str],
    found: Correlations,
    target_r: NDArray[np.float64] | None,
    threshold: float,
) -> list[ComplementaryPair]:
    """Find the best pair of columns for each pair of families: strong, and unlike each other.

    With a target, both |r| with it are at least 0.20, |r| of the pair is at most the threshold,
    and pairs are ranked by what the two columns add to the better one: R − max(|r1|, |r2|), with
    the multiple correlation R² = (r1² + r2² − 2 r1 r2 r12) / (1 − r12²). Without a target, it is
    the least correlated pair of each pair of families, and ``joint_r`` is null.

    Args:
        names: The K columns of ``found``.
        families: The first family of each column.
        found: Correlations of all pairs.
        target_r: Pearson's r of each column with the target, shape (K,), or None.
        threshold: Greatest |r| of a complementary pair.

    Returns:
        ``{left, right, left_family, right_family, pearson, left_target_r, right_target_r,
        joint_r, joint_gain}``, the best first.
    """
    r12 = found.pearson
    allowed = np.triu(np.abs(r12) <= threshold, 1)
    if target_r is None:
        value = -np.abs(r12)
        joint = np.full_like(r12, np.nan)
    else:
        strong = np.abs(np.nan_to_num(target_r)) >= LEAST_TARGET_R
        allowed &= np.outer(strong, strong)
        r1, r2 = target_r[:, None], target_r[None, :]
        with np.errstate(divide="ignore", invalid="ignore"):
            square = (r1**2 + r2**2 - 2 * r1 * r2 * r12) / (1 - r12**2)
        joint = np.sqrt(np.clip(square, 0.0, 1.0))
        value = joint - np.fmax(np.abs(r1), np.abs(r2))
    family = [families[name] for name in names]
    kinds = sorted(set(family))
    code = np.array([kinds.index(each) for each in family], dtype=np.intp)
    best = []
    for a in range(len(kinds)):
        for b in range(a):
            rows, columns = np.flatnonzero(code == a), np.flatnonzero(code == b)
            both = allowed | allowed.T
            block = np.where(both[np.ix_(rows, columns)], value[np.ix_(rows, columns)], -np.inf)
            if not np.isfinite(block).any():
                continue
            place = np.unravel_index(int(np.argmax(block)), block.shape)
            i, j = sorted((int(rows[place[0]]), int(columns[place[1]])))
            best.append((float(block[place]), i, j))
    best.sort(key=lambda each: (-each[0], each[1], each[2]))
    return [
        {
            "left": names[i],
            "right": names[j],
            "left_family": family[i],
            "right_family": family[j],
            "pearson": float(r12[i, j]),
            "left_target_r": None if target_r is None else float(target_r[i]),
            "right_target_r": None if target_r is None else float(target_r[j]),
            "joint_r": None if target_r is None else float(joint[i, j]),
            "joint_gain": None if target_r is None else gain,
        }
        for gain, i, j in best
        if target_r is None or gain > 0
    ]


def _redundant(found: Correlations, threshold: float) -> NDArray[np.bool_]:
    linear, ranked = np.abs(found.pearson), np.abs(found.spearman)
    with np.errstate(invalid="ignore"):
        return (np.fmax(linear, ranked) >= threshold) & (np.fmin(linear, ranked) >= AGREEMENT_FLOOR)
