"""Rounding that gives the same weights on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from moshead.features.domain import Array

SIGNIFICANT_BITS = 18


def round_to_float32(values: Array, bits: int = SIGNIFICANT_BITS) -> Array:
    """Round to ``bits`` significant bits, all of which float32 holds (24 at most)."""
    mantissa, exponent = np.frexp(np.asarray(values, dtype=np.float64))
    rounded = np.ldexp(np.round(mantissa * 2.0**bits), exponent - bits)
    return np.asarray(rounded, dtype=np.float32).astype(np.float64)
