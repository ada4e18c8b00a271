"""How this process was started, for the records of the runs that it makes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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


_DRY_RUN_VARIABLE = "PROVENANCE_DRY_RUN"


@contextmanager
def dry_run(wanted: bool) -> Iterator[None]:
    """Let no output of a run get its place, in this process and those that it starts."""
    if not wanted:
        yield
        return
    os.environ[_DRY_RUN_VARIABLE] = "1"
    try:
        yield
    finally:
        del os.environ[_DRY_RUN_VARIABLE]


def is_dry_run() -> bool:
    """Return whether outputs are made, checked and thrown away."""
    return bool(os.environ.get(_DRY_RUN_VARIABLE))
