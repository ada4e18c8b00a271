"""The file of Q-Align's evaluation scripts: JSON objects with nothing between them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from provenance.toolkit import InputError

from secondopinion.readers.reader import ScoreReader
from secondopinion.readers.rows import BATCH_ROWS, is_json, json_objects
from secondopinion.scores.outline import outline
from secondopinion.scores.payloads import Fields, listed, score_row
from secondopinion.scores.rows import ScoreBatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secondopinion.scores.file import ScoreFile
    from secondopinion.scores.rows import ScoreRow

KEYS = ("img_path", "image")


class QalignJsonReader(ScoreReader):
    """Reads ``score``, the prediction. ``gt_score`` is the human label and is never read.

    The scripts append to the file, so a second run repeats every clip of the first.
    """

    format = "qalign-json"
    title = "Q-Align's evaluation scripts"
    scorer = "q_align"
    appends_reruns = True

    def recognises(self, file: ScoreFile) -> bool:  # noqa: D102 - documented in the base class
        if not is_json(file):
            return False
        first = outline(file.head) or {}
        return "logits" in first and any(key in first for key in KEYS)

    def read(self, file: ScoreFile, fields: Fields) -> Iterator[ScoreBatch]:  # noqa: D102
        rows = _rows(file, fields)
        while batch := list(islice(rows, BATCH_ROWS)):
            yield from ScoreBatch.from_rows(batch)


def _rows(file: ScoreFile, fields: Fields) -> Iterator[ScoreRow]:
    number = 0
    for number, written in enumerate(json_objects(file), 1):
        where = f"{file}, object {number:,}"
        if not isinstance(written, dict):
            raise InputError(
                "The entry is not a JSON object",
                where=where,
                fix="Remove it",
                code="scores.qalign-not-an-object",
            )
        key = fields.key or next((name for name in KEYS if name in written), None)
        score = fields.score or "score"
        if key is None or key not in written or score not in written:
            wanted = score if key in written else fields.key or " or ".join(KEYS)
            raise InputError(
                f"The object has no {wanted}; its members are {listed(written)}",
                where=where,
                fix="Remove the unfinished object, or name the format with --format",
                code="scores.qalign-members",
            )
        named = Fields(key, score)
        payload = {key: written[key], score: written[score]}
        yield score_row(payload, named, row=number, where=where)
        fields.chosen.update(named.chosen)
    if not number:
        raise InputError(
            "The file has no Q-Align objects",
            where=str(file),
            fix="Give a file with scores",
            code="scores.qalign-empty",
        )
