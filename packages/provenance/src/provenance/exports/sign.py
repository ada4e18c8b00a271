"""Sign a run record: a DSSE envelope around its in-toto statement."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.exports.export import described_places
from provenance.exports.in_toto import signed_statement
from provenance.record.keys import read_signer
from provenance.record.search import load_record
from provenance.record.signatures import (
    PAYLOAD_TYPE,
    Signature,
    envelope_path,
    read_envelopes,
)
from provenance.run.staging import write_atomically
from provenance.toolkit import InputError
from provenance.toolkit.canonical import canonical_bytes, json_value

if TYPE_CHECKING:
    from provenance.documents import SigningDocument


@dataclass(frozen=True)
class Signed:
    """The outcome of :func:`sign`.

    Attributes:
        envelope: The envelope's file.
        record: The record's file.
        record_sha256: SHA-256 of the record's file, which is among the signed subjects.
        keyid: The key: the SHA-256 of the public key's DER form.
        signers: All keys that have signed the envelope.
    """

    envelope: Path
    record: Path
    record_sha256: str
    keyid: str
    signers: tuple[str, ...]

    def to_document(self) -> SigningDocument:
        """Return the outcome as a ``provenance-signature-v1`` document."""
        return {
            "schema": "provenance-signature-v1",
            "envelope": os.fspath(self.envelope),
            "record": os.fspath(self.record),
            "record_sha256": self.record_sha256,
            "keyid": self.keyid,
            "signers": list(self.signers),
        }


def sign(
    file: os.PathLike[str] | str,
    *,
    key: os.PathLike[str] | str,
    out: os.PathLike[str] | str | None = None,
    roots: Sequence[os.PathLike[str] | str] = (),
) -> Signed:
    """Sign a record with a key of your own, offline.

    Writes a DSSE envelope (one line of JSON) around the in-toto statement of the run. Its subjects
    are the run's outputs and the record itself, so the signature holds for all that the record
    says. Files are not hashed again: :func:`verify` first. Other keys' signatures of the same
    statement stay in the envelope.

    Args:
        file: A record, or a file that it describes.
        key: The private key, ECDSA P-256 or Ed25519, as a PEM file. The password of an encrypted
            one is in the environment variable ``PROVENANCE_KEY_PASSWORD``.
        out: Where the envelope will be; ``<record>.intoto.jsonl`` by default.
        roots: Folders in which the record is looked for.

    Raises:
        InputError: There is no record, the key is unusable, ``out`` is one of the files involved,
            or the extra ``sign`` is not installed.
        DamagedRecordError: The record is not what was written.
        OutputError: The envelope cannot be written.

    Example:
        >>> import subprocess
        >>> from pathlib import Path
        >>> from provenance import start_run, verify
        >>> from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        >>> from cryptography.hazmat.primitives import serialization as pem
        >>> key = Ed25519PrivateKey.generate()
        >>> _ = Path("private.pem").write_bytes(
        ...     key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())
        ... )
        >>> _ = Path("public.pem").write_bytes(
        ...     key.public_key().public_bytes(
        ...         pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo
        ...     )
        ... )
        >>> with start_run("job.py", inputs={}) as run:
        ...     _ = Path(run.stage("out", "out.csv")).write_text("2")
        >>> sign("out.csv", key="private.pem").envelope.name
        'out.csv.audit.json.intoto.jsonl'
        >>> verify("out.csv", keys=["public.pem"]).ok
        True
    """
    record = load_record(file, roots=roots)
    record.refuse_faults()
    signer = read_signer(key)
    place = envelope_path(record.path) if out is None else Path(out)
    places = described_places(record, file)
    places.add_input("key", "the private key (--key)", key)
    places.add_output("out", "the envelope (--out)", place)
    payload = canonical_bytes(json_value(signed_statement(record)))
    signature = _sign(payload, signer)
    signatures = [*_signatures_of_others(place, payload, signature.keyid), signature]
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [
            {"keyid": item.keyid, "sig": base64.b64encode(item.value).decode()}
            for item in signatures
        ],
    }
    write_atomically(place, canonical_bytes(envelope) + b"\n")
    return Signed(
        place,
        record.path,
        record.digest.sha256,
        signature.keyid,
        tuple(item.keyid for item in signatures),
    )


def _sign(payload: bytes, signer: object) -> Signature:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner

    assert isinstance(signer, CryptoSigner)
    made = Envelope(payload, PAYLOAD_TYPE, {}).sign(signer)
    return Signature(made.keyid, bytes.fromhex(made.signature))


def _signatures_of_others(place: Path, payload: bytes, keyid: str) -> list[Signature]:
    if not place.is_file():
        return []
    try:
        envelopes = read_envelopes(place)
    except InputError as error:
        raise InputError(
            f"Something else is in the envelope's place: {error.what}",
            where=os.fspath(place),
            fix="Remove it, or give another place with --out",
            code="signature.place-taken",
        ) from error
    return [
        signature
        for envelope in envelopes
        if envelope.payload == payload
        for signature in envelope.signatures
        if signature.keyid != keyid
    ]
