"""What the first bytes of a JSON file show of its first object: readers recognise files by it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from labeljoin.formats import JsonStream
from provenance.toolkit import InputError


def outline(head: bytes) -> dict[str, Any] | None:
    """Return the first object of a JSON text, as far as its first bytes show it.

    Arrays named ``frames`` are cut to their first element, as are an outer array and the array
    in an outer ``rows`` or ``results``. A member whose value is not in these bytes is Ellipsis.

    Args:
        head: The first bytes of a file, UTF-8.

    Returns:
        The object, or None if the text does not begin with one (or with an array of them).
    """
    stream = JsonStream([head.decode("utf-8", "ignore")], "")
    found: dict[str, Any] = {}
    with suppress(InputError, StopIteration):
        if stream.peek() == "[":
            next(stream.elements())
        if stream.peek() != "{":
            return None
        _outline_object(stream, found)
        return found
    return found or None


def _outline_object(stream: JsonStream, found: dict[str, Any]) -> None:
    for name in stream.members():
        found[name] = ...
        array = stream.peek() == "["
        if array and name in ("rows", "results"):
            inner: dict[str, Any] = {}
            found[name] = inner
            for _ in stream.elements():
                if stream.peek() == "{":
                    _outline_object(stream, inner)
                return
        elif array and name == "frames":
            found[name] = []
            for batch in stream.batches():
                found[name] = found[name] or batch[:1]
        else:
            found[name] = stream.value()
