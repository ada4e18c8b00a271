"""Standard streams that cannot be written, and what that means for a command.

A command whose standard output takes nothing (a full disk, a closed descriptor) has failed to write
an output. One whose standard error takes nothing is silent, and ends as it would have ended. A
reader that leaves, as ``| head`` does, has read what it wanted.
"""

from __future__ import annotations

import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_INPUT, _OUTPUT, _ERROR = 0, 1, 2


class UnwritableOutputError(Exception):
    """Standard output cannot be written.

    Not an OSError: libraries between a command and its output have rules of their own for those.

    Args:
        reason: What the system said.
    """

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason

    @property
    def reader_left(self) -> bool:
        """Whether whoever read the output has closed it."""
        return isinstance(self.reason, BrokenPipeError)


class _Stream(io.FileIO):
    """A standard stream that fails once, or never, and takes everything after that."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._failed = False

    def write(self, data: ReadableBuffer, /) -> int:
        while not self._failed:
            try:
                written = super().write(data)
            except OSError as error:
                self._failed = True
                if self.fileno() == _OUTPUT:
                    raise UnwritableOutputError(error) from error
            else:
                if written is not None:
                    return written
                select.select([], [self], [])  # a pipe that does not block, and is full
        return memoryview(data).nbytes


def guard_streams() -> None:
    """Make the standard streams of this process such that writing to them ends as said above.

    Descriptors that are closed are opened first. Otherwise the next file that is opened, perhaps an
    output, would get the number of a standard stream, and with it what libraries print there.
    """
    for descriptor in (_INPUT, _OUTPUT, _ERROR):
        try:
            os.fstat(descriptor)
        except OSError:
            # Writing to an output that was opened to be read fails, as it does to a closed one.
            mode = os.O_WRONLY if descriptor == _ERROR else os.O_RDONLY
            opened = os.open(os.devnull, mode)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
            os.set_inheritable(descriptor, True)
    sys.stdout = _guarded(sys.stdout, sys.__stdout__, _OUTPUT)
    sys.stderr = _guarded(sys.stderr, sys.__stderr__, _ERROR)


def _guarded(stream: TextIO | None, original: TextIO | None, descriptor: int) -> TextIO:
    if stream is not None and (stream is not original or _is_windows_console(stream)):
        return stream  # somebody else's, or one that cannot be full
    is_terminal = os.isatty(descriptor)
    return io.TextIOWrapper(
        io.BufferedWriter(_Stream(descriptor)),
        encoding="utf-8" if stream is None else stream.encoding,
        errors="backslashreplace" if stream is None else stream.errors,
        line_buffering=is_terminal or descriptor == _ERROR,
    )


def _is_windows_console(stream: TextIO) -> bool:
    return os.name == "nt" and stream.isatty()
