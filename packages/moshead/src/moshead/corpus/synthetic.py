"""Synthetic rows: for trying the machinery, never for judging quality."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from moshead.corpus.corpus import Corpus
from moshead.features.domain import MOS_RANGE

if TYPE_CHECKING:
    from moshead.features.schemas import FeatureSchema

SMOKE_ROWS = 600


def synthetic_corpus(schema: FeatureSchema, seed: int, rows: int = SMOKE_ROWS) -> Corpus:
    """Rows made from one hidden quality that every feature reports with noise.

    Only uniform draws, sums and products are used, and features are rounded to float32, so the
    rows are the same on every machine.

    Args:
        schema: The feature schema, resolved.
        seed: Seed of the draws.
        rows: How many.
    """
    rng = np.random.Generator(np.random.PCG64([seed, 600]))
    quality = rng.uniform(0.0, 1.0, rows)
    width = len(schema.columns)
    loading = rng.uniform(0.3, 1.0, width)
    noise = rng.uniform(-0.5, 0.5, (rows, width))
    features = (quality[:, None] * loading + noise).astype(np.float32).astype(np.float64)
    low, high = MOS_RANGE
    # A sum of uniforms is bell-shaped, without the library calls that differ between machines.
    rating_noise = rng.uniform(-0.5, 0.5, (rows, 6)).sum(axis=1) * 0.3
    mos = np.clip(low + (high - low) * (0.1 + 0.8 * quality) + rating_noise, low, high)
    return Corpus(
        schema=schema,
        features=features,
        mos=np.round(mos, 4),
        keys=tuple(f"synthetic-{row}" for row in range(rows)),
        clip_keys=tuple(f"synthetic-{row}" for row in range(rows)),
        units=np.arange(rows),
        groups=None,
        splits=None,
        standard_error=np.full(rows, np.nan),
        ratings=np.full(rows, np.nan),
        corpora=None,
        scores={},
        tables=(),
        rows_read=rows,
        dropped={},
        filled={},
        constant=(),
        sources=(),
        notes=("Synthetic rows: no person has rated any of them.",),
    )
