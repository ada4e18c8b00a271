"""How reports write numbers, shares and intervals."""

from __future__ import annotations

from collections.abc import Sequence

import labeljoin


def number(value: float | None, digits: int = 3) -> str:
    """Write a number with ``digits`` decimals, or a dash for None.

    Example:
        >>> number(0.8917), number(-0.0001, 2), number(None)
        ('0.892', '0.00', '–')
    """
    return "–" if value is None else f"{value:z.{digits}f}"


def signed(value: float | None, digits: int = 3) -> str:
    """Write a number with its sign, or a dash for None.

    Example:
        >>> signed(0.0193)
        '+0.019'
    """
    return "–" if value is None else f"{value:+z.{digits}f}"


def interval(ends: Sequence[float | None] | None, digits: int = 3) -> str:
    """Write an interval as ``low to high``, or a dash if it is unknown.

    Example:
        >>> interval([0.009, 0.027]), interval([None, None])
        ('0.009 to 0.027', '–')
    """
    if not ends or ends[0] is None:
        return "–"
    return f"{number(ends[0], digits)} to {number(ends[1], digits)}"


def percent(value: float | None) -> str:
    """Write a share (or a ratio above one) as a percentage, or a dash for None.

    Example:
        >>> percent(0.9996), percent(1.0)
        ('99.96 %', '100 %')
    """
    return "–" if value is None else labeljoin.keys.percent(value)
