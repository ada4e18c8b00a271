"""Misses of the gate in words: which thresholds, and whether the model or the labels fall short."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from moshead.gate.report import GateKind
    from moshead.gate.thresholds import Threshold


def missed_thresholds(
    thresholds: Sequence[Threshold], numbers: Mapping[str, float]
) -> tuple[Threshold, ...]:
    """Return the thresholds that are missed; a number that does not exist misses its own."""
    return tuple(each for each in thresholds if not each.is_met_by(numbers[each.number]))


def misses_of(thresholds: Sequence[Threshold], numbers: Mapping[str, float]) -> tuple[str, ...]:
    """Describe each threshold that is missed in one sentence."""
    return tuple(
        f"{each.label} {_shown(numbers[each.number])} is "
        f"{'below' if each.direction == 'min' else 'above'} {each.bound}"
        for each in missed_thresholds(thresholds, numbers)
    )


def sentence_of(
    kind: GateKind,
    misses: tuple[str, ...],
    faults: tuple[str, ...],
    numbers: dict[str, float],
    ci: dict[str, tuple[float, float]],
    ceiling: float | None,
    thresholds: Sequence[Threshold],
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


def _open_ends(
    ci: dict[str, tuple[float, float]], thresholds: Sequence[Threshold]
) -> Iterator[str]:
    """Say which intervals of a passed gate reach beyond their thresholds."""
    beyond = []
    for each in thresholds:
        low, high = ci.get(each.number, (math.nan, math.nan))
        if each.direction == "min" and low < each.bound:
            beyond.append(f"{each.label} from {low:.3f} (threshold {each.bound})")
        if each.direction == "max" and high > each.bound:
            beyond.append(f"{each.label} up to {high:.3f} (threshold {each.bound})")
    if beyond:
        yield (
            f"Accepted, and the interval reaches beyond the threshold: {', '.join(beyond)}; other "
            "clips of this kind could have missed it."
        )


def _beside(
    numbers: dict[str, float], thresholds: Sequence[Threshold], mos_sd: float
) -> Iterator[str]:
    """Say where the RMSE threshold asks for nothing: the MOS themselves vary less."""
    most = next((each.bound for each in thresholds if each.number == "mean_rmse"), None)
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
    thresholds: Sequence[Threshold],
) -> str:
    """Whose fault a miss is: the labels' noise, the model, or too few clips to tell."""
    floor = next(each.bound for each in thresholds if each.number == "mean_plcc")
    plcc = numbers["mean_plcc"]
    if math.isnan(plcc):
        return (
            "A fold has no PLCC (fewer than three rows, or nothing varies in it): "
            "too few clips to judge."
        )
    if [each.number for each in missed_thresholds(thresholds, numbers)] == ["plcc_spread"]:
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
