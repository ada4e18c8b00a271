"""The members of a JSON object, or columns of a table, that hold a score.

Scorers and wrappers use different names. This module lists the names that are understood,
ignoring case, and turns one object into one :class:`~secondopinion.scores.rows.ScoreRow`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from labeljoin.keys import KEY_COLUMNS, infer_column
from provenance.toolkit import InputError

from secondopinion.scores.rows import FrameMean, ScoreRow, as_float, as_runtime

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SCORER_FIELDS = ("competitor", "scorer")
# `mos` comes after the predictions: beside one of them it is the human label.
SCORE_FIELDS = (
    *("score", "predicted_mos", "predicted_vmaf_or_mos", "mos_pred", "pred_mos", "prediction"),
    *("mos", "quality", "vmaf"),
)
STATUS_FIELDS = ("status",)
RUNTIME_FIELDS = ("runtime_ms", "runtime_total_ms", "elapsed_ms")
FRAMES_FIELDS = ("frames", "n_frames", "frame_count", "num_frames")
_EXACT = float(1 << 53)
_NO_COUNT = -1
OK_STATUSES = frozenset({"", "ok", "pass", "passed", "success", "succeeded", "done", "true"})


class FieldNames(NamedTuple):
    """The names of the members that hold the parts of a score, None if an object lacks one."""

    key: str | None
    scorer: str | None
    score: str | None
    status: str | None
    runtime: str | None
    frames: str | None


@dataclass
class Fields:
    """The members that hold the key and the score: as given, or by the names understood.

    Args:
        key: ``--score-key-field``, or None.
        score: ``--score-field``, or None.

    Attributes:
        chosen: The names that were used for the key and the score, for the audit.
    """

    key: str | None = None
    score: str | None = None
    chosen: dict[str, None] = field(default_factory=dict, init=False)
    _plans: dict[tuple[str, ...], FieldNames] = field(default_factory=dict, init=False)

    def among(self, names: Iterable[str]) -> FieldNames:
        """Return the fields among ``names``."""
        names = tuple(names)
        plan = self._plans.get(names)
        if plan is None:
            plan = self._plans[names] = self._plan(names)
            self.chosen.update({f"score_field={plan.score}": None} if plan.score else {})
            self.chosen.update({f"key_field={plan.key}": None} if plan.key else {})
        return plan

    def _plan(self, names: Sequence[str]) -> FieldNames:
        def first(wanted: Iterable[str]) -> str | None:
            return infer_column(names, wanted)

        return FieldNames(
            key=first(KEY_COLUMNS) if self.key is None else self._named(self.key, names),
            scorer=first(SCORER_FIELDS),
            score=first(SCORE_FIELDS) if self.score is None else self._named(self.score, names),
            status=first(STATUS_FIELDS),
            runtime=first(RUNTIME_FIELDS),
            frames=first(FRAMES_FIELDS),
        )

    @staticmethod
    def _named(wanted: str, names: Sequence[str]) -> str | None:
        return wanted if wanted in names else None


def score_row(
    payload: Mapping[str, Any],
    fields: Fields,
    *,
    row: int,
    where: str,
    clip: str | None = None,
    frames: FrameMean | None = None,
) -> ScoreRow:
    """Convert one JSON object to one clip's score.

    The score is the object's own, else that of its ``summary``, else the mean over its
    ``frames``; the runtime likewise.

    Args:
        payload: The object, without its frames if ``frames`` has them.
        fields: The members that hold the key and the score.
        row: The object's number in its file, from 1.
        where: The file and row, for errors.
        clip: The clip if the object does not name one.
        frames: The frames if they were already read.

    Raises:
        InputError: The object has no key or no score, or values of another type than they have.
    """
    summary = payload.get("summary")
    levels = [payload, summary] if isinstance(summary, Mapping) else [payload]
    plans = [(level, fields.among(level)) for level in levels]
    if frames is None and isinstance(payload.get("frames"), list):
        frames = frame_mean(payload["frames"], fields, where)

    key = _first(plans, "key")
    score = _score(plans, frames, fields, where)
    scorer = _first(plans, "scorer")
    if scorer is not None and not isinstance(scorer, str):
        raise member_type_error("scorer", scorer, where, "text")
    return ScoreRow(
        key=_key(key, clip, fields, where),
        score=score,
        row=row,
        scorer=_text(scorer or "", "scorer", where).strip() or None,
        ok=is_ok(_first(plans, "status")),
        runtime_ms=_runtime(plans, frames),
        frames=_frames(plans, frames),
    )


def frame_mean(frames: Sequence[Any], fields: Fields, where: str) -> FrameMean:
    """The mean score of frame objects.

    Raises:
        InputError: A frame is no object, or has no score.
    """
    mean = FrameMean()
    add_frames(mean, frames, fields, where)
    return mean


def add_frames(mean: FrameMean, frames: Sequence[Any], fields: Fields, where: str) -> None:
    """Add frame objects to a mean.

    Raises:
        InputError: A frame is no object, or has no score.
    """
    if not _add_alike(mean, frames, fields):
        for frame in frames:
            _add_frame(mean, frame, fields, f"{where}, frame {mean.frames + 1:,}")


def _add_alike(mean: FrameMean, frames: Sequence[Any], fields: Fields) -> bool:
    """Add frames that have the same members and plain numbers, several times faster; or nothing."""
    if not frames or not isinstance(frames[0], dict):
        return False
    members = frames[0].keys()
    names = fields.among(members)
    if names.score is None or not all(
        type(frame) is dict and frame.keys() == members for frame in frames
    ):
        return False
    scores = [frame[names.score] for frame in frames]
    runtimes = [frame[names.runtime] for frame in frames] if names.runtime else []
    if not {*map(type, scores), *map(type, runtimes)} <= {float}:
        return False
    mean.add_all(scores, runtimes)
    return True


def _add_frame(mean: FrameMean, frame: Any, fields: Fields, where: str) -> None:
    if not isinstance(frame, dict):
        raise member_type_error("frame", frame, where, "an object")
    names = fields.among(frame)
    if names.score is None:
        raise InputError(
            f"The frame has no score; its members are {listed(frame)}",
            where=where,
            fix="Name the member with --score-field",
            code="scores.frame-without-score",
        )
    try:
        score = as_float(frame[names.score])
    except TypeError:
        raise member_type_error(names.score, frame[names.score], where, "a number") from None
    runtime = as_runtime(frame[names.runtime]) if names.runtime else None
    mean.add(float("nan") if score is None else score, runtime)


def listed(names: Iterable[Any], limit: int = 12) -> str:
    """Join the first ``limit`` names for a sentence, and say how many more there are."""
    texts = [str(name) for name in names]
    short = [text if len(text) <= 40 else text[:40] + "…" for text in texts[:limit]]
    shown = ", ".join(text if text.isprintable() and text else repr(text) for text in short)
    more = f" and {len(texts) - limit:,} more" if len(texts) > limit else ""
    return (shown + more) or "none"


def is_ok(status: Any) -> bool:
    """Return whether a row's own status means success; a missing status does too."""
    return status is None or str(status).strip().casefold() in OK_STATUSES


Plans = list[tuple[Mapping[str, Any], FieldNames]]


def _first(plans: Plans, what: str) -> Any:
    """Return the member of the object, or else of its summary."""
    for level, names in plans:
        name = getattr(names, what)
        if name is not None and level[name] is not None:
            return level[name]
    return None


def _score(plans: Plans, frames: FrameMean | None, fields: Fields, where: str) -> float | None:
    given = [(names.score, level[names.score]) for level, names in plans if names.score]
    for name, value in given:
        try:
            score = as_float(value)
        except TypeError:
            raise member_type_error(name, value, where, "a number") from None
        if value is not None:
            return score
    if frames is not None:
        return frames.score
    if given:
        return None
    # A row whose status is a failure needs no score.
    if not is_ok(_first(plans, "status")):
        return None
    wanted = f"member {fields.score!r}" if fields.score else "score"
    raise InputError(
        f"The row has no {wanted}; its members are {listed(plans[0][0])}",
        where=where,
        fix="Name the member that holds the score with --score-field",
        code="scores.row-without-score",
    )


def _key(key: Any, clip: str | None, fields: Fields, where: str) -> str | int | None:
    if isinstance(key, float) and abs(key) >= _EXACT:
        raise InputError(
            f"The key {key:.15g} is a number too large to keep its last digits",
            where=where,
            fix="Write the key as text, in quotes",
            code="scores.inexact-key",
        )
    if isinstance(key, float) and key.is_integer():
        key = int(key)
    if isinstance(key, bool) or not isinstance(key, str | int | float | None):
        raise member_type_error("key", key, where, "text or a number")
    if isinstance(key, float):
        return str(key)
    if key is not None:
        return _text(key, "key", where) if isinstance(key, str) else key
    if clip is not None:
        return clip
    if fields.key is None and not any(name.startswith("key_field=") for name in fields.chosen):
        raise InputError(
            "The row has no member that names its clip",
            where=where,
            fix="Name the member that holds the clip key with --score-key-field",
            code="scores.row-without-key",
        )
    return None


def _text(text: str, name: str, where: str) -> str:
    """Return ``text`` if it is valid Unicode: JSON escapes can spell halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"The {name} {text[:40]!a} is not valid Unicode",
            where=where,
            fix="Fix or remove the row",
            code="scores.not-unicode",
        ) from None
    return text


def _runtime(plans: Plans, frames: FrameMean | None) -> float | None:
    runtime = _first(plans, "runtime")
    if runtime is None:
        return frames.runtime_ms if frames is not None else None
    return as_runtime(runtime)


def _frames(plans: Plans, frames: FrameMean | None) -> int | None:
    if frames is not None:
        return frames.frames
    count = _first(plans, "frames")
    if isinstance(count, float) and count.is_integer():
        count = int(count)
    if count is None or (isinstance(count, str) and not count.strip()):
        return None
    whole = isinstance(count, int) and not isinstance(count, bool)
    return count if whole and 0 <= count < 1 << 63 else _NO_COUNT


def member_type_error(name: str, value: Any, where: str, wanted: str) -> InputError:
    """Return the error for a member that has another type than it should."""
    kinds = {dict: "an object", list: "a list", bool: "true or false", str: "text"}
    kind = kinds.get(type(value), "a number" if value is not None else "null")
    return InputError(
        f"The {name} is {kind} and should be {wanted}",
        where=where,
        fix="Fix the row, or name the right member with --score-key-field or --score-field",
        code="scores.member-type",
    )
