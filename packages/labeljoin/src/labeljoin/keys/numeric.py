"""Numbers that people and programs wrote: null and blank are missing, anything odd is an error."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

_MISSING = ("", "nan", "null")


def numbers(
    values: pa.ChunkedArray, what: str, *, where: str, locate: Callable[[int], str]
) -> pa.DoubleArray:
    """A column as float64; null, blank and NaN are null.

    Args:
        values: Numbers, or text as a CSV or JSON file has it.
        what: What a value is, for errors, e.g. ``MOS``.
        where: The file.
        locate: Where a row stands.

    Raises:
        InputError: A value is text, a boolean or an infinity; its row is named.
    """
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if is_text(values.type):
        found = _parsed(values.cast(pa.string()), what, where, locate)
    elif pa.types.is_null(values.type):
        found = values.cast(pa.float64())
    elif _is_number(values.type):
        found = values.cast(pa.float64(), safe=False)
    else:
        raise InputError(
            f"the {what} is of type {values.type}, not a number",
            where=where,
            fix="Name another column, or write numbers",
            code="numbers.bad-type",
        )
    found = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    infinite = pc.indices_nonzero(pc.is_inf(found))
    if len(infinite):
        row = infinite[0].as_py()
        raise InputError(
            f"the {what} is infinite",
            where=f"{where}, {locate(row)}",
            fix="Correct it, or leave it blank",
            code="numbers.infinite",
        )
    return pc.if_else(pc.is_nan(found), pa.scalar(None, pa.float64()), found)


def is_text(kind: pa.DataType) -> bool:
    """Whether values of this type are text, in any of Arrow's layouts."""
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def _parsed(
    values: pa.ChunkedArray, what: str, where: str, locate: Callable[[int], str]
) -> pa.Array:
    texts = pc.utf8_trim_whitespace(values)
    missing = pc.is_in(pc.utf8_lower(texts), value_set=pa.array(_MISSING))
    texts = pc.if_else(missing, pa.scalar(None, pa.string()), texts)
    try:
        return texts.cast(pa.float64())
    except pa.ArrowInvalid:
        # Something that Arrow does not read: Python's notation, or no number at all.
        pass
    found: list[float | None] = []
    for row, text in enumerate(texts.to_pylist()):
        number = None if text is None else _number(text)
        if text is not None and number is None:
            raise InputError(
                f"the {what} {text!r} is not a number",
                where=f"{where}, {locate(row)}",
                fix="Correct it, or leave it blank if it has no rating",
                code="numbers.not-a-number",
            )
        found.append(number)
    return pa.array(found, pa.float64())


def _number(text: str) -> float | None:
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return math.inf if text.lower() in ("∞", "+∞", "-∞") else None
