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
from labeljoin.ratings.reading.entries import Entries
from labeljoin.ratings.reading.repetitions import repeats, settle
from labeljoin.ratings.votes import Votes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from labeljoin.ratings.options import RatingOptions
    from labeljoin.ratings.reading.layouts import Ratings
    from labeljoin.ratings.votes import Indices

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
    entries = Entries.of(sources)
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
    order, collapsed, repeated, ordered_by = settle(entries, places, options)
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


def _scale(entries: Entries, sources: Sequence[Ratings], options: RatingOptions) -> ScaleDecision:
    names = {source.columns.get("score") for source in sources}
    column = names.pop() if len(names) == 1 else None
    if options.scale != "auto":
        scale_limits(options.scale, option="--scale")
        known = entries.score[~np.isnan(entries.score)]
        span = f" in [{known.min():.15g}, {known.max():.15g}]" if len(known) else ""
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
    entries: Entries, voted: NDArray[np.bool_], scale: ScaleDecision, options: RatingOptions
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
            f"the vote {entries.score[first]:.15g} is off the scale {low:.15g} to "
            f"{high:.15g}{more}",
            where=entries.where(first),
            code="ratings.off-scale",
            fix="Correct the vote or --scale, or give --off-scale drop to leave such votes out",
        )
    kept = voted.copy()
    kept[off] = False
    sample = [f"{entries.where(int(e))}: {entries.score[e]:.15g}" for e in off[:SAMPLE]]
    return kept, Counted(len(off), sample)


def _votes(entries: Entries, order: NDArray[np.int64], options: RatingOptions) -> Votes:
    clips, clip = _used(entries.clips, entries.clip[order])
    raters, rater = _used(entries.raters, entries.rater[order])
    score = entries.score[order]
    if options.repetitions == "mean":
        pair = clip.astype(np.int64) * len(raters) + rater
        starts = np.flatnonzero(~repeats(pair))
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
    entries: Entries, order: NDArray[np.int64], votes: Votes, options: RatingOptions
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
    entries: Entries, names: Sequence[str], options: RatingOptions
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
