"""A JSON object ``{clip: score}``, the most common home-made layout."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from secondopinion.readers.reader import ScoreReader
from secondopinion.readers.rows import BATCH_ROWS, is_json
from secondopinion.scores.json_stream import JsonStream, outline
from secondopinion.scores.payloads import Fields, member_type_error, score_row
from secondopinion.scores.rows import ScoreBatch, ScoreRow, as_float

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secondopinion.scores.file import ScoreFile


class ClipScoresReader(ScoreReader):
    """Reads objects whose members are clips: ``{clip: score}`` or ``{clip: {"score": …}}``."""

    format = "clip-scores"
    title = "JSON objects of clips and their scores"

    def recognises(self, file: ScoreFile) -> bool:  # noqa: D102 - documented in the base class
        if not is_json(file) or file.head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] != b"{":
            return False
        members = outline(file.head) or {}
        # A row has members of known names, and a clip is not called "score" or "frames".
        if not members or any(Fields().among(members)) or "summary" in members:
            return False
        return all(value is ... or _is_score(value) for value in members.values())

    def read(self, file: ScoreFile, fields: Fields) -> Iterator[ScoreBatch]:  # noqa: D102
        rows = _rows(file, fields)
        while batch := list(islice(rows, BATCH_ROWS)):
            yield from ScoreBatch.from_rows(batch)


def _is_score(value: Any) -> bool:
    if isinstance(value, dict):
        return Fields().among(value).score is not None
    try:
        return value is None or as_float(value) is not None
    except TypeError:
        return False


def _rows(file: ScoreFile, fields: Fields) -> Iterator[ScoreRow]:
    stream = JsonStream.over(file)
    number = 0
    while stream.peek():
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
