"""The scale that the MOS of one label file is on, decided once per file and never per value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.compute as pc
from provenance.toolkit import InputError

from labeljoin.labels.options import scale_limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from labeljoin.facts import Scale
    from labeljoin.labels.options import LabelScale

RAW_COLUMN = "mos_raw_0_100"
# Below a maximum of 10 a file may be on 0-10, on 1-7, or on 1-5 with one wrong value.
_CERTAINLY_0_100 = 10.0


@dataclass(frozen=True)
class ScaleDecision:
    """Which scale a label file is on, and why.

    Attributes:
        scale: ``1-5`` (five-point ACR, ITU-T P.910 and P.913), ``0-100``, ``LOW:HIGH``, or None
            where the file has no MOS to decide by.
        decided_by: ``option``, ``column``, ``range``, ``ratings`` or ``nothing``.
        evidence: The fact behind the decision, for people.
    """

    scale: str | None
    decided_by: Literal["option", "column", "range", "ratings", "nothing"]
    evidence: str

    def to_dict(self) -> Scale:
        """Return the decision as a member of the audit."""
        return {"scale": self.scale, "decided_by": self.decided_by, "evidence": self.evidence}

    @property
    def limits(self) -> tuple[float, float] | None:
        """The ends of the scale."""
        return None if self.scale is None else scale_limits(self.scale)

    def mos(self, values: pa.DoubleArray) -> pa.DoubleArray:
        """Values of this scale as MOS on [1, 5]: ``mos = 1 + 4 (value - LOW) / (HIGH - LOW)``."""
        if self.scale is None or self.scale == "1-5":
            return values
        if self.scale == "0-100":
            return pc.add(pc.divide(values, 25.0), 1.0)
        return pc.add(pc.multiply(self._share(values), 4.0), 1.0)

    def raw(self, values: pa.DoubleArray) -> pa.DoubleArray:
        """Values of this scale on [0, 100]: ``raw = 100 (value - LOW) / (HIGH - LOW)``."""
        if self.scale == "0-100":
            return values
        if self.scale is None or self.scale == "1-5":
            return pc.multiply(pc.subtract(values, 1.0), 25.0)
        return pc.multiply(self._share(values), 100.0)

    def deviation(self, values: pa.DoubleArray) -> pa.DoubleArray:
        """Standard deviations of this scale, in MOS on [1, 5]."""
        if self.scale is None or self.scale == "1-5":
            return values
        if self.scale == "0-100":
            return pc.divide(values, 25.0)
        low, high = scale_limits(self.scale)
        return pc.multiply(pc.divide(values, high - low), 4.0)

    def _share(self, values: pa.DoubleArray) -> pa.DoubleArray:
        assert self.scale is not None
        low, high = scale_limits(self.scale)
        return pc.divide(pc.subtract(values, low), high - low)


def decide_scale(
    values: pa.DoubleArray,
    column: str,
    *,
    requested: LabelScale = "auto",
    where: str,
    locate: Callable[[int], str],
) -> ScaleDecision:
    """Decide the scale of one label file.

    Args:
        values: All its MOS, finite or null.
        column: The name of its MOS column; ``mos_raw_0_100`` says its scale.
        requested: ``--label-scale``.
        where: The file, for the error.
        locate: Where a row stands, for the error.

    Raises:
        InputError: The range fits neither scale for certain, or a value lies outside the decided
            scale.
    """
    low, high = (bound.as_py() for bound in pc.min_max(values).values())
    if low is None:
        return ScaleDecision(None, "nothing", f"column {column!r} holds no MOS")
    count = len(values) - values.null_count
    span = f"in [{low:.15g}, {high:.15g}]" if low < high else f"equal to {low:.15g}"
    evidence = f"{count:,} value{'s' * (count != 1)} of column {column!r} {span}"
    if requested != "auto":
        decision = ScaleDecision(requested, "option", evidence)
    elif column.strip().casefold() == RAW_COLUMN:
        decision = ScaleDecision("0-100", "column", evidence)
    elif low >= 1 and high <= 5:
        decision = ScaleDecision("1-5", "range", evidence)
    elif low >= 0 and _CERTAINLY_0_100 < high <= 100:
        decision = ScaleDecision("0-100", "range", evidence)
    else:
        raise InputError(
            f"the MOS column {column!r} runs from {low:.15g} "
            f"({locate(_position(values, low))}) to {high:.15g} "
            f"({locate(_position(values, high))}), which is neither the scale 1-5 nor the scale "
            "0-100 for certain",
            where=where,
            fix="Correct these rows, or say which scale it is with --label-scale 1-5, 0-100 or "
            "LOW:HIGH",
            code="labels.unknown-scale",
        )
    _refuse_outside(values, column, decision, where, locate)
    return decision


def _refuse_outside(
    values: pa.DoubleArray,
    column: str,
    decision: ScaleDecision,
    where: str,
    locate: Callable[[int], str],
) -> None:
    assert decision.scale is not None
    low, high = scale_limits(decision.scale)
    outside = pc.indices_nonzero(pc.or_(pc.less(values, low), pc.greater(values, high)))
    if not len(outside):
        return
    row = outside[0].as_py()
    more = f", as are {len(outside) - 1:,} more" if len(outside) > 1 else ""
    reason = {
        "option": f"of --label-scale {decision.scale}",
        "column": f"that the column name {column!r} states",
        "range": "of this file",
    }[decision.decided_by]
    raise InputError(
        f"the MOS {values[row].as_py():.15g} is outside the scale {low:.15g} to {high:.15g} "
        f"{reason}{more}",
        where=f"{where}, {locate(row)}",
        fix="Correct the value, or the scale with --label-scale",
        code="labels.outside-scale",
    )


def _position(values: pa.DoubleArray, value: float) -> int:
    return int(pc.index(values, pa.scalar(value, pa.float64())).as_py())
