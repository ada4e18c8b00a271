"""The content of score files: the files, the scorers, and their scores by clip key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable

    from secondopinion.facts import DecidedBy, ScoreFileDocument
    from secondopinion.scorers.facts import ScoreFacts
    from secondopinion.scores.file import ScoreFile

STATUS_OK: Final = "ok"
STATUS_BAD: Final = "bad"
STATUS_MISSING: Final = "missing"

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
    """One score file after reading.

    Attributes:
        path: The file.
        given: The value of ``--scores`` that names it.
        format: Its layout.
        decided_by: ``content``, or ``--format``.
        label: The label given with it, or None.
        rows: Scores in it.
        scorers: Slugs of the scorers that it contains.
        fields: Names of the members that held key and score.
    """

    path: str
    given: str
    format: str
    decided_by: Literal["content", "--format"]
    label: str | None
    rows: int = 0
    scorers: dict[str, None] = field(default_factory=dict)
    fields: tuple[str, ...] = ()

    def to_dict(self) -> ScoreFileDocument:
        """Return the file as the audit lists it."""
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
        name: Its name as its files or you spell it.
        slug: Its name in columns.
        decided_by: Who named it, each once.
        facts: Direction and range, None if unknown.
        scores: One row per clip key, columns as :data:`SCORES_SCHEMA`; score, runtime and frames
            null if missing, ``file`` a position in :attr:`Opinions.files`.
        loaded: Scores in its files, before any were left out.
        keyless: Scores that yield no clip key, by reason.
        reruns_collapsed: Identical repetitions by a rerun.
        bad_reasons: Bad scores by reason: ``status``, ``not-finite``.
        out_of_range: Scores outside the scorer's range.
        bad_runtimes: Unusable runtimes, which became null.
        bad_frames: Unusable frame counts, which became null.
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
    """All scores that were read.

    Attributes:
        scorers: The scorers, by slug, sorted.
        files: The score files, in the order given.
        notes: What you should know, one sentence each.
        score_files: The files, with their digests if they were hashed while reading.
    """

    scorers: dict[str, Scorer]
    files: list[ReadFile]
    notes: list[str]
    score_files: list[ScoreFile]


def _fields_of(chosen: Iterable[str], what: str) -> list[str]:
    return [text.partition("=")[2] for text in chosen if text.startswith(what + "=")]
