"""The thresholds of the gate, one row each (ADR-0303, ADR-0325 and ADR-0336).

Verdicts, cards, the terminal and validation reports take their rows from here. To add a threshold,
add a row whose ``number`` is a member of :class:`moshead.gate.GateReport`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Threshold:
    """One threshold.

    Attributes:
        number: The number that it bounds, a member of the gate's report.
        label: The number in words.
        bound: The bound itself; it meets the threshold.
        direction: ``min`` if the number must be at least the bound, ``max`` if at most.
    """

    number: str
    label: str
    bound: float
    direction: Literal["min", "max"]

    @property
    def name(self) -> str:
        """The name of the bound in documents, such as ``mean_plcc_min``."""
        return f"{self.number}_{self.direction}"

    @property
    def sign(self) -> str:
        """``≥`` or ``≤``."""
        return "≥" if self.direction == "min" else "≤"

    def is_met_by(self, value: float | None) -> bool:
        """Return whether a number meets the threshold; None and NaN do not.

        Example:
            >>> MEAN_PLCC.is_met_by(0.85), MEAN_PLCC.is_met_by(float("nan"))
            (True, False)
        """
        if value is None:
            return False
        return value >= self.bound if self.direction == "min" else value <= self.bound


MEAN_PLCC = Threshold("mean_plcc", "mean PLCC", 0.85, "min")
MEAN_SROCC = Threshold("mean_srocc", "mean SROCC", 0.82, "min")
MEAN_RMSE = Threshold("mean_rmse", "mean RMSE", 0.45, "max")
PLCC_SPREAD = Threshold("plcc_spread", "PLCC spread over seeds", 0.005, "max")

PRODUCTION = (MEAN_PLCC, MEAN_SROCC, MEAN_RMSE, PLCC_SPREAD)
"""The gate of heads that real ratings trained."""

HELD_OUT = (MEAN_PLCC, MEAN_SROCC, MEAN_RMSE)
"""The gate of one head on held-out rows: a spread needs several nets."""

SMOKE = (replace(MEAN_PLCC, bound=0.75),)
"""The gate of synthetic rows. Meeting it accepts no head."""


def bounds_of(thresholds: Iterable[Threshold]) -> dict[str, float]:
    """Return the bounds by name, as documents hold them.

    Example:
        >>> bounds_of(SMOKE)
        {'mean_plcc_min': 0.75}
    """
    return {threshold.name: threshold.bound for threshold in thresholds}
