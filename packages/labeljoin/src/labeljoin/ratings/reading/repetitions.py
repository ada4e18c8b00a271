"""Several votes of one rater on one clip: which of them count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from labeljoin.ratings.options import RatingOptions
    from labeljoin.ratings.reading.entries import Entries
    from labeljoin.ratings.votes import Indices


def settle(
    entries: Entries, places: NDArray[np.int64], options: RatingOptions
) -> tuple[NDArray[np.int64], int, int, str | None]:
    """Sort entries by clip and rater, and settle several of one rater on one clip.

    Returns:
        The entries that stay, sorted; how many equal ones collapsed; how many were repeated votes;
        and what told the last of them.
    """
    clip, rater = entries.clip[places], entries.rater[places]
    pair = clip.astype(np.int64) * len(entries.raters) + rater
    order = in_order(clip, in_order(rater))
    if not repeats(pair[order]).any():
        return places[order], 0, 0, None
    ordered_by = None
    if options.repetitions == "last":
        order, ordered_by = _last_first(entries, places, pair)
    else:
        order = np.lexsort((entries.score[places], entries.session[places], pair))
    kept = places[order]
    same = repeats(pair[order]) & repeats(entries.session[kept]) & repeats(entries.score[kept])
    if ordered_by is None:
        kept = kept[~same]
    pairs = entries.clip[kept].astype(np.int64) * len(entries.raters) + entries.rater[kept]
    further = repeats(pairs)
    repeated = int(np.count_nonzero(further & ~same)) if ordered_by else int(further.sum())
    if repeated and options.repetitions is None:
        # Sessions say that a vote was meant to be repeated, and then each of them counts.
        undeclared = further & repeats(entries.session[kept])
        if undeclared.any():
            raise _undecided(entries, kept, undeclared)
    if ordered_by is not None:
        kept = kept[~further]
    return kept, int(np.count_nonzero(same)), repeated, ordered_by


def _last_first(
    entries: Entries, places: NDArray[np.int64], pair: NDArray[np.int64]
) -> tuple[NDArray[np.int64], str]:
    """Sort the votes of each rater on each clip from the last to the first."""
    if entries.time is not None:
        return np.lexsort((-places, -entries.time[places], pair)), "time"
    if (entries.session[places] >= 0).any():
        return np.lexsort((-places, -entries.session[places], pair)), "session"
    return np.lexsort((-places, pair)), "row order"


def in_order(codes: Indices, order: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Sort by codes from 0, those that are equal as they stand in ``order``.

    Sixteen bits at a time, because NumPy sorts such integers by radix: an eighth of the time that a
    sort of pairs takes.
    """
    order = np.arange(len(codes)) if order is None else order
    for shift in range(0, max(int(codes.max()), 1).bit_length(), 16):
        digits = (codes[order] >> shift).astype(np.uint16)
        order = order[np.argsort(digits, kind="stable")]
    return order


def repeats(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Whether each value equals the one before it."""
    same = np.zeros(len(values), dtype=bool)
    np.equal(values[1:], values[:-1], out=same[1:])
    return same


def _undecided(entries: Entries, kept: NDArray[np.int64], further: NDArray[np.bool_]) -> InputError:
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
