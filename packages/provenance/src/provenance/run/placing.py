"""Putting the outputs of a run in their places: all of them, or none."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from provenance.toolkit.invocation import is_dry_run
from provenance.toolkit.process.interruption import settle


class Placeable(Protocol):
    """An output that can be put in its place, and taken out of it again."""

    def commit(self) -> None:
        """Put the output in its place."""

    def undo(self) -> None:
        """Put back what was there before."""

    def finish(self) -> None:
        """Drop what was there before."""

    def discard(self) -> None:
        """Remove what was made, which is in no place yet."""


def put_in_place(outputs: Sequence[Placeable], arrived: Sequence[int]) -> None:
    """Put all outputs in their places, in order; or none, on an error or if a signal arrived.

    In a dry run, none gets its place, and what was made is removed.

    A signal that arrives when all are in their places comes too late, and ends no command.
    """
    if is_dry_run():
        for output in reversed(outputs):  # who made a folder goes last
            output.discard()
        return
    done: list[Placeable] = []
    try:
        for output in outputs:
            done.append(output)  # one that fails half-way is taken back, too
            output.commit()
        if arrived:
            raise KeyboardInterrupt
    except BaseException:
        for output in reversed(done):
            with suppress(OSError):
                output.undo()
        raise
    settle()
    for output in outputs:
        output.finish()


@contextmanager
def signals_deferred() -> Iterator[list[int]]:
    """Hold back interrupts, e.g. while outputs are renamed; yields those that have arrived.

    Signals that the process ignores stay ignored, as under ``nohup``.
    """
    arrived: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield arrived
        return
    former: dict[int, Any] = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            former[number] = signal.signal(number, lambda number, frame: arrived.append(number))
    try:
        yield arrived
    finally:
        for number, handler in former.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for number in arrived:
            signal.raise_signal(number)
