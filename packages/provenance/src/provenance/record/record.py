"""Reading run records back: from their own file, or from a file that they describe."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provenance.record.block import BLOCK_MEMBER, BLOCK_SCHEMA
from provenance.record.hashing import Digest, unreadable
from provenance.toolkit import VerdictError
from provenance.toolkit.canonical import CONTENT_MEMBER, content_digest, document_bytes

LARGEST_RECORD_BYTES = 256 << 20
_LONGEST_PATH = 4095  # PATH_MAX of Linux without its final NUL; other systems allow less
_LONGEST_NAME = 255
_MARKERS = (b"run_provenance", b"content_sha256", b"ai-run-provenance")


class UnfinishedRunError(VerdictError):
    """A file was made by a run whose record is not there: the run did not finish, or it is lost."""


class DamagedRecordError(VerdictError):
    """A file is a run record, and its bytes are not those that were written."""


@dataclass(frozen=True)
class PrefixEntry:
    """That a file begins with the first ``size`` bytes of an input's file."""

    input: str
    path: Path
    size: int
    sha256: str | None


@dataclass(frozen=True)
class FileEntry:
    """One input or output of a record, or one file of a directory among them.

    Attributes:
        name: The input's or output's name; ``name[part]`` for a file of a directory.
        path: Where it was, as an absolute path.
        written_path: The path as the record has it.
        digest: What it was; None where an old record has no digest for it.
        directory: Whether it is a directory.
        files: The files of a directory.
        role: What an output is to its reader.
        prefix: An output's claim to begin with an input's bytes.
    """

    name: str
    path: Path
    written_path: str
    digest: Digest | None
    directory: bool = False
    files: tuple[FileEntry, ...] = ()
    role: str | None = None
    prefix: PrefixEntry | None = None

    def part_name(self) -> str:
        """The path of a directory's file below the directory."""
        return self.written_path

    def digests(self) -> Iterator[str]:
        """SHA-256 of the entry, and of each file in it."""
        for item in (self, *self.files):
            if item.digest is not None:
                yield item.digest.sha256


EntrySlot = FileEntry | tuple[FileEntry, ...] | None
"""What a record has under one name: an entry, a list of them, or none."""


def entries_of(slot: EntrySlot) -> tuple[FileEntry, ...]:
    """The entries of a slot, none to many."""
    if slot is None:
        return ()
    return (slot,) if isinstance(slot, FileEntry) else slot


@dataclass(frozen=True)
class Record:
    """A run record as read from a file.

    Attributes:
        path: The record's file, absolute.
        document: The JSON object that carries the block.
        digest: Digest of the file's bytes.
        faults: Why the file is not what was written, one sentence each; empty where it is.
        inputs: Entries by name: one, a list, or None for an absent optional.
        outputs: Entries by name.
    """

    path: Path
    document: Mapping[str, Any]
    digest: Digest
    faults: tuple[str, ...]
    inputs: Mapping[str, EntrySlot]
    outputs: Mapping[str, EntrySlot]

    @property
    def block(self) -> Mapping[str, Any]:
        """The ``run_provenance`` block."""
        block: Mapping[str, Any] = self.document[BLOCK_MEMBER]
        return block

    @property
    def content_sha256(self) -> str | None:
        """The digest that the document states of itself; None in records older than moskit."""
        value = self.document.get(CONTENT_MEMBER)
        return value if isinstance(value, str) else None

    @property
    def identity(self) -> str:
        """What identifies the run: the document's own digest, else that of its file."""
        return self.content_sha256 or self.digest.sha256

    @property
    def entrypoint(self) -> str:
        """What ran, e.g. ``labeljoin join``."""
        entry = self.block.get("entrypoint")
        if not isinstance(entry, Mapping):
            return str(entry)
        return str(entry.get("name") or entry.get("path"))

    @property
    def version(self) -> str | None:
        """``distribution version`` of what ran, where the record says so."""
        entry = self.block.get("entrypoint")
        if not isinstance(entry, Mapping) or not entry.get("distribution"):
            return None
        return f"{entry['distribution']} {entry.get('version')}"

    def refuse_faults(self) -> None:
        """Raise DamagedRecordError if the file is not what was written."""
        if self.faults:
            raise _damaged(self.path, self.faults[0])

    def input_entries(self) -> tuple[FileEntry, ...]:
        """All inputs, one after the other."""
        return tuple(_flatten(self.inputs))

    def output_entries(self) -> tuple[FileEntry, ...]:
        """All outputs, one after the other."""
        return tuple(_flatten(self.outputs))


def read_record(path: Path) -> Record | None:
    """Read ``path`` as a record; None where it is something else.

    Raises:
        DamagedRecordError: It was a record, and cannot be read as one any more.
        InputError: It is unreadable.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_RECORD_BYTES:
            return None
        with path.open("rb") as stream:
            start = stream.read(4096)
            if b"\x00" in start:
                return None
            raw = start + stream.read()
    except OSError as error:
        raise unreadable(path, error) from error
    if not any(marker in raw for marker in _MARKERS):
        return None
    return parse_record(path, raw)


def parse_record(path: Path, raw: bytes) -> Record | None:
    """Make a record of the bytes of a file that has a record's marks; see :func:`read_record`."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        if not _was_json(path, raw):
            return None  # a model card that quotes a record
        raise _damaged(path, f"it cannot be read as JSON: {error}") from error
    if not isinstance(document, dict):
        return None
    block = document.get(BLOCK_MEMBER)
    if not isinstance(block, dict) or block.get("schema") != BLOCK_SCHEMA:
        if CONTENT_MEMBER in document or isinstance(block, dict):
            raise _damaged(path, f"it has no block of the schema {BLOCK_SCHEMA}")
        return None
    folder = path.absolute().parent
    try:
        return Record(
            path=path.absolute(),
            document=document,
            digest=Digest(hashlib.sha256(raw).hexdigest(), len(raw)),
            faults=tuple(_faults(document, raw)),
            inputs=_entries(block.get("inputs"), folder),
            outputs=_entries(block.get("outputs"), folder),
        )
    except ValueError as error:
        raise _damaged(path, f"an entry of it makes no sense: {error}") from error
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path, f"an entry of it makes no sense: {error!r}") from error


def _damaged(path: Path, reason: str) -> DamagedRecordError:
    return DamagedRecordError(
        f"The record is not what was written: {reason}",
        where=os.fspath(path),
        fix="Restore it from a copy",
        code="record.damaged",
    )


def _was_json(path: Path, raw: bytes) -> bool:
    """Whether bytes that are no JSON document are what is left of one."""
    stripped = raw.strip()
    if path.suffix != ".json" and not (stripped.startswith(b"{") and stripped.endswith(b"}")):
        return False
    first, _, rest = stripped.partition(b"\n")
    try:
        json_lines = isinstance(json.loads(first), dict) and bool(rest)
    except ValueError:
        json_lines = False
    return not json_lines  # else it is a table whose rows quote records


def _faults(document: Mapping[str, Any], raw: bytes) -> Iterator[str]:
    stated = document.get(CONTENT_MEMBER)
    if stated is None:
        if "name" in (document[BLOCK_MEMBER].get("entrypoint") or {}):
            yield f"its member {CONTENT_MEMBER} is gone"
        return  # a record older than moskit says nothing of itself
    try:
        actual = content_digest(document)
        canonical = document_bytes(document)
    except (TypeError, ValueError) as error:
        yield f"it holds a value that no record holds ({error})"
        return
    if stated != actual:
        yield f"it states the digest {stated} of itself, and has {actual}"
    elif canonical != raw:
        yield "its bytes are not in the form that records are written in"


def _entries(value: Any, folder: Path) -> dict[str, EntrySlot]:
    if not isinstance(value, Mapping):
        return {}
    return {str(name): _slot(str(name), slot, folder) for name, slot in value.items()}


def _slot(name: str, value: Any, folder: Path) -> EntrySlot:
    if isinstance(value, list):
        entries = (_entry(name, item, folder) for item in value)
        return tuple(entry for entry in entries if entry is not None)
    return _entry(name, value, folder)


def _entry(name: str, value: Any, folder: Path) -> FileEntry | None:
    if isinstance(value, str):  # records of the first ADR-0661 scripts name outputs only
        return FileEntry(name, _place(_possible_path(value), folder), value, None)
    if not isinstance(value, Mapping) or "path" not in value:
        return None
    written = _written_path(value)
    place = _place(written, folder)
    directory = value.get("kind") == "directory"
    return FileEntry(
        name=name,
        path=place,
        written_path=written,
        digest=_digest(value),
        directory=directory,
        files=tuple(_part(name, item, place, folder) for item in value.get("files") or ()),
        role=value.get("role"),
        prefix=_prefix(value.get("prefix"), folder),
    )


def _part(name: str, value: Mapping[str, Any], directory: Path, folder: Path) -> FileEntry:
    written = _written_path(value)
    return FileEntry(
        name=f"{name}[{value['path']}]",
        path=directory / written,
        written_path=written,
        digest=_digest(value),
        prefix=_prefix(value.get("prefix"), folder),
    )


def _prefix(value: Any, folder: Path) -> PrefixEntry | None:
    if not isinstance(value, Mapping):
        return None
    place = _place(_written_path(value), folder)
    return PrefixEntry(str(value.get("input")), place, int(value["bytes"]), value.get("sha256"))


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


def _digest(value: Mapping[str, Any]) -> Digest | None:
    sha256 = value.get("sha256")
    if not isinstance(sha256, str):
        return None
    size = value.get("bytes")
    return Digest(sha256, size if isinstance(size, int) else -1)


def _place(written: str, folder: Path) -> Path:
    """Where a recorded path lies: below the record's folder.

    The first ADR-0661 scripts wrote paths from the root of the repository, which is then one of
    the folders above the record.
    """
    if Path(written).is_absolute():
        return Path(written)
    place = Path(os.path.normpath(folder / written))
    if not place.exists():
        for above in folder.parents:
            if (above / written).exists():
                return above / written
    return place


def _flatten(slots: Mapping[str, EntrySlot]) -> Iterator[FileEntry]:
    for slot in slots.values():
        yield from entries_of(slot)
