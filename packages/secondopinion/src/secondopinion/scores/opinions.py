"""What score files hold: the files, the scorers, and each scorer's scores by clip key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable

    from secondopinion.scorers.facts import ScoreFacts
    from secondopinion.scores.file import ScoreFile

DecidedBy = Literal["file", "label", "format", "file name"]
"""Who named a scorer: the file's content, LABEL=, the layout, or the name of the file."""

STATUS_OK = "ok"
STATUS_BAD = "bad"
STATUS_MISSING = "missing"

SCORES_SCHEMA = pa.schema(
    [
        pa.field("key", pa.string()),
        pa.field("raw_key", pa.string()),
        pa.field("score", pa.float64()),
        pa.field("status", pa.string()),
        pa.field("runtime_ms", pa.float64()),
        pa.field("frames", pa.int64()),
        pa.field("file", pa.int32()),
        pa.field("row", pa.int64()),
    ]
)


@dataclass
class ReadFile:
    """What became of one score file.

    Attributes:
        path: The file.
        given: The value of ``--scores`` that stands for it.
        format: Its layout.
        decided_by: ``content``, or ``--format``.
        label: The label given with it, or None.
        rows: Scores in it.
        scorers: Slugs of the scorers that it holds.
        fields: Names of the members that held key and score.
    """

    path: str
    given: str
    format: str
    decided_by: str
    label: str | None
    rows: int = 0
    scorers: dict[str, None] = field(default_factory=dict)
    fields: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The member of the audit."""
        return {
            "path": self.path,
            "format": self.format,
            "format_decided_by": self.decided_by,
            "label": self.label,
            "scorers": list(self.scorers),
            "scores": self.rows,
            "key_fields": _fields_of(self.fields, "key_field"),
            "score_fields": _fields_of(self.fields, "score_field"),
        }


@dataclass
class Scorer:
    """One scorer's scores.

    Attributes:
        name: Its name as its files or the operator spell it.
        slug: Its name in columns.
        decided_by: Who named it, each once.
        facts: Direction and range, None where nothing is known.
        scores: One row per clip key, columns as :data:`SCORES_SCHEMA`; score, runtime and frames
            null where there is none, ``file`` a position in :attr:`Opinions.files`.
        loaded: Scores in its files, before anything was set aside.
        keyless: Scores whose clip is not named, by reason.
        reruns_collapsed: Identical repetitions by a rerun.
        bad_reasons: Bad scores by reason: ``status``, ``not-finite``.
        out_of_range: Scores outside the scorer's range.
        bad_runtimes: Runtimes that are no number of milliseconds from 0 on; they became null.
        bad_frames: Frame counts that are no whole number from 0 on; they became null.
    """

    name: str
    slug: str
    decided_by: dict[DecidedBy, None]
    facts: ScoreFacts | None
    scores: pa.Table
    loaded: int
    keyless: dict[str, int]
    reruns_collapsed: int
    bad_reasons: dict[str, int]
    out_of_range: int
    bad_runtimes: int
    bad_frames: int


@dataclass
class Opinions:
    """Everything that was read.

    Attributes:
        scorers: The scorers, by slug, sorted.
        files: The score files, in the order given.
        notes: What an operator should know, one sentence each.
        score_files: The files with their digests, where one was taken while reading.
    """

    scorers: dict[str, Scorer]
    files: list[ReadFile]
    notes: list[str]
    score_files: list[ScoreFile]


def _fields_of(chosen: Iterable[str], what: str) -> list[str]:
    return [text.partition("=")[2] for text in chosen if text.startswith(what + "=")]
