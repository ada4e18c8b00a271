"""Numbers that people and programs wrote, as text or as numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

_MISSING = ("", "nan", "null")
_NUMBER = r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|nan|inf(?:inity)?)"
_IS_NUMBER = re.compile(_NUMBER, re.IGNORECASE)


def number_of(text: str) -> float | None:
    """Return the number that a text is, or None; blanks around it do not count.

    Examples:
        >>> [number_of(text) for text in (" +1.5e3", "NaN", "1_0", "")]
        [1500.0, nan, None, None]
    """
    text = text.strip()
    return float(text) if _IS_NUMBER.fullmatch(text) else None


def to_float64(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return a column as float64, null for text that :func:`number_of` does not know.

    Args:
        values: Numbers, or text as a CSV or JSON file has it; either may be dictionary-encoded.

    Raises:
        TypeError: The column is of another type, such as boolean.

    Examples:
        >>> import pyarrow as pa
        >>> to_float64(pa.array([" 7", "seven", None])).to_pylist()
        [7.0, None, None]
    """
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    kind = values.type
    if is_text(kind):
        texts = pc.utf8_trim_whitespace(values.cast(pa.string()))
        try:
            return texts.cast(pa.float64())
        except pa.ArrowInvalid:
            known = pc.match_substring_regex(texts, f"^{_NUMBER}$", ignore_case=True)
            return pc.if_else(known, texts, pa.scalar(None, pa.string())).cast(pa.float64())
    if not (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_null(kind)
    ):
        raise TypeError(f"values of type {kind} are not numbers")
    return values.cast(pa.float64(), safe=False)


def numbers(
    values: pa.ChunkedArray, what: str, *, where: str, locate: Callable[[int], str]
) -> pa.DoubleArray:
    """Return a column as float64; null, blank and NaN are null, and anything odd is an error.

    Args:
        values: Numbers, or text as a CSV or JSON file has it.
        what: What a value is, for errors, e.g. ``MOS``.
        where: The file.
        locate: Where a row stands.

    Raises:
        InputError: A value is text, a boolean or an infinity; its row is named.

    Examples:
        >>> import pyarrow as pa
        >>> votes = pa.chunked_array([["3.5", "", "nan"]])
        >>> numbers(votes, "MOS", where="l.csv", locate=lambda row: f"line {row + 2}").to_pylist()
        [3.5, None, None]
    """
    try:
        found = to_float64(values)
    except TypeError:
        raise InputError(
            f"the {what} is of type {values.type}, not a number",
            where=where,
            fix="Name another column, or write numbers",
            code="numbers.bad-type",
        ) from None
    found = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    odd = pc.and_(found.is_null(), values.is_valid())
    if pc.any(odd).as_py():
        texts = pc.utf8_trim_whitespace(values.cast(pa.string()))
        missing = pc.is_in(pc.utf8_lower(texts), value_set=pa.array(_MISSING))
        rows = pc.indices_nonzero(pc.and_not(odd, missing))
        if len(rows):
            row = rows[0].as_py()
            raise InputError(
                f"the {what} {texts[row].as_py()!r} is not a number",
                where=f"{where}, {locate(row)}",
                fix="Correct it, or leave it blank if it has no rating",
                code="numbers.not-a-number",
            )
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
