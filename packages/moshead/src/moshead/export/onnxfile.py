"""Read operators, external data and metadata of an ONNX file without the onnx package.

Prediction installs only onnxruntime, numpy and pyarrow, and a model has to be checked before a
runtime executes it. This module walks the protobuf fields of ``onnx.proto`` (ONNX IR specification)
that hold operators, sub-graphs, external data and metadata. It skips tensors.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from provenance.toolkit import InputError

# Field numbers of onnx.proto, by message: which fields are messages worth entering, and of what
# kind. Everything else is skipped, so weights cost nothing.
_MESSAGES: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 8: "opset", 14: "metadata", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external"},
    "opset": {},
    "metadata": {},
    "external": {},
}
_NODE_OPERATOR, _NODE_DOMAIN = 4, 7
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
_OPSET_DOMAIN, _OPSET_VERSION = 1, 2
_DEFAULT_DOMAINS = ("", "ai.onnx")
_MAX_DEPTH = 64
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass
class OnnxFacts:
    """Operators, external data, opsets and metadata of a model.

    Attributes:
        metadata: ``metadata_props``.
        operators: Operator types of all nodes, those in Loop and If bodies and in functions too;
            ``domain::Type`` outside the default domain.
        external_data: Locations of the files that hold tensors outside the model's file.
        opsets: Imported version by domain.
    """

    metadata: dict[str, str] = field(default_factory=dict)
    operators: set[str] = field(default_factory=set)
    external_data: set[str] = field(default_factory=set)
    opsets: dict[str, int] = field(default_factory=dict)


def read_onnx(data: bytes | memoryview, where: str) -> OnnxFacts:
    """Read the facts of a model.

    Args:
        data: The bytes of the model file.
        where: The file's name, for errors.

    Raises:
        InputError: The bytes are not an ONNX model.
    """
    facts = OnnxFacts()
    try:
        _walk(memoryview(data), "model", facts, depth=0)
    except (ValueError, IndexError) as error:
        raise _not_onnx(where) from error
    if not facts.opsets:
        raise _not_onnx(where)
    return facts


def read_embedded_record(path: Path) -> bytes | None:
    """Return the run record inside a head, or None (``provenance.embedded`` reader of onnx)."""
    from provenance.record import EMBEDDED_KEY

    with path.open("rb") as file:
        if not path.stat().st_size:
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            view = memoryview(mapped)
            try:
                facts = OnnxFacts()
                _walk(view, "model", facts, depth=0, only=(8, 14))
            except (ValueError, IndexError):
                return None
            finally:
                view.release()
    record = facts.metadata.get(EMBEDDED_KEY)
    return None if record is None else record.encode()


def _not_onnx(where: str) -> InputError:
    return InputError(
        "this is not an ONNX model, or it is truncated",
        where=where,
        fix="Export or copy it again",
        code="head.not-onnx",
    )


def _walk(
    data: memoryview, kind: str, facts: OnnxFacts, *, depth: int, only: tuple[int, ...] = ()
) -> None:
    if depth > _MAX_DEPTH:
        raise ValueError("graphs are nested too deeply")
    children = _MESSAGES[kind]
    own: dict[int, bytes | int] = {}
    for number, value in _fields(data):
        if only and number not in only:
            continue
        child = children.get(number)
        if child is not None:
            if not isinstance(value, memoryview):
                raise ValueError("a message field holds a number")
            _walk(value, child, facts, depth=depth + 1)
        elif not children or kind == "node":
            own[number] = value if isinstance(value, int) else bytes(value)
    _note(kind, own, facts)


def _note(kind: str, own: Mapping[int, bytes | int], facts: OnnxFacts) -> None:
    """Record nodes, opsets, and the two kinds of key-value entries."""
    if kind == "node":
        domain, operator = _text(own, _NODE_DOMAIN), _text(own, _NODE_OPERATOR)
        facts.operators.add(operator if domain in _DEFAULT_DOMAINS else f"{domain}::{operator}")
    elif kind == "opset":
        version = own.get(_OPSET_VERSION, 0)
        facts.opsets[_text(own, _OPSET_DOMAIN)] = version if isinstance(version, int) else 0
    elif kind == "metadata":
        facts.metadata[_text(own, _ENTRY_KEY)] = _text(own, _ENTRY_VALUE)
    elif kind == "external" and _text(own, _ENTRY_KEY) == "location":
        facts.external_data.add(_text(own, _ENTRY_VALUE))


def _text(own: Mapping[int, bytes | int], number: int) -> str:
    value = own.get(number, b"")
    if isinstance(value, int):
        raise ValueError("a text field holds a number")
    return value.decode()


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the fields of one message: number, and integer or bytes (protobuf wire format)."""
    position, end = 0, len(data)
    while position < end:
        tag, position = _varint(data, position)
        number, wire = tag >> 3, tag & 7
        value: int | memoryview
        if wire == _VARINT:
            value, position = _varint(data, position)
        else:
            if wire == _BYTES:
                length, position = _varint(data, position)
            elif wire in (_FIXED64, _FIXED32):
                length = 8 if wire == _FIXED64 else 4
            else:
                raise ValueError("unknown wire type")
            if length > end - position:
                raise ValueError("a field is longer than its message")
            value = data[position : position + length]
            position += length
        if not number:
            raise ValueError("field number 0")
        yield number, value


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")
