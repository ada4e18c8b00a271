"""Train heads for a comparison: the one place here that knows how a head is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from moshead.features.matrix import impute
from moshead.heads.families import load_family
from moshead.heads.protocol import FitOptions, Plan, TrainingRows
from moshead.training.cross_validation.fitting import predict
from moshead.training.weighting import choose_weighting

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


def drawn_seeds(recipe: str, seeds: Sequence[int]) -> tuple[int, ...]:
    """Return the seeds that make a difference: the first alone for a family without randomness.

    Args:
        recipe: ``auto``, or the name of a head family.
        seeds: Seeds that are asked for.

    Raises:
        InputError: No family of that name is installed.
    """
    return tuple(seeds[:1] if load_family(recipe).deterministic else seeds)


def fit_heads(
    features: Array,
    mos: Array,
    units: Indices,
    jobs: Sequence[HeadJob],
    *,
    standard_error: Array,
    recipe: str,
    name: str,
    progress: ProgressCallback | None = None,
) -> list[Array]:
    """Train a head for each job as ``moshead train`` does by default, and predict.

    Args:
        features: All rows, (N, F), NaN where a value is missing.
        mos: Labels, (N,).
        units: Clip or group of each row, (N,).
        jobs: What to train.
        standard_error: Of the labels, (N,), NaN where unknown; rows are weighted by it as training
            does by default.
        recipe: ``auto``, or the name of a head family.
        name: What to call this work in progress.
        progress: Called as training advances.

    Returns:
        Predicted MOS of each job's held-out rows.
    """

    def advance(done: int, total: int) -> None:
        if progress is not None:
            progress(name, done, total)

    rows = TrainingRows(features, mos, units)
    weighting = choose_weighting(rows, standard_error, None)
    heads = load_family(recipe).fit(
        rows,
        [Plan(job.train, (job.seed, job.fold, 0), weighting.of(job.train)) for job in jobs],
        FitOptions(),
        advance,
    )
    return [
        predict([head], impute(features[job.held_out], head.imputation))
        for job, head in zip(jobs, heads, strict=True)
    ]
