"""The picture on a head's card: predicted against rated MOS, and how large the errors are.

The bytes of a picture depend on the numbers and on matplotlib's version, and on nothing else: no
date, no fonts of the machine, no settings of the user.
"""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from labeljoin.keys import percent

from moshead.features.domain import MOS_RANGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from moshead.features.domain import Array

_INK = "#1f2933"
_MUTED = "#6b7785"
_POINT = "#2563a8"
_ACCENT = "#c2410c"
_DOTS_UP_TO = 6000


def predicted_against_mos(mos: Array, predicted: Array, *, title: str, share: float = 0.9) -> bytes:
    """Draw predictions for clips that the nets had not seen.

    Args:
        mos: Rated MOS, (N,).
        predicted: Out-of-fold prediction of each clip, averaged over seeds, (N,).
        title: What the picture shows.
        share: Share of clips whose largest absolute error is marked.

    Returns:
        A PNG file, 1500 x 675 pixels.
    """
    with _no_backend():
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"font.family": "DejaVu Sans", "font.size": 11, "text.color": _INK})
        figure = Figure(figsize=(10, 4.5), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.05))
        figure.suptitle(title, fontsize=13, x=0.01, ha="left")
        _scatter(left, mos, predicted)
        _errors(right, np.abs(predicted - mos), share)
        target = io.BytesIO()
        figure.savefig(target, format="png", metadata={"Software": None})
    return target.getvalue()


@contextmanager
def _no_backend() -> Iterator[None]:
    """Hide the user's choice of a window system: matplotlib refuses those that it does not know."""
    chosen = os.environ.pop("MPLBACKEND", None)
    try:
        yield
    finally:
        if chosen is not None:
            os.environ["MPLBACKEND"] = chosen


@dataclass(frozen=True)
class CorpusPicture:
    """What the picture shows of one corpus.

    Attributes:
        name: The corpus.
        mos: Rated MOS, (n,).
        predicted: Out-of-fold prediction of each row, (n,).
        covered: Share of ratings inside the intervals of each nominal share, (L,).
    """

    name: str
    mos: Array
    predicted: Array
    covered: Array


def corpora_side_by_side(corpora: Sequence[CorpusPicture], nominal: Array, *, title: str) -> bytes:
    """Draw the corpora side by side: scatter of each, bias bars, coverage against nominal.

    Args:
        corpora: At least one.
        nominal: Nominal shares of the intervals, (L,), in (0, 1).
        title: What the picture shows.

    Returns:
        A PNG file; its height grows with the number of corpora.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"font.family": "DejaVu Sans", "font.size": 11, "text.color": _INK})
        across = min(3, len(corpora))
        down = -(-len(corpora) // across)
        figure = Figure(figsize=(10, 3.6 * down + 3.8), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(title, fontsize=13, x=0.01, ha="left")
        halves = figure.subfigures(2, 1, height_ratios=(3.6 * down, 3.4), squeeze=False)
        above, below = halves[0, 0], halves[1, 0]
        panels = np.atleast_1d(above.subplots(down, across)).reshape(-1)
        for axes, each in zip(panels, corpora, strict=False):
            _scatter(axes, each.mos, each.predicted)
            axes.set_title(each.name, fontsize=11, loc="left")
        for axes in panels[len(corpora) :]:
            axes.set_visible(False)
        left, right = below.subplots(1, 2)
        _bias_bars(left, corpora)
        _coverage_lines(right, corpora, nominal)
        target = io.BytesIO()
        figure.savefig(target, format="png", metadata={"Software": None})
    return target.getvalue()


def _bias_bars(axes: Any, corpora: Sequence[CorpusPicture]) -> None:
    bias = [float(np.mean(each.predicted - each.mos)) for each in corpora]
    places = np.arange(len(corpora))
    axes.barh(places, bias, color=_POINT, alpha=0.75, height=0.5)
    axes.axvline(0, color=_ACCENT, linewidth=1)
    limit = max(0.1, 1.4 * max(map(abs, bias)))
    axes.set(xlim=(-limit, limit), xlabel="bias (predicted - rated), MOS")
    axes.set_yticks(places, [each.name for each in corpora])
    axes.invert_yaxis()
    _quiet(axes)


def _coverage_lines(axes: Any, corpora: Sequence[CorpusPicture], nominal: Array) -> None:
    axes.plot([0, 1], [0, 1], color=_ACCENT, linewidth=1)
    styles = ("-", "--", ":", "-.")
    for number, each in enumerate(corpora):
        axes.plot(
            nominal, each.covered, color=_POINT, linestyle=styles[number % 4], label=each.name
        )
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="nominal share of intervals", ylabel="ratings inside")
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    _quiet(axes)


def _scatter(axes: Any, mos: Array, predicted: Array) -> None:
    low, high = MOS_RANGE
    if len(mos) <= _DOTS_UP_TO:
        axes.scatter(mos, predicted, s=9, color=_POINT, alpha=0.35, linewidths=0)
    else:
        extent = (low, high, low, high)
        axes.hexbin(mos, predicted, gridsize=60, extent=extent, bins="log", cmap="Blues", mincnt=1)
    axes.plot([low, high], [low, high], color=_ACCENT, linewidth=1)
    axes.annotate(
        "predicted = rated", (0.03, 0.97), xycoords="axes fraction",
        ha="left", va="top", fontsize=9, color=_ACCENT,
    )  # fmt: skip
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.set(xlabel="rated MOS", ylabel="predicted MOS (clip held out)")
    _quiet(axes)


def _errors(axes: Any, errors: Array, share: float) -> None:
    limit = max(float(errors.max(initial=0.0)), 0.1)
    axes.hist(errors, bins=40, range=(0, limit), color=_POINT, alpha=0.75)
    value = float(np.quantile(errors, share))
    axes.axvline(value, color=_ACCENT, linewidth=1)
    axes.annotate(
        f"{percent(share)} of clips within {value:.2f}", (value, 0.97), xytext=(5, 0),
        xycoords=("data", "axes fraction"), textcoords="offset points",
        ha="left", va="top", fontsize=9, color=_ACCENT,
    )  # fmt: skip
    axes.set(xlim=(0, limit), xlabel="absolute error, MOS", ylabel="clips")
    _quiet(axes)


def _quiet(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_MUTED)
    axes.tick_params(colors=_MUTED, labelcolor=_INK)
    axes.grid(color="#e3e7eb", linewidth=0.6)
    axes.set_axisbelow(True)
