"""What all files of a run hold, as one list of entries that knows where each stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from labeljoin.ratings.reading.layouts import Coded, Ratings
    from labeljoin.ratings.votes import Floats, Indices


@dataclass(frozen=True)
class Entries:
    """The entries of all sources, one after the other."""

    sources: Sequence[Ratings]
    starts: NDArray[np.int64]
    clips: pa.StringArray
    clip: Indices
    rater: Indices
    raters: pa.StringArray
    score: Floats
    session: Indices
    sessions: pa.StringArray
    time: Floats | None
    reference: Indices
    references: pa.StringArray
    content: Indices

    @classmethod
    def of(cls, sources: Sequence[Ratings]) -> Entries:
        """Put the entries of all sources one after the other, over one list of names each."""
        lengths = [len(source.score) for source in sources]
        clips, clip = _merged([source.clip for source in sources], lengths)
        raters, rater = _merged([source.rater for source in sources], lengths)
        sessions, session = _merged([source.session for source in sources], lengths)
        references, reference = _merged([source.reference for source in sources], lengths)
        _, content = _merged([source.content for source in sources], lengths)
        times = [source.time for source in sources if source.time is not None]
        all_timed = len(times) == len(sources)
        return cls(
            sources=sources,
            starts=np.concatenate([[0], np.cumsum(lengths)]),
            clips=clips,
            clip=clip,
            raters=raters,
            rater=rater,
            score=_joined([source.score for source in sources]),
            sessions=sessions,
            session=session,
            time=_joined([np.asarray(time, np.float64) for time in times]) if all_timed else None,
            references=references,
            reference=reference,
            content=content,
        )

    def where(self, entry: int) -> str:
        """The file, row and column of an entry."""
        number = int(np.searchsorted(self.starts, entry, side="right")) - 1
        source = self.sources[number]
        return f"{source.name}, {source.locate(entry - int(self.starts[number]))}"

    def require(self, voted: NDArray[np.bool_]) -> None:
        """Raise an InputError where a vote has no clip or no rater."""
        for codes, what in ((self.clip, "clip"), (self.rater, "rater")):
            missing = np.flatnonzero(voted & (codes < 0))
            if len(missing):
                more = f", and {len(missing) - 1:,} more have none" if len(missing) > 1 else ""
                raise InputError(
                    f"this vote has no {what}{more}",
                    where=self.where(int(missing[0])),
                    code="ratings.incomplete",
                    fix=f"Fill in the {what}, or remove the row",
                )


def _joined(parts: Sequence[NDArray[np.float64]]) -> Floats:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _merged(
    parts: Sequence[Coded | None], lengths: Sequence[int]
) -> tuple[pa.StringArray, Indices]:
    """The codes of several sources over one sorted list of distinct texts."""
    known = [part for part in parts if part is not None]
    if not known:
        return pa.array([], pa.string()), np.full(sum(lengths), -1, np.int32)
    texts = pa.chunked_array([part.texts for part in known]).unique().drop_null()
    order = pc.sort_indices(texts)
    if len(parts) == 1 and len(texts) == len(known[0].texts):  # each name is there once
        rank = np.empty(len(texts) + 1, np.int32)
        rank[order.to_numpy()] = np.arange(len(texts), dtype=np.int32)
        rank[-1] = -1
        return texts.take(order), rank[known[0].codes]
    texts = texts.take(order)
    codes = []
    for part, length in zip(parts, lengths, strict=True):
        if part is None:
            codes.append(np.full(length, -1, np.int32))
            continue
        place = pc.fill_null(pc.index_in(part.texts, value_set=texts), -1).to_numpy()
        table = np.append(place.astype(np.int32), np.int32(-1))
        codes.append(table[part.codes])
    return texts, codes[0] if len(codes) == 1 else np.concatenate(codes)
