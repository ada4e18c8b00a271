"""The values of a key column as text: of any type, and equal where people would call them equal."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from provenance.toolkit import InputError

_INTEGER_WITH_FRACTION = r"^([+-]?[0-9]+)\.0+$"


def normal_text(texts: pa.StringArray) -> pa.StringArray:
    """Texts NFC-normalised and stripped, ``3339962845.0`` without its fraction."""
    if not pc.all(pc.string_is_ascii(texts)).as_py():
        # Arrow's own utf8_normalize composes nothing before its version 26.
        texts = pa.array(
            (text and unicodedata.normalize("NFC", text) for text in texts.to_pylist()),
            pa.string(),
        )
    texts = pc.utf8_trim_whitespace(texts)
    if not pc.any(pc.ends_with(texts, "0")).as_py():
        return texts
    return pc.replace_substring_regex(texts, _INTEGER_WITH_FRACTION, r"\1")


def encode(values: pa.Array | pa.ChunkedArray) -> tuple[pa.StringArray, pa.Int32Array]:
    """The distinct values as text, and for each value its position among them.

    Args:
        values: Any array of text, numbers, booleans, dates or binary UTF-8.

    Returns:
        Distinct texts, whole numbers without a fraction, NaN null; and positions, null for null.

    Raises:
        InputError: The values are lists, structs or the like.
    """
    distinct, indices = _encode(values)
    return _to_text(distinct), indices


def _to_text(values: pa.Array) -> pa.StringArray:
    kind = values.type
    if pa.types.is_string(kind):
        return values
    if pa.types.is_floating(kind):
        return _floats_to_text(values)
    if pa.types.is_decimal(kind):
        texts = (None if value is None else format(value, "f") for value in values.to_pylist())
        return pa.array(texts, pa.string())
    try:
        return values.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise _unusable(kind) from None


def _floats_to_text(values: pa.Array) -> pa.StringArray:
    """Floats as text: whole ones as the exact integer, others as their shortest form."""
    short = values.cast(pa.string()).to_pylist()
    texts = [
        None
        if value is None or value != value  # NaN is pandas' null
        else str(int(value))
        if float(value).is_integer()
        else text
        for value, text in zip(values.to_pylist(), short, strict=True)
    ]
    return pa.array(texts, pa.string())


def _encode(values: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, pa.Int32Array]:
    if isinstance(values, pa.ChunkedArray):
        if pa.types.is_dictionary(values.type):
            values = values.unify_dictionaries()
        else:
            values = _encodable(values).dictionary_encode()
        values = values.combine_chunks()
        if isinstance(values, pa.ChunkedArray):  # none, or more than 2 GiB of text
            values = pa.concat_arrays([pa.array([], values.type), *values.chunks])
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if not pa.types.is_dictionary(values.type):
        encoded = pc.dictionary_encode(_encodable(values))
        return encoded.dictionary, encoded.indices.cast(pa.int32())
    # A filtered or sliced table keeps dictionary entries that no row has; they are no keys.
    entries = _encodable(values.dictionary)
    codes = pc.fill_null(values.indices.cast(pa.int32()), -1).to_numpy(zero_copy_only=False)
    first = np.full(len(entries) + 1, len(codes))
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # of equal ones the last is assigned
    used = np.argsort(first[:-1])[: np.count_nonzero(first[:-1] < len(codes))]
    if np.array_equal(used, np.arange(len(entries))):
        return entries, values.indices.cast(pa.int32())
    place = np.full(len(entries) + 1, -1, np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    codes = place[codes]
    return entries.take(pa.array(used)), pa.array(codes, mask=codes < 0)


def _encodable(values: Any) -> Any:
    if pa.types.is_nested(values.type) or pa.types.is_union(values.type):
        raise _unusable(values.type)
    if pa.types.is_string_view(values.type):  # Arrow takes no elements of views yet
        return values.cast(pa.string())
    return values


def _unusable(kind: pa.DataType) -> InputError:
    return InputError(
        f"a key column holds values of type {kind}, which is neither text nor a number",
        fix="Choose another key column",
        code="keys.bad-type",
    )
