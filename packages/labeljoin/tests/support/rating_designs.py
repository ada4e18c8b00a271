"""Simulated rating experiments, whose truth is known."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa


@dataclass
class Experiment:
    """Votes, and what they were made of."""

    table: pa.Table
    quality: np.ndarray
    bias: np.ndarray


def simulate(
    *,
    clips=400,
    raters=60,
    per_clip=None,
    bias=0.3,
    inconsistency=0.7,
    unequal=0.4,
    quantised=False,
    seed=0,
):
    """Votes by the rater model: every rater on every clip, or ``per_clip`` raters on each."""
    random = np.random.default_rng(seed)
    quality = random.normal(3, 0.64, clips)
    leaning = random.normal(0, bias, raters)
    scatter = inconsistency * np.exp(random.normal(0, unequal, raters))
    if per_clip is None:
        clip, rater = np.repeat(np.arange(clips), raters), np.tile(np.arange(raters), clips)
    else:
        clip = np.repeat(np.arange(clips), per_clip)
        rater = np.argsort(random.random((clips, raters)), axis=1)[:, :per_clip].ravel()
    noise = random.normal(size=len(clip))
    score = quality[clip] + leaning[rater] + scatter[rater] * noise
    if quantised:
        score = np.clip(np.rint(score), 1, 5)
    table = pa.table(
        {
            "clip": [f"clip{number:05d}" for number in clip],
            "rater": [f"rater{number:04d}" for number in rater],
            "score": score,
        }
    )
    return Experiment(table, quality, leaning)
