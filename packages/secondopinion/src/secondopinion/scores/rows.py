"""The output of readers: one clip's score, or columns of scores."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
from labeljoin.keys import number_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_SUMMED_AT = 1 << 16


class ScoreRow(NamedTuple):
    """One clip's score as its file states it.

    Attributes:
        key: The clip's name in the file; None if the file does not state it.
        score: The score as given. None or a non-finite number makes it bad.
        row: Its position in the file, from 1: the line of a CSV or a log, the number of a JSON
            object or a parquet row.
        scorer: The scorer's name if the row states it.
        part: For a scorer with several scores per clip, which of them it is (``aesthetic``). The
            column is then named after ``<scorer>_<part>``.
        ok: False if the row's own status is a failure.
        runtime_ms: The scorer's runtime in milliseconds, None if unknown. NaN or a negative number
            stands for an unusable entry, which the audit counts.
        frames: How many frames were scored, None if unknown. A negative number stands for an
            unusable entry, which the audit counts.
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
        keys: The clips' names in the file: text or integers, null if not stated.
        scores: Scores as given, float64; null or not finite if missing.
        rows: The position of each in the file, int64, from 1.
        scorer: The scorer's name if the file states it.
        part: As in :class:`ScoreRow`.
        ok: Boolean as in :class:`ScoreRow`; None if all are ok.
        runtime_ms: Milliseconds as in :class:`ScoreRow`, float64; None if all are unknown.
        frames: As in :class:`ScoreRow`, int64; None if all are unknown.
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
        """Do the same as :meth:`from_rows`; this name goes in the next release."""
        warnings.warn("ScoreBatch.of is now ScoreBatch.from_rows", DeprecationWarning, stacklevel=2)
        return cls.from_rows(rows)

    @classmethod
    def from_rows(cls, rows: Iterable[ScoreRow]) -> Iterator[ScoreBatch]:
        """Collect ``rows`` into one batch per scorer, in the order in which scorers appear."""
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

    A frame without a finite score makes the clip's score not finite: the mean of the other frames
    would look like a valid score. The runtime works in the same way if some frames have one.
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
        """Count frames, with their runtimes if they have any."""
        self.frames += len(scores)
        self._scores.extend(scores)
        if runtimes_ms:
            self._timed += len(runtimes_ms)
            self._runtime += sum(runtimes_ms) if min(runtimes_ms) >= 0.0 else math.nan
        if len(self._scores) >= _SUMMED_AT:
            self._fold()

    @property
    def score(self) -> float | None:
        """The mean over all frames; None without frames, NaN if one has no score."""
        self._fold()
        return self._total / self.frames if self.frames else None

    @property
    def runtime_ms(self) -> float | None:
        """The sum over all frames; None if no frame has a runtime, NaN if only some have one."""
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
    """Convert a JSON value to a number: None if it is null, or text that is not a number.

    Raises:
        TypeError: The value is a boolean, a list or an object.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    if isinstance(value, str):
        return number_of(value)
    try:
        return float(value)
    except OverflowError:  # an integer beyond float64
        return None


def as_runtime(value: Any) -> float | None:
    """Convert a JSON value to a runtime: None if null or blank, NaN if not a number."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        runtime = as_float(value)
    except TypeError:
        runtime = None
    return math.nan if runtime is None else runtime
