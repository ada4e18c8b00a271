"""Errors of libraries and of the system that say something about an input, and not about moskit.

What hostile files make Arrow raise has no end, so commands turn what no module expected into errors
here: the last line, behind those that know the file and the row.
"""

from __future__ import annotations

import errno
import sys

from provenance.toolkit.errors import InputError, MoskitError, OutputError


def as_moskit_error(error: BaseException) -> MoskitError | None:
    """Return the error to end with, or None for what is a bug in moskit.

    Args:
        error: What was raised.

    Example:
        >>> print(as_moskit_error(OSError(24, "Too many open files")).code)
        system.open-files
        >>> as_moskit_error(KeyError("x")) is None
        True
    """
    if isinstance(error, MoskitError):
        return error
    reason = next(iter(str(error).splitlines()), "").rstrip(".") or type(error).__name__
    if isinstance(error, MemoryError):  # Arrow's own derives from it
        return OutputError(
            "There is not enough memory",
            fix="Free some, or raise the limit of this process",
            code="system.memory",
        )
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return InputError(
            "Too many files are open",
            fix="Raise the limit: ulimit -n 1024",
            code="system.open-files",
        )
    if isinstance(error, UnicodeEncodeError):
        return InputError(
            f"A name or value holds half a surrogate pair, which is no character ({reason})",
            fix="Correct the name or the value",
            code="system.no-character",
        )
    # Asked for by name: a command that reads no table does without Arrow.
    arrow = sys.modules.get("pyarrow")
    if arrow is not None and isinstance(error, arrow.ArrowException):
        return InputError(
            f"A table holds what Arrow cannot work with ({reason})",
            fix="Write the table again, with plainer types",
            code="tables.beyond-arrow",
        )
    return None
