"""What the page draws: heat map, scatter plots and saturation plots, as numbers and SVG paths."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from signalaudit.statistics.correlation import shrink

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signalaudit.findings.disagreement import Comparison
    from signalaudit.findings.table_audit import TableAudit

LABELLED_COLUMNS = 36
"""Columns up to which the heat map has room for their names."""

HEAT_MAP_COLUMNS = 160
"""Columns that the heat map shows; where there are more, the strongest with the target."""

POINTS = 1_200
"""Points that a scatter plot shows; where there are more, a seeded sample."""

PLOT = 300
"""Side of a square plot in SVG units."""

_POSITIVE = (37, 99, 201)
_NEGATIVE = (208, 90, 30)


def heat_map(table: TableAudit) -> dict[str, Any] | None:
    """The correlation matrix as an image, columns ordered so that clusters are blocks.

    Above the diagonal Pearson, below it Spearman. Colour gives the sign and opacity the size, so
    that one image suits light and dark pages.

    Returns:
        ``columns`` in drawing order, ``image`` (a data URI), ``cells`` (base64 of int8 hundredths,
        -128 where there is no value), ``boxes`` (clusters as ``{start, size, name}``),
        ``labelled`` and ``left_out``; or None for fewer than two usable columns.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    stats = table.document["column_stats"]
    strength = {
        row["column"]: abs(row["spearman"] or 0.0) for row in table.document["target_correlations"]
    }
    usable = [
        place for place, name in enumerate(table.signals) if stats[name]["health"] == "healthy"
    ]
    if len(usable) < 2:
        return None
    left_out = max(0, len(usable) - HEAT_MAP_COLUMNS)
    if left_out:
        usable = sorted(usable, key=lambda place: -strength.get(table.signals[place], 0.0))
        usable = sorted(usable[:HEAT_MAP_COLUMNS])
    grid = np.ix_(usable, usable)
    ranked = table.correlations.spearman[grid]
    distance = 1 - np.abs(np.nan_to_num(ranked))
    distance = np.clip((distance + distance.T) / 2, 0, 1)
    np.fill_diagonal(distance, 0)
    order = leaves_list(
        linkage(squareform(distance, checks=False), "average", optimal_ordering=True)
    )
    places = [usable[place] for place in order.tolist()]
    grid = np.ix_(places, places)
    cells = np.triu(table.correlations.pearson[grid], 1) + np.tril(
        table.correlations.spearman[grid]
    )
    columns = [table.signals[place] for place in places]
    hundredths = np.where(np.isfinite(cells), np.rint(cells * 100), -128).astype(np.int8)
    return {
        "columns": columns,
        "image": _data_uri(_png(_colours(cells))),
        "cells": base64.b64encode(hundredths.tobytes()).decode("ascii"),
        "boxes": _boxes(columns, table.document["clusters"]),
        "labelled": len(columns) <= LABELLED_COLUMNS,
        "left_out": left_out,
    }


def scatter_plots(table: TableAudit, limit: int = 3) -> list[dict[str, Any]]:
    """The comparisons worth a plot: of each kind the strongest judge's, then those that disagree.

    Of two second opinions the pair that disagrees most: the strongest are often one scorer twice.

    Returns:
        Per plot ``document`` (the comparison), ``dots`` and ``marked`` (SVG paths of all points
        and of the listed clips), ``points`` (``[x, y, key]`` for hovering) and ``shown``, how
        many points are drawn.
    """
    chosen: list[Comparison] = []
    kinds = dict.fromkeys(each.kind for each in table.comparisons)
    ranked = sorted(table.comparisons, key=lambda each: -each.document["mean_gap"])
    for kind in kinds:
        source = ranked if kind == "second_opinions" else table.comparisons
        chosen.append(next(each for each in source if each.kind == kind))
    chosen += [each for each in ranked if each not in chosen]
    order = ["table_people", "full_reference_people", "second_opinion_people"]
    order += [kind for kind in kinds if kind not in order]
    chosen = sorted(chosen[: max(limit, len(kinds))], key=lambda each: order.index(each.kind))
    plain = {(row["left"], row["right"]): row for row in table.document["disagreement"]}
    return [{"document": plain[each.left, each.right], **_scatter(each, table)} for each in chosen]


def saturation_plots(table: TableAudit, limit: int = 8) -> list[dict[str, Any]]:
    """Target against value for the judged columns, the most saturated first.

    Returns:
        Per plot ``column``, ``ends`` (its two entries), ``dots`` (an SVG path), ``bands``
        (``[x, width, saturated]``), ``points`` for hovering and the axes' ends ``x`` and ``y``.
    """
    entries = table.document["saturation"]
    by_column: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        by_column.setdefault(entry["column"], []).append(entry)
    names = sorted(
        by_column,
        key=lambda name: (
            not any(end["saturated"] for end in by_column[name]),
            -max(end["share"] for end in by_column[name]),
        ),
    )
    flagged = sum(any(end["saturated"] for end in by_column[name]) for name in names)
    return [
        _saturation(table, name, by_column[name]) for name in names[: min(limit, max(flagged, 3))]
    ]


def _scatter(comparison: Comparison, table: TableAudit) -> dict[str, Any]:
    gap = np.abs(comparison.left_percentile - comparison.right_percentile)
    marked = np.argsort(-gap, kind="stable")[: len(comparison.document["clips"])]
    drawn = _thinned(comparison.rows.size, marked)
    x = comparison.left_percentile * PLOT
    y = (1 - comparison.right_percentile) * PLOT
    keys = table.sample.keys
    return {
        "dots": _dots(x[drawn], y[drawn]),
        "marked": _dots(x[marked], y[marked]),
        "points": [
            [round(float(x[i]), 1), round(float(y[i]), 1), keys[int(comparison.rows[i])].as_py()]
            for i in drawn.tolist()
        ],
        "shown": int(drawn.size),
    }


def _saturation(table: TableAudit, name: str, ends: list[dict[str, Any]]) -> dict[str, Any]:
    target = table.document["target"]
    values, goal = table.sample.column(name), table.sample.column(target)
    rows = np.flatnonzero(np.isfinite(values) & np.isfinite(goal))
    shrunk, size = shrink(values[rows])
    shrunk_goal, goal_size = shrink(goal[rows])
    drawn = _thinned(rows.size, np.empty(0, dtype=np.intp))
    ceiling, floor = (next(each for each in ends if each["end"] == e) for e in ("ceiling", "floor"))
    low, high = (float(each) for each in np.quantile(shrunk, (0.005, 0.995)))
    # Some air, so that a pile at the end of the scale is seen as a pile.
    low, high = _aired(min(low, floor["edge"] / size), max(high, ceiling["edge"] / size))
    bottom, top = float(shrunk_goal.min()), float(shrunk_goal.max())
    x = _placed(shrunk[drawn], low, high)
    y = PLOT - _placed(shrunk_goal[drawn], bottom, top)
    edges = _placed(np.array([floor["edge"], ceiling["edge"]]) / size, low, high).tolist()
    keys = table.sample.keys
    return {
        "column": name,
        "ends": ends,
        "dots": _dots(x, y),
        "bands": [
            [0.0, round(edges[0], 1), floor["saturated"]],
            [round(edges[1], 1), round(PLOT - edges[1], 1), ceiling["saturated"]],
        ],
        "points": [
            [round(float(a), 1), round(float(b), 1), keys[int(row)].as_py()]
            for a, b, row in zip(x, y, rows[drawn], strict=True)
        ],
        "x": [low * size, high * size],
        "y": [bottom * goal_size, top * goal_size],
    }


def _aired(low: float, high: float) -> tuple[float, float]:
    air = 0.03 * (high - low) if high > low else 0.5
    return low - air, high + air


def _placed(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Values as places on an axis of :data:`PLOT` units from ``low`` to ``high``."""
    share: NDArray[np.float64] = np.clip((values - low) / ((high - low) or 1.0), 0, 1)
    return share * PLOT


def _thinned(size: int, always: NDArray[np.intp]) -> NDArray[np.intp]:
    """At most :data:`POINTS` places of ``size``, those of ``always`` among them."""
    if size <= POINTS:
        return np.arange(size)
    some = np.random.default_rng(0).choice(size, POINTS, replace=False)
    return np.union1d(some, always)


def _dots(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    """An SVG path of points: zero-length strokes, which round caps turn into dots."""
    return "".join(f"M{a:.1f} {b:.1f}h.01" for a, b in zip(x, y, strict=True))


def _boxes(columns: Sequence[str], clusters: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs of neighbouring columns of one cluster."""
    cluster_of = {name: each for each in clusters for name in each["columns"]}
    boxes = []
    start = 0
    while start < len(columns):
        own = cluster_of.get(columns[start])
        end = start + 1
        while end < len(columns) and own is not None and cluster_of.get(columns[end]) is own:
            end += 1
        if own is not None and end - start > 1:
            boxes.append({"start": start, "size": end - start, "name": own["representative"]})
        start = end
    return boxes


def _colours(cells: NDArray[np.float64]) -> NDArray[np.uint8]:
    """RGBA pixels of correlations: hue by sign, opacity by size."""
    pixels = np.zeros((*cells.shape, 4), dtype=np.uint8)
    filled = np.nan_to_num(cells)
    pixels[..., :3] = np.where(filled[..., None] >= 0, _POSITIVE, _NEGATIVE)
    pixels[..., 3] = np.rint(np.abs(filled) ** 1.2 * 255)
    return pixels


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """An RGBA image as PNG (ISO/IEC 15948): signature, IHDR, IDAT, IEND."""
    height, width = pixels.shape[:2]
    rows = np.zeros((height, 1 + 4 * width), dtype=np.uint8)  # a leading 0: no filter
    rows[:, 1:] = pixels.reshape(height, 4 * width)
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
