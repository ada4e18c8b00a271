"""The program of a record: which one a replay starts, and with which arguments.

A record is a file that anyone can write, so what it names is not trusted. A moskit command is
started from the entry point of its own installed distribution, and any other program only if the
user has allowed it.
"""

from __future__ import annotations

import base64
import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.record.hashing import hash_file
from provenance.toolkit import InputError, VerdictError
from provenance.toolkit.redaction import REDACTED

if TYPE_CHECKING:
    from provenance.record.record import Record

MOSKIT_DISTRIBUTIONS = (
    "moskit-provenance",
    "moskit-labeljoin",
    "moskit-secondopinion",
    "moskit-signalaudit",
    "moskit-moshead",
)

_DROPPED = "--scheduler"
"""An address that the command would connect to; the bytes that it makes do not depend on it."""


class ReplayRefusedError(VerdictError):
    """What was recorded is gone or has changed, so running again would prove nothing."""


@dataclass(frozen=True)
class ReplayProgram:
    """What a replay starts: a console script of an installed distribution, or a Python script.

    Attributes:
        name: Its name for people.
        point: The console script.
        script: The Python script.
        trusted: Whether it is a command of moskit.
    """

    name: str
    point: EntryPoint | None
    script: Path | None
    trusted: bool

    def command(self) -> list[str]:
        """Return the words that start it in this interpreter, its arguments apart."""
        if self.script is not None:
            return [sys.executable, os.fspath(self.script)]
        assert self.point is not None
        start = (
            f"import sys; sys.argv[0] = {self.name!r}; "
            f"from {self.point.module} import {self.point.attr} as main; sys.exit(main())"
        )
        return [sys.executable, "-P", "-c", start]


def recorded_program(record: Record, argv: Sequence[str], *, allow_script: bool) -> ReplayProgram:
    """Return the program that a record names.

    Args:
        record: The record.
        argv: Its arguments.
        allow_script: Accept a program that is no command of moskit.

    Raises:
        InputError: It is no command of moskit and that was not allowed, it is not installed, or the
            arguments are not those of the recorded command.
        ReplayRefusedError: It is a script that has changed since.
    """
    words = record.entrypoint.split()
    if not words:
        raise InputError(
            "The record does not name what ran",
            where=os.fspath(record.path),
            fix="Run it by hand, and compare the outputs with verify",
            code="replay.no-entrypoint",
        )
    point = _moskit_command(words[0])
    if point is not None:
        _check_subcommand(record, words, argv)
        return ReplayProgram(words[0], point, None, trusted=True)
    program = _other_program(record, words[0])
    if not allow_script:
        line = shlex.join([*_started(program), *argv])
        raise InputError(
            f"The record is of a program that is not moskit's: {line}",
            where=os.fspath(record.path),
            fix="If you trust the record, run the program with --allow-script",
            code="replay.foreign-program",
        )
    if program.script is not None:
        _check_script(record, program.script)
    return program


def _started(program: ReplayProgram) -> list[str]:
    return [program.name] if program.script is None else ["python", os.fspath(program.script)]


def _moskit_command(name: str) -> EntryPoint | None:
    for owner in MOSKIT_DISTRIBUTIONS:
        try:
            scripts = distribution(owner).entry_points
        except PackageNotFoundError:
            continue
        for point in scripts.select(group="console_scripts", name=name):
            return point
    return None


def _check_subcommand(record: Record, words: Sequence[str], argv: Sequence[str]) -> None:
    if words[0] == "provenance":
        # None of its commands makes a record, and one of them replays.
        raise InputError(
            "The commands of provenance make no record, so there is nothing to replay",
            where=os.fspath(record.path),
            fix="Check where the record comes from",
            code="replay.no-run",
        )
    subcommand = list(words[1:])
    if not subcommand or list(argv[: len(subcommand)]) != subcommand:
        raise InputError(
            f"The record is of {' '.join(words)}, and its arguments are those of another command",
            where=os.fspath(record.path),
            fix="Check where the record comes from",
            code="replay.other-command",
        )


def _other_program(record: Record, name: str) -> ReplayProgram:
    for point in entry_points(group="console_scripts", name=name):
        return ReplayProgram(name, point, None, trusted=False)
    entry = record.block.get("entrypoint")
    written = entry.get("path") if isinstance(entry, Mapping) else None
    if isinstance(entry, Mapping) and isinstance(written, str) and not entry.get("distribution"):
        return ReplayProgram(name, None, record.path.parent / written, trusted=False)
    raise InputError(
        f"The command {name} is not installed here",
        where=os.fspath(record.path),
        fix=f"Install {record.version or name}",
        code="replay.command-missing",
    )


def _check_script(record: Record, script: Path) -> None:
    if not script.is_file():
        raise InputError(
            "The script that ran is not there",
            where=os.fspath(script),
            fix="Restore it",
            code="replay.script-missing",
        )
    found = hash_file(script).sha256
    recorded = record.block["entrypoint"].get("sha256")
    if found != recorded:
        raise ReplayRefusedError(
            f"The script that ran has changed (was {recorded}, is {found})",
            where=os.fspath(script),
            fix="Restore it",
            code="replay.script-changed",
        )


def recorded_arguments(record: Record) -> tuple[list[str], bool]:
    """Return the arguments of a record, and whether they were rebuilt from its options.

    Raises:
        InputError: They are no arguments that a program can be given, or a secret was left out.
    """
    options = record.block.get("args")
    if not (options is None or isinstance(options, Mapping)):
        raise _unusable(record, "options")
    frame = next(_frames_among((options or {}).values()), None)
    if frame is not None:
        raise InputError(
            f"The run read a {frame} in memory, which no file holds, so it cannot be run again",
            where=os.fspath(record.path),
            fix="Save the rows to a file, and run the command on that",
            code="replay.frame",
        )
    argv = _argv(record)
    rebuilt = not argv and _moskit_or_installed(record)
    if rebuilt:
        argv = _arguments_from_options(record)
    for token in argv:
        if "\0" in token:
            raise _unusable(record, "arguments")
        if REDACTED in token:
            raise InputError(
                f"A secret was left out of the recorded arguments ({token}), so the command cannot "
                "be run again",
                where=os.fspath(record.path),
                fix="Run it by hand with the secret, and compare the outputs with verify",
                code="replay.secret",
            )
    return list(_without_scheduler(argv)), rebuilt


def _frames_among(options: Iterable[Any]) -> Iterator[str]:
    """Yield the names of data frames in the options of a library call."""
    for value in options:
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Mapping) and isinstance(each.get("in_memory"), str):
                yield each["in_memory"]


def _argv(record: Record) -> list[str]:
    recorded = record.block.get("argv")
    exact = record.block.get("argv_base64")
    argv = [] if recorded is None else recorded
    if not isinstance(argv, list) or not all(isinstance(token, str) for token in argv):
        raise _unusable(record, "arguments")
    if not (exact is None or isinstance(exact, Mapping)):
        raise _unusable(record, "arguments")
    argv = list(argv)
    for position, encoded in (exact or {}).items():
        try:
            if not position.isdecimal():
                raise ValueError(position)
            argv[int(position)] = os.fsdecode(base64.b64decode(encoded, validate=True))
        except (ValueError, TypeError, IndexError) as error:
            raise _unusable(record, "arguments") from error
    return argv


def _moskit_or_installed(record: Record) -> bool:
    name = next(iter(record.entrypoint.split()), "")
    return bool(
        name and (_moskit_command(name) or entry_points(group="console_scripts", name=name))
    )


def _without_scheduler(argv: Sequence[str]) -> Iterator[str]:
    tokens = iter(argv)
    for token in tokens:
        if token == _DROPPED:
            next(tokens, None)
        elif not token.startswith(f"{_DROPPED}="):
            yield token


def _arguments_from_options(record: Record) -> list[str]:
    """Return the command line of a library call: options are named like arguments."""
    tokens = record.entrypoint.split()[1:]
    for name, value in (record.block.get("args") or {}).items():
        flag = "--" + name.replace("_", "-")
        for member in _option_values(value):
            tokens += [flag] if member is True else [flag, str(member)]
    return tokens


def _option_values(value: Any) -> Iterator[Any]:
    if value is None or value is False:
        return
    if isinstance(value, Mapping):
        yield from (f"{name}={member}" for name, member in value.items())
    elif isinstance(value, list):
        yield from value
    else:
        yield value


def _unusable(record: Record, what: str) -> InputError:
    return InputError(
        f"The recorded {what} are not such as a program can be given",
        where=os.fspath(record.path),
        fix="Restore the record from a copy",
        code="replay.unusable-arguments",
    )
