"""The file of IQA-PyTorch's ``inference_iqa.py --save_file``: a name and a score per line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secondopinion.readers.reader import ScoreReader
from secondopinion.scores.delimited import first_line, read_scores
from secondopinion.scores.rows import as_float

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secondopinion.scores.file import ScoreFile
    from secondopinion.scores.payloads import Fields
    from secondopinion.scores.rows import ScoreBatch


class PyiqaCsvReader(ScoreReader):
    """Reads files without a header, which do not state the scorer's name.

    Current versions separate by a comma, the first ones by a tab.
    """

    format = "pyiqa-csv"
    title = "IQA-PyTorch's inference script: MUSIQ, CLIP-IQA, NIQE, BRISQUE and others"

    def recognises(self, file: ScoreFile) -> bool:  # noqa: D102 - documented in the base class
        line = first_line(file)
        name, separator, score = line.rpartition(_separator(line))
        if not separator or as_float(score.strip()) is None:
            return False
        # A second number before the score means a table of several columns without a header.
        before = name.rpartition(separator)[2] if separator in name else ""
        return bool(name.strip()) and as_float(before.strip() or None) is None

    def read(self, file: ScoreFile, fields: Fields) -> Iterator[ScoreBatch]:  # noqa: D102
        return read_scores(file, _separator(first_line(file)), parts=(None,), header=False)


def _separator(line: str) -> str:
    return "\t" if "\t" in line else ","
