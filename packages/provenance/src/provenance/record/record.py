"""Reading run records back: from their own file, or from a file that they describe."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provenance.record.block import BLOCK_MEMBER, BLOCK_SCHEMA
from provenance.record.entry import EntrySlot, FileEntry, entries_of, read_slots
from provenance.record.hashing import Digest, unreadable
from provenance.toolkit import VerdictError
from provenance.toolkit.canonical import CONTENT_MEMBER, content_digest, document_bytes

LARGEST_RECORD_BYTES = 256 << 20
_MARKERS = (b"run_provenance", b"content_sha256", b"ai-run-provenance")


class UnfinishedRunError(VerdictError):
    """A file was made by a run whose record is not there: the run did not finish, or it is lost."""


class DamagedRecordError(VerdictError):
    """A file is a run record, and its bytes are not those that were written."""


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
        """``distribution version`` of what ran, if the record has them."""
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
    """Read ``path`` as a record; return None if it is something else.

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
    for member, kind in (("args", dict), ("argv", list), ("inputs", dict), ("outputs", dict)):
        if not isinstance(block.get(member) or kind(), kind):
            raise _damaged(path, f"its {member} are not what a record has there")
    try:
        return Record(
            path=path.absolute(),
            document=document,
            digest=Digest(hashlib.sha256(raw).hexdigest(), len(raw)),
            faults=tuple(_faults(document, raw)),
            inputs=read_slots(block.get("inputs"), folder),
            outputs=read_slots(block.get("outputs"), folder),
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
    """Return whether bytes that are no JSON document are what is left of one."""
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


def _flatten(slots: Mapping[str, EntrySlot]) -> Iterator[FileEntry]:
    for slot in slots.values():
        yield from entries_of(slot)
