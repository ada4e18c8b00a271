"""The encoding of text formats: UTF-8, with or without a byte-order mark."""

from __future__ import annotations

from typing import BinaryIO

BOM = b"\xef\xbb\xbf"


def skip_mark(file: BinaryIO) -> bool:
    """Skip the byte-order mark of a file that was just opened, and return whether it has one."""
    if file.read(len(BOM)) == BOM:
        return True
    file.seek(0)
    return False


def is_unicode(text: str) -> bool:
    r"""Return whether ``text`` is free of lone surrogates, which JSON can escape.

    Examples:
        >>> is_unicode("clip"), is_unicode("\ud800")
        (True, False)
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
