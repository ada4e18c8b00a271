"""Fingerprints of clip keys, by which a head can tell the clips that trained it.

A verdict on rows that trained the head is worthless, so a head carries a short digest of each
training clip's key: enough to notice that rows are not held out, too short to name a clip.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence

import labeljoin
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

FINGERPRINT_BYTES = 3

Fingerprints = NDArray[np.uint32]


def fingerprints(keys: Iterable[str]) -> Fingerprints:
    """The first three bytes of SHA-256 of each distinct key, normalised by ``auto``, sorted."""
    column = pa.chunked_array([pa.array(list(keys), pa.string())])
    normalised = labeljoin.keys.KeyRule(normalize="auto").keys(column).keys.drop_null().unique()
    heads = [
        int.from_bytes(hashlib.sha256(key.encode()).digest()[:FINGERPRINT_BYTES], "big")
        for key in normalised.to_pylist()
    ]
    return np.unique(np.asarray(heads, dtype=np.uint32))


def to_text(prints: Fingerprints) -> str:
    """Fingerprints as text; :func:`from_text` reads it back."""
    raw = prints.astype(">u4").view(np.uint8).reshape(-1, 4)[:, 4 - FINGERPRINT_BYTES :]
    return base64.b64encode(raw.tobytes()).decode()


def from_text(text: str) -> Fingerprints:
    """Read what :func:`to_text` wrote.

    Raises:
        ValueError: The text is none.
    """
    raw = np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8)
    digits = raw.reshape(-1, FINGERPRINT_BYTES).astype(np.uint32)
    weights = 256 ** np.arange(FINGERPRINT_BYTES - 1, -1, -1, dtype=np.uint32)
    return np.asarray(digits @ weights, dtype=np.uint32)


def share_known(keys: Sequence[str], trained: Fingerprints) -> float:
    """Share of the distinct keys that trained a head, corrected for chance agreement."""
    own = fingerprints(keys)
    if not len(own) or not len(trained):
        return 0.0
    chance = len(trained) / 256**FINGERPRINT_BYTES
    share = float(np.isin(own, trained).mean())
    return float(max(0.0, (share - chance) / (1 - chance)))
