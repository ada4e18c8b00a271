"""Differential votes against a hidden reference (ACR-HR)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from provenance.toolkit import InputError

from labeljoin.ratings.reading.collection import SAMPLE, Counted
from labeljoin.ratings.votes import Votes, divided

if TYPE_CHECKING:
    from labeljoin.ratings.votes import Indices


def differential_votes(
    votes: Votes, references: Indices, high: float
) -> tuple[Votes, Counted, Counted]:
    """Turn votes into differential votes (ITU-T P.910, ACR with hidden reference).

    DV(clip) = V(clip) - V(reference) + HIGH, rater by rater: 5 on the five-point scale says "as
    good as the reference", and more says "better". Several votes of a rater
    on a reference are averaged.

    Args:
        votes: The votes on clips and references.
        references: The reference of each clip, an index into the clips, -1 where it has none, (J,).
        high: The upper end of the scale.

    Returns:
        The differential votes, without references; clips without a reference; and votes of raters
        who did not vote on the reference, by clip.

    Raises:
        InputError: No vote has a vote on its reference.
    """
    raters = len(votes.raters)
    pair = votes.clip.astype(np.int64) * raters + votes.rater
    rated, place = np.unique(pair, return_inverse=True)
    mean = divided(np.bincount(place, weights=votes.score), np.bincount(place))
    reference = references[votes.clip]
    is_reference = np.zeros(len(votes.clips), dtype=bool)
    is_reference[references[references >= 0]] = True
    wanted = reference.astype(np.int64) * raters + votes.rater
    found = np.minimum(np.searchsorted(rated, wanted), len(rated) - 1)
    known = (reference >= 0) & (rated[found] == wanted)
    kept = known & ~is_reference[votes.clip]
    if not kept.any():
        raise InputError(
            "no rater voted on both a clip and its reference",
            code="ratings.unrated-references",
            fix="Check --reference-column: it names the reference of each clip",
        )
    alone = ~is_reference & (references < 0)
    unpaired = (reference >= 0) & ~known & ~is_reference[votes.clip]
    clips, clip = np.unique(votes.clip[kept], return_inverse=True)
    people, rater = np.unique(votes.rater[kept], return_inverse=True)
    differential = Votes(
        votes.clips.take(pa.array(clips)),
        votes.raters.take(pa.array(people)),
        clip.astype(np.int32),
        rater.astype(np.int32),
        votes.score[kept] - mean[found[kept]] + high,
    )
    return (
        differential,
        _named(votes, np.flatnonzero(alone), int(alone.sum())),
        _named(votes, np.unique(votes.clip[unpaired]), int(unpaired.sum())),
    )


def _named(votes: Votes, clips: np.ndarray[tuple[int], np.dtype[np.int64]], count: int) -> Counted:
    return Counted(count, votes.clips.take(pa.array(clips[:SAMPLE])).to_pylist())
