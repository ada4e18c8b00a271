"""Fingerprints of clips, by which a head can tell the rows that trained it.

A verdict on rows that trained the head is worthless, so a head carries short digests: one of each
training clip's key, and one of what each training row holds, which stays the same where keys are
renamed. They suffice to notice that rows are not held out, and are too short to name a clip.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Iterable

import labeljoin
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

FINGERPRINT_BYTES = 3

Fingerprints = NDArray[np.uint32]


def fingerprints(keys: Iterable[str]) -> Fingerprints:
    """Digest clip keys: the first three bytes of SHA-256 of each, sorted, each once.

    Spellings of one name have one digest: case, full-width letters, invisible characters, folders
    and media suffixes do not matter.

    Args:
        keys: Clip keys.
    """
    plain = [
        "".join(c for c in unicodedata.normalize("NFKC", key) if unicodedata.category(c) != "Cf")
        for key in keys
    ]
    column = pa.chunked_array([pa.array([key.casefold() for key in plain], pa.string())])
    normalised = labeljoin.keys.KeyRule(normalize="auto").keys(column).keys.drop_null().unique()
    return _digests(key.encode() for key in normalised.to_pylist())


def row_fingerprints(features: NDArray[np.float64], mos: NDArray[np.float64]) -> Fingerprints:
    """Digest what rows hold, features as float32 and the MOS to .001; sorted, each once.

    Args:
        features: (N, F), NaN where missing.
        mos: (N,).
    """
    values = np.column_stack([features, np.round(mos, 3)]).astype(np.float32)
    # One zero and one NaN, whatever their bits.
    values = np.where(np.isnan(values), np.float32(np.nan), values + np.float32(0.0))
    return _digests(row.tobytes() for row in np.ascontiguousarray(values))


def _digests(items: Iterable[bytes]) -> Fingerprints:
    heads = [
        int.from_bytes(hashlib.sha256(item).digest()[:FINGERPRINT_BYTES], "big") for item in items
    ]
    return np.unique(np.asarray(heads, dtype=np.uint32))


def to_text(prints: Fingerprints) -> str:
    """Fingerprints as text; :func:`from_text` reads it back."""
    raw = prints.astype(">u4").view(np.uint8).reshape(-1, 4)[:, 4 - FINGERPRINT_BYTES :]
    return base64.b64encode(raw.tobytes()).decode()


def from_text(text: str) -> Fingerprints:
    """Read what :func:`to_text` wrote.

    Raises:
        ValueError: The text does not hold fingerprints.
    """
    raw = np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8)
    digits = raw.reshape(-1, FINGERPRINT_BYTES).astype(np.uint32)
    weights = 256 ** np.arange(FINGERPRINT_BYTES - 1, -1, -1, dtype=np.uint32)
    return np.asarray(digits @ weights, dtype=np.uint32)


def share_known(own: Fingerprints, trained: Fingerprints) -> float:
    """Share of the fingerprints that trained a head, corrected for chance agreement."""
    if not len(own) or not len(trained):
        return 0.0
    chance = len(trained) / 256**FINGERPRINT_BYTES
    share = float(np.isin(own, trained).mean())
    return float(max(0.0, (share - chance) / (1 - chance)))
