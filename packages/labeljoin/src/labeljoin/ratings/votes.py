"""Votes: who rated which clip, and how. Sparse, sorted, and the same for any order of rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    import scipy.sparse
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Indices = NDArray[np.int32]


@dataclass(frozen=True)
class Votes:
    """Single ratings in a sparse form: one entry a vote.

    Entries are sorted by clip, then rater, then score, so sums over them come out the same bit for
    bit, whatever the order of the rows they were read from.

    Attributes:
        clips: The names of the clips, sorted, (J,).
        raters: The names of the raters, sorted, (I,).
        clip: The clip of each vote, an index into ``clips``, ascending, (N,).
        rater: The rater of each vote, an index into ``raters``, (N,).
        score: The votes, in the units of their scale, (N,).
    """

    clips: pa.StringArray
    raters: pa.StringArray
    clip: Indices
    rater: Indices
    score: Floats

    def __len__(self) -> int:
        return len(self.score)

    @cached_property
    def per_clip(self) -> NDArray[np.int64]:
        """Votes of each clip, (J,)."""
        return np.bincount(self.clip, minlength=len(self.clips))

    @cached_property
    def per_rater(self) -> NDArray[np.int64]:
        """Votes of each rater, (I,)."""
        return np.bincount(self.rater, minlength=len(self.raters))

    @cached_property
    def _begins(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The clips that have votes, and where the votes of each begin."""
        heard = np.flatnonzero(self.per_clip)
        return heard, np.cumsum(self.per_clip)[heard] - self.per_clip[heard]

    def matrix(self, values: Floats) -> scipy.sparse.csr_array:
        """One value a vote, (N,), as a sparse matrix of clips by raters, (J, I)."""
        from scipy.sparse import csr_array

        ends = np.cumsum(self.per_clip)
        narrow = np.int32 if len(self) < np.iinfo(np.int32).max else np.int64
        begins = np.concatenate([[0], ends]).astype(narrow)
        shape = (len(self.clips), len(self.raters))
        return csr_array((values, self.rater.astype(narrow, copy=False), begins), shape=shape)

    def of_clips(self, values: Floats) -> Floats:
        """Repeat one value a clip, (J,), for each of its votes, (N,)."""
        return np.repeat(values, self.per_clip)  # votes are sorted by clip

    def of_raters(self, values: Floats) -> Floats:
        """Repeat one value a rater, (I,), for each of their votes, (N,)."""
        return values[self.rater]

    def clip_sum(self, values: Floats) -> Floats:
        """Add up one value a vote, (N,), for each clip, (J,)."""
        sums = np.zeros(len(self.clips))
        heard, starts = self._begins
        if len(starts):
            sums[heard] = np.add.reduceat(values, starts, dtype=np.float64)
        return sums

    def rater_sum(self, values: Floats) -> Floats:
        """Add up one value a vote, (N,), for each rater, (I,)."""
        return np.bincount(self.rater, values, len(self.raters)).astype(np.float64, copy=False)

    def clip_mean(self, values: Floats) -> Floats:
        """Average one value a vote for each clip, (J,); NaN for a clip without votes."""
        return divided(self.clip_sum(values), self.per_clip)

    def rater_mean(self, values: Floats) -> Floats:
        """Average one value a vote for each rater, (I,); NaN for a rater without votes."""
        return divided(self.rater_sum(values), self.per_rater)

    def clip_deviation(self, values: Floats) -> Floats:
        """Sample standard deviation (n - 1) of each clip's values, (J,); NaN below two votes."""
        apart = values - self.of_clips(self.clip_mean(values))
        apart *= apart
        return np.sqrt(divided(self.clip_sum(apart), self.per_clip - 1))

    def only(self, kept: NDArray[np.bool_]) -> Votes:
        """The votes where ``kept``, (N,), is true; all clips and raters keep their places."""
        if kept.all():
            return self
        return Votes(self.clips, self.raters, self.clip[kept], self.rater[kept], self.score[kept])


def divided(
    numerator: Floats | NDArray[np.int64], denominator: Floats | NDArray[np.int64]
) -> Floats:
    """Divide, with NaN where the denominator is not above 0."""
    result = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
