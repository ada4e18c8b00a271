"""How to read label files."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provenance.toolkit import InputError

if TYPE_CHECKING:
    from labeljoin.keys.rule import KeyRule

LabelScale = str
"""A value of ``--label-scale``: ``auto``, ``1-5``, ``0-100``, or ``LOW:HIGH`` for any other."""

LIMITS: dict[str, tuple[float, float]] = {"1-5": (1.0, 5.0), "0-100": (0.0, 100.0)}
SCALE_PATTERN = r"^(auto|1-5|0-100|[^:]+:[^:]+)$"
"""What a scale looks like, for JSON Schemas; :func:`scale_limits` decides."""


def scale_limits(scale: str, *, option: str = "--label-scale") -> tuple[float, float]:
    """Return the ends of a scale: ``1-5``, ``0-100``, or ``LOW:HIGH`` such as ``-20:120``.

    Args:
        scale: The scale.
        option: The flag that gave it, for the error.

    Raises:
        InputError: It is not a scale.
    """
    if scale in LIMITS:
        return LIMITS[scale]
    ends = scale.split(":")
    try:
        low, high = (float(end) for end in ends)
    except ValueError:
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(
            f"{option} {scale!r} is not a scale",
            code="labels.scale",
            fix="Use 1-5, 0-100, or LOW:HIGH with two numbers, such as -20:120",
        )
    return low, high


def _default_rule() -> KeyRule:
    from labeljoin.keys.rule import KeyRule

    return KeyRule()


@dataclass(frozen=True)
class LabelOptions:
    """How to read label files.

    Attributes:
        key_column: The key column of every file, inferred per file by default.
        mos_column: The MOS column of every file, inferred per file by default.
        scale: The scale of every file, decided per file when ``auto``.
        rule: How key values become clip keys.
        extras: ``auto``, ``none``, or names of label columns, each ``NAME`` or ``NAME=COLUMN``.
    """

    key_column: str | None = None
    mos_column: str | None = None
    scale: LabelScale = "auto"
    rule: KeyRule = field(default_factory=_default_rule)
    extras: str = "auto"
