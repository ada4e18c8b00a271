"""A JSON object ``{clip: score}``, the most common home-made layout."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from labeljoin.formats import JsonStream
from provenance.toolkit import InputError

from secondopinion.readers.reader import ScoreReader
from secondopinion.readers.rows import BATCH_ROWS, ROW_LISTS, is_json
from secondopinion.scores.payloads import Fields, member_type_error, score_row
from secondopinion.scores.rows import ScoreBatch, ScoreRow, as_float

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secondopinion.scores.file import ScoreFile


_NOT_CLIPS = frozenset({"summary", "metrics", "pooled_metrics", *ROW_LISTS})


class ClipScoresReader(ScoreReader):
    """Reads one object whose members are clips: ``{clip: score}``, ``{clip: {"score": …}}``."""

    format = "clip-scores"
    title = "a JSON object of clips and their scores"

    def recognises(self, file: ScoreFile) -> bool:  # noqa: D102 - documented in the base class
        members = _only_object(file)
        # A row has members of known names, and a clip is not called "score" or "frames".
        if not members or any(Fields().among(members)) or not _NOT_CLIPS.isdisjoint(members):
            return False
        return all(_is_score(value) for value in members.values())

    def read(self, file: ScoreFile, fields: Fields) -> Iterator[ScoreBatch]:  # noqa: D102
        rows = _rows(file, fields)
        while batch := list(islice(rows, BATCH_ROWS)):
            yield from ScoreBatch.from_rows(batch)


def _only_object(file: ScoreFile) -> dict[str, Any]:
    """Return the members of the file's only object, as far as its first bytes show them.

    The result is empty if the file does not begin with an object, or another value follows it.
    """
    if not is_json(file):
        return {}
    members: dict[str, Any] = {}
    stream = JsonStream([file.head.decode("utf-8", "ignore")], "")
    with suppress(InputError):
        if stream.peek() != "{":
            return {}
        for name in stream.members():
            members[name] = stream.value()
        if stream.peek():
            return {}
    return members


def _is_score(value: Any) -> bool:
    if isinstance(value, dict):
        return Fields().among(value).score is not None
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _rows(file: ScoreFile, fields: Fields) -> Iterator[ScoreRow]:
    stream = JsonStream(file.blocks(), str(file))
    number = 0
    for clip in stream.members():
        number += 1
        value = stream.value()
        where = f"{file}, member {number:,}"
        if isinstance(value, dict):
            yield score_row(value, fields, row=number, where=where, clip=clip)
            continue
        try:
            score = as_float(value)
        except TypeError:
            raise member_type_error(clip, value, where, "a score") from None
        yield ScoreRow(key=clip, score=score, row=number)
    stream.end("Text follows the object of clips and scores", "Keep one object in the file")
