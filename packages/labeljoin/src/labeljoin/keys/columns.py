"""Which column of a table identifies a clip, by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

NO_COLUMNS = "the table has no columns"

KEY_COLUMNS = (
    "key",
    "clip_key",
    "clip",
    "clip_id",
    "video_id",
    "chug_video_id",
    "flickr_id",
    "content_id",
    "vid",
    "clip_name",
    "asset",
    "asset_id",
    "asset_name",
    "video_name",
    "file_name",
    "filename",
    "basename",
    "name",
    "video",
    "file",
    "img_path",
    "image",
    "src",
    "source",
    "src_path",
    "clip_path",
    "video_path",
    "distorted_path",
    "dis_path",
    "path",
)
"""Names that a key column is inferred from, the first that a table has.

Compared as :func:`plain_name` says: ``Video Name`` is ``video_name``.
"""


def infer_key_column(
    names: Iterable[str], *, where: str | None = None, option: str | None = None
) -> str:
    """The column that identifies a clip, by its name.

    Args:
        names: The column names of a table.
        where: The table, for the error.
        option: The flag that names the column, for the error.

    Returns:
        The first of :data:`KEY_COLUMNS` that the table has, as the table spells it.

    Raises:
        InputError: The table has none of them.

    Examples:
        >>> infer_key_column(["motion", "clip_id"])
        'clip_id'
    """
    names = list(names)
    if not names:
        raise InputError(
            NO_COLUMNS,
            where=where,
            fix="Give a table with rows and columns",
            code="keys.no-columns",
        )
    found = infer_column(names, KEY_COLUMNS)
    if found is None:
        raise InputError(
            f"no column name says that it identifies a clip; {columns_are(names)}",
            where=where,
            fix=f"Name the key column with {option}" if option else "Name the key column",
            code="keys.no-key-column",
        )
    return found


def plain_name(name: str) -> str:
    """A column name without case, blanks and punctuation.

    Example:
        >>> plain_name("Video Name") == plain_name("video_name")
        True
    """
    return "".join(c for c in name.casefold() if c.isalnum())


def infer_column(names: Iterable[str], wanted: Iterable[str]) -> str | None:
    """The first of ``wanted`` that is among ``names``, spelled as in ``names``.

    Names are compared by :func:`plain_name`; of two that are alike, the one that differs only in
    case comes first.

    Examples:
        >>> infer_column(["motion", "Clip_ID"], ["key", "clip_id"])
        'Clip_ID'
    """
    return next(iter(named_columns(names, wanted)), None)


def named_columns(names: Iterable[str], wanted: Iterable[str] = KEY_COLUMNS) -> list[str]:
    """Those of ``names`` that are among ``wanted``, in the order of ``wanted``."""
    exact: dict[str, str] = {}
    plain: dict[str, str] = {}
    for name in names:
        exact.setdefault(name.strip().casefold(), name)
        plain.setdefault(plain_name(name), name)
    found = (exact.get(want.casefold()) or plain.get(plain_name(want)) for want in wanted)
    return list(dict.fromkeys(name for name in found if name is not None))


def columns_are(names: Iterable[str], limit: int = 12) -> str:
    """Which columns there are, the first ``limit`` by name, as a clause of an error."""
    names = list(names)
    if not names:
        return NO_COLUMNS
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return f"the columns are {', '.join(names[:limit])}{more}"
