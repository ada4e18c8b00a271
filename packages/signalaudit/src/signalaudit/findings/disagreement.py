"""Disagreement: clips that one ranking places high and another places low."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from signalaudit.statistics.correlation import average_ranks, pearson
from signalaudit.statistics.intervals import spearman_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from signalaudit.documents import ComparisonKind, Disagreement, GroupAgreement, RankedClip
    from signalaudit.tables.sample import Sample

CLIPS = 20
"""How many clips each comparison lists."""

MAX_PAIRED_SCORERS = 12
"""How many of the strongest scorers are compared with each other; all are compared with people."""

_MAX_GROUPS = 50


@dataclass(frozen=True)
class Ranking:
    """Values that rank the clips of a table.

    Attributes:
        name: The column, or a description of the values.
        values: Shape (rows,); not finite for clips that are not ranked.
        higher: Whether higher is better.
    """

    name: str
    values: NDArray[np.float64]
    higher: bool


@dataclass(frozen=True)
class Comparison:
    """Two rankings of the rows that both rank.

    Attributes:
        kind: What is compared with what.
        left: Name of the first ranking.
        right: Name of the second.
        rows: Indices of those rows in the sample.
        left_percentile: Percentile of each row in the first ranking, in (0, 1), higher is better.
        right_percentile: The same in the second.
        document: The comparison as the audit JSON lists it.
    """

    kind: ComparisonKind
    left: str
    right: str
    rows: NDArray[np.intp]
    left_percentile: NDArray[np.float64]
    right_percentile: NDArray[np.float64]
    document: Disagreement


def compare(
    pairs: Sequence[tuple[ComparisonKind, Ranking, Ranking]], sample: Sample, target: str | None
) -> list[Comparison]:
    """Compare rankings pair by pair.

    A clip's percentile is (average rank − ½) / n, oriented so that higher is better. The gap is
    the left percentile minus the right one. Agreement is Spearman's rho of the two rankings.

    Args:
        pairs: The rankings to compare.
        sample: The rows, with their clip keys and groups.
        target: A column whose value is shown beside each clip, or None.

    Returns:
        One comparison per pair with at least three rows. Its document has ``kind, left, right,
        rows, spearman, spearman_ci, mean_gap`` (mean of the absolute gaps), ``groups [{group,
        rows, spearman, mean_gap}]`` and ``clips [{key, left_percentile, right_percentile,
        gap, left_value, right_value, target}]``.
    """
    return [
        comparison
        for kind, left, right in pairs
        if (comparison := _compare(kind, left, right, sample, target)) is not None
    ]


def _compare(
    kind: ComparisonKind, left: Ranking, right: Ranking, sample: Sample, target: str | None
) -> Comparison | None:
    rows = np.flatnonzero(np.isfinite(left.values) & np.isfinite(right.values))
    if rows.size < 3:
        return None
    a, b = _percentiles(left, rows), _percentiles(right, rows)
    agreement = pearson(a, b)
    gap = a - b
    low, high = spearman_interval(agreement, rows.size)
    document: Disagreement = {
        "kind": kind,
        "left": left.name,
        "right": right.name,
        "rows": int(rows.size),
        "spearman": agreement,
        "spearman_ci": [float(low), float(high)],
        "mean_gap": float(np.abs(gap).mean()),
        "groups": _by_group(a, b, gap, rows, sample),
        "clips": _clips(left, right, a, b, rows, sample, target),
    }
    return Comparison(kind, left.name, right.name, rows, a, b, document)


def _percentiles(ranking: Ranking, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    share = (average_ranks(ranking.values[rows]) - 0.5) / rows.size
    return share if ranking.higher else 1 - share


def _by_group(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    gap: NDArray[np.float64],
    rows: NDArray[np.intp],
    sample: Sample,
) -> list[GroupAgreement]:
    if sample.group_codes is None:
        return []
    codes = sample.group_codes[rows]
    present, counts = np.unique(codes, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_MAX_GROUPS]
    result: list[GroupAgreement] = []
    for code in present[order]:
        inside = codes == code
        size = int(np.count_nonzero(inside))
        agreement = (
            pearson(average_ranks(a[inside]), average_ranks(b[inside]))
            if size > 2
            else float("nan")
        )
        result.append(
            {
                "group": sample.group_names[code] if code >= 0 else None,
                "rows": size,
                "spearman": agreement,
                "mean_gap": float(np.abs(gap[inside]).mean()),
            }
        )
    return result


def _clips(
    left: Ranking,
    right: Ranking,
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    rows: NDArray[np.intp],
    sample: Sample,
    target: str | None,
) -> list[RankedClip]:
    gap = a - b
    order = np.argsort(-np.abs(gap), kind="stable")[:CLIPS]
    goal = sample.column(target) if target is not None else None
    return [
        {
            "key": sample.keys[int(rows[place])].as_py(),
            "left_percentile": float(a[place]),
            "right_percentile": float(b[place]),
            "gap": float(gap[place]),
            "left_value": float(left.values[rows[place]]),
            "right_value": float(right.values[rows[place]]),
            "target": None if goal is None else float(goal[rows[place]]),
        }
        for place in order
    ]
