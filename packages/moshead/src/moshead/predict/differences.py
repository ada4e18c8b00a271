"""Measure how far two heads differ, for replays that need not be bit-identical (CUDA)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from moshead.heads.graph_names import ENCODER, FEATURES
from moshead.predict.headfile import read_head

if TYPE_CHECKING:
    from pathlib import Path

_ROWS = 512


def largest_difference(original: Path, replayed: Path) -> float:
    """Return the largest difference between the MOS of two heads over fixed rows.

    Serves ``provenance replay`` through the entry point group ``provenance.differences``.

    Returns:
        The difference in MOS; infinite where the heads read different inputs.

    Raises:
        InputError: A file is not a sound head.
    """
    heads = [read_head(path) for path in (original, replayed)]
    one, other = (head.metadata for head in heads)
    if one.schema.columns != other.schema.columns or one.encoder_vocab != other.encoder_vocab:
        return math.inf
    medians = np.array([one.imputation[name] for name in one.schema.columns])
    draws = np.random.Generator(np.random.PCG64(0)).uniform(-2, 2, (_ROWS, len(medians)))
    onehot = np.zeros((_ROWS, len(one.encoder_vocab)), np.float32)
    onehot[:, 0] = 1
    feed = {
        FEATURES: (medians + draws * (np.abs(medians) + 0.01)).astype(np.float32),
        ENCODER: onehot,
    }
    first, second = (head.session().run(None, feed)[0] for head in heads)
    return float(np.abs(first.astype(np.float64) - second).max())
