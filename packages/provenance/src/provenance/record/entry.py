"""The inputs and outputs of a record: one model that writes them and reads them back."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.record.hashing import Digest, DirectoryDigest
from provenance.stores import ObjectPath, ObjectStat
from provenance.stores.registry import SCHEMES
from provenance.toolkit import InputError
from provenance.toolkit.canonical import text

if TYPE_CHECKING:
    from provenance.documents import EntryDocument, ObjectDocument, PartDocument, PrefixDocument

_LONGEST_PATH = 4095  # PATH_MAX of Linux without its final NUL; other systems allow less
_LONGEST_NAME = 255


@dataclass(frozen=True)
class PrefixClaim:
    """The claim that an output begins with the first bytes of an input's file.

    Attributes:
        input: The input's name.
        path: The input's file.
        size: How many bytes the two have in common.
        sha256: SHA-256 of those bytes, if it was taken.
    """

    input: str
    path: Path
    size: int
    sha256: str | None

    def to_document(self, folder: Path) -> PrefixDocument:
        """Return the claim as a record in ``folder`` has it."""
        written = relative_path(self.path, folder)
        document: PrefixDocument = {
            "input": self.input,
            "path": text(written),
            "sha256": self.sha256,
            "bytes": self.size,
        }
        if (exact := _exact_path(written)) is not None:
            document["path_base64"] = exact
        return document


@dataclass(frozen=True)
class FileEntry:
    """One input or output of a record, or one file of a directory among them.

    Attributes:
        name: The input's or output's name; ``name[part]`` for a file of a directory.
        path: Where it was, as an absolute path.
        written_path: The path as the record has it: relative to the record's folder, or of a file
            of a directory to the directory.
        digest: What it was; None if an old record has no digest for it.
        directory: Whether it is a directory.
        files: The files of a directory.
        role: What an output is to its reader.
        prefix: An output's claim to begin with an input's bytes.
        stored: What a store said of it, if it is an object. An object that nobody read whole has
            no digest.
    """

    name: str
    path: Path
    written_path: str
    digest: Digest | None
    directory: bool = False
    files: tuple[FileEntry, ...] = ()
    role: str | None = None
    prefix: PrefixClaim | None = None
    stored: ObjectStat | None = None

    def digests(self) -> Iterator[str]:
        """Yield the SHA-256 of the entry, and of each file in it."""
        for item in (self, *self.files):
            if item.digest is not None:
                yield item.digest.sha256

    def to_document(self, folder: Path) -> EntryDocument:
        """Return the entry as a record in ``folder`` has it. Needs its digest, or its object."""
        document: EntryDocument = {
            "path": text(self.written_path),
            "kind": "directory" if self.directory else "file",
            "sha256": None if self.digest is None else self.digest.sha256,
            "bytes": self._size(),
        }
        if self.stored is not None:
            document["object"] = _object_document(self.stored)
        if (exact := _exact_path(self.written_path)) is not None:
            document["path_base64"] = exact
        if self.role is not None:
            document["role"] = self.role
        if self.directory:
            document["files"] = [part.to_part_document(folder) for part in self.files]
        if self.prefix is not None:
            document["prefix"] = self.prefix.to_document(folder)
        return document

    def to_part_document(self, folder: Path) -> PartDocument:
        """Return a file of a directory as a record in ``folder`` has it."""
        document: PartDocument = {
            "path": text(self.written_path),
            "sha256": None if self.digest is None else self.digest.sha256,
            "bytes": self._size(),
        }
        if self.stored is not None:
            document["object"] = _object_document(self.stored)
        if (exact := _exact_path(self.written_path)) is not None:
            document["path_base64"] = exact
        if self.prefix is not None:
            document["prefix"] = self.prefix.to_document(folder)
        return document

    def _size(self) -> int:
        if self.digest is not None:
            return self.digest.size
        if self.stored is not None:
            return self.stored.size
        return sum(part._size() for part in self.files)


EntrySlot = FileEntry | tuple[FileEntry, ...] | None
"""What a record has under one name: an entry, a list of them, or None."""


def entries_of(slot: EntrySlot) -> tuple[FileEntry, ...]:
    """Return the entries of a slot, none to many."""
    if slot is None:
        return ()
    return (slot,) if isinstance(slot, FileEntry) else slot


def new_entry(
    name: str,
    path: Path,
    digest: Digest | None,
    folder: Path,
    *,
    role: str | None = None,
    prefixes: Mapping[str | None, PrefixClaim] | None = None,
    directory: bool = False,
    objects: Mapping[str, ObjectStat] | None = None,
) -> FileEntry:
    """Return the entry of a file or directory of a run.

    Args:
        name: Its name in the run.
        path: The file or directory.
        digest: Its digest; None for an object in a store that was not read whole.
        folder: The folder of the record; a path in or below it is written relative to it.
        role: What an output is to its reader.
        prefixes: An output's claims to begin with an input's bytes, by part.
        directory: Whether it is a directory, where it has no digest.
        objects: What a store said: of the object by an empty name, of those below a prefix by
            theirs.
    """
    claims, stored = prefixes or {}, objects or {}
    parts: Mapping[str, Digest | None] = dict.fromkeys(sorted(stored)) if directory else {}
    if isinstance(digest, DirectoryDigest):
        directory, parts = True, dict(digest.files)
    return FileEntry(
        name=name,
        path=path,
        written_path=relative_path(path, folder),
        digest=digest,
        directory=directory,
        files=tuple(
            FileEntry(
                f"{name}[{part}]",
                path / part,
                part,
                one,
                prefix=claims.get(part),
                stored=stored.get(part),
            )
            for part, one in parts.items()
        ),
        role=role,
        prefix=claims.get(None),
        stored=stored.get(""),
    )


def read_slots(value: Any, folder: Path) -> dict[str, EntrySlot]:
    """Return the entries of a record in ``folder``, by name.

    Raises:
        ValueError: A path is one that no file can have, or an entry is not of its form.
        KeyError: An entry lacks a member.
        TypeError: A member has another type.
    """
    if not isinstance(value, Mapping):
        return {}
    return {str(name): _read_slot(str(name), slot, folder) for name, slot in value.items()}


def _read_slot(name: str, value: Any, folder: Path) -> EntrySlot:
    if isinstance(value, list):
        entries = (_read_entry(name, item, folder) for item in value)
        return tuple(entry for entry in entries if entry is not None)
    return _read_entry(name, value, folder)


def _read_entry(name: str, value: Any, folder: Path) -> FileEntry | None:
    if isinstance(value, str):  # records of the first ADR-0661 scripts name outputs only
        return FileEntry(name, _place(_possible_path(value), folder), value, None)
    if not isinstance(value, Mapping) or "path" not in value:
        return None
    written = _written_path(value)
    place = _place(written, folder)
    return FileEntry(
        name=name,
        path=place,
        written_path=written,
        digest=_read_digest(value),
        directory=value.get("kind") == "directory",
        files=tuple(_read_part(name, item, place, folder) for item in value.get("files") or ()),
        role=value.get("role"),
        prefix=_read_prefix(value.get("prefix"), folder),
        stored=_read_object(value, place),
    )


def _read_part(name: str, value: Mapping[str, Any], directory: Path, folder: Path) -> FileEntry:
    written = _written_path(value)
    return FileEntry(
        name=f"{name}[{value['path']}]",
        path=directory / written,
        written_path=written,
        digest=_read_digest(value),
        prefix=_read_prefix(value.get("prefix"), folder),
        stored=_read_object(value, directory / written),
    )


def _read_object(value: Mapping[str, Any], place: Path) -> ObjectStat | None:
    stated = value.get("object")
    if not isinstance(stated, Mapping):
        return None
    return ObjectStat(
        url=os.fspath(place),
        size=int(value["bytes"]),
        etag=str(stated["etag"]),
        version_id=stated.get("version_id"),
        checksum=stated.get("checksum"),
    )


def _object_document(stat: ObjectStat) -> ObjectDocument:
    return {"etag": stat.etag, "version_id": stat.version_id, "checksum": stat.checksum}


def _read_prefix(value: Any, folder: Path) -> PrefixClaim | None:
    if not isinstance(value, Mapping):
        return None
    place = _place(_written_path(value), folder)
    return PrefixClaim(str(value.get("input")), place, int(value["bytes"]), value.get("sha256"))


def _read_digest(value: Mapping[str, Any]) -> Digest | None:
    sha256 = value.get("sha256")
    if not isinstance(sha256, str):
        return None
    size = value.get("bytes")
    return Digest(sha256, size if isinstance(size, int) else -1)


# Paths


def relative_path(path: Path, folder: Path) -> str:
    """Return ``path`` relative to ``folder`` if it lies in or below it, else absolute."""
    if isinstance(path, ObjectPath) or isinstance(folder, ObjectPath):
        below = type(path) is type(folder) and path.is_relative_to(folder)
        return "/".join(path.relative_to(folder).parts) if below else os.fspath(path.absolute())
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow the last link
    if absolute.is_relative_to(folder):
        return absolute.relative_to(folder).as_posix()
    real = absolute.parent.resolve() / absolute.name
    if real.is_relative_to(folder.resolve()):
        return real.relative_to(folder.resolve()).as_posix()
    return os.fspath(absolute)


def exact_bytes(value: str) -> str:
    """Return the bytes of a path or argument in base64."""
    return base64.b64encode(os.fsencode(value)).decode("ascii")


def _exact_path(written: str) -> str | None:
    """Return the exact bytes of a path that is not UTF-8, or None."""
    return None if text(written) == written else exact_bytes(written)


def _written_path(value: Mapping[str, Any]) -> str:
    if "path_base64" in value:
        return _possible_path(os.fsdecode(base64.b64decode(value["path_base64"])))
    return _possible_path(str(value["path"]))


def _possible_path(written: str) -> str:
    """Return ``written`` if a file can have that path.

    Raises:
        ValueError: No file system has such a path, so no run has recorded it.
    """
    raw = os.fsencode(written)
    if b"\0" in raw:
        raise ValueError("a path holds NUL")
    if len(raw) > _LONGEST_PATH or any(len(part) > _LONGEST_NAME for part in raw.split(b"/")):
        raise ValueError(f"a path is too long ({len(raw)} bytes)")
    return written


def _place(written: str, folder: Path) -> Path:
    """Return the place of a recorded path: below the record's folder.

    The first ADR-0661 scripts wrote paths from the root of the repository, which is then one of
    the folders above the record.
    """
    if written.partition("://")[0] in SCHEMES and "://" in written:
        return _object_path(written)
    if isinstance(folder, ObjectPath):
        return Path(written) if Path(written).is_absolute() else _object_path(str(folder / written))
    if Path(written).is_absolute():
        return Path(written)
    place = Path(os.path.normpath(folder / written))
    if not place.exists():
        for above in folder.parents:
            if (above / written).exists():
                return above / written
    return place


def _object_path(url: str) -> ObjectPath:
    try:
        return ObjectPath(url)
    except InputError as error:
        raise ValueError(f"a URL names no object ({error.what})") from None
