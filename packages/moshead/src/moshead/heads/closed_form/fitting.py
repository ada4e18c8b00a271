"""What the fits of one training set share, and what a fit is.

Everything is chosen on the training rows alone, by the exact leave-one-unit-out error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from moshead.heads.closed_form.leave_out import Units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from moshead.features.domain import Array
    from moshead.heads.closed_form.additive import Term
    from moshead.heads.closed_form.transforms import TransformName

BLENDING_ROWS = 16_000
"""About so many rows choose penalties and weights, if there are twice as many or more."""

MOST_QUADRATIC_INPUTS = 128
"""Inputs whose products a quadratic member may hold."""


@dataclass(frozen=True)
class Member:
    """One fit that a family can choose or blend.

    Attributes:
        name: What it is, for people: e.g. ``rbf``.
        transform: The transform that its inputs come from.
        term: The fitted term, constant aside.
        intercept: Its constant.
        leave_out: Prediction for each training row by the fit without its unit, (N,).
        error: Mean squared error of ``leave_out``.
        chosen: Penalty, width, and the number of centres.
    """

    name: str
    transform: TransformName
    term: Term
    intercept: float
    leave_out: Array
    error: float
    chosen: dict[str, Any]


@dataclass(frozen=True)
class Fitting:
    """What members of one training set share.

    Attributes:
        inputs: The inputs of each transform, (N, D).
        target: Labels on the link scale, (N,).
        of_row: Unit of each row, (N,).
        units: The same, prepared.
        size_limit: Bytes that the weights may take in the ONNX file.
        weights: How much each row counts, (N,); None where all count alike.
    """

    inputs: dict[TransformName, Array]
    target: Array
    of_row: NDArray[np.int64]
    units: Units
    size_limit: int
    weights: Array | None = None

    @property
    def mean(self) -> float:
        """Mean label, weighted as the rows are."""
        if self.weights is None:
            return float(self.target.mean())
        return float(np.average(self.target, weights=self.weights))

    def thinned(self, wanted: int) -> Fitting:
        """About so many rows, evenly spaced."""
        rows = np.arange(0, len(self.target), max(1, len(self.target) // wanted))
        of_row = self.of_row[rows]
        inputs = {name: values[rows] for name, values in self.inputs.items()}
        weights = None if self.weights is None else self.weights[rows]
        if weights is not None:
            weights = weights / weights.mean()
        return Fitting(inputs, self.target[rows], of_row, Units(of_row), self.size_limit, weights)

    @property
    def chooses_on_some(self) -> bool:
        """Whether there are rows enough to choose on a part of them."""
        return len(self.target) >= 2 * BLENDING_ROWS

    def choosing(self) -> Fitting:
        """The rows that choose penalties and weights: all of them, or evenly spaced ones."""
        return self.thinned(BLENDING_ROWS) if self.chooses_on_some else self
