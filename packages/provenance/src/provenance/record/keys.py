"""Keys that records are signed with: ECDSA P-256 or Ed25519, from PEM files."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.toolkit import InputError, read_document

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner, SSlibKey

PASSWORD_VARIABLE = "PROVENANCE_KEY_PASSWORD"  # noqa: S105 - its name, not its value
"""The environment variable with the password of a private key that is encrypted."""

_LARGEST_KEY_BYTES = 64 << 10


@dataclass(frozen=True)
class PublicKey:
    """A key that signatures are checked with.

    Attributes:
        path: The PEM file that it is from.
        keyid: What identifies it: the SHA-256 of its DER form (SubjectPublicKeyInfo), as
            ``openssl pkey -pubin -outform der | sha256sum`` prints it.
        key: The key for securesystemslib.
    """

    path: Path
    keyid: str
    key: SSlibKey

    def accepts(self, signature: bytes, message: bytes) -> bool:
        """Return whether ``signature`` is one of this key over ``message``."""
        from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
        from securesystemslib.signer import Signature

        try:
            self.key.verify_signature(Signature(self.keyid, signature.hex()), message)
        except (UnverifiedSignatureError, VerificationError):
            return False
        return True


def read_public_key(path: os.PathLike[str] | str) -> PublicKey:
    """Read a public key from a PEM file.

    Raises:
        InputError: The file is unreadable or no such key, or the extra ``sign`` is not installed.
    """
    _need_extra()
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    raw = read_document(path, "The public key", limit=_LARGEST_KEY_BYTES)
    try:
        public = load_pem_public_key(raw)
    except Exception as error:  # the parser raises errors of many kinds
        private = b"PRIVATE KEY" in raw
        raise InputError(
            "It is a private key, and a signature is checked with the public one"
            if private
            else "It is not a public key in PEM form",
            where=os.fspath(path),
            fix="Give the public key: openssl pkey -in PRIVATE.pem -pubout -out PUBLIC.pem",
            code="signature.not-a-public-key",
        ) from error
    return PublicKey(Path(path), *_identified(public, path))


def read_signer(path: os.PathLike[str] | str) -> CryptoSigner:
    """Read a private key from a PEM file, as a signer of securesystemslib.

    The password of an encrypted key is taken from ``PROVENANCE_KEY_PASSWORD``.

    Raises:
        InputError: The file is unreadable or no such key, or the extra ``sign`` is not installed.
    """
    _need_extra()
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    raw = read_document(path, "The private key", limit=_LARGEST_KEY_BYTES)
    password = os.environ.get(PASSWORD_VARIABLE)
    encrypted = b"ENCRYPTED" in raw
    try:
        private = load_pem_private_key(raw, password.encode() if password and encrypted else None)
    except Exception as error:  # the parser raises errors of many kinds
        raise InputError(
            "It is an encrypted private key, and its password is missing or wrong"
            if encrypted
            else "It is not a private key in PEM form",
            where=os.fspath(path),
            fix=f"Set {PASSWORD_VARIABLE}"
            if encrypted
            else "Make one: openssl genpkey -algorithm ed25519 -out PRIVATE.pem",
            code="signature.not-a-private-key",
        ) from error
    _, key = _identified(private.public_key(), path)
    return CryptoSigner(private, key)


def _identified(public: Any, path: os.PathLike[str] | str) -> tuple[str, SSlibKey]:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from securesystemslib.signer import SSlibKey

    on_curve = isinstance(public, EllipticCurvePublicKey) and isinstance(public.curve, SECP256R1)
    if not (on_curve or isinstance(public, Ed25519PublicKey)):
        raise InputError(
            "The key is neither ECDSA on the curve P-256 nor Ed25519",
            where=os.fspath(path),
            fix="Make one: openssl genpkey -algorithm ed25519 -out PRIVATE.pem",
            code="signature.unknown-key-type",
        )
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    keyid = hashlib.sha256(der).hexdigest()
    return keyid, SSlibKey.from_crypto(public, keyid=keyid)


def _need_extra() -> None:
    try:
        import cryptography
        import securesystemslib  # noqa: F401
    except ImportError as error:
        raise InputError(
            "Signatures need packages that are not installed",
            fix='Install them: pip install "moskit-provenance[sign]"',
            code="signature.missing-extra",
        ) from error
    del cryptography
