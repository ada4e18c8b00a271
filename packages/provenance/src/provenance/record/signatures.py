"""Signatures of records: DSSE envelopes around in-toto statements, found and checked.

An envelope is about a record if the record's file is among the subjects of its statement. It lies
beside the record as ``<record>.intoto.jsonl``, or below some roots. Formats: DSSE 1.0
``envelope.md`` and ``protocol.md``, in-toto Attestation Framework ``spec/v1/bundle.md``.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from provenance.record.search import files_below
from provenance.toolkit import InputError, parse_json, read_document

if TYPE_CHECKING:
    from provenance.documents import SignatureDocument, SignerDocument
    from provenance.record.keys import PublicKey
    from provenance.record.record import Record

ENVELOPE_SUFFIX = ".intoto.jsonl"
PAYLOAD_TYPE = "application/vnd.in-toto+json"

SignatureStatus = Literal["verified", "missing", "other-key", "invalid", "other-record"]
"""``other-key``: signed, but by none of the keys. ``invalid``: the envelope or its signature is
damaged. ``other-record``: signed by one of the keys, and the record has changed since."""


@dataclass(frozen=True)
class Signature:
    """One signature of an envelope. The key id is a hint that anyone can write."""

    keyid: str
    value: bytes


@dataclass(frozen=True)
class Envelope:
    """A DSSE envelope.

    Attributes:
        path: The file that it is from.
        payload: The signed bytes, an in-toto statement.
        signatures: Of one or more keys.
        subjects: SHA-256 of the files that the statement is about.
    """

    path: Path
    payload: bytes
    signatures: tuple[Signature, ...]
    subjects: frozenset[str]

    def signed_bytes(self) -> bytes:
        """Return what is signed: the pre-authentication encoding (PAE) of type and payload."""
        from securesystemslib.dsse import Envelope as Dsse

        return Dsse(self.payload, PAYLOAD_TYPE, {}).pae()

    def signed_by(self, keys: Sequence[PublicKey]) -> PublicKey | None:
        """Return the first key that one of the signatures is of."""
        message = self.signed_bytes()
        for key in keys:
            if any(key.accepts(signature.value, message) for signature in self.signatures):
                return key
        return None


@dataclass(frozen=True)
class SignatureFinding:
    """Whether a record is signed.

    Attributes:
        status: The result.
        envelope: The envelope's file, if there is one.
        keyid: The key that it is signed with, where a given key has verified it.
        signers: The key ids that the envelope states.
        reason: What is wrong, as a sentence without its full stop.
    """

    status: SignatureStatus
    envelope: Path | None = None
    keyid: str | None = None
    signers: tuple[str, ...] = ()
    reason: str | None = None

    def to_document(self) -> SignatureDocument:
        """Return the finding as verification documents have it."""
        return {
            "status": self.status,
            "envelope": None if self.envelope is None else os.fspath(self.envelope),
            "keyid": self.keyid,
            "signers": list(self.signers),
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Signer:
    """Who has signed a record of a lineage.

    Attributes:
        keyid: The key.
        status: ``unchecked`` where the key was not given.
    """

    keyid: str
    status: Literal["verified", "unchecked", "invalid"]

    def to_document(self) -> SignerDocument:
        """Return the signer as trace documents have it."""
        return {"keyid": self.keyid, "status": self.status}


class SignatureFinder:
    """Finds the envelopes of records: beside them, and in and below some roots.

    Args:
        roots: The folders.
    """

    def __init__(self, roots: Sequence[os.PathLike[str] | str] = ()) -> None:
        self._roots = roots
        self._below_roots: list[Envelope] | None = None
        self._folders: dict[Path, list[Envelope]] = {}

    def check(self, record: Record, keys: Sequence[PublicKey]) -> SignatureFinding:
        """Return whether one of ``keys`` has signed ``record``."""
        about, beside = self._about(record), envelope_path(record.path)
        if not about and beside.is_file():
            return _check_named(beside, keys)
        findings = [_check(envelope, keys) for envelope in about]
        order: tuple[SignatureStatus, ...] = ("verified", "invalid", "other-key", "missing")
        findings.sort(key=lambda finding: order.index(finding.status))
        return findings[0] if findings else SignatureFinding("missing", reason="It is not signed")

    def signers(self, record: Record, keys: Sequence[PublicKey]) -> tuple[Signer, ...]:
        """Return who has signed ``record``, each key once; ``keys`` are the ones to check with."""
        found: dict[str, Signer] = {}
        known = {key.keyid for key in keys}
        for envelope in self._about(record):
            verified = None if not keys else envelope.signed_by(keys)
            if verified is not None:
                found[verified.keyid] = Signer(verified.keyid, "verified")
            for signature in envelope.signatures:
                status: Literal["unchecked", "invalid"] = (
                    "invalid" if signature.keyid in known else "unchecked"
                )
                found.setdefault(signature.keyid, Signer(signature.keyid, status))
        return tuple(found.values())

    def _about(self, record: Record) -> list[Envelope]:
        if self._below_roots is None:
            paths = (p for p in files_below(self._roots) if p.name.endswith(ENVELOPE_SUFFIX))
            self._below_roots = [envelope for path in paths for envelope in _readable(path)]
        folder = record.path.parent
        if folder not in self._folders:
            paths = (p for p in sorted(folder.iterdir()) if p.name.endswith(ENVELOPE_SUFFIX))
            self._folders[folder] = [envelope for path in paths for envelope in _readable(path)]
        return [
            envelope
            for envelope in (*self._folders[folder], *self._below_roots)
            if record.digest.sha256 in envelope.subjects
        ]


def envelope_path(record: Path) -> Path:
    """Return where the envelope of a record lies unless told otherwise."""
    return record.with_name(f"{record.name}{ENVELOPE_SUFFIX}")


def read_envelopes(path: Path) -> tuple[Envelope, ...]:
    """Read a file of DSSE envelopes, one a line.

    Raises:
        InputError: It cannot be read, or a line is no envelope around an in-toto statement.
    """
    raw = read_document(path, "The envelope")
    lines = [line for line in raw.splitlines() if line.strip()]
    if len(lines) > 1 and not lines[0].rstrip().endswith(b"}"):
        lines = [raw]  # one envelope, indented for people
    return tuple(_envelope(line, path) for line in lines)


def _envelope(line: bytes, path: Path) -> Envelope:
    where = os.fspath(path)
    value = parse_json(line, "The envelope", where=where)
    try:
        if value["payloadType"] != PAYLOAD_TYPE:
            raise ValueError(f"its payload is {value['payloadType']}, not {PAYLOAD_TYPE}")
        payload = _decoded(value["payload"])
        signatures = tuple(
            Signature(str(item.get("keyid") or "unknown"), _decoded(item["sig"]))
            for item in value["signatures"]
        )
        statement = parse_json(payload, "The statement in the envelope", where=where)
        subjects = frozenset(
            str(digest) for subject in statement["subject"] for digest in subject["digest"].values()
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"It is not a DSSE envelope around an in-toto statement ({error})",
            where=where,
            fix="Sign the record again",
            code="signature.damaged-envelope",
        ) from error
    return Envelope(path, payload, signatures, subjects)


def _decoded(value: Any) -> bytes:
    """Return the bytes of base64 text, in the standard or the URL-safe alphabet as DSSE allows."""
    return base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True)


def _readable(path: Path) -> Iterator[Envelope]:
    try:
        yield from read_envelopes(path)
    except InputError:
        return  # somebody else's, or damaged: said where it is the one beside the record


def _check(envelope: Envelope, keys: Sequence[PublicKey]) -> SignatureFinding:
    signers = tuple(signature.keyid for signature in envelope.signatures)
    if not signers:
        return SignatureFinding("missing", envelope.path, reason="Its signature was removed")
    key = envelope.signed_by(keys)
    if key is not None:
        return SignatureFinding("verified", envelope.path, key.keyid, signers)
    if {key.keyid for key in keys} & set(signers):
        reason = "Its signature does not fit what was signed"
        return SignatureFinding("invalid", envelope.path, None, signers, reason)
    reason = f"It is signed with the key {signers[0]}"
    return SignatureFinding("other-key", envelope.path, None, signers, reason)


def _check_named(path: Path, keys: Sequence[PublicKey]) -> SignatureFinding:
    """Say why the envelope beside a record is not about it."""
    try:
        envelopes = read_envelopes(path)
    except InputError as error:
        return SignatureFinding("invalid", path, reason=error.what)
    if not envelopes:
        return SignatureFinding("missing", path, reason="Its signature was removed")
    finding = _check(envelopes[0], keys)
    if finding.status != "verified":
        return finding
    return SignatureFinding(
        "other-record",
        path,
        finding.keyid,
        finding.signers,
        "The record has changed since it was signed",
    )
