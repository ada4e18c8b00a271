"""The two byte forms of a JSON document: the one that is digested and the one on disk.

The digested form is the JSON Canonicalization Scheme (RFC 8785), so a program in any language can
check a ``content_sha256``. The form on disk is indented for people, with sorted members and a final
newline; a document has exactly one such form, which is why any changed byte of it shows.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import math
import os
from collections.abc import Mapping, Set
from typing import Any

CONTENT_MEMBER = "content_sha256"

LARGEST_INTEGER = 2**53 - 1
"""Beyond it JSON readers disagree (RFC 8785 section 3.2.2.3, RFC 7493 section 2.2)."""


def json_value(value: Any) -> Any:
    """Turn ``value`` into what JSON can say, with nothing lost silently but what JSON lacks.

    Paths become text, enumerations their values, dataclasses objects, sets sorted lists, NumPy
    scalars Python numbers. Infinities and NaN become null, as in ADR-0661.

    Raises:
        TypeError: A value has no JSON form.
        ValueError: An integer is too large for JSON readers to agree on.

    Example:
        >>> from pathlib import PurePosixPath
        >>> json_value({"path": PurePosixPath("a/b"), "set": {2, 1}, "inf": float("inf")})
        {'path': 'a/b', 'set': [1, 2], 'inf': None}
    """
    if isinstance(value, enum.Enum):
        return json_value(value.value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise ValueError(f"{value} is too large an integer for JSON; record it as text")
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return _composite_value(value)


def _composite_value(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return text(os.fsdecode(value))
    if isinstance(value, bytes):
        return text(os.fsdecode(value))
    if isinstance(value, Mapping):
        return {str(json_value(name)): json_value(member) for name, member in value.items()}
    if isinstance(value, Set):
        return sorted(json_value(member) for member in value)
    if isinstance(value, list | tuple):
        return [json_value(member) for member in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: json_value(getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
    for method in ("item", "tolist"):  # a NumPy scalar, then an array
        if hasattr(value, method):
            try:
                return json_value(getattr(value, method)())
            except ValueError:
                continue
    raise TypeError(f"{type(value).__name__} has no JSON form")


def text(value: str) -> str:
    r"""Return ``value`` with bytes that are not UTF-8 (surrogate escapes) as ``\xNN``.

    JSON text is Unicode; a POSIX file name is any bytes. The exact bytes of a path are kept apart
    (``path_base64``), so this form is for people.
    """
    if value.isascii():
        return value
    try:
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # surrogates that no file name has, from a JSON escape
        return value.encode("utf-8", "backslashreplace").decode("utf-8")


def canonical_bytes(document: Any) -> bytes:
    """Return ``document`` in the JSON Canonicalization Scheme (RFC 8785).

    Example:
        >>> canonical_bytes({"b": 1.0, "a": float("nan")})
        b'{"a":null,"b":1}'
    """
    import rfc8785

    return rfc8785.dumps(json_value(document))


def content_digest(document: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of ``document`` in canonical form without its own ``content_sha256``.

    Example:
        >>> document = {"schema": "x-v1"}
        >>> content_digest(document) == content_digest({**document, "content_sha256": "0"})
        True
    """
    content = {name: value for name, value in document.items() if name != CONTENT_MEMBER}
    return hashlib.sha256(canonical_bytes(content)).hexdigest()


def document_bytes(document: Mapping[str, Any]) -> bytes:
    """Return ``document`` as it is on disk: UTF-8, sorted, indented by two, with a newline.

    Example:
        >>> print(document_bytes({"b": 1, "a": [2]}).decode(), end="")
        {
          "a": [
            2
          ],
          "b": 1
        }
    """
    import orjson

    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(json_value(document), option=options)
