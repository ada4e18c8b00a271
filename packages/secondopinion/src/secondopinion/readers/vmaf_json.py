"""The JSON of ``vmaf --json`` and ffmpeg's libvmaf: one log per clip, named after the clip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labeljoin.formats import JsonStream
from provenance.toolkit import InputError

from secondopinion.readers.reader import ScoreReader
from secondopinion.readers.rows import is_json
from secondopinion.scores.outline import outline
from secondopinion.scores.payloads import listed
from secondopinion.scores.rows import FrameMean, ScoreBatch, ScoreRow, as_float

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secondopinion.scores.file import ScoreFile
    from secondopinion.scores.payloads import Fields

METRIC = "vmaf"


class VmafJsonReader(ScoreReader):
    """Reads the pooled mean if the log has one, else the mean over its frames.

    ``--score-field`` selects another metric of the log, such as ``vmaf_neg`` or ``psnr_y``, which
    is then the scorer's name.
    """

    format = "vmaf-json"
    title = "vmaf --json and ffmpeg's libvmaf, one log per clip"

    def recognises(self, file: ScoreFile) -> bool:  # noqa: D102 - documented in the base class
        if not is_json(file):
            return False
        first = outline(file.head) or {}
        frames = first.get("frames")
        frame = frames[0] if isinstance(frames, list) and frames else None
        return "pooled_metrics" in first or (isinstance(frame, dict) and "metrics" in frame)

    def read(self, file: ScoreFile, fields: Fields) -> Iterator[ScoreBatch]:  # noqa: D102
        metric = fields.score or METRIC
        log = _Log(file, metric)
        fields.chosen[f"score_field={metric}"] = None
        yield from ScoreBatch.from_rows(
            [
                ScoreRow(
                    key=file.clip,
                    score=log.score(),
                    row=1,
                    # The file states the metric; a label distinguishes two models of it.
                    scorer=None if file.label else metric,
                    frames=log.frames or None,
                )
            ]
        )


class _Log:
    """One log, read as a stream: the metric's pooled mean, and its frames."""

    def __init__(self, file: ScoreFile, metric: str) -> None:
        self._file = file
        self._metric = metric
        self._mean = FrameMean()
        self._without = 0
        self._pooled: Any = None
        self._names: dict[str, None] = {}
        stream = JsonStream(file.blocks(), str(file))
        for name in stream.members():
            if name == "frames" and stream.peek() == "[":
                for batch in stream.batches():
                    self._add(batch)
            elif name == "pooled_metrics":
                self._pooled = stream.value()
            else:
                stream.value()
        stream.end("A second log follows the first", "Keep one log per clip, named after the clip")

    @property
    def frames(self) -> int:
        return self._mean.frames + self._without

    def score(self) -> float | None:
        """Return the clip's score.

        Raises:
            InputError: The log does not have the metric.
        """
        pooled = self._pooled.get(self._metric) if isinstance(self._pooled, dict) else None
        if isinstance(pooled, dict) and "mean" in pooled:
            return self._number(pooled["mean"])
        if not self._mean.frames:
            pooled_names = self._pooled if isinstance(self._pooled, dict) else {}
            names = list(dict.fromkeys((*pooled_names, *self._names)))
            raise InputError(
                f"The log has no metric {self._metric}; it has {listed(names)}",
                where=str(self._file),
                fix="Name one with --score-field",
                code="scores.vmaf-metric",
            )
        # libvmaf omits a model's score for frames that it skipped.
        return self._mean.score

    def _add(self, batch: list[Any]) -> None:
        for frame in batch:
            metrics = frame.get("metrics") if isinstance(frame, dict) else None
            if not isinstance(metrics, dict):
                raise InputError(
                    "The frame has no metrics",
                    where=f"{self._file}, frame {self.frames + 1:,}",
                    fix="Run vmaf to its end, or name the format with --format",
                    code="scores.vmaf-frame",
                )
            if self._metric in metrics:
                value = self._number(metrics[self._metric])
                self._mean.add(float("nan") if value is None else value)
            else:
                self._without += 1
                self._names.update(dict.fromkeys(metrics))

    def _number(self, value: Any) -> float | None:
        try:
            return as_float(value)
        except TypeError:
            raise InputError(
                f"The metric {self._metric} is not a number",
                where=str(self._file),
                fix="Run vmaf again",
                code="scores.vmaf-number",
            ) from None
