"""The files and directories that a run reads, and the proof that they held still."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
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
from provenance.stores import ObjectPath, as_path
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from provenance.stores import ObjectStat
    from provenance.toolkit import ProgressCallback

PathLike = os.PathLike[str] | str
SourcePaths = PathLike | Sequence[PathLike] | None
"""What a caller gives for one name: a path, several, or None."""


@dataclass(eq=False)
class Source:
    """One file or directory, and what it looked like when the run started.

    ``place`` is where its bytes are; it differs from ``path``, which the record names, only for
    what a replayed run has written. ``objects`` is what a store said of an object, or of each that
    lies below a prefix, by name.
    """

    name: str
    path: Path
    place: Path
    directory: bool
    before: dict[str, tuple[object, ...]]
    objects: dict[str, ObjectStat] = field(default_factory=dict)
    digest: Digest | None = None
    part_digests: dict[str, Digest] = field(default_factory=dict)

    @property
    def stored(self) -> bool:
        """Whether it is in an object store: what was not read of it has no digest."""
        return isinstance(self.place, ObjectPath)

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
    for path in [paths] if isinstance(paths, str | os.PathLike) else paths:
        if not os.fspath(path):  # as a Path it would be the current folder
            raise InputError(
                f"The path of the input {name} is empty",
                fix=f"Give --{name.replace('_', '-')} a file",
                code="input.empty-path",
            )
    if isinstance(paths, str | os.PathLike):
        paths = as_path(paths)
        return _open_source(name, paths, place(paths))
    return [_open_source(name, path, place(path)) for path in map(as_path, paths)]


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
    """Digest those sources that have no digest yet, of objects those that were read whole.

    Raises:
        InputError: One is unreadable, or has changed since the run started.
    """
    todo = [source for source in sources if source.digest is None]
    files = {source: source.place for source in todo if not source.directory and not source.stored}
    for source in todo:
        if isinstance(source.place, ObjectPath) and (copy := source.place.copy_read()):
            files[source] = copy
    digests = hash_files(files.values(), progress=progress)
    for source, digest in zip(files, digests, strict=True):
        source.digest = digest
    for source in todo:
        if source.directory and not source.stored:
            source.digest = hash_directory(
                source.place, known=source.part_digests, progress=progress
            )
        source.refuse_change()


class Inputs:
    """The inputs of a run.

    Attributes:
        slots: What each name stands for, in the order given.
    """

    def __init__(self, paths: Mapping[str, SourcePaths], progress: ProgressCallback | None) -> None:
        self.slots = {name: open_slot(name, given) for name, given in paths.items()}
        self._progress = progress

    def sources(self) -> list[Source]:
        """Return the files and directories of all names."""
        return [source for slot in self.slots.values() for source in sources_of(slot)]

    def set_digest(self, name: str, path: Path, digest: Digest) -> None:
        """Take the digest of a file, or of a file in a directory, that a caller read.

        Raises:
            ValueError: There is no such input.
        """
        for source in self._named(name):
            if source.path == path:
                source.digest = digest
                return
            if source.directory and path.is_relative_to(source.path):
                source.part_digests[path.relative_to(source.path).as_posix()] = digest
                return
        raise ValueError(f"{path} is not one of the run's inputs named {name}")

    def digest(self, name: str, path: Path | None) -> Digest:
        """Return the digest of an input, the first of its name where ``path`` is None.

        An object is downloaded for it.

        Raises:
            InputError: The file is unreadable, or has changed since the run started.
            ValueError: There is no such input.
        """
        for source in self._named(name):
            if path is None or source.path == path:
                if isinstance(source.place, ObjectPath) and source.digest is None:
                    source.place.fetch_all()
                hash_sources([source], self._progress)
                assert source.digest is not None
                return source.digest
        raise ValueError(f"{path} is not one of the run's inputs named {name}")

    def content(self, given: Mapping[str, Digest | Sequence[Digest] | None]) -> dict[str, Any]:
        """Return the SHA-256 of all inputs by name, lists as lists, None for absent ones.

        Args:
            given: Digests to use for inputs of these names, which are not hashed here.

        Raises:
            InputError: An input is unreadable, or has changed since the run started.
        """
        unknown = [slot for name, slot in self.slots.items() if name not in given]
        hash_sources([source for slot in unknown for source in sources_of(slot)], self._progress)
        return {
            name: _sha256(given[name])
            if name in given
            else map_slot(slot, lambda source: source.digest and source.digest.sha256)
            for name, slot in self.slots.items()
        }

    def _named(self, name: str) -> list[Source]:
        if name not in self.slots:
            raise ValueError(f"the run has no input named {name}")
        return sources_of(self.slots[name])


def _sha256(digests: Digest | Sequence[Digest] | None) -> str | list[str] | None:
    if digests is None:
        return None
    if isinstance(digests, Sequence):
        return [digest.sha256 for digest in digests]
    return digests.sha256


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
    objects = _objects(place, directory) if isinstance(place, ObjectPath) else {}
    return Source(name, path, place, directory, _snapshot(place, directory), objects)


def _objects(path: ObjectPath, directory: bool) -> dict[str, ObjectStat]:
    if not directory:
        return {"": path.describe()}
    return {stat.url[len(path.url) + 1 :]: stat for stat in path.listed()}


def _snapshot(path: Path, directory: bool) -> dict[str, tuple[object, ...]]:
    """Size, modification time and inode of each file: they change when its bytes do."""
    try:
        if isinstance(path, ObjectPath):
            found = _objects(path, directory)
            return {name: (stat.size, stat.etag) for name, stat in found.items()}
        if not directory:
            return {"": _stamp(path)}
        return {name: _stamp(path / name) for name in directory_files(path)}
    except OSError as error:
        raise unreadable(path, error) from error


def _stamp(path: Path) -> tuple[object, ...]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino
