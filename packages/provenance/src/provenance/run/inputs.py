"""The files and directories that a run reads, and the proof that they held still."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.record.hashing import (
    Digest,
    directory_files,
    hash_directory,
    hash_files,
    unreadable,
)
from provenance.run.border import refuse_undeclared
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from provenance.toolkit import ProgressCallback

PathLike = os.PathLike[str] | str
SourcePaths = PathLike | Sequence[PathLike] | None
"""What a caller gives for one name: a path, several, or None."""


@dataclass
class Source:
    """One file or directory, and what it looked like when the run started.

    ``place`` is where its bytes are; it differs from ``path``, which the record names, only for
    what a replayed run has written.
    """

    name: str
    path: Path
    place: Path
    directory: bool
    before: dict[str, tuple[int, ...]]
    digest: Digest | None = None
    part_digests: dict[str, Digest] = field(default_factory=dict)

    def refuse_change(self) -> None:
        """Raise InputError if the source has changed since the run started."""
        if _snapshot(self.place, self.directory) != self.before:
            raise InputError(
                f"The input {self.name} changed while the run was reading it",
                where=os.fspath(self.path),
                fix="Run again when nothing writes to it",
                code="input.changed",
            )


Slot = Source | list[Source] | None


def open_slot(
    name: str, paths: SourcePaths, *, place: Callable[[Path], Path] = lambda path: path
) -> Slot:
    """Look at the files of one name.

    Args:
        name: Their name in the record.
        paths: A path, several, or none.
        place: Where the bytes of a path are.

    Raises:
        InputError: One is missing, unreadable, or neither a file nor a directory.
    """
    if paths is None:
        return None
    if isinstance(paths, str | os.PathLike):
        return _open_source(name, Path(paths), place(Path(paths)))
    return [_open_source(name, Path(path), place(Path(path))) for path in paths]


def sources_of(slot: Slot) -> list[Source]:
    """Return the sources of a slot, none to many."""
    if slot is None:
        return []
    return slot if isinstance(slot, list) else [slot]


def map_slot(slot: Slot, make: Callable[[Source], Any]) -> Any:
    """Apply ``make`` to each source, in the slot's own shape: one, a list, or None."""
    if slot is None:
        return None
    return [make(source) for source in slot] if isinstance(slot, list) else make(slot)


def hash_sources(sources: Sequence[Source], progress: ProgressCallback | None) -> None:
    """Digest those sources that have no digest yet.

    Raises:
        InputError: One is unreadable, or has changed since the run started.
    """
    todo = [source for source in sources if source.digest is None]
    files = [source for source in todo if not source.directory]
    digests = hash_files([source.place for source in files], progress=progress)
    for source, digest in zip(files, digests, strict=True):
        source.digest = digest
    for source in todo:
        if source.directory:
            source.digest = hash_directory(
                source.place, known=source.part_digests, progress=progress
            )
        source.refuse_change()


def _open_source(name: str, path: Path, place: Path) -> Source:
    refuse_undeclared(name, place)
    try:
        directory = place.is_dir()
        if not directory:
            place.stat()  # raises if it does not exist
            if not place.is_file():
                raise InputError(
                    "The input is a device or a pipe, which cannot be read twice",
                    where=os.fspath(path),
                    fix="Save it to a file first",
                    code="input.special",
                )
            with place.open("rb"):
                pass
    except OSError as error:
        raise unreadable(path, error) from error
    return Source(name, path, place, directory, _snapshot(place, directory))


def _snapshot(path: Path, directory: bool) -> dict[str, tuple[int, ...]]:
    """Size, modification time and inode of each file: they change when its bytes do."""
    try:
        if not directory:
            return {"": _stamp(path)}
        return {name: _stamp(path / name) for name in directory_files(path)}
    except OSError as error:
        raise unreadable(path, error) from error


def _stamp(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino
