"""Reading ratings: long tables, matrices and sureal datasets, each as one entry a vote."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from provenance.toolkit import InputError

from labeljoin.formats.opening import locate as locate_row
from labeljoin.formats.opening import open_table
from labeljoin.keys.columns import columns_are
from labeljoin.keys.numeric import numbers
from labeljoin.keys.text import encode, normal_text
from labeljoin.labels.extras import LABEL_EXTRAS
from labeljoin.labels.index import MOS_COLUMNS
from labeljoin.ratings.reading import columns
from labeljoin.ratings.reading.matrices import Cells, read_bare_matrix, read_sureal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from labeljoin.ratings.options import RatingOptions
    from labeljoin.ratings.votes import Floats, Indices

_NO_RATERS = (
    *MOS_COLUMNS,
    *LABEL_EXTRAS,
    *(name for names in LABEL_EXTRAS.values() for name in names),
    *columns.SESSION_NAMES,
    *columns.TIME_NAMES,
    *columns.CONTENT_NAMES,
)
"""Columns that a matrix of votes does not have; a label file has some of them."""

_NAMED = ("clip", "rater", "session", "reference", "content")
"""Roles whose values are names."""

Layout = Literal["long", "matrix", "sureal"]


@dataclass(frozen=True)
class Coded:
    """Texts as positions among distinct ones.

    Attributes:
        texts: The distinct texts, NFC-normalised and stripped.
        codes: For each entry its position, -1 if it is absent or blank, (N,).
    """

    texts: pa.StringArray
    codes: Indices

    @classmethod
    def of(cls, values: pa.Array | pa.ChunkedArray) -> Coded:
        """Encode a column of text or numbers.

        Raises:
            InputError: The values are lists, structs or the like.
        """
        distinct, indices = encode(values)
        codes = pc.fill_null(indices, -1).to_numpy(zero_copy_only=False).astype(np.int32)
        texts = normal_text(distinct)
        blank = pc.fill_null(pc.equal(texts, ""), True)
        if pc.any(blank).as_py():
            gone = blank.to_numpy(zero_copy_only=False)
            codes = np.where((codes >= 0) & gone[codes], np.int32(-1), codes)
        return cls(texts, codes)

    @classmethod
    def from_texts(cls, texts: Sequence[str], codes: Indices) -> Coded:
        """Take codes that were made elsewhere."""
        return cls(normal_text(pa.array(texts, pa.string())), codes)


@dataclass(frozen=True)
class Ratings:
    """The votes of one source, one entry each, as they stand in it.

    Attributes:
        name: The file as given.
        layout: How it holds votes.
        columns: Role to column, where columns have names.
        clip: The clip of each entry.
        rater: The rater of each entry.
        score: The votes, NaN if absent, (N,).
        session: What tells repeated votes apart, or None.
        time: When the votes were cast, in any unit that sorts, (N,), or None.
        reference: The reference of each entry's clip, or None.
        content: The content of each entry's clip, or None.
        locate: Where an entry stands, row and column.
    """

    name: str
    layout: Layout
    columns: dict[str, str | None]
    clip: Coded
    rater: Coded
    score: Floats
    session: Coded | None
    time: Floats | None
    reference: Coded | None
    content: Coded | None
    locate: Callable[[int], str]


def read_ratings(path: str, options: RatingOptions) -> Ratings:
    """Read one file of ratings.

    Args:
        path: A long table (one row a vote) or a matrix (clips by raters) in any table format, a
            matrix without a header (CSV), or a sureal dataset (JSON).
        options: Which columns to read.

    Raises:
        InputError: The file cannot be understood; file, row and column are named.
    """
    named = any((options.rater_column, options.score_column))
    if not named:
        if (sureal := read_sureal(path)) is not None:
            return _from_cells(path, "sureal", sureal)
        if (matrix := read_bare_matrix(path)) is not None:
            return _from_cells(path, "matrix", matrix)
    table = open_table(path)
    return _from_table(
        path,
        table.column_names,
        lambda wanted, text: table.read(wanted, text_columns=text),
        lambda row: locate_row(table, row),
        options,
    )


def take_ratings(table: pa.Table, name: str, options: RatingOptions) -> Ratings:
    """Take the ratings of a table in memory.

    Raises:
        InputError: It cannot be understood.
    """
    return _from_table(
        name,
        table.column_names,
        lambda wanted, text: table.select(wanted),
        lambda row: f"row {row + 1}",
        options,
    )


def _from_table(
    name: str,
    names: list[str],
    read: Callable[[list[str], list[str]], pa.Table],
    locate: Callable[[int], str],
    options: RatingOptions,
) -> Ratings:
    def role(
        wanted: Sequence[str], given: str | None, what: str, fallback: Sequence[str] = ()
    ) -> str | None:
        return columns.only_column(
            names,
            wanted,
            given=given,
            what=what,
            option=f"--{what.split()[-1]}-column",
            where=name,
            fallback=fallback,
        )

    rater = (
        None if options.anonymous else role(columns.RATER_NAMES, options.rater_column, "the rater")
    )
    score = role(columns.SCORE_NAMES, options.score_column, "the score")
    clip = role(columns.CLIP_NAMES, options.clip_column, "the clip", columns.clip_fallback())
    if rater is None and score is None:
        return _from_matrix(name, names, clip, read, locate)
    if clip is None or score is None or (rater is None and not options.anonymous):
        raise _missing_role(name, names, clip=clip, rater=rater, score=score)
    session = role(columns.SESSION_NAMES, options.session_column, "the session")
    content = role(columns.CONTENT_NAMES, options.content_column, "the content")
    reference = options.reference_column
    if reference is not None:
        reference = columns.only_column(
            names, (), given=reference, what="", option="--reference-column", where=name
        )
    time = next(iter(columns.matching(names, columns.TIME_NAMES)), None)
    roles = {
        "clip": clip,
        "rater": rater,
        "score": score,
        "session": session,
        "reference": reference,
        "content": content if reference is not None else None,
        "time": time,
    }
    wanted = list(dict.fromkeys(column for column in roles.values() if column is not None))
    table = read(wanted, wanted)
    named = {
        key: column for key, column in roles.items() if key not in ("score", "time") and column
    }
    with ThreadPoolExecutor() as pool:  # Arrow encodes one column on one core
        found = pool.map(lambda column: _coded(table, column, name), named.values())
        scores = _scores(table, score, name, locate)
        coded = dict(zip(named, found, strict=True))
    rows = table.num_rows
    return Ratings(
        name=name,
        layout="long",
        columns=roles,
        clip=coded["clip"],
        rater=coded.get("rater") or _everyone_once(rows),
        score=scores,
        session=coded.get("session"),
        time=_times(table[time]) if time is not None else None,
        reference=coded.get("reference"),
        content=coded.get("content"),
        locate=lambda entry: f"{locate(entry)}, column {score!r}",
    )


def _missing_role(
    name: str, names: list[str], *, clip: str | None, rater: str | None, score: str | None
) -> InputError:
    what, option, more = (
        ("identifies a clip", "--clip-column", "")
        if clip is None
        else ("holds the score", "--score-column", "")
        if score is None
        else (
            "identifies the rater",
            "--rater-column",
            ", or give --rater-column none and --method mean where votes are anonymous",
        )
    )
    return InputError(
        f"no column name says that it {what}; {columns_are(names)}",
        where=name,
        code="ratings.column",
        fix=f"Name the column with {option}{more}",
    )


def _from_matrix(
    name: str,
    names: list[str],
    clip: str | None,
    read: Callable[[list[str], list[str]], pa.Table],
    locate: Callable[[int], str],
) -> Ratings:
    """Clips in rows, raters in columns."""
    raters = [column for column in names if column != clip]
    if clip is None or len(raters) < 2:
        raise InputError(
            "this is neither a long table, with columns for clip, rater and score, nor a matrix, "
            f"with a clip column and one column a rater; {columns_are(names)}",
            where=name,
            code="ratings.unknown-layout",
            fix="Name the columns with --clip-column, --rater-column and --score-column",
        )
    other = columns.matching(raters, _NO_RATERS)
    if other:
        raise InputError(
            f"the column {other[0]!r} holds no votes of a rater, and no column name says that it "
            "holds the rater or the score",
            where=name,
            code="ratings.not-votes",
            fix="Give single votes, with --rater-column and --score-column, or a matrix with a "
            "clip column and nothing but one column a rater",
        )
    table = read(names, names)
    rows = table.num_rows
    clips = _coded(table, clip, name)
    scores = np.empty((rows, len(raters)))
    for place, rater in enumerate(raters):
        scores[:, place] = _scores(table, rater, name, locate)
    return Ratings(
        name=name,
        layout="matrix",
        columns={"clip": clip},
        clip=Coded(clips.texts, np.repeat(clips.codes, len(raters))),
        rater=Coded.from_texts(raters, np.tile(np.arange(len(raters), dtype=np.int32), rows)),
        score=scores.ravel(),
        session=None,
        time=None,
        reference=None,
        content=None,
        locate=lambda entry: (
            f"{locate(entry // len(raters))}, column {raters[entry % len(raters)]!r}"
        ),
    )


def _from_cells(name: str, layout: Layout, cells: Cells) -> Ratings:
    return Ratings(
        name=name,
        layout=layout,
        columns={},
        clip=Coded.from_texts(cells.clips, cells.clip),
        rater=Coded.from_texts(cells.raters, cells.rater),
        score=cells.score,
        session=Coded.from_texts(cells.sessions, cells.session) if cells.sessions else None,
        time=None,
        reference=Coded.from_texts(cells.references, cells.reference) if cells.references else None,
        content=None,
        locate=cells.locate,
    )


def _scores(table: pa.Table, column: str, name: str, locate: Callable[[int], str]) -> Floats:
    found = numbers(
        table[column],
        "score",
        where=name,
        locate=lambda row: f"{locate(row)}, column {column!r}",
    )
    scores: Floats = found.to_numpy(zero_copy_only=False)
    return scores


def _coded(table: pa.Table, column: str, name: str) -> Coded:
    try:
        return Coded.of(table[column])
    except InputError as error:
        error.where = f"{name}, column {column!r}"
        raise


def _everyone_once(rows: int) -> Coded:
    """Anonymous votes: each of a rater of its own."""
    width = len(str(rows))
    texts = [f"{number:0{width}d}" for number in range(1, rows + 1)]
    return Coded.from_texts(texts, np.arange(rows, dtype=np.int32))


def _times(values: pa.ChunkedArray) -> Floats:
    """Times as numbers that sort as they do: numbers as they are, anything else by its text."""
    try:
        times: Floats = values.cast(pa.float64()).combine_chunks().to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        coded = Coded.of(values)
        rank = np.empty(len(coded.texts) + 1)
        rank[pc.sort_indices(coded.texts).to_numpy()] = np.arange(len(coded.texts))
        rank[-1] = -1
        times = rank[coded.codes]
    return np.nan_to_num(times, nan=-np.inf)
