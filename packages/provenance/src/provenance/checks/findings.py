"""What a verification has found: for each record, its files and the claims of its outputs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from provenance.toolkit import MoskitError, VerdictError

if TYPE_CHECKING:
    from provenance.documents import (
        ClaimFindingDocument,
        FileFindingDocument,
        RecordFindingsDocument,
        VerificationDocument,
    )
    from provenance.record.signatures import SignatureFinding

VERIFICATION_SCHEMA: Literal["provenance-verification-v1"] = "provenance-verification-v1"

FileStatus = Literal["same", "changed", "missing", "moved", "replaced", "unrecorded"]
"""``replaced``: an input that the same run replaced in place. ``unrecorded``: the record is older
than moskit and has no digest for the file."""

_GOOD = {"same", "moved", "replaced", "unrecorded", "unchecked"}


@dataclass(frozen=True)
class FileFinding:
    """Verification result for one file of a record.

    Attributes:
        side: ``input``, ``output`` or ``record``.
        name: Its name in the record.
        path: Where the record has it.
        status: The result.
        recorded: SHA-256 at the time of the run.
        found: SHA-256 now, if the file is there.
        moved_to: Where a missing file was found by its digest.
        reason: An explanation, if there is one.
    """

    side: Literal["input", "output", "record"]
    name: str
    path: Path
    status: FileStatus
    recorded: str | None = None
    found: str | None = None
    moved_to: Path | None = None
    reason: str | None = None


@dataclass(frozen=True)
class ClaimFinding:
    """Verification result for a claim that an output makes about itself.

    Attributes:
        kind: ``embedded``: the short form in it agrees with the record; ``prefix``: it begins with
            the bytes of an input.
        name: The output's name in the record.
        path: The output.
        status: ``same``, ``changed``, or ``unchecked`` if the file to compare with is not there.
        reason: What differs.
    """

    kind: Literal["embedded", "prefix"]
    name: str
    path: Path
    status: Literal["same", "changed", "unchecked"]
    reason: str | None = None


@dataclass(frozen=True)
class RecordFindings:
    """Verification result for one run: its record, its files, its claims, its signature.

    Attributes:
        path: The record.
        entrypoint: What ran.
        files: What was found for each file.
        claims: What was found for the claims of the outputs.
        signature: Whether the record is signed by a given key; None where no key was given.
    """

    path: Path
    entrypoint: str | None
    files: tuple[FileFinding, ...]
    claims: tuple[ClaimFinding, ...]
    signature: SignatureFinding | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing has changed, nothing is missing, and a given key has signed."""
        return self.is_signed and not any(True for _ in self.problems())

    @property
    def is_signed(self) -> bool:
        """Whether the signature is good, or was not asked for."""
        return self.signature is None or self.signature.status == "verified"

    def problems(self) -> Iterator[FileFinding | ClaimFinding]:
        """Yield the findings that are not good."""
        yield from (finding for finding in self.files if finding.status not in _GOOD)
        yield from (finding for finding in self.claims if finding.status not in _GOOD)


@dataclass(frozen=True)
class Verification:
    """The outcome of :func:`verify`.

    Attributes:
        records: What was found for each record.
        unusable: Why a file could not be verified at all, for each such file.
    """

    records: tuple[RecordFindings, ...]
    unusable: tuple[MoskitError, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every file was verified, nothing has changed and nothing is missing."""
        return not self.unusable and all(record.ok for record in self.records)

    def problems(self) -> Iterator[FileFinding | ClaimFinding]:
        """Yield the findings that are not good."""
        for record in self.records:
            yield from record.problems()

    def to_document(self) -> VerificationDocument:
        """Return the outcome as a ``provenance-verification-v1`` document."""
        document: VerificationDocument = {
            "schema": VERIFICATION_SCHEMA,
            "status": "ok" if self.ok else "failed",
            "records": [_record_document(record) for record in self.records],
        }
        if self.unusable:
            document["unusable"] = [error.to_document()["error"] for error in self.unusable]
        return document


def _record_document(record: RecordFindings) -> RecordFindingsDocument:
    document: RecordFindingsDocument = {
        "path": os.fspath(record.path),
        "entrypoint": record.entrypoint,
        "status": "ok" if record.ok else "failed",
        "files": [_file_document(finding) for finding in record.files],
        "claims": [_claim_document(finding) for finding in record.claims],
    }
    if record.signature is not None:
        document["signature"] = record.signature.to_document()
    return document


def _file_document(finding: FileFinding) -> FileFindingDocument:
    return {
        "side": finding.side,
        "name": finding.name,
        "path": os.fspath(finding.path),
        "status": finding.status,
        "recorded_sha256": finding.recorded,
        "found_sha256": finding.found,
        "moved_to": None if finding.moved_to is None else os.fspath(finding.moved_to),
        "reason": finding.reason,
    }


def _claim_document(finding: ClaimFinding) -> ClaimFindingDocument:
    return {
        "kind": finding.kind,
        "name": finding.name,
        "path": os.fspath(finding.path),
        "status": finding.status,
        "reason": finding.reason,
    }


def verification_error(outcome: Verification) -> VerdictError:
    """Return the error for an outcome that is not ok: what its first problem is.

    A signature comes first: nothing else in a record that is not signed as asked can be relied on.
    """
    document = outcome.to_document()
    for record in outcome.records:
        if record.is_signed:
            continue
        assert record.signature is not None
        reason = record.signature.reason or "It is not signed"
        where = os.fspath(record.path)
        if record.signature.status == "other-record":
            return VerdictError(
                reason,
                where=where,
                fix="Restore the record from a copy, or sign the new one",
                code="signature.record-changed",
                document=document,
            )
        if record.signature.status == "other-key":
            return VerdictError(
                f"{reason}, not with that of --key",
                where=where,
                fix="Give the public key of who has signed it",
                code="signature.other-key",
                document=document,
            )
        if record.signature.status == "invalid":
            return VerdictError(
                reason,
                where=os.fspath(record.signature.envelope or record.path),
                fix="Restore the envelope from a copy, or sign the record again",
                code="signature.invalid",
                document=document,
            )
        return VerdictError(
            reason,
            where=where,
            fix="Say with --root where its envelope is, or sign it with provenance sign",
            code="signature.missing",
            document=document,
        )
    if any(record.signature is not None and not record.ok for record in outcome.records):
        return VerdictError(
            f"The signature is good, and what was signed has changed: {problem_sentence(outcome)}",
            code="signature.file-changed",
            document=document,
        )
    return VerdictError(problem_sentence(outcome), document=document, code="verify.failed")


def problem_sentence(outcome: Verification) -> str:
    """Return the first problem, and how many more there are, without a full stop."""
    problems = list(outcome.problems())
    first = problems[0]
    if isinstance(first, FileFinding):
        kind = "record" if first.side == "record" else f"{first.side} {first.name}"
        sentence = f"The {kind} {first.path} is {first.status}"
        if first.status == "changed" and first.found:
            sentence += f" (was {first.recorded}, is {first.found})"
        elif first.reason:
            sentence += f" ({first.reason})"
    else:
        sentence = f"The output {first.name} {first.path} makes a false claim ({first.reason})"
    return sentence if len(problems) == 1 else f"{sentence}, and {len(problems) - 1} more"
