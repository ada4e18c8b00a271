"""Whether inputs, outputs and the record itself still are what a run left."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from provenance.checks.findings import (
    ClaimFinding,
    FileFinding,
    FileStatus,
    RecordFindings,
    Verification,
)
from provenance.record.embedded import read_embedded
from provenance.record.entry import FileEntry, entries_of
from provenance.record.finding import FileFinder
from provenance.record.hashing import hash_prefix
from provenance.record.keys import read_public_key
from provenance.record.record import DamagedRecordError, Record, UnfinishedRunError
from provenance.record.search import files_below, load_record
from provenance.record.signatures import SignatureFinder, SignatureFinding
from provenance.stores import ObjectPath, as_path
from provenance.toolkit import InputError, MoskitError

if TYPE_CHECKING:
    from provenance.toolkit import ProgressCallback


def verify(
    files: Sequence[os.PathLike[str] | str] | os.PathLike[str] | str,
    *,
    roots: Sequence[os.PathLike[str] | str] = (),
    upstream: bool = False,
    keys: Sequence[os.PathLike[str] | str] = (),
    progress: ProgressCallback | None = None,
) -> Verification:
    """Hash the inputs and outputs of runs again and compare them with their records.

    Args:
        files: Records, or files that records describe.
        roots: Folders in which records, and files that were moved, are looked for.
        upstream: Verify the records of the inputs too, and so on up to the raw files.
        keys: Public keys as PEM files. Each record must be signed by one of them; its envelope lies
            beside it or below ``roots``. Needs the extra ``sign``.
        progress: Called while files are hashed.

    Returns:
        The findings; what differs is a finding and no exception.

    Raises:
        InputError: The only file is unreadable or has no record. Of several files the others are
            verified, and the outcome lists these in ``unusable``. Or a key is unusable.
        UnfinishedRunError: The only file was made by a run whose record is not there.

    Example:
        >>> from pathlib import Path
        >>> from provenance import start_run
        >>> _ = Path("in.csv").write_text("1")
        >>> with start_run("job.py", inputs={"table": "in.csv"}) as run:
        ...     _ = Path(run.stage("out", "out.csv")).write_text("2")
        >>> verify("out.csv").ok
        True
        >>> _ = Path("in.csv").write_text("changed")
        >>> [(item.name, item.status) for item in verify("out.csv").problems()]
        [('table', 'changed')]
    """
    given = [files] if isinstance(files, str | os.PathLike) else list(files)
    finder = FileFinder(roots, progress)
    checker = _Checker(finder, _Signatures(keys, roots))
    findings: list[RecordFindings] = []
    queue: list[tuple[Path, FileEntry | None]] = [(as_path(path), None) for path in given]
    seen: set[Path] = set()
    unusable: list[MoskitError] = []
    while queue:
        path, entry = queue.pop(0)
        try:
            record = load_record(path, roots=roots)
        except (DamagedRecordError, UnfinishedRunError) as error:
            if entry is None and isinstance(error, UnfinishedRunError):
                unusable.append(error)
                continue
            findings.append(_lost_record(path, error, signed=bool(keys)))
            continue
        except InputError as error:
            if entry is None:
                unusable.append(error)
            continue  # a raw file has no record, and needs none
        if record.path in seen:
            continue
        seen.add(record.path)
        findings.append(checker.check(record, path))
        if upstream:
            for item in record.input_entries():
                queue.append((finder.locate(item) or item.path, item))
    if unusable and len(given) == 1:
        raise unusable[0]
    return Verification(tuple(findings), tuple(unusable))


class _Signatures:
    """Checks the signatures of records, where keys were given."""

    def __init__(
        self,
        keys: Sequence[os.PathLike[str] | str],
        roots: Sequence[os.PathLike[str] | str],
    ) -> None:
        self._keys = [read_public_key(key) for key in keys]
        self._finder = SignatureFinder(roots)

    def check(self, record: Record) -> SignatureFinding | None:
        return self._finder.check(record, self._keys) if self._keys else None


class _Checker:
    """Compares records with the disk."""

    def __init__(self, finder: FileFinder, signatures: _Signatures) -> None:
        self._finder = finder
        self._signatures = signatures

    def check(self, record: Record, asked: Path) -> RecordFindings:
        findings = [_record_finding(record)]
        outputs = {os.path.realpath(entry.path): entry for entry in record.output_entries()}
        for entry in record.input_entries():
            findings += self._entry_findings("input", entry, outputs, asked)
        for entry in record.output_entries():
            findings += self._entry_findings("output", entry, {}, asked)
        claims = [
            *self._embedded_findings(record),
            *self._prefix_findings(record),
        ]
        return RecordFindings(
            record.path,
            record.entrypoint,
            tuple(findings),
            tuple(claims),
            self._signatures.check(record),
        )

    def _entry_findings(
        self,
        side: Literal["input", "output"],
        entry: FileEntry,
        outputs: Mapping[str, FileEntry],
        asked: Path,
    ) -> list[FileFinding]:
        whole = self._finding(side, entry, outputs, asked)
        if not entry.directory or whole.status != "changed":
            return [whole]
        parts = [self._finding(side, part, {}, asked) for part in entry.files]
        known = {part.path for part in entry.files}
        reasons = [f"{part.name} is {part.status}" for part in parts if part.status != "same"]
        reasons += [
            f"{path.relative_to(entry.path)} is new"
            for path in files_below([entry.path])
            if path not in known and not path.name.startswith(".moskit-")
        ]
        return [
            FileFinding(
                whole.side,
                whole.name,
                whole.path,
                whole.status,
                whole.recorded,
                whole.found,
                reason="; ".join(reasons[:5]) or None,
            ),
            *(part for part in parts if part.status != "same"),
        ]

    def _finding(
        self,
        side: Literal["input", "output"],
        entry: FileEntry,
        outputs: Mapping[str, FileEntry],
        asked: Path,
    ) -> FileFinding:
        if entry.stored is not None and (found_object := _object_finding(side, entry, outputs)):
            return found_object
        if entry.digest is None:
            return FileFinding(side, entry.name, entry.path, "unrecorded")
        recorded = entry.digest.sha256
        found = self._finder.digest(entry.path)
        if found is not None and found.sha256 == recorded:
            return FileFinding(side, entry.name, entry.path, "same", recorded, recorded)
        if os.path.realpath(entry.path) in outputs:
            return FileFinding(
                side,
                entry.name,
                entry.path,
                "replaced",
                recorded,
                None if found is None else found.sha256,
                reason="the run replaced it in place",
            )
        moved = self._finder.locate(entry, near=[asked.absolute()])
        if found is None:
            status: FileStatus = "missing" if moved is None else "moved"
            return FileFinding(side, entry.name, entry.path, status, recorded, None, moved)
        return FileFinding(side, entry.name, entry.path, "changed", recorded, found.sha256, moved)

    def _embedded_findings(self, record: Record) -> Iterator[ClaimFinding]:
        for entry in _present_files(record):
            try:
                raw = read_embedded(entry.path)
            except Exception as error:
                yield ClaimFinding(
                    "embedded", entry.name, entry.path, "changed", f"it cannot be read ({error})"
                )
                continue
            if raw is None:
                continue
            difference = _embedded_difference(record, raw)
            yield ClaimFinding(
                "embedded",
                entry.name,
                entry.path,
                "changed" if difference else "same",
                difference,
            )

    def _prefix_findings(self, record: Record) -> Iterator[ClaimFinding]:
        for entry in _present_files(record):
            claim = entry.prefix
            if claim is None:
                continue
            if isinstance(entry.path, ObjectPath) or isinstance(claim.path, ObjectPath):
                reason = "it is in a store, and verify does not download it"
                yield ClaimFinding("prefix", entry.name, entry.path, "unchecked", reason)
                continue
            mine = hash_prefix(entry.path, claim.size)
            wanted = claim.sha256
            if self._is_as_recorded(record, claim.path):
                theirs = hash_prefix(claim.path, claim.size)
                wanted = theirs.sha256 if theirs.size == claim.size else "a shorter file"
            if wanted is None:
                yield ClaimFinding(
                    "prefix", entry.name, entry.path, "unchecked", f"{claim.path} is not as it was"
                )
            elif mine.sha256 == wanted and mine.size == claim.size:
                yield ClaimFinding("prefix", entry.name, entry.path, "same")
            else:
                yield ClaimFinding(
                    "prefix",
                    entry.name,
                    entry.path,
                    "changed",
                    f"its first {claim.size} bytes are not those of the input {claim.input}",
                )

    def _is_as_recorded(self, record: Record, path: Path) -> bool:
        digest = self._finder.digest(path)
        return digest is not None and any(
            digest.sha256 in entry.digests() for entry in record.input_entries()
        )


def _object_finding(
    side: Literal["input", "output"], entry: FileEntry, outputs: Mapping[str, FileEntry]
) -> FileFinding | None:
    """Compare an object with what the store said of it; None if only its bytes can tell."""
    assert entry.stored is not None
    recorded = None if entry.digest is None else entry.digest.sha256
    if not isinstance(entry.path, ObjectPath):
        return None  # of a folder that was copied from a store to this machine
    if not entry.path.is_file():
        return FileFinding(side, entry.name, entry.path, "missing", recorded)
    now = entry.path.describe()
    if (now.size, now.etag) == (entry.stored.size, entry.stored.etag):
        return FileFinding(side, entry.name, entry.path, "same", recorded, recorded)
    if entry.digest is not None:
        return None
    status: FileStatus = "replaced" if os.path.realpath(entry.path) in outputs else "changed"
    reason = f"its ETag was {entry.stored.etag}, and is {now.etag}"
    return FileFinding(side, entry.name, entry.path, status, reason=reason)


def _present_files(record: Record) -> Iterator[FileEntry]:
    """Yield the outputs, and the files of output directories, that are on the disk."""
    for entry in record.output_entries():
        for item in entry.files if entry.directory else (entry,):
            if item.path.is_file():
                yield item


def _record_finding(record: Record) -> FileFinding:
    if record.faults:
        return FileFinding(
            "record",
            "record",
            record.path,
            "changed",
            record.content_sha256,
            None,
            reason="; ".join(record.faults),
        )
    if record.content_sha256 is None:
        return FileFinding(
            "record", "record", record.path, "unrecorded", reason="it has no digest of itself"
        )
    return FileFinding(
        "record", "record", record.path, "same", record.content_sha256, record.content_sha256
    )


def _lost_record(
    path: Path, error: DamagedRecordError | UnfinishedRunError, *, signed: bool
) -> RecordFindings:
    place = Path(error.where or path)
    status: FileStatus = "changed" if isinstance(error, DamagedRecordError) else "missing"
    finding = FileFinding("record", "record", place, status, reason=error.what)
    signature = None
    if signed:
        signature = SignatureFinding(
            "other-record" if status == "changed" else "missing", reason=error.what
        )
    return RecordFindings(place, None, (finding,), (), signature)


def _embedded_difference(record: Record, raw: bytes) -> str | None:
    """Return how the short form in an output differs from the record, or None."""
    try:
        short = json.loads(raw)
        inputs, args = dict(short["inputs"]), dict(short["args"])
    except (ValueError, KeyError, TypeError) as error:
        return f"its short form cannot be read ({error!r})"
    entry = record.block.get("entrypoint") or {}
    for member in ("distribution", "version"):
        if short.get(member) != entry.get(member):
            return f"it says {member} {short.get(member)}, the record {entry.get(member)}"
    for name, value in inputs.items():
        if name not in record.inputs:
            return f"it has an input {name}, the record has none"
        known = {digest for item in entries_of(record.inputs[name]) for digest in item.digests()}
        stated = value if isinstance(value, list) else [value]
        for digest in stated:
            if digest is not None and digest not in known:
                return f"it says {digest} of the input {name}, the record does not"
    recorded = record.block.get("args") or {}
    for name, value in args.items():
        if name in recorded and recorded[name] != value:
            return f"it says {name} = {value!r}, the record {recorded[name]!r}"
    return None
