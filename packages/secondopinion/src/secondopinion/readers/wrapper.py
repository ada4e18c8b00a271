"""The output of external-bench wrappers: a JSON payload per clip, with frames and a summary.

Long payloads, and files of many payloads, are read as a stream, frame by frame.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from labeljoin.formats import JsonStream
from provenance.toolkit import InputError

from secondopinion.readers.reader import ScoreReader
from secondopinion.readers.rows import BATCH_ROWS, ROW_LISTS, is_json
from secondopinion.scores.outline import outline
from secondopinion.scores.payloads import add_frames, score_row
from secondopinion.scores.rows import FrameMean, ScoreBatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secondopinion.scores.file import ScoreFile
    from secondopinion.scores.payloads import Fields


class WrapperReader(ScoreReader):
    """Reads payloads ``{"frames": […], "summary": {…}}``: alone or many per file."""

    format = "wrapper"
    title = "external-bench wrapper JSON: frames and a summary per clip"

    def recognises(self, file: ScoreFile) -> bool:  # noqa: D102 - documented in the base class
        if not is_json(file):
            return False
        first = outline(file.head) or {}
        inner = next(
            (first[name] for name in ROW_LISTS if isinstance(first.get(name), dict)), first
        )
        frames = inner.get("frames")
        if not isinstance(frames, list):
            return False
        return not (frames and isinstance(frames[0], dict) and "metrics" in frames[0])

    def read(self, file: ScoreFile, fields: Fields) -> Iterator[ScoreBatch]:  # noqa: D102
        payloads = _payloads(file, fields)
        rows = (
            score_row(
                payload,
                fields,
                row=number,
                where=f"{file}, payload {number:,}",
                clip=file.clip if alone else None,
                frames=frames,
            )
            for number, payload, frames, alone in payloads
        )
        while batch := list(islice(rows, BATCH_ROWS)):
            yield from ScoreBatch.from_rows(batch)


Payload = tuple[int, dict[str, Any], FrameMean | None, bool]


def _payloads(file: ScoreFile, fields: Fields) -> Iterator[Payload]:
    """Yield the payloads with their numbers from 1, and whether each is the only one.

    Whether a payload is the only one is known after it was read, so the first waits for the next.
    """
    waiting: tuple[int, dict[str, Any], FrameMean | None] | None = None
    for number, (payload, frames) in enumerate(_stream(file, fields), 1):
        if waiting is not None:
            yield (*waiting, False)
        waiting = (number, payload, frames)
    if waiting is None:
        raise InputError(
            "The file has no payload",
            where=str(file),
            fix="Give a file with scores",
            code="scores.no-payload",
        )
    yield (*waiting, waiting[0] == 1)


def _stream(file: ScoreFile, fields: Fields) -> Iterator[tuple[dict[str, Any], FrameMean | None]]:
    stream = JsonStream(file.blocks(), str(file))
    number = 0
    while stream.peek():
        if stream.peek() == "[":
            for _ in stream.elements():
                number += 1
                yield _payload(stream, fields, f"{file}, payload {number:,}")
            continue
        members: dict[str, Any] = {}
        frames = None
        lists = False
        for name in stream.members():
            if name in ROW_LISTS and stream.peek() == "[":
                lists = True
                for _ in stream.elements():
                    number += 1
                    yield _payload(stream, fields, f"{file}, payload {number:,}")
            else:
                frames = _member(
                    stream, name, members, frames, fields, f"{file}, payload {number + 1:,}"
                )
        if not lists:
            number += 1
            yield members, frames


def _payload(
    stream: JsonStream, fields: Fields, where: str
) -> tuple[dict[str, Any], FrameMean | None]:
    if stream.peek() != "{":
        raise InputError(
            "The payload is not a JSON object",
            where=where,
            fix="Remove it",
            code="scores.payload-not-an-object",
        )
    members: dict[str, Any] = {}
    frames = None
    for name in stream.members():
        frames = _member(stream, name, members, frames, fields, where)
    return members, frames


def _member(
    stream: JsonStream,
    name: str,
    members: dict[str, Any],
    frames: FrameMean | None,
    fields: Fields,
    where: str,
) -> FrameMean | None:
    """Read one member's value: frames into their mean, anything else into ``members``."""
    if name != "frames" or stream.peek() != "[":
        members[name] = stream.value()
        return frames
    frames = FrameMean()
    for batch in stream.batches():
        add_frames(frames, batch, fields, where)
    return frames
