"""Whether rows are weighted by what their labels are worth, and whether that paid."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from provenance.toolkit import InputError

from moshead.baselines.alongside import RESAMPLES
from moshead.baselines.pairing import Difference, bootstrap_difference
from moshead.baselines.worth import signed
from moshead.gate import statistics
from moshead.gate.bootstrap import enough_units
from moshead.gate.resampling import resample_counts, resampled_plcc
from moshead.heads.closed_form.label_weights import label_error_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from moshead.features.domain import Array
    from moshead.gate.report import Cell
    from moshead.heads.protocol import TrainingRows

WeightKind = Literal["none", "label-error"]
WEIGHT_KINDS: tuple[WeightKind, ...] = ("none", "label-error")

_LEAST_KNOWN = 0.5
"""Share of rows whose standard errors must be known for weights to be the default."""
_LEAST_DIFFERENCE = 0.01
"""Standard errors that differ by less, relative to their mean, count as equal."""
_RESAMPLED_VALUES = 1e8


@dataclass(frozen=True)
class Weighting:
    """The choice of one training run, with the weights it gives.

    Attributes:
        kind: ``none`` or ``label-error``.
        default: Whether nobody asked for it.
        informative: Whether standard errors are known for most rows, and differ.
        rows: All rows.
        standard_error: Of the MOS of each, (N,), NaN where unknown.
    """

    kind: WeightKind
    default: bool
    informative: bool
    rows: TrainingRows
    standard_error: Array
    _made: dict[bytes, Array | None] = field(default_factory=dict, repr=False, compare=False)

    @property
    def other(self) -> WeightKind:
        """The kind that was not chosen."""
        return "none" if self.kind == "label-error" else "label-error"

    def of(self, rows: NDArray[np.int64], kind: WeightKind | None = None) -> Array | None:
        """Weights of some rows, from these rows alone, (n,); None where all count alike.

        Args:
            rows: Training rows of one head.
            kind: The chosen kind by default.
        """
        if (kind or self.kind) == "none":
            return None
        identity = rows.tobytes()
        if identity not in self._made:
            self._made[identity] = label_error_weights(
                self.rows.take(rows), self.standard_error[rows]
            )
        return self._made[identity]


def choose_weighting(
    rows: TrainingRows, standard_error: Array, asked: WeightKind | None
) -> Weighting:
    """Take the kind that was asked for, else ``label-error`` where standard errors tell rows apart.

    Args:
        rows: All rows.
        standard_error: Of the MOS of each, (N,), NaN where unknown.
        asked: The kind, or None for the default.

    Raises:
        InputError: ``label-error`` was asked for, and no standard error is known.
    """
    known = standard_error[np.isfinite(standard_error)]
    informative = (
        len(known) >= _LEAST_KNOWN * len(standard_error)
        and len(known) > 1
        and float(known.std()) > _LEAST_DIFFERENCE * float(known.mean())
    )
    if asked == "label-error" and not len(known):
        raise InputError(
            "--weights label-error needs standard errors of the labels, and no row has one",
            fix="Join labels with mos_standard_error, or with mos_std_dev and mos_n_ratings; or "
            "give --weights none",
            code="training.no-label-errors",
        )
    kind: WeightKind = asked or ("label-error" if informative else "none")
    return Weighting(kind, asked is None, informative, rows, standard_error)


@dataclass(frozen=True)
class Paid:
    """What weights changed on the folds that judged the head, with its first seed.

    Attributes:
        weighted: Mean PLCC over folds of heads fitted with weights.
        unweighted: The same without.
        difference: Weighted minus unweighted, with its paired interval.
    """

    weighted: float
    unweighted: float
    difference: Difference

    def to_dict(self) -> dict[str, Any]:
        """As JSON; null where a number does not exist."""
        numbers = {
            "plcc_weighted": self.weighted,
            "plcc_unweighted": self.unweighted,
            "difference": self.difference.difference,
            "low": self.difference.low,
            "high": self.difference.high,
        }
        return {
            name: round(value, 6) if math.isfinite(value) else None
            for name, value in numbers.items()
        }

    @property
    def sentence(self) -> str:
        """The same in words."""
        d = self.difference
        interval = f" [{signed(d.low)}, {signed(d.high)}]" if math.isfinite(d.low) else ""
        if not math.isfinite(d.difference):
            return "Whether weights pay could not be measured on these folds"
        verdict = "made no sure difference"
        if math.isfinite(d.low) and d.low > 0:
            verdict = "paid"
        elif math.isfinite(d.high) and d.high < 0:
            verdict = "did not pay"
        return (
            f"On the same folds with the first seed weights {verdict}: mean PLCC "
            f"{self.weighted:.4f} with them, {self.unweighted:.4f} without, "
            f"{signed(d.difference)}{interval}"
        )


def measure_paid(
    mos: Array,
    units: NDArray[np.int64],
    weighted: Sequence[Cell],
    unweighted: Sequence[Cell],
    seed: int,
) -> Paid:
    """Compare heads with and without weights on the same held-out rows.

    Units are redrawn within each fold, alike for both (Efron and Tibshirani 1993, 16).

    Args:
        mos: Labels of all rows, (N,).
        units: Clip or group of each row, (N,).
        weighted: Predictions of one seed for each fold, fitted with weights.
        unweighted: The same folds in the same order, fitted without.
        seed: Seed of the draws.
    """
    pairs = list(zip(weighted, unweighted, strict=True))
    largest = max(len(cell.rows) for cell in weighted)
    resamples = int(np.clip(_RESAMPLED_VALUES / (largest * len(pairs)), 200, RESAMPLES))
    rng = np.random.Generator(np.random.PCG64([seed, 97]))
    draws, point = np.zeros((2, resamples)), np.zeros(2)
    for cell, other in pairs:
        truth = mos[cell.rows]
        stacked = np.stack([cell.predicted, other.predicted])
        _, own = np.unique(units[cell.rows], return_inverse=True)
        step = max(1, 2_000_000 // len(truth))
        for at in range(0, resamples, step):
            counts = resample_counts(rng, own, min(step, resamples - at))
            draws[:, at : at + step] += resampled_plcc(truth, stacked, counts) / len(pairs)
        point += [statistics.plcc(truth, predicted) / len(pairs) for predicted in stacked]
    difference = bootstrap_difference(point[0], point[1], draws[0], draws[1])
    if not enough_units(weighted, units):
        difference = Difference(difference.difference, math.nan, math.nan, math.nan)
    return Paid(float(point[0]), float(point[1]), difference)


def weights_document(
    weighting: Weighting, shipped: Array | None, paid: Paid | None
) -> dict[str, Any]:
    """What the manifest says about weights: ``kind, default, range, paid``.

    Args:
        weighting: The choice.
        shipped: Weights of the rows of the shipped head, (n,), or None.
        paid: What they changed; None where it was not measured.
    """
    return {
        "kind": weighting.kind,
        "default": weighting.default,
        "range": None
        if shipped is None
        else [round(float(shipped.min()), 4), round(float(shipped.max()), 4)],
        "paid": None if paid is None else paid.to_dict(),
    }


def weights_note(weighting: Weighting, shipped: Array | None, paid: Paid | None) -> str | None:
    """Return the sentences about weights for card and terminal; None if there is no choice.

    Args:
        weighting: The choice.
        shipped: Weights of the rows of the shipped head, (n,), or None.
        paid: What they changed; None where it was not measured.
    """
    measured = "" if paid is None else f" {paid.sentence}."
    if shipped is None:
        return f"All rows count alike (--weights none).{measured}" if measured else None
    why = (
        "the default, because standard errors of the labels are known and differ; "
        if weighting.default
        else ""
    )
    return (
        f"Rows are weighted by what their labels are worth (--weights label-error; {why}"
        f"weights from {shipped.min():.2f} to {shipped.max():.2f}).{measured}"
    )
