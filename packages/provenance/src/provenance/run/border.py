"""What a replay may read: the files below some folders, and in them what the record declares.

Anyone can write a record, so a replay trusts none. Its inputs come from folders that the user has
named, its command reads what the record declares, and what it writes goes to the scratch folder.
"""

from __future__ import annotations

import json
import os
import shlex
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.record.hashing import directory_files
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from provenance.record.entry import FileEntry

REPLAY_INPUTS_VARIABLE = "PROVENANCE_REPLAY_INPUTS"
"""Set for a moskit command that ``replay`` runs: a JSON list of the files and folders that its runs
may read, by real path. It holds for all runs that the command starts, a batch its tables."""


class ReplayBorder:
    """The folders that a replay may read from.

    Args:
        record: The record; its own folder is one of them.
        roots: The others.
    """

    def __init__(self, record: Path, roots: Sequence[os.PathLike[str] | str]) -> None:
        self._folders = [os.path.realpath(folder) for folder in (record.parent, *roots)]

    def holds(self, path: os.PathLike[str] | str) -> bool:
        """Return whether ``path``, all links followed, lies in one of the folders."""
        real = os.path.realpath(path)
        return any(_is_in(real, folder) for folder in self._folders)

    def refuse_outside(self, name: str, path: os.PathLike[str] | str) -> None:
        """Raise InputError if ``path`` leads out of the folders, or is not a file."""
        if not self.holds(path):
            real = os.path.realpath(path)
            linked = real != os.path.abspath(path)  # noqa: PTH100 - links stay
            raise InputError(
                f"{name} {f'is a link to {real}, which' if linked else ''}".rstrip()
                + " lies outside of the folders that a replay may read, those of the record and of "
                "--root",
                where=os.fspath(path),
                fix=f"Allow it with --root {shlex.quote(os.fspath(Path(real).parent))}",
                code="replay.outside-roots",
            )
        try:
            mode = Path(path).stat().st_mode
        except OSError:
            return  # it is missing, which is said elsewhere
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise InputError(
                f"{name} is a device or a pipe, and no file",
                where=os.fspath(path),
                fix="Restore the file that the run has read",
                code="replay.special-file",
            )

    def refuse_entry(self, entry: FileEntry, path: Path) -> None:
        """Raise InputError if an input, or a file of a directory, lies outside or is not a file."""
        name = f"The input {entry.name}"
        self.refuse_outside(name, path)
        if path.is_dir():
            for part in directory_files(path):
                self.refuse_outside(f"{name}[{part}]", path / part)

    def allows(self, path: Path) -> bool:
        """Return whether ``path`` may be read: it lies inside, with all files of a directory."""
        try:
            self.refuse_outside("It", path)
            if path.is_dir():
                for part in directory_files(path):
                    self.refuse_outside("It", path / part)
        except InputError:
            return False
        return True

    def refuse_undeclared_paths(
        self, argv: Iterable[str], cwd: Path, scratch: Path, declared: Collection[str]
    ) -> None:
        """Refuse arguments that name files which are there and are not the record's.

        What lies in the scratch folder was put there for the run. A folder that holds a declared
        file may be named; which of its files a run reads is seen when it opens them.

        Args:
            argv: The arguments.
            cwd: Where their relative paths start from.
            scratch: The scratch folder.
            declared: The absolute paths of the record's inputs and outputs.

        Raises:
            InputError: One is not declared, or is an output outside of the folders.
        """
        for token in argv:
            for text in _possible_paths(token):
                path = os.path.normpath(cwd / text)
                if _is_in(path, os.fspath(scratch)) or not os.path.lexists(path):
                    continue
                if any(one != path and _is_in(one, path) for one in declared):
                    continue
                if path in declared:
                    self.refuse_outside("The output", path)
                    continue
                raise InputError(
                    f"The recorded arguments name {path}, which the record does not declare",
                    where=token,
                    fix="Run the command by hand, if you trust the record",
                    code="replay.undeclared-path",
                )


def _possible_paths(token: str) -> Iterator[str]:
    """Yield what may be a path in an argument: all of it, what follows ``=``, and ``-oPATH``."""
    yield token
    rest = token
    while "=" in rest:
        rest = rest.partition("=")[2]
        yield rest
    if len(token) > 2 and token[0] == "-" and token[1] != "-":
        yield token[2:]


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def inputs_variable(located: Iterable[Path], scratch: Path) -> str:
    """Return the value of :data:`REPLAY_INPUTS_VARIABLE` for some inputs and the scratch folder."""
    return json.dumps([os.path.realpath(path) for path in (scratch, *located)])


def refuse_undeclared(name: str, path: Path) -> None:
    """In a replay, refuse an input of a run that the replayed record does not declare.

    Raises:
        InputError: The replayed record has no such input.
    """
    declared = os.environ.get(REPLAY_INPUTS_VARIABLE)
    if declared is None:
        return
    real = os.path.realpath(path)
    if not any(_is_in(real, one) for one in json.loads(declared)):
        raise InputError(
            f"The record does not declare this input ({name}), so a replay does not read it",
            where=os.fspath(path),
            fix="Run the command by hand",
            code="replay.undeclared-input",
        )
