"""Geometry of the page's figures: positions in per cent, so that they fit any width."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

POINTS = 1500
"""Clips that a scatter draws at most."""

_SCATTER = 1000
"""Units of a scatter's own coordinates."""


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers between ``low`` and ``high``, about ``wanted`` of them."""
    span = high - low
    if not span > 0:
        return [low]
    size = 10 ** math.floor(math.log10(span / wanted))
    step = next(s for s in (size, 2 * size, 5 * size, 10 * size) if span / s <= wanted + 1)
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 12) for n in range(first, math.floor(high / step + 1e-9) + 1)]


def base_of(document: Mapping[str, Any]) -> str | None:
    """The candidate that the forest plot compares with: the reference, else the best."""
    if document["reference"] is not None:
        return str(document["reference"])
    known = [each for each in document["candidates"] if each["plcc"] is not None]
    if len(document["candidates"]) < 2 or not known:
        return None
    return str(max(known, key=lambda each: each["plcc"])["name"])


def forest(pairs: Sequence[Mapping[str, Any]], base: str | None) -> dict[str, Any] | None:
    """PLCC differences to ``base`` as a forest plot.

    Returns:
        ``base``, ``rows`` with ``name, difference, low, high, p_holm, zou`` and places ``at, from,
        to, zou_from, zou_to`` in per cent, ``zero`` and ``ticks`` ``[{at, label}]``; None without
        any interval.
    """
    rows = []
    for pair in pairs:
        if base not in (pair["a"], pair["b"]):
            continue
        sign = 1 if pair["b"] == base else -1
        own, zou = pair["plcc"], pair["zou"]
        if own["difference"] is None or own["low"] is None:
            continue
        rows.append(
            {
                "name": pair["a"] if sign == 1 else pair["b"],
                "difference": sign * own["difference"],
                "low": min(sign * own["low"], sign * own["high"]),
                "high": max(sign * own["low"], sign * own["high"]),
                "p_holm": own["p_holm"],
                "zou": None
                if zou is None or zou["low"] is None
                else sorted((sign * zou["low"], sign * zou["high"])),
            }
        )
    if not rows:
        return None
    rows.sort(key=lambda row: -row["difference"])
    ends = [0.0, *(row["low"] for row in rows), *(row["high"] for row in rows)]
    ends += [end for row in rows if row["zou"] for end in row["zou"]]
    air = 0.06 * (max(ends) - min(ends) or 0.01)
    low, high = min(ends) - air, max(ends) + air

    def place(value: float) -> float:
        return float(round(100 * (value - low) / (high - low), 3))

    for row in rows:
        row["at"], row["from"], row["to"] = map(place, (row["difference"], row["low"], row["high"]))
        row["zou_from"], row["zou_to"] = map(place, row["zou"]) if row["zou"] else (None, None)
    return {
        "base": base,
        "rows": rows,
        "zero": place(0.0),
        "ticks": [{"at": place(t), "label": _label(t)} for t in ticks(low, high, 5)],
    }


def scatters(document: Mapping[str, Any], predictions: pa.Table) -> list[dict[str, Any]]:
    """Predicted against rated MOS for each candidate, on each corpus if there is more than one.

    A clip that several seeds or splits predicted is drawn once, at its mean prediction.

    Returns:
        For each candidate ``name, plcc, srocc, rmse``, the dots as an SVG path in a square of 1000
        units, ``x`` and ``y`` ticks ``[{at, label}]`` in per cent, the ends of the line of
        agreement ``same``, and how many of how many clips are ``shown``.
    """
    found = []
    for candidate, corpus in _panels(document):
        own = predictions.filter(pc.equal(predictions.column("candidate"), candidate["name"]))
        if corpus is not None:
            own = own.filter(pc.equal(own.column("corpus"), corpus))
        keys = np.asarray(own.column("key").dictionary_encode().combine_chunks().indices)
        mos, predicted = own.column("mos").to_numpy(), own.column("mos_pred").to_numpy()
        count = np.bincount(keys)
        x = np.bincount(keys, predicted) / count
        y = np.bincount(keys, mos) / count
        low = min(float(x.min()), float(y.min()))
        high = max(float(x.max()), float(y.max()))
        # One absurd prediction must not squeeze all others into a corner.
        low, high = max(low, float(y.min()) - 1), min(high, float(y.max()) + 1)
        air = 0.04 * (high - low or 1.0)
        low, high = low - air, high + air
        drawn = np.arange(len(x))
        if len(x) > POINTS:
            drawn = np.sort(np.random.default_rng(0).choice(len(x), POINTS, replace=False))
        scale = _SCATTER / (high - low)
        px = np.clip((x[drawn] - low) * scale, 0, _SCATTER)
        py = np.clip(_SCATTER - (y[drawn] - low) * scale, 0, _SCATTER)
        axis = [
            {"at": round(100 * (t - low) / (high - low), 3), "label": _label(t)}
            for t in ticks(low, high, 4)
        ]
        found.append(
            {
                "name": candidate["name"] + ("" if corpus is None else f", {corpus}"),
                "plcc": candidate["plcc"],
                "srocc": candidate["srocc"],
                "rmse": candidate["rmse"],
                "path": "".join(f"M{a:.0f} {b:.0f}h0" for a, b in zip(px, py, strict=True)),
                "ticks": axis,
                "shown": len(drawn),
                "clips": len(x),
            }
        )
    return found


def _panels(document: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str | None]]:
    """The figures that each scatter shows, and the corpus whose clips it draws."""
    if len(document["corpora"]) < 2:
        yield from ((each, None) for each in document["candidates"])
        return
    for number in range(len(document["candidates"])):
        yield from ((each["candidates"][number], each["name"]) for each in document["corpora"])


def bias_bars(bias: Mapping[str, float | None]) -> list[dict[str, Any]]:
    """Bars of the bias of each candidate on one corpus.

    Returns:
        ``name, bias`` and the bar as ``from`` and ``width``, in per cent of a line whose middle is
        a bias of 0.
    """
    known = {name: value for name, value in bias.items() if value is not None}
    limit = max(0.1, *(abs(value) for value in known.values())) if known else 0.1
    return [
        {
            "name": name,
            "bias": value,
            "from": round(50 + 50 * min(value, 0.0) / limit, 2),
            "width": round(50 * abs(value) / limit, 2),
        }
        for name, value in known.items()
    ]


def _label(value: float) -> str:
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return text.replace("-", "−") if text not in ("-0", "") else "0"
