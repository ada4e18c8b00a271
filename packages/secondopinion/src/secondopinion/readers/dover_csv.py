"""The CSV of DOVER's ``evaluate_a_set_of_videos.py``: three scores per clip, on 0 to 100."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.toolkit import InputError

from secondopinion.readers.reader import ScoreReader
from secondopinion.scores.delimited import first_line, read_scores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secondopinion.scores.file import ScoreFile
    from secondopinion.scores.payloads import Fields
    from secondopinion.scores.rows import ScoreBatch

HEADER = ("path", "aesthetic score", "technical score", "overall/final score")
PARTS = ("aesthetic", "technical", None)


class DoverCsvReader(ScoreReader):
    """Reads the overall score as the scorer's own, the others as ``_aesthetic`` and ``_technical``.

    The program writes blanks after commas, and paths without quotes, which may contain commas.
    """

    format = "dover-csv"
    title = "DOVER's batch script"
    scorer = "dover"

    def recognises(self, file: ScoreFile) -> bool:  # noqa: D102 - documented in the base class
        header = [name.strip().strip('"').casefold() for name in first_line(file).split(",")]
        return tuple(header) == HEADER

    def read(self, file: ScoreFile, fields: Fields) -> Iterator[ScoreBatch]:  # noqa: D102
        if not self.recognises(file):
            raise InputError(
                f"The first line is not DOVER's header, {', '.join(HEADER)}",
                where=f"{file}, line 1",
                fix="Restore the header, or name the right layout with --format",
                code="scores.dover-header",
            )
        return read_scores(file, ",", parts=PARTS, header=True)
