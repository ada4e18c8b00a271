"""Ratings that have no header: matrices of numbers, and the datasets of sureal."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from provenance.toolkit import InputError

from labeljoin.keys.columns import infer_column
from labeljoin.keys.numeric import number_of
from labeljoin.ratings.reading.columns import CLIP_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from labeljoin.ratings.votes import Floats, Indices

SNIFFED_BYTES = 1 << 16
DATASET_BYTES = 1 << 30
DELIMITERS = ",;\t"
_MISSING = ("", "nan", "null", "na", "none")


@dataclass(frozen=True)
class Cells:
    """Votes by position: names, and for each vote its places among them.

    Attributes:
        clips: The names of the clips.
        raters: The names of the raters.
        sessions: The names of repetitions, empty if no rater voted twice on a clip.
        references: The names of reference clips, empty where none is known.
        clip: The clip of each vote.
        rater: The rater of each vote.
        session: The repetition of each vote.
        reference: The reference of each vote's clip, -1 where it has none.
        score: The votes, NaN if absent.
        locate: Where a vote stands.
    """

    clips: Sequence[str]
    raters: Sequence[str]
    sessions: Sequence[str]
    references: Sequence[str]
    clip: Indices
    rater: Indices
    session: Indices
    reference: Indices
    score: Floats
    locate: Callable[[int], str]


def read_bare_matrix(path: str) -> Cells | None:
    """Read a matrix without a header: clips in rows, raters in columns, blank where not rated.

    This is the layout of the sample matrices of ITU-T P.910, P.913 and ITU-R BT.500. The first
    column may name the clips; otherwise they are numbered, as raters are. A line of blank fields
    begins the next repetition of the same rows.

    Returns:
        The votes, or None where the file is something else.

    Raises:
        InputError: A cell is no number, or rows differ in length; line and column are named.
    """
    file = Path(path)
    sample = _head(file)
    if sample is None or not sample.strip() or sample.lstrip()[:1] in "[{":
        return None
    first = sample.splitlines()[0]
    delimiter = max(DELIMITERS, key=first.count)
    fields = next(csv.reader([first], delimiter=delimiter), [])
    named = len(fields) > 2 and _number(fields[0]) is None and fields[0].strip() != ""
    numeric = [_number(field) is not None for field in fields]
    if len(fields) < 2 or not all(numeric[1:]) or (not named and not numeric[0]):
        return None
    if named and infer_column(fields[:1], CLIP_NAMES) is not None:
        return None  # a header whose raters are numbers
    _refuse_numbered_header(fields[int(named) :], path)
    return _matrix(file, delimiter, len(fields), named)


def _refuse_numbered_header(fields: Sequence[str], path: str) -> None:
    values = [_number(field) for field in fields]
    counted = [None if v is None else v - (values[0] or 0) for v in values]
    if len(values) > 5 and counted == list(range(len(values))):
        raise InputError(
            "the first line may be a header that counts the raters, or the votes on a clip",
            where=f"{path}, line 1",
            code="ratings.ambiguous-header",
            fix="Give the file a header that names the clip column first",
        )


def _matrix(file: Path, delimiter: str, width: int, named: bool) -> Cells:
    names: list[str] = []
    rows: list[list[float]] = []
    lines: list[int] = []
    begins = [0]
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text, delimiter=delimiter)
        try:
            for record in reader:
                line = reader.line_num
                if not any(field.strip() for field in record):
                    if rows and begins[-1] != len(rows):
                        begins.append(len(rows))
                    continue
                if len(record) != width:
                    raise InputError(
                        f"the row has {len(record)} fields and the first row {width}",
                        where=f"{file}, line {line}",
                        code="ratings.ragged-matrix",
                        fix="Give all rows one field for each rater, blank where not rated",
                    )
                if named:
                    names.append(record[0])
                rows.append(
                    [
                        _cell(field, f"{file}, line {line}, column {place + 1 + named}")
                        for place, field in enumerate(record[named:])
                    ]
                )
                lines.append(line)
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(
                f"this line cannot be read ({error})",
                where=f"{file}, line {reader.line_num + 1}",
                code="ratings.unreadable-line",
                fix="Save the matrix as UTF-8 text",
            ) from None
    if begins[-1] == len(rows):
        begins.pop()
    raters = width - named
    session = np.searchsorted(begins, np.arange(len(rows)), side="right") - 1
    if named:
        clips = list(dict.fromkeys(names))
        places = {name: place for place, name in enumerate(clips)}
        clip = np.array([places[name] for name in names], np.int32)
    else:
        clip = (np.arange(len(rows)) - np.array(begins)[session]).astype(np.int32)
        clips = _numbered(int(clip.max()) + 1)
    return Cells(
        clips=clips,
        raters=_numbered(raters),
        sessions=_numbered(len(begins)) if len(begins) > 1 else [],
        references=[],
        clip=np.repeat(clip, raters),
        rater=np.tile(np.arange(raters, dtype=np.int32), len(rows)),
        session=np.repeat(session.astype(np.int32), raters),
        reference=np.full(len(rows) * raters, -1, np.int32),
        score=np.array(rows, dtype=np.float64).ravel(),
        locate=lambda vote: f"line {lines[vote // raters]}, column {vote % raters + 1 + named}",
    )


def read_sureal(path: str) -> Cells | None:
    """Read a dataset of sureal: JSON with ``ref_videos`` and ``dis_videos``, votes in ``os``.

    A clip goes by its ``path``, or by its ``asset_id`` where paths are missing or repeat. ``os`` is
    a list, one vote a rater (raters are numbered), or an object of votes by rater; a vote may be a
    list of repetitions.

    Returns:
        The votes, or None where the file is something else.

    Raises:
        InputError: The dataset is damaged; the video is named.
    """
    file = Path(path)
    head = _head(file)
    if head is None or not head.lstrip().startswith("{"):
        return None
    if '"dis_videos"' not in head and '"ref_videos"' not in head:
        return None
    dataset = _dataset(file)
    videos = dataset["dis_videos"]
    names = _video_names(videos, path)
    references = {
        video.get("content_id"): str(video.get("path"))
        for video in dataset.get("ref_videos") or []
        if isinstance(video, dict)
    }
    known = list(dict.fromkeys(references.values()))
    raters: dict[str, int] = {}
    found: list[tuple[int, int, int, int, float]] = []
    for place, video in enumerate(videos):
        where = f"{path}, dis_videos[{place}]"
        reference = references.get(video.get("content_id"))
        for rater, votes in _opinions(video.get("os"), where):
            number = raters.setdefault(rater, len(raters))
            for repetition, vote in enumerate(votes if isinstance(votes, list) else [votes]):
                score = _vote(vote, f"{where}, os of {rater}")
                link = -1 if reference is None else known.index(reference)
                found.append((place, number, repetition, link, score))
    if not found:
        raise InputError(
            "the dataset has no votes", where=path, code="ratings.empty-dataset", fix="Fill in os"
        )
    clip, rater_of, session, link_of, score_of = (
        np.array(each) for each in zip(*found, strict=True)
    )
    listed = list(raters)
    return Cells(
        clips=names,
        raters=listed,
        sessions=_numbered(int(session.max()) + 1) if session.max() > 0 else [],
        references=known,
        clip=clip.astype(np.int32),
        rater=rater_of.astype(np.int32),
        session=session.astype(np.int32),
        reference=link_of.astype(np.int32),
        score=score_of.astype(np.float64),
        locate=lambda vote: f"dis_videos[{clip[vote]}], os of {listed[rater_of[vote]]}",
    )


def _dataset(file: Path) -> dict[str, Any]:
    import orjson

    if file.stat().st_size > DATASET_BYTES:
        raise InputError(
            "this sureal dataset is larger than 1 GiB",
            where=str(file),
            code="ratings.large-dataset",
            fix="Write the votes as a long table instead: clip, rater, score",
        )
    try:
        dataset = orjson.loads(file.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise InputError(
            f"this sureal dataset is not JSON ({error})",
            where=str(file),
            code="ratings.damaged-dataset",
            fix="Write it again",
        ) from None
    videos = dataset.get("dis_videos") if isinstance(dataset, dict) else None
    if not isinstance(videos, list) or not all(isinstance(video, dict) for video in videos):
        raise InputError(
            "dis_videos is not a list of objects",
            where=str(file),
            code="ratings.no-videos",
            fix="Write the dataset again",
        )
    return dict(dataset)


def _video_names(videos: Sequence[dict[str, Any]], path: str) -> list[str]:
    for member in ("path", "asset_id"):
        names = [video.get(member) for video in videos]
        if None not in names and len(set(names)) == len(names):
            return [str(name) for name in names]
    raise InputError(
        "the dis_videos have neither paths nor asset ids that tell them apart",
        where=path,
        code="ratings.unnamed-videos",
        fix="Give each video its own path",
    )


def _opinions(opinions: Any, where: str) -> list[tuple[str, Any]]:
    if isinstance(opinions, dict):
        return list(opinions.items())
    if isinstance(opinions, list):
        return list(zip(_numbered(len(opinions)), opinions, strict=True))
    raise InputError(
        "os is neither a list of votes nor an object of votes by rater",
        where=where,
        code="ratings.unknown-opinions",
        fix="Write the votes as sureal does",
    )


def _vote(vote: Any, where: str) -> float:
    if vote is None:
        return math.nan
    if isinstance(vote, int | float) and not isinstance(vote, bool) and not math.isinf(vote):
        return float(vote)
    if isinstance(vote, str):
        return _cell(vote, where)
    raise InputError(
        f"the score {vote!r} is not a number",
        where=where,
        code="ratings.bad-vote",
        fix="Correct it",
    )


def _cell(field: str, where: str) -> float:
    value = _number(field)
    if value is None or math.isinf(value):
        raise InputError(
            f"the score {field.strip()!r} is not a number",
            where=where,
            code="ratings.score",
            fix="Correct it, or leave it blank if it has no rating",
        )
    return value


def _number(field: str) -> float | None:
    """A cell as a number, NaN where it is blank, None where it is text."""
    return math.nan if field.strip().casefold() in _MISSING else number_of(field)


def _numbered(count: int) -> list[str]:
    """Names for what has none: 01, 02, … in as many digits as sorting needs."""
    width = len(str(count))
    return [f"{number:0{width}d}" for number in range(1, count + 1)]


def _head(file: Path) -> str | None:
    """The beginning of a text file, or None where it is not there, or no text."""
    if not file.is_file():
        return None
    with file.open("rb") as data:
        head = data.read(SNIFFED_BYTES)
    if b"\0" in head or head[:4] == b"PAR1":
        return None
    return head.decode("utf-8-sig", errors="replace")
