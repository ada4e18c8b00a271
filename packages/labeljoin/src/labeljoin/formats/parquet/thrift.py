"""Thrift compact protocol, as far as it takes to find values in it and leave the rest as it is.

Nothing here knows a field by name: a struct is cut into fields, and a field's bytes are copied,
whatever they mean. What a newer writer put there survives by construction, which no codec
generated from a schema can promise.

Format: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

BOOLEAN_TRUE, BOOLEAN_FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(
    1, 13
)


class Field(NamedTuple):
    """One field of a struct: its id, its compact type, and its value's bytes, encoded."""

    id: int
    kind: int
    value: bytes


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """The unsigned integer at ``position``, and where it ends."""
    result = 0
    for shift in range(0, 70, 7):  # ten bytes hold 64 bits
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
    raise ValueError("an integer has more than 64 bits")


def varint(number: int) -> bytes:
    """An unsigned integer, encoded."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def integer(number: int) -> bytes:
    """A signed integer of any width, encoded."""
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


def read_integer(value: bytes) -> int:
    """The signed integer that ``value`` encodes."""
    number, _ = read_varint(value, 0)
    return number >> 1 ^ -(number & 1)


def binary(data: bytes) -> bytes:
    """A binary or string value, encoded."""
    return varint(len(data)) + data


def read_binary(value: bytes) -> bytes:
    """The bytes that ``value`` encodes."""
    size, start = read_varint(value, 0)
    return value[start : start + size]


def list_header(kind: int, count: int) -> bytes:
    """The head of a list of ``count`` elements."""
    if count < 15:
        return bytes([count << 4 | kind])
    return bytes([0xF0 | kind]) + varint(count)


def read_list_header(data: bytes, position: int) -> tuple[int, int, int]:
    """Element type, number of elements, and where the first one starts."""
    head = data[position]
    count = head >> 4
    position += 1
    if count == 15:
        count, position = read_varint(data, position)
    _require_room(data, position, count)
    return head & 0x0F, count, position


def _require_room(data: bytes, position: int, count: int) -> None:
    """Refuse a collection that claims more elements than there are bytes: each takes one or more.

    Elements of fixed size are skipped without a look, so a claim of 2^31 of them would take
    minutes to walk.
    """
    if count > len(data) - position:
        raise ValueError(f"a collection claims {count:,} elements")


def read_field_header(data: bytes, position: int, last: int) -> tuple[int, int, int]:
    """Id and type of the field at ``position``, and where its value starts.

    Args:
        data: The encoded bytes.
        position: Where the field starts.
        last: The id of the field before it, 0 for the first.

    Returns:
        Type 0 where the struct ends.
    """
    head = data[position]
    position += 1
    if not head:
        return last, 0, position
    if head > 0x0F:
        return last + (head >> 4), head & 0x0F, position
    number, position = read_varint(data, position)
    return number >> 1 ^ -(number & 1), head, position


def fields(data: bytes, position: int = 0) -> tuple[list[Field], int]:
    """The fields of the struct at ``position``, and where it ends."""
    found: list[Field] = []
    number = 0
    while True:
        number, kind, position = read_field_header(data, position, number)
        if not kind:
            return found, position
        end = skip(data, position, kind)
        found.append(Field(number, kind, data[position:end]))
        position = end


def struct(members: Iterable[Field]) -> bytes:
    """A struct, encoded, its fields in the given order."""
    pieces = []
    last = 0
    for number, kind, value in members:
        step = number - last
        pieces.append(
            bytes([step << 4 | kind]) if 0 < step < 16 else bytes([kind]) + integer(number)
        )
        pieces.append(value)
        last = number
    pieces.append(b"\0")
    return b"".join(pieces)


def elements(value: bytes) -> list[bytes]:
    """The encoded elements of an encoded list."""
    kind, count, position = read_list_header(value, 0)
    found = []
    for _ in range(count):
        end = skip(value, position, kind)
        found.append(value[position:end])
        position = end
    return found


def skip(data: bytes, position: int, kind: int) -> int:
    """Where the field value at ``position`` ends."""
    if kind in (BOOLEAN_TRUE, BOOLEAN_FALSE):
        return position  # the value is in the type
    return _skip_element(data, position, kind)


def _skip_element(data: bytes, position: int, kind: int) -> int:
    """Where the list element at ``position`` ends."""
    if kind == STRUCT:
        return skip_struct(data, position)
    if kind in (LIST, SET):
        return skip_list(data, position)
    if kind in (I16, I32, I64):
        return read_varint(data, position)[1]
    if kind == BINARY:
        size, position = read_varint(data, position)
        return position + size
    if kind in (BOOLEAN_TRUE, BOOLEAN_FALSE, BYTE):
        return position + 1
    if kind == DOUBLE:
        return position + 8
    if kind == MAP:
        return _skip_map(data, position)
    raise ValueError(f"compact type {kind} does not exist")


def _skip_map(data: bytes, position: int) -> int:
    count, position = read_varint(data, position)
    if count:
        _require_room(data, position, count)
        kinds = data[position]
        position += 1
        for _ in range(count):
            position = _skip_element(data, position, kinds >> 4)
            position = _skip_element(data, position, kinds & 0x0F)
    return position


def skip_struct(data: bytes, position: int) -> int:
    """Where the struct at ``position`` ends.

    A footer of 2,000 columns by 50 row groups holds 100,000 structs of some 35 fields, so the
    types that fill them are met here and not through calls, and compared one by one: three
    times as fast.
    """
    while True:
        head = data[position]
        position += 1
        if not head:
            return position
        if head < 16:  # long form: the field's id follows
            while data[position] > 0x7F:
                position += 1
            position += 1
        kind = head & 0x0F
        if kind == I64 or kind == I32 or kind == I16:  # noqa: SIM109
            while data[position] > 0x7F:
                position += 1
            position += 1
        elif kind == BINARY:
            size = data[position]
            position += 1
            if size > 0x7F:
                size, position = read_varint(data, position - 1)
            position += size
        elif kind == STRUCT:
            position = skip_struct(data, position)
        elif kind == LIST:
            position = skip_list(data, position)
        elif kind > BOOLEAN_FALSE:
            position = _skip_element(data, position, kind)


def skip_list(data: bytes, position: int) -> int:
    """Where the list at ``position`` ends."""
    kind, count, position = read_list_header(data, position)
    if kind == STRUCT:
        for _ in range(count):
            position = skip_struct(data, position)
    elif kind in (I16, I32, I64):
        for _ in range(count):
            while data[position] > 0x7F:
                position += 1
            position += 1
    else:
        for _ in range(count):
            position = _skip_element(data, position, kind)
    return position
