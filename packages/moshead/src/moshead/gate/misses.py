"""Misses of the gate in words: which thresholds, and whether the model or the labels fall short."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from moshead.gate.gate import GateKind

_WORDS = {
    "mean_plcc": "mean PLCC",
    "mean_srocc": "mean SROCC",
    "mean_rmse": "mean RMSE",
    "plcc_spread": "PLCC spread over seeds",
}


def missed_thresholds(thresholds: dict[str, float], numbers: dict[str, float]) -> tuple[str, ...]:
    """Names of the thresholds that are missed; a number that does not exist misses its own."""
    return tuple(name for name, bound in thresholds.items() if not _meets(name, numbers, bound))


def _meets(name: str, numbers: dict[str, float], bound: float) -> bool:
    number, direction = name.rsplit("_", 1)
    value = numbers[number]
    # NaN compares as false, so it meets nothing.
    return value >= bound if direction == "min" else value <= bound


def misses_of(thresholds: dict[str, float], numbers: dict[str, float]) -> tuple[str, ...]:
    """One sentence for each threshold that the number of its name misses."""
    misses = []
    for name in missed_thresholds(thresholds, numbers):
        number, direction = name.rsplit("_", 1)
        side = "below" if direction == "min" else "above"
        misses.append(f"{_WORDS[number]} {_shown(numbers[number])} is {side} {thresholds[name]}")
    return tuple(misses)


def sentence_of(
    kind: GateKind,
    misses: tuple[str, ...],
    faults: tuple[str, ...],
    numbers: dict[str, float],
    ci: dict[str, tuple[float, float]],
    ceiling: float | None,
    thresholds: dict[str, float],
    mos_sd: float,
) -> str:
    """The verdict in words, saying whether a miss is the model's or the labels'.

    Args:
        kind: Which gate.
        misses: All misses, from :func:`misses_of` and ``faults``.
        faults: Those misses that say that the figures cannot be trusted.
        numbers: The measured numbers.
        ci: Their intervals.
        ceiling: The label-noise ceiling, or None.
        thresholds: The thresholds of the gate.
        mos_sd: Standard deviation of the MOS within folds.
    """
    if kind == "smoke-surrogate":
        verdict = "missed" if misses else "met"
        return (
            f"Synthetic rows: the surrogate gate is {verdict}, and the head stays Proposed, "
            "because it has never seen a human rating."
        )
    beside = _beside(numbers, thresholds, mos_sd)
    if not misses:
        return " ".join(["The gate is met.", *_open_ends(ci, thresholds), *beside])
    missed = "; ".join(misses)
    if faults:
        return " ".join([f"Not accepted: {missed}.", *beside])
    return " ".join(
        [
            f"The gate is missed: {missed}.",
            _blame(numbers, ci, ceiling, thresholds),
            *beside,
        ]
    )


def _open_ends(ci: dict[str, tuple[float, float]], thresholds: dict[str, float]) -> Iterator[str]:
    """Say which intervals of a passed gate reach beyond their thresholds."""
    beyond = []
    for name, threshold in thresholds.items():
        number, bound = name.rsplit("_", 1)
        low, high = ci.get(number, (math.nan, math.nan))
        if bound == "min" and low < threshold:
            beyond.append(f"{_WORDS[number]} from {low:.3f} (threshold {threshold})")
        if bound == "max" and high > threshold:
            beyond.append(f"{_WORDS[number]} up to {high:.3f} (threshold {threshold})")
    if beyond:
        yield (
            f"Accepted, and the interval reaches beyond the threshold: {', '.join(beyond)}; other "
            "clips of this kind could have missed it."
        )


def _beside(
    numbers: dict[str, float], thresholds: dict[str, float], mos_sd: float
) -> Iterator[str]:
    """Say where the RMSE threshold asks for nothing: the MOS themselves vary less."""
    most = thresholds.get("mean_rmse_max")
    error = numbers["mean_rmse"]
    if most is not None and 0 < mos_sd <= most and math.isfinite(error):
        yield (
            f"The RMSE threshold proves nothing here: the mean MOS, predicted for every clip, "
            f"would have an RMSE of {mos_sd:.3f}; the head has {error:.3f}."
        )


def _blame(
    numbers: dict[str, float],
    ci: dict[str, tuple[float, float]],
    ceiling: float | None,
    thresholds: dict[str, float],
) -> str:
    """Whose fault a miss is: the labels' noise, the model, or too few clips to tell."""
    floor, plcc = thresholds["mean_plcc_min"], numbers["mean_plcc"]
    if math.isnan(plcc):
        return (
            "A fold has no PLCC (fewer than three rows, or nothing varies in it): "
            "too few clips to judge."
        )
    if missed_thresholds(thresholds, numbers) == ("plcc_spread_max",):
        if math.isnan(numbers["plcc_spread"]):
            return "One seed has no spread: train with --seeds 2 or more."
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
