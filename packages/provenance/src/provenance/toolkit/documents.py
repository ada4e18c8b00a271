"""Reading small documents (records, manifests, schemas) that anyone may have written."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Any

from provenance.toolkit.errors import InputError

LARGEST_DOCUMENT_BYTES = 64 << 20
"""More than any document that moskit writes; a larger file is something else."""

DEEPEST_NESTING = 100
"""Objects and lists within each other. moskit's own documents have fewer than ten levels."""

_LONGEST_NUMBER = 400
"""Digits of a number. No double has more than 309, and Python refuses integers above 4300."""


def read_document(
    path: os.PathLike[str] | str, what: str, *, limit: int = LARGEST_DOCUMENT_BYTES
) -> bytes:
    """Read a whole file that should be a small document.

    Args:
        path: The file.
        what: What it should be, for errors: ``The manifest``.
        limit: The largest size in bytes.

    Raises:
        InputError: It is missing, unreadable, no regular file, or larger than ``limit``.

    Examples:
        >>> _ = Path("a.json").write_text('{"a": 1}')
        >>> read_document("a.json", "The manifest")
        b'{"a": 1}'
    """
    where = os.fspath(path)
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISREG(mode):
            with Path(path).open("rb") as stream:
                raw = stream.read(limit + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, FileNotFoundError):
            raise InputError(
                f"{what} is not there", where=where, fix="Check the path", code="document.missing"
            ) from error
        raise InputError(
            f"{what} cannot be read: {reason}",
            where=where,
            fix="Check the path and its permissions",
            code="document.unreadable",
        ) from error
    if not stat.S_ISREG(mode):
        raise InputError(
            f"{what} is a {_kind(mode)}, not a file",
            where=where,
            fix="Give a regular file",
            code="document.no-file",
        )
    if len(raw) > limit:
        raise InputError(
            f"{what} has more than {limit:,} bytes",
            where=where,
            fix="Check that this is the right file",
            code="document.too-large",
        )
    return raw


def read_json(
    path: os.PathLike[str] | str, what: str, *, limit: int = LARGEST_DOCUMENT_BYTES
) -> Any:
    """Read a small JSON document, with bounds on its size, nesting and numbers.

    Args:
        path: The file.
        what: What it should be, for errors: ``The manifest``.
        limit: The largest size in bytes.

    Raises:
        InputError: It cannot be read (see :func:`read_document`) or it is not JSON.

    Examples:
        >>> _ = Path("a.json").write_text('{"a": 1}')
        >>> read_json("a.json", "The manifest")
        {'a': 1}
    """
    return parse_json(read_document(path, what, limit=limit), what, where=os.fspath(path))


def parse_json(raw: bytes, what: str, *, where: str | None = None) -> Any:
    r"""Parse the bytes of a small JSON document.

    Args:
        raw: UTF-8, with or without a byte order mark.
        what: What it should be, for errors: ``The manifest``.
        where: The file that it is from.

    Raises:
        InputError: It is not JSON, is nested too deeply, or has a number of too many digits.

    >>> parse_json(b'\xef\xbb\xbf{"a": 1}', "The manifest")
    {'a': 1}
    """
    if _depth(raw) > DEEPEST_NESTING:
        raise InputError(
            f"{what} has more than {DEEPEST_NESTING} levels of nesting",
            where=where,
            fix="Check that this is the right file",
            code="document.too-deep",
        )
    if re.search(rb"[0-9]{%d}" % _LONGEST_NUMBER, _STRING.sub(b'""', raw)):
        raise InputError(
            f"{what} has a number of {_LONGEST_NUMBER} digits or more",
            where=where,
            fix="Write it as text",
            code="document.long-number",
        )
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{what} is not JSON: {error}",
            where=where,
            fix="Check that this is the right file and that it is complete",
            code="document.not-json",
        ) from error


_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[{\]}]")


def _depth(raw: bytes) -> int:
    """Levels of objects and lists; brackets in strings do not count."""
    depth = deepest = 0
    for bracket in _BRACKETS.findall(_STRING.sub(b"", raw)):
        if bracket in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "folder"
    return "pipe" if stat.S_ISFIFO(mode) else "device"
