"""How this process was started, for the records of the runs that it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Invocation:
    """A moskit command line.

    Attributes:
        program: The command, e.g. ``labeljoin``.
        argv: Its arguments, the subcommand first.
    """

    program: str
    argv: tuple[str, ...]


_current: Invocation | None = None


def set_invocation(program: str, argv: Sequence[str]) -> None:
    """State that this process is the command ``program argv``."""
    global _current
    _current = Invocation(program, tuple(argv))


def argv_of(entrypoint: str) -> list[str]:
    """Return the arguments of this process if it is the command ``entrypoint``, else an empty list.

    A batch command makes runs of the single command; its own argv is not theirs.
    """
    words = entrypoint.split()
    if _current is None or not words:
        return []
    subcommand = tuple(words[1:])
    if _current.program != words[0] or _current.argv[: len(subcommand)] != subcommand:
        return []
    return list(_current.argv)
