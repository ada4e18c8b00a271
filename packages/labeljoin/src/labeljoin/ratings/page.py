"""The page for people: one HTML file without scripts that needs no network."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from provenance.toolkit import page_templates

from labeljoin.ratings.methods.sos import parabola

if TYPE_CHECKING:
    from jinja2 import Template

    from labeljoin.ratings.rated import RatedClips
    from labeljoin.ratings.votes import Floats

WIDTH, HEIGHT = 480, 300
POINTS = 2_000
"""Select the points that a plot shows, evenly if there are more."""

NAMED = 12
"""Raters that are named, and clips that are listed."""

_BINS = 20
_RECOMMENDATIONS = {
    "p910": "rater model of ITU-T P.910",
    "p913": "bias removal and rejection of ITU-T P.913",
    "bt500": "rejection of ITU-R BT.500",
    "mean": "plain mean of ITU-T P.800.1",
}


@dataclass(frozen=True)
class Plot:
    """A scatter plot in SVG units.

    Attributes:
        dots: An SVG path of all points.
        named: Points with a name: ``{x, y, label, title, end}``.
        x: Ticks of the horizontal axis: ``(place, text)``.
        y: Ticks of the vertical axis.
        line: An SVG path, or None.
        shown: Points that are drawn.
    """

    dots: str
    named: list[dict[str, Any]]
    x: list[tuple[float, str]]
    y: list[tuple[float, str]]
    line: str | None
    shown: int


def render_page(rated: RatedClips) -> str:
    """Render MOS made from ratings as one HTML page with inline style and figures.

    Every text from a table is escaped, and the page's own policy forbids it to load anything.

    Args:
        rated: What was made.
    """
    audit = rated.audit.to_dict()
    return _template().render(
        audit=audit,
        method=_RECOMMENDATIONS[rated.audit.method],
        width=WIDTH,
        height=HEIGHT,
        raters=_raters(rated),
        histogram=_histogram(rated),
        sos=_sos_plot(rated),
        widest=[] if (even := _even_reach(rated)) is not None else _widest(rated),
        even=even,
        against=_against(rated),
        version=version("moskit-labeljoin"),
    )


def _raters(rated: RatedClips) -> Plot:
    """Bias by inconsistency; raters that stand out by name."""
    made = rated.estimate
    names = rated.votes.raters
    bias, inconsistency = made.bias, made.inconsistency
    x_axis, y_axis = (
        _Axis.of(bias, WIDTH, symmetric=True),
        _Axis.of(np.append(inconsistency, 0.0), HEIGHT, upward=True),
    )
    named = []
    for place, said in rated.remarks.unusual[:NAMED]:
        x = x_axis.place(bias[place])
        named.append(
            {
                "x": round(x, 1),
                "y": round(y_axis.place(inconsistency[place]), 1),
                "label": names[place].as_py(),
                "title": said,
                "end": x > 0.7 * WIDTH,
                "rejected": bool(made.rejected[place]),
            }
        )
    drawn = _thinned(len(bias))
    return Plot(
        dots=_dots(
            [x_axis.place(v) for v in bias[drawn]], [y_axis.place(v) for v in inconsistency[drawn]]
        ),
        named=named,
        x=x_axis.ticks(),
        y=y_axis.ticks(),
        line=f"M{x_axis.place(0.0):.1f} 0V{HEIGHT}",
        shown=len(drawn),
    )


def _histogram(rated: RatedClips) -> list[dict[str, Any]]:
    """How often each vote was given: one bar a value, or bins for many values."""
    score = rated.collection.votes.score
    low, high = rated.collection.scale.limits or (float(score.min()), float(score.max()))
    values, counts = np.unique(score, return_counts=True)
    if len(values) > _BINS:
        counts, edges = np.histogram(score, bins=_BINS, range=(low, high))
        labels = [f"{a:g}–{b:g}" for a, b in pairwise(edges)]
    else:
        labels = [f"{value:g}" for value in values]
    most = counts.max()
    return [
        {
            "label": label,
            "count": int(count),
            "share": 100 * count / len(score),
            "width": 100 * count / most,
        }
        for label, count in zip(labels, counts.tolist(), strict=True)
    ]


def _sos_plot(rated: RatedClips) -> Plot | None:
    """Variance of votes against their mean, clip by clip, with the fitted parabola."""
    if rated.sos is None:
        return None
    votes = rated.collection.votes
    limits = rated.collection.scale.limits
    assert limits is not None
    deviation = votes.clip_deviation(votes.score)
    known = np.flatnonzero(np.isfinite(deviation))
    mean, variance = votes.clip_mean(votes.score)[known], deviation[known] ** 2
    grid = np.linspace(*limits, 61)
    curve = rated.sos.a * parabola(grid, limits)
    x_axis = _Axis(limits[0], limits[1], WIDTH)
    y_axis = _Axis(
        0.0, max(float(np.quantile(variance, 0.995)), float(curve.max())) * 1.05, HEIGHT, True
    )
    drawn = _thinned(len(known))
    line = "M" + "L".join(
        f"{x_axis.place(x):.1f} {y_axis.place(y):.1f}" for x, y in zip(grid, curve, strict=True)
    )
    return Plot(
        dots=_dots(
            [x_axis.place(v) for v in mean[drawn]], [y_axis.place(v) for v in variance[drawn]]
        ),
        named=[],
        x=x_axis.ticks(),
        y=y_axis.ticks(),
        line=line,
        shown=len(drawn),
    )


def _against(rated: RatedClips) -> Plot | None:
    """The method's MOS against the plain mean; None where they are the same."""
    if rated.audit.method == "mean":
        return None
    mos, mean = rated.estimate.mos, rated.votes.clip_mean(rated.votes.score)
    known = np.flatnonzero(np.isfinite(mos))
    both = np.concatenate([mos[known], mean[known]])
    x_axis, y_axis = _Axis.of(both, WIDTH), _Axis.of(both, HEIGHT, upward=True)
    moved = np.abs(mos - mean)
    far = known[np.argsort(-moved[known], kind="stable")[:3]]
    drawn = known[_thinned(len(known))]
    return Plot(
        dots=_dots([x_axis.place(v) for v in mean[drawn]], [y_axis.place(v) for v in mos[drawn]]),
        named=[
            {
                "x": round(x_axis.place(mean[place]), 1),
                "y": round(y_axis.place(mos[place]), 1),
                "label": rated.votes.clips[int(place)].as_py(),
                "title": f"mean {mean[place]:.2f}, {rated.audit.method} {mos[place]:.2f}",
                "end": x_axis.place(mean[place]) > WIDTH / 2,
                "rejected": False,
            }
            for place in far
            if moved[place] > 0
        ],
        x=x_axis.ticks(),
        y=y_axis.ticks(),
        line=f"M{x_axis.place(y_axis.low):.1f} {HEIGHT}L{x_axis.place(y_axis.high):.1f} 0",
        shown=len(drawn),
    )


def _even_reach(rated: RatedClips) -> float | None:
    """Half the width of all intervals where they are about equally wide."""
    low, high = (rated.clips[f"mos_ci_{end}"].to_numpy() for end in ("low", "high"))
    width = (high - low)[np.isfinite(low)]
    if len(width) < 2 or width.max() > 1.05 * width.min():
        return None
    return float(width.mean() / 2)


def _widest(rated: RatedClips) -> list[dict[str, Any]]:
    """The clips with the widest intervals, as places on the scale in CSS per cent."""
    table = rated.clips
    low, high = (table[f"mos_ci_{end}"].to_numpy() for end in ("low", "high"))
    known = np.flatnonzero(np.isfinite(low))
    if not len(known):
        return []
    order = known[np.argsort(-(high - low)[known], kind="stable")[:NAMED]]
    mos = table["mos"].to_numpy()
    left = min(float(low[order].min()), rated.audit.scale.low or 0.0)
    right = max(float(high[order].max()), rated.audit.scale.high or 0.0)
    span = (right - left) or 1.0
    return [
        {
            "clip": table["clip"][int(place)].as_py(),
            "ratings": table["mos_n_ratings"][int(place)].as_py(),
            "mos": float(mos[place]),
            "low": float(low[place]),
            "high": float(high[place]),
            "left": 100 * float(low[place] - left) / span,
            "width": 100 * float(high[place] - low[place]) / span,
            "at": 100 * float(mos[place] - left) / span,
        }
        for place in order
    ]


@dataclass(frozen=True)
class _Axis:
    """An axis from ``low`` to ``high`` over ``size`` units, upward where SVG counts downward."""

    low: float
    high: float
    size: int
    upward: bool = False

    @classmethod
    def of(
        cls, values: Floats, size: int, *, upward: bool = False, symmetric: bool = False
    ) -> _Axis:
        known = values[np.isfinite(values)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        if symmetric:
            high = max(abs(low), abs(high))
            low = -high
        air = 0.06 * (high - low) or 0.5
        return cls(low - air, high + air, size, upward)

    def place(self, value: float) -> float:
        share = min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)
        return self.size * (1 - share if self.upward else share)

    def ticks(self) -> list[tuple[float, str]]:
        rough = (self.high - self.low) / 5
        unit = 10 ** np.floor(np.log10(rough))
        step = unit * next(factor for factor in (1, 2, 2.5, 5, 10) if factor * unit >= rough)
        first = np.ceil(self.low / step - 1e-9)
        last = np.floor(self.high / step + 1e-9)
        values = [step * number for number in np.arange(first, last + 1)]
        return [(round(self.place(v), 1), f"{v + 0.0:.6g}") for v in values]


def _thinned(size: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    if size <= POINTS:
        return np.arange(size)
    return np.linspace(0, size - 1, POINTS).astype(np.intp)


def _dots(x: list[float], y: list[float]) -> str:
    """An SVG path of points: zero-length strokes, which round caps turn into dots."""
    return "".join(f"M{a:.1f} {b:.1f}h.01" for a, b in zip(x, y, strict=True) if a == a and b == b)


@functools.cache
def _template() -> Template:
    environment = page_templates("labeljoin.ratings")
    environment.filters["count"] = lambda value: f"{value:,}"
    environment.filters["n"] = lambda value, digits=2: (
        "–" if value is None else f"{value:.{digits}f}"
    )
    return environment.get_template("page.html.j2")
