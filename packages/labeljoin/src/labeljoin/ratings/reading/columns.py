"""Which columns of a rating table hold clip, rater and score, by their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provenance.toolkit import InputError

from labeljoin.keys.columns import KEY_COLUMNS, columns_are

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# A rating table often names the content or source beside the clip itself.
_RATHER_CONTENT = ("content_id", "src", "source")

CLIP_NAMES = (
    *(name for name in KEY_COLUMNS if name not in _RATHER_CONTENT),
    "stimulus",
    "stimulus_id",
    "stimulus_name",
    "pvs",
    "pvs_id",
    "asset",
    "asset_id",
    "image_name",
    "image_id",
)
RATER_NAMES = tuple(
    f"{who}{suffix}"
    for who in (
        "rater",
        "subject",
        "observer",
        "worker",
        "participant",
        "user",
        "viewer",
        "annotator",
        "assessor",
        "voter",
    )
    for suffix in ("", "_id", "_name", "_no", "_number")
)
SCORE_NAMES = (
    "score",
    "rating",
    "vote",
    "opinion",
    "opinion_score",
    "os",
    "raw_score",
    "raw_rating",
    "subjective_score",
    "acr",
    "grade",
)
SESSION_NAMES = ("session", "session_id", "repetition", "rep", "repeat", "presentation")
TIME_NAMES = ("time", "timestamp", "datetime", "date", "created_at", "submitted_at")
CONTENT_NAMES = ("content", "content_id", "content_name", "scene")


def only_column(
    names: Sequence[str],
    wanted: Sequence[str],
    *,
    given: str | None,
    what: str,
    option: str,
    where: str,
    fallback: Sequence[str] = (),
) -> str | None:
    """The one column of a role, by its name.

    Names are compared without case, and blanks and hyphens count as underscores.

    Args:
        names: The column names of a table.
        wanted: The names that the role goes by.
        given: The column that the user named.
        what: What the column holds, for the error.
        option: The flag that names it.
        where: The table, for the error.
        fallback: Names that count where none of ``wanted`` is there.

    Returns:
        The column as the table spells it, or None if it has none.

    Raises:
        InputError: The named column does not exist, or several columns fit.
    """
    if given is not None:
        if given in names:
            return given
        raise InputError(
            f"there is no column {given!r}; {columns_are(names)}",
            where=where,
            code="ratings.no-column",
            fix=f"Give {option} one of them",
        )
    for candidates in (wanted, fallback):
        found = matching(names, candidates)
        if len(found) > 1:
            raise InputError(
                f"the columns {' and '.join(repr(name) for name in found[:3])} may both hold "
                f"{what}",
                where=where,
                code="ratings.ambiguous-columns",
                fix=f"Name the right one with {option}",
            )
        if found:
            return found[0]
    return None


def matching(names: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Those of ``names`` that are among ``wanted``, in the order of the table."""
    allowed = set(wanted)
    return [name for name in names if _plain(name) in allowed]


def clip_fallback() -> tuple[str, ...]:
    """Names that hold the clip where no better one is there."""
    return _RATHER_CONTENT


def _plain(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().casefold())
