"""From what files hold to votes: scale, repeated votes, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from provenance.toolkit import InputError

from labeljoin.labels.options import scale_limits
from labeljoin.labels.scale import ScaleDecision, decide_scale
from labeljoin.ratings.votes import Votes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from labeljoin.ratings.options import RatingOptions
    from labeljoin.ratings.reading.layouts import Coded, Ratings
    from labeljoin.ratings.votes import Floats, Indices

SAMPLE = 20
"""Names that a document lists of what it counts."""


@dataclass(frozen=True)
class Counted:
    """How many there are of something, and the first of them by name.

    Attributes:
        count: How many.
        sample: At most :data:`SAMPLE` of them.
    """

    count: int
    sample: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Collection:
    """The votes of all files, and what happened to them.

    Attributes:
        votes: The votes.
        scale: The scale, and why.
        rows: Entries that the files hold.
        blank: Entries without a vote.
        off_scale: Votes off the scale that were dropped, where they stand.
        collapsed: Votes that repeated another of the same rater, clip and session.
        repeated: Further votes of a rater on a clip.
        repetitions: What was done with them.
        repetitions_ordered_by: What ``--repetitions last`` went by.
        unrated: Clips without a vote.
        references: The reference of each clip, an index into ``votes.clips``, -1 where it has none,
            (J,); None where no reference is known.
    """

    votes: Votes
    scale: ScaleDecision
    rows: int
    blank: int
    off_scale: Counted
    collapsed: int
    repeated: int
    repetitions: str | None
    repetitions_ordered_by: str | None
    unrated: Counted
    references: Indices | None


def collect(sources: Sequence[Ratings], options: RatingOptions) -> Collection:
    """Make votes of ratings.

    Args:
        sources: What the files hold; raters and clips of one name are the same in all of them.
        options: Scale and repetitions.

    Raises:
        InputError: A vote has no clip or rater, is off the scale, or repeats another in a way that
            no option settles; file, row and column are named.
    """
    entries = _Entries.of(sources)
    voted = ~np.isnan(entries.score)
    entries.require(voted)
    scale = _scale(entries, sources, options)
    kept, off_scale = _on_scale(entries, voted, scale, options)
    if not kept.any():
        raise InputError(
            "there are no votes",
            where=", ".join(source.name for source in sources),
            code="ratings.none",
            fix="Give a file with at least one clip, rater and score",
        )
    places = np.flatnonzero(kept)
    order, collapsed, repeated, ordered_by = _settle(entries, places, options)
    votes = _votes(entries, order, options)
    named = _is_used(entries.clip[entries.clip >= 0], len(entries.clips))
    unrated = np.flatnonzero(named & ~_is_used(entries.clip[places], len(entries.clips)))
    names = sorted(entries.clips.take(pa.array(unrated)).to_pylist())
    return Collection(
        votes=votes,
        scale=scale,
        rows=len(entries.score),
        blank=int(np.count_nonzero(~voted)),
        off_scale=off_scale,
        collapsed=collapsed,
        repeated=repeated,
        repetitions=(options.repetitions or "keep") if repeated else None,
        repetitions_ordered_by=ordered_by,
        unrated=Counted(len(names), names[:SAMPLE]),
        references=_references(entries, order, votes, options),
    )


@dataclass(frozen=True)
class _Entries:
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
    def of(cls, sources: Sequence[Ratings]) -> _Entries:
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
    texts = texts.take(pc.sort_indices(texts))
    codes = []
    for part, length in zip(parts, lengths, strict=True):
        if part is None:
            codes.append(np.full(length, -1, np.int32))
            continue
        place = pc.fill_null(pc.index_in(part.texts, value_set=texts), -1).to_numpy()
        table = np.append(place.astype(np.int32), np.int32(-1))
        codes.append(table[part.codes])
    return texts, codes[0] if len(codes) == 1 else np.concatenate(codes)


def _scale(entries: _Entries, sources: Sequence[Ratings], options: RatingOptions) -> ScaleDecision:
    names = {source.columns.get("score") for source in sources}
    column = names.pop() if len(names) == 1 else None
    if options.scale != "auto":
        scale_limits(options.scale, option="--scale")
        known = entries.score[~np.isnan(entries.score)]
        span = f" in [{known.min():.6g}, {known.max():.6g}]" if len(known) else ""
        return ScaleDecision(options.scale, "option", f"{len(known):,} votes{span}")
    try:
        return decide_scale(
            pa.array(entries.score, from_pandas=True),
            column or "score",
            where=", ".join(dict.fromkeys(source.name for source in sources)),
            locate=lambda entry: entries.where(entry).partition(", ")[2],
        )
    except InputError as error:
        error.what = error.what.replace("the MOS column", "the votes of column")
        error.fix = (error.fix or "").replace("--label-scale", "--scale")
        raise


def _on_scale(
    entries: _Entries, voted: NDArray[np.bool_], scale: ScaleDecision, options: RatingOptions
) -> tuple[NDArray[np.bool_], Counted]:
    if scale.limits is None:
        return voted, Counted(0)
    low, high = scale.limits
    with np.errstate(invalid="ignore"):
        off = np.flatnonzero(voted & ((entries.score < low) | (entries.score > high)))
    if not len(off):
        return voted, Counted(0)
    if options.off_scale == "refuse":
        first = int(off[0])
        more = f", as are {len(off) - 1:,} more" if len(off) > 1 else ""
        raise InputError(
            f"the vote {entries.score[first]:.15g} is off the scale {low:g} to {high:g}{more}",
            where=entries.where(first),
            code="ratings.off-scale",
            fix="Correct the vote or --scale, or give --off-scale drop to leave such votes out",
        )
    kept = voted.copy()
    kept[off] = False
    sample = [f"{entries.where(int(e))}: {entries.score[e]:.15g}" for e in off[:SAMPLE]]
    return kept, Counted(len(off), sample)


def _settle(
    entries: _Entries, places: NDArray[np.int64], options: RatingOptions
) -> tuple[NDArray[np.int64], int, int, str | None]:
    """Sort entries by clip and rater, and settle several of one rater on one clip.

    Returns:
        The entries that stay, sorted; how many equal ones collapsed; how many were repeated votes;
        and what told the last of them.
    """
    clip, rater = entries.clip[places], entries.rater[places]
    pair = clip.astype(np.int64) * len(entries.raters) + rater
    order = np.argsort(pair, kind="stable")
    if not _repeats(pair[order]).any():
        return places[order], 0, 0, None
    ordered_by = None
    if options.repetitions == "last":
        order, ordered_by = _last_first(entries, places, pair)
    else:
        order = np.lexsort((entries.score[places], entries.session[places], pair))
    kept = places[order]
    same = _repeats(pair[order]) & _repeats(entries.session[kept]) & _repeats(entries.score[kept])
    if ordered_by is None:
        kept = kept[~same]
    pairs = entries.clip[kept].astype(np.int64) * len(entries.raters) + entries.rater[kept]
    further = _repeats(pairs)
    repeated = int(np.count_nonzero(further & ~same)) if ordered_by else int(further.sum())
    if repeated and options.repetitions is None:
        # Sessions say that a vote was meant to be repeated, and then each of them counts.
        undeclared = further & _repeats(entries.session[kept])
        if undeclared.any():
            raise _undecided(entries, kept, undeclared)
    if ordered_by is not None:
        kept = kept[~further]
    return kept, int(np.count_nonzero(same)), repeated, ordered_by


def _last_first(
    entries: _Entries, places: NDArray[np.int64], pair: NDArray[np.int64]
) -> tuple[NDArray[np.int64], str]:
    """Sort the votes of each rater on each clip from the last to the first."""
    if entries.time is not None:
        return np.lexsort((-places, -entries.time[places], pair)), "time"
    if (entries.session[places] >= 0).any():
        return np.lexsort((-places, -entries.session[places], pair)), "session"
    return np.lexsort((-places, pair)), "row order"


def _repeats(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Whether each value equals the one before it."""
    same = np.zeros(len(values), dtype=bool)
    np.equal(values[1:], values[:-1], out=same[1:])
    return same


def _undecided(
    entries: _Entries, kept: NDArray[np.int64], further: NDArray[np.bool_]
) -> InputError:
    place = int(np.flatnonzero(further)[0])
    first, second = sorted((int(kept[place - 1]), int(kept[place])))
    clip = entries.clips[int(entries.clip[first])].as_py()
    rater = entries.raters[int(entries.rater[first])].as_py()
    more = int(further.sum()) - 1
    others = f"; {more:,} more votes are repeated" if more else ""
    return InputError(
        f"rater {rater!r} voted more than once on clip {clip!r}: {entries.score[first]:.15g} "
        f"({entries.where(first)}) and {entries.score[second]:.15g} ({entries.where(second)})"
        f"{others}",
        code="ratings.repeated",
        fix="Say what counts with --repetitions mean, keep or last",
    )


def _votes(entries: _Entries, order: NDArray[np.int64], options: RatingOptions) -> Votes:
    clips, clip = _used(entries.clips, entries.clip[order])
    raters, rater = _used(entries.raters, entries.rater[order])
    score = entries.score[order]
    if options.repetitions == "mean":
        pair = clip.astype(np.int64) * len(raters) + rater
        starts = np.flatnonzero(~_repeats(pair))
        count = np.diff(np.append(starts, len(pair)))
        score = np.add.reduceat(score, starts) / count
        clip, rater = clip[starts], rater[starts]
    return Votes(clips, raters, clip, rater, score)


def _is_used(codes: Indices, size: int) -> NDArray[np.bool_]:
    """Which positions any code names, (size,)."""
    return np.bincount(codes, minlength=size) > 0


def _used(texts: pa.StringArray, codes: Indices) -> tuple[pa.StringArray, Indices]:
    """Those texts that any code names, and the codes among them."""
    used = np.flatnonzero(_is_used(codes, len(texts)))
    if len(used) == len(texts):
        return texts, codes
    places = np.full(len(texts), -1, np.int32)
    places[used] = np.arange(len(used), dtype=np.int32)
    return texts.take(pa.array(used)), places[codes]


def _references(
    entries: _Entries, order: NDArray[np.int64], votes: Votes, options: RatingOptions
) -> Indices | None:
    """The reference of each clip of ``votes``, or None where none is known."""
    if options.reference_column is None or not len(entries.references):
        return None
    names = entries.references.to_pylist()
    if set(names) <= {"0", "1", "true", "false", "True", "False"}:
        named = _marked_references(entries, names, options)
    else:
        named = entries.references.take(pa.array(entries.reference, mask=entries.reference < 0))
    found = pc.fill_null(pc.index_in(named.take(pa.array(order)), value_set=votes.clips), -1)
    reference = found.to_numpy(zero_copy_only=False).astype(np.int32)
    clip = pc.index_in(
        entries.clips.take(pa.array(entries.clip[order])), value_set=votes.clips
    ).to_numpy(zero_copy_only=False)
    result = np.full(len(votes.clips), -1, np.int32)
    result[clip] = reference
    conflict = np.flatnonzero(result[clip] != reference)
    if len(conflict):
        entry = int(order[conflict[0]])
        raise InputError(
            f"clip {votes.clips[int(clip[conflict[0]])].as_py()!r} has another reference elsewhere",
            where=entries.where(entry),
            code="ratings.reference-conflict",
            fix="Give each clip one reference",
        )
    return result


def _marked_references(
    entries: _Entries, names: Sequence[str], options: RatingOptions
) -> pa.StringArray:
    """The reference of each entry, where references are marked within their content."""
    if (entries.content < 0).all():
        raise InputError(
            f"column {options.reference_column!r} marks references, and no column says which clips "
            "show the same content",
            code="ratings.unknown-content",
            fix="Name the content with --content-column",
        )
    marks = np.array([name.casefold() in ("1", "true") for name in names] + [False])
    marked = marks[entries.reference] & (entries.content >= 0) & (entries.clip >= 0)
    contents, clips = entries.content[marked], entries.clip[marked]
    chosen = np.full(int(entries.content.max()) + 1, -1, np.int64)
    chosen[contents] = clips
    if (chosen[contents] != clips).any():
        entry = int(np.flatnonzero(marked)[np.flatnonzero(chosen[contents] != clips)[0]])
        raise InputError(
            "the content of this clip has two references",
            where=entries.where(entry),
            code="ratings.two-references",
            fix="Mark one clip of each content",
        )
    code = np.where(entries.content >= 0, chosen[entries.content], -1)
    return entries.clips.take(pa.array(code, mask=code < 0))
