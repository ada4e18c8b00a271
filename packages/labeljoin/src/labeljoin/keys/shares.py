"""Shares of clips and rows as people read them."""

from __future__ import annotations


def percent(rate: float) -> str:
    """Format a share as a percentage; 100 % and 0 % only where it is exact.

    Args:
        rate: A share from 0 to 1, or a ratio above.

    Examples:
        >>> percent(0.95), percent(0.99999), percent(1)
        ('95 %', '99.9990 %', '100 %')
    """
    for places in (1, 2, 4):
        shown = f"{100 * rate:.{places}f}"
        if not 0 < rate < 1 or 0 < float(shown) < 100:
            return f"{shown} %".replace(".0 %", " %")
    return "> 99.9999 %" if rate > 0.5 else "< 0.0001 %"
