"""The picture on a head's card: predicted against rated MOS, and how large the errors are.

The bytes of a picture depend on the numbers and on matplotlib's version, and on nothing else: no
date, no fonts of the machine, no settings of the user.
"""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from labeljoin.keys import percent

from moshead.features.domain import MOS_RANGE

if TYPE_CHECKING:
    from collections.abc import Iterator

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
