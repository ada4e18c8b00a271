"""Reads ``clip => score``, one per line, after a line ``# model NAME``."""

from collections.abc import Iterator

from provenance.toolkit import InputError
from secondopinion.readers import Fields, ScoreBatch, ScoreFile, ScoreReader, ScoreRow


class ArrowReader(ScoreReader):
    """Reads our scorer's text files."""

    format = "arrow-text"
    title = "our scorer's text files"

    def recognises(self, file: ScoreFile) -> bool:
        """Return whether the file begins with the model's line and has arrows."""
        return file.head.startswith(b"# model ") and b" => " in file.head

    def read(self, file: ScoreFile, fields: Fields) -> Iterator[ScoreBatch]:
        """Yield all scores as one batch per model."""
        rows, model, number = [], None, 0
        for lines in file.lines():
            for line in lines:
                number += 1
                if line.startswith("# model "):
                    model = line.removeprefix("# model ").strip()
                    continue
                clip, arrow, score = line.partition(" => ")
                if not arrow:
                    raise InputError(
                        "The line has no arrow",
                        where=f"{file}, line {number}",
                        fix="Write clip => score",
                        code="arrow-text.no-arrow",
                    )
                value = None if score.strip() == "failed" else float(score)
                rows.append(ScoreRow(key=clip, score=value, row=number, scorer=model))
        yield from ScoreBatch.from_rows(rows)
