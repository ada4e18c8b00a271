"""What a reader yields: one clip's score at a time, or columns of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_SUMMED_AT = 1 << 16


class ScoreRow(NamedTuple):
    """One clip's score as a file has it.

    Attributes:
        key: What the file calls the clip; None where it does not say.
        score: The score as given; None or not finite where there is none, which makes it bad.
        row: Where it stands in the file: the line of a CSV or a log, the number of a JSON object
            or a parquet row, from 1.
        scorer: The scorer's name where the row says it.
        part: Which of a scorer's scores it is where it gives several a clip (``aesthetic``); its
            scorer is then named ``<scorer>_<part>``.
        ok: False where the row's own status says that scoring failed.
        runtime_ms: The scorer's runtime in milliseconds, None where unknown; NaN, or a number below
            zero, where what the file says is none, which the audit counts.
        frames: How many frames were scored, None where unknown; a number below zero where what the
            file says is no count, which the audit counts.
    """

    key: str | int | None
    score: float | None
    row: int
    scorer: str | None = None
    part: str | None = None
    ok: bool = True
    runtime_ms: float | None = None
    frames: int | None = None


@dataclass(frozen=True)
class ScoreBatch:
    """Columns of one scorer's scores from one file, all of one length.

    Attributes:
        keys: What the file calls the clips: text or integers, null where it does not say.
        scores: Scores as given, float64; null or not finite where there is none.
        rows: Where each stands in the file, int64, from 1.
        scorer: The scorer's name where the file says it.
        part: As in :class:`ScoreRow`.
        ok: Boolean, None where all are.
        runtime_ms: Milliseconds as in :class:`ScoreRow`, float64, None where all are unknown.
        frames: As in :class:`ScoreRow`, int64, None where all are unknown.
    """

    keys: pa.Array
    scores: pa.DoubleArray
    rows: pa.Int64Array
    scorer: str | None = None
    part: str | None = None
    ok: pa.BooleanArray | None = None
    runtime_ms: pa.DoubleArray | None = None
    frames: pa.Int64Array | None = None

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def of(cls, rows: Iterable[ScoreRow]) -> Iterator[ScoreBatch]:
        """Gather ``rows`` into one batch per scorer, in the order in which scorers appear."""
        groups: dict[tuple[str | None, str | None], list[ScoreRow]] = {}
        for row in rows:
            groups.setdefault((row.scorer, row.part), []).append(row)
        for (scorer, part), members in groups.items():
            keys, scores, places, _, _, ok, runtimes, frames = zip(*members, strict=True)
            yield cls(
                keys=pa.array([None if key is None else str(key) for key in keys], pa.string()),
                scores=pa.array(scores, pa.float64()),
                rows=pa.array(places, pa.int64()),
                scorer=scorer,
                part=part,
                ok=pa.array(ok, pa.bool_()),
                runtime_ms=pa.array(runtimes, pa.float64()),
                frames=pa.array(frames, pa.int64()),
            )


class FrameMean:
    """The mean of a clip's frame scores, their count and summed runtime.

    A frame without a finite score makes the clip's score not finite: the mean of the rest would
    look like a score of the clip. A frame without a runtime, beside others that have one, does the
    same to the runtime.
    """

    def __init__(self) -> None:
        self.frames = 0
        self._timed = 0
        self._runtime = 0.0
        self._scores: list[float] = []
        self._total = 0.0

    def add(self, score: float, runtime_ms: float | None = None) -> None:
        """Count one frame."""
        self.add_all((score,), () if runtime_ms is None else (runtime_ms,))

    def add_all(self, scores: Collection[float], runtimes_ms: Collection[float]) -> None:
        """Count frames, with their runtimes where they have any."""
        self.frames += len(scores)
        self._scores.extend(scores)
        if runtimes_ms:
            self._timed += len(runtimes_ms)
            self._runtime += sum(runtimes_ms) if min(runtimes_ms) >= 0.0 else math.nan
        if len(self._scores) >= _SUMMED_AT:
            self._fold()

    @property
    def score(self) -> float | None:
        """The mean over all frames; None where there are none, NaN where one has no score."""
        self._fold()
        return self._total / self.frames if self.frames else None

    @property
    def runtime_ms(self) -> float | None:
        """The sum over all frames; None where none has a runtime, NaN where not all have one."""
        if not self._timed:
            return None
        return self._runtime if self._timed == self.frames else math.nan

    def _fold(self) -> None:
        try:
            self._total = math.fsum((self._total, *self._scores))
        except (OverflowError, ValueError):  # sums beyond float64, infinities of both signs
            self._total = math.nan
        self._scores.clear()


def as_float(value: Any) -> float | None:
    """A JSON value as a number: None where it is absent or is text that is no number.

    Raises:
        TypeError: The value is a boolean, a list or an object.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    if isinstance(value, str) and "_" in value:  # float("1_0") is 10 to Python alone
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def as_runtime(value: Any) -> float | None:
    """A JSON value as a runtime: None where it is absent or blank, NaN where it is no number."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        runtime = as_float(value)
    except TypeError:
        runtime = None
    return math.nan if runtime is None else runtime
