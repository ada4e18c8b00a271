"""The output of FAST-VQA's ``vqa.py``: one line per clip, in a log named after the clip."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provenance.toolkit import InputError

from secondopinion.readers.reader import ScoreReader
from secondopinion.scores.rows import ScoreBatch, ScoreRow, as_float

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secondopinion.scores.file import ScoreFile
    from secondopinion.scores.payloads import Fields

LOG_LIMIT = 1 << 24

_SCORE = re.compile(
    r"The quality score of the video(?: \(range \[0, ?1\]\))? is (\S+?)\.?[ \t\r]*$", re.MULTILINE
)
_MODEL = re.compile(r"Inferring with model \[([^\]\n]+)\]")


class FastvqaLogReader(ScoreReader):
    """Reads one log per clip. The log's name is the clip key; it may state the model's name."""

    format = "fastvqa-log"
    title = "FAST-VQA's and FasterVQA's printed line, one log per clip"
    scorer = "fast_vqa"

    def recognises(self, file: ScoreFile) -> bool:  # noqa: D102 - documented in the base class
        # The line is the program's last. The output of torch and decord before it has no bound.
        return bool(_SCORE.search(file.tail.decode("utf-8", "replace")))

    def read(self, file: ScoreFile, fields: Fields) -> Iterator[ScoreBatch]:  # noqa: D102
        text = file.text(LOG_LIMIT)
        scores = list(_SCORE.finditer(text))
        if len(scores) != 1:
            raise InputError(
                "The log has no score"
                if not scores
                else f"The log has {len(scores)} scores but no clip names",
                where=str(file),
                fix="Keep one log per clip, named after the clip",
                code="scores.fastvqa-log",
            )
        model = _MODEL.search(text)
        yield from ScoreBatch.from_rows(
            [
                ScoreRow(
                    key=file.clip,
                    score=as_float(scores[0][1]),
                    row=text.count("\n", 0, scores[0].start()) + 1,
                    scorer=model and model[1].strip(),
                )
            ]
        )
