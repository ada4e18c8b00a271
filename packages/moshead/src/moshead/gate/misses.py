"""Misses of the gate in words: which thresholds, and whether the model or the labels fall short."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moshead.gate.gate import GateKind

_WORDS = {
    "mean_plcc": "mean PLCC",
    "mean_srocc": "mean SROCC",
    "mean_rmse": "mean RMSE",
    "plcc_spread": "PLCC spread over seeds",
}


def misses_of(thresholds: dict[str, float], numbers: dict[str, float]) -> tuple[str, ...]:
    """One sentence for each threshold that the number of its name misses."""
    misses = []
    for name, threshold in thresholds.items():
        number, bound = name.rsplit("_", 1)
        value = numbers[number]
        word = _WORDS[number]
        # Written so that NaN is a miss.
        if bound == "min" and not value >= threshold:
            misses.append(f"{word} {_shown(value)} is below {threshold}")
        if bound == "max" and not value <= threshold:
            misses.append(f"{word} {_shown(value)} is above {threshold}")
    return tuple(misses)


def sentence_of(
    kind: GateKind,
    misses: tuple[str, ...],
    plcc: float,
    ci: dict[str, tuple[float, float]],
    ceiling: float | None,
    thresholds: dict[str, float],
) -> str:
    """The verdict in words, saying whether a miss is the model's or the labels'."""
    if kind == "smoke-surrogate":
        verdict = "missed" if misses else "met"
        return (
            f"Synthetic rows: the surrogate gate is {verdict}, and the head stays Proposed, "
            "because it has never seen a human rating."
        )
    if not misses:
        return "The gate is met."
    return (
        f"The gate is missed: {'; '.join(misses)}. {_blame(misses, plcc, ci, ceiling, thresholds)}"
    )


def _blame(
    misses: tuple[str, ...],
    plcc: float,
    ci: dict[str, tuple[float, float]],
    ceiling: float | None,
    thresholds: dict[str, float],
) -> str:
    """Whose fault a miss is: the labels' noise, the model, or too few clips to tell."""
    floor = thresholds["mean_plcc_min"]
    if math.isnan(plcc):
        return (
            "A fold has no PLCC (fewer than three rows, or nothing varies in it): "
            "too few clips to judge."
        )
    if misses == ("PLCC spread over seeds does not exist and so is above 0.005",):
        return "One seed has no spread: train with --seeds 2 or more."
    if all("spread" in miss for miss in misses):
        return "The miss is the model's: its seeds disagree; --ensemble averages them."
    if ceiling is None:
        return (
            "Whether the model or the labels fall short cannot be told: the table has no "
            "mos_std_dev and mos_n_ratings."
        )
    if ceiling < floor:
        return (
            f"The miss is the labels': with this rating noise even perfect predictions would "
            f"measure a PLCC of {ceiling:.3f} at most. Judge on clips with more ratings."
        )
    if plcc < floor <= plcc / ceiling:
        return (
            f"The miss is the labels': without rating noise this head would measure about "
            f"{plcc / ceiling:.3f}. Judge on clips with more ratings."
        )
    low, high = ci.get("mean_plcc", (math.nan, math.nan))
    near = (
        " The interval includes the threshold: more clips would tell." if low < floor < high else ""
    )
    return (
        f"The miss is the model's: these labels allow a PLCC of {ceiling:.3f}, and the head "
        f"reaches {plcc:.3f}.{near}"
    )


def _shown(value: float) -> str:
    return "does not exist and so" if math.isnan(value) else f"{value:.4f}"
