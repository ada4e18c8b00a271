"""The figures of the page: heat map, scatter and saturation plots, as numbers and SVG paths."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from provenance.toolkit import visible

from signalaudit.statistics.correlation import shrink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from signalaudit.documents import Cluster, Disagreement, SaturationEnd
    from signalaudit.findings.disagreement import Comparison
    from signalaudit.findings.table_audit import TableAudit

LABELLED_COLUMNS = 36
"""The heat map shows the names of up to this many columns."""

HEAT_MAP_COLUMNS = 160
"""How many columns the heat map shows; of more, those that follow the target best."""

POINTS = 1_200
"""How many points a plot shows; of more, a seeded sample."""

PLOT = 300
"""Side of a square plot in SVG units."""

TICKS = 4
"""About how many intervals an axis has between its ticks."""

_POSITIVE = (37, 99, 201)
_NEGATIVE = (208, 90, 30)

Point = tuple[float, float, str]
"""Position in SVG units, and the clip key."""

Tick = tuple[float, str]
"""Position on an axis in SVG units, and its label."""


class Box(TypedDict):
    """A cluster on the diagonal of the heat map: its first column, its size and its name."""

    start: int
    size: int
    name: str


class HeatMap(TypedDict):
    """The correlation matrix.

    ``columns`` are in drawing order, ``image`` is a data URI, and ``cells`` is the base64 of int8
    hundredths, -128 for no value.
    """

    columns: list[str]
    image: str
    cells: str
    boxes: list[Box]
    labelled: bool
    left_out: int


class Scatter(TypedDict):
    """Two rankings: SVG paths of all points and of the listed clips, and points for hovering."""

    document: Disagreement
    dots: str
    marked: str
    points: list[Point]
    shown: int
    x_ticks: list[Tick]
    y_ticks: list[Tick]


class SaturationPlot(TypedDict):
    """Target against value: an SVG path, the bands ``(x, width, saturated)`` and the axes."""

    column: str
    ends: list[SaturationEnd]
    dots: str
    bands: list[tuple[float, float, bool]]
    points: list[Point]
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def heat_map(table: TableAudit) -> HeatMap | None:
    """Draw the correlation matrix as an image, columns ordered so that clusters are blocks.

    Above the diagonal is Pearson, below it Spearman. Colour shows the sign and opacity the size,
    so that one image suits light and dark pages. The result is None for fewer than two healthy
    columns.
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
        "columns": [visible(name) for name in columns],
        "image": _data_uri(_png(_colours(cells))),
        "cells": base64.b64encode(hundredths.tobytes()).decode("ascii"),
        "boxes": _boxes(columns, table.document["clusters"]),
        "labelled": len(columns) <= LABELLED_COLUMNS,
        "left_out": left_out,
    }


def scatter_plots(table: TableAudit, limit: int = 3) -> list[Scatter]:
    """Draw the most useful comparisons: the strongest of each kind, then those that disagree.

    Of two second opinions it is the pair that disagrees most: the two strongest are often two
    scores of one scorer.
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
    return [_scatter(each, plain[each.left, each.right], table) for each in chosen]


def saturation_plots(table: TableAudit, limit: int = 8) -> list[SaturationPlot]:
    """Draw target against value for the columns that were checked, the most saturated first."""
    entries = table.document["saturation"]
    by_column: dict[str, list[SaturationEnd]] = {}
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


def _scatter(comparison: Comparison, document: Disagreement, table: TableAudit) -> Scatter:
    gap = np.abs(comparison.left_percentile - comparison.right_percentile)
    marked = np.argsort(-gap, kind="stable")[: len(comparison.document["clips"])]
    drawn = _thinned(comparison.rows.size, marked)
    x = comparison.left_percentile * PLOT
    y = (1 - comparison.right_percentile) * PLOT
    keys = table.sample.keys
    percentiles = _ticks(0.0, 100.0, " %")
    return {
        "document": document,
        "dots": _dots(x[drawn], y[drawn]),
        "marked": _dots(x[marked], y[marked]),
        "points": [
            _point(x[i], y[i], keys[int(comparison.rows[i])].as_py()) for i in drawn.tolist()
        ],
        "shown": int(drawn.size),
        "x_ticks": percentiles,
        "y_ticks": _downwards(percentiles),
    }


def _saturation(table: TableAudit, name: str, ends: list[SaturationEnd]) -> SaturationPlot:
    target = table.document["target"] or ""
    values, goal = table.sample.column(name), table.sample.column(target)
    rows = np.flatnonzero(np.isfinite(values) & np.isfinite(goal))
    shrunk, size = shrink(values[rows])
    shrunk_goal, goal_size = shrink(goal[rows])
    drawn = _thinned(rows.size, np.empty(0, dtype=np.intp))
    ceiling, floor = (next(each for each in ends if each["end"] == e) for e in ("ceiling", "floor"))
    low, high = (float(each) for each in np.quantile(shrunk, (0.005, 0.995)))
    # A margin, so that a pile at the end of the scale is visible as one.
    low, high = _with_margin(min(low, floor["edge"] / size), max(high, ceiling["edge"] / size))
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
            (0.0, round(edges[0], 1), floor["saturated"]),
            (round(edges[1], 1), round(PLOT - edges[1], 1), ceiling["saturated"]),
        ],
        "points": [
            _point(a, b, keys[int(row)].as_py())
            for a, b, row in zip(x, y, rows[drawn], strict=True)
        ],
        "x_ticks": _ticks(low * size, high * size),
        "y_ticks": _downwards(_ticks(bottom * goal_size, top * goal_size)),
    }


def _point(x: float, y: float, key: str) -> Point:
    return round(float(x), 1), round(float(y), 1), visible(key)


def _ticks(low: float, high: float, unit: str = "") -> list[Tick]:
    """Return round values between the ends of an axis, with their positions from its start.

    The distance of ticks is 1, 2 or 5 times a power of ten. An axis whose span float64 cannot
    hold has labels at its ends only.
    """
    span = high - low
    if not (np.isfinite(span) and span > 0):
        return [(0.0, f"{low:.3g}{unit}"), (float(PLOT), f"{high:.3g}{unit}")]
    power = 10.0 ** np.floor(np.log10(span / TICKS))
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        distance = next(
            (n * power for n in (1, 2, 5, 10) if span / (n * power) <= TICKS + 2), 10 * power
        )
        numbers = np.arange(np.ceil(low / distance), np.floor(high / distance) + 1)
    if not 1 <= numbers.size <= 4 * TICKS:
        return [(0.0, f"{low:.3g}{unit}"), (float(PLOT), f"{high:.3g}{unit}")]
    return [
        (
            round(float((value * distance - low) / span * PLOT), 1),
            f"{value * distance + 0.0:.4g}{unit}",
        )
        for value in numbers
    ]


def _downwards(ticks: list[Tick]) -> list[Tick]:
    """Turn positions around: the vertical axis of SVG points down."""
    return [(round(PLOT - place, 1), label) for place, label in ticks]


def _with_margin(low: float, high: float) -> tuple[float, float]:
    margin = 0.03 * (high - low) if high > low else 0.5
    return low - margin, high + margin


def _placed(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Return values as positions on an axis of :data:`PLOT` units from ``low`` to ``high``."""
    share: NDArray[np.float64] = np.clip((values - low) / ((high - low) or 1.0), 0, 1)
    return share * PLOT


def _thinned(size: int, always: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return at most about :data:`POINTS` of ``size`` indices, including those of ``always``."""
    if size <= POINTS:
        return np.arange(size)
    some = np.random.default_rng(0).choice(size, POINTS, replace=False)
    return np.union1d(some, always)


def _dots(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    """Return an SVG path of points: zero-length strokes, which round caps turn into dots."""
    return "".join(f"M{a:.1f} {b:.1f}h.01" for a, b in zip(x, y, strict=True))


def _boxes(columns: Sequence[str], clusters: Sequence[Cluster]) -> list[Box]:
    """Find runs of neighbouring columns of one cluster."""
    cluster_of = {name: each for each in clusters for name in each["columns"]}
    boxes: list[Box] = []
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
    """Return RGBA pixels of correlations: hue by sign, opacity by size."""
    pixels = np.zeros((*cells.shape, 4), dtype=np.uint8)
    filled = np.nan_to_num(cells)
    pixels[..., :3] = np.where(filled[..., None] >= 0, _POSITIVE, _NEGATIVE)
    pixels[..., 3] = np.rint(np.abs(filled) ** 1.2 * 255)
    return pixels


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode an RGBA image as PNG (ISO/IEC 15948): signature, IHDR, IDAT, IEND."""
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
