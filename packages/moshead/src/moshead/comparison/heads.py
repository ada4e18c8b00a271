"""Train heads for a comparison: the one place here that knows how a head is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from provenance.toolkit import ProgressCallback

    Array = NDArray[np.float64]
    Indices = NDArray[np.int64]


@dataclass(frozen=True)
class HeadJob:
    """One head to train.

    Attributes:
        fold: Number of the fold.
        seed: Seed of its randomness.
        train: Indices of training rows.
        held_out: Indices of rows to predict.
    """

    fold: int
    seed: int
    train: Indices
    held_out: Indices


def fit_heads(
    features: Array,
    mos: Array,
    units: Indices,
    jobs: Sequence[HeadJob],
    *,
    name: str,
    progress: ProgressCallback | None = None,
) -> list[Array]:
    """Train a head for each job, and predict.

    Args:
        features: All rows, (N, F), NaN where a value is missing.
        mos: Labels, (N,).
        units: Clip or group of each row, (N,).
        jobs: What to train.
        name: What to call this work in progress.
        progress: Called as training advances.

    Returns:
        Predicted MOS of each job's held-out rows.
    """
    from moshead.features.matrix import impute
    from moshead.heads.families import AUTO, load_family
    from moshead.heads.protocol import FitOptions, Plan, TrainingRows
    from moshead.training.cross_validation import predict

    def advance(done: int, total: int) -> None:
        if progress is not None:
            progress(name, done, total)

    plans = [Plan(job.train, (job.seed, job.fold, 0)) for job in jobs]
    heads = load_family(AUTO).fit(TrainingRows(features, mos, units), plans, FitOptions(), advance)
    return [
        predict([head], impute(features[job.held_out], head.imputation))
        for job, head in zip(jobs, heads, strict=True)
    ]
