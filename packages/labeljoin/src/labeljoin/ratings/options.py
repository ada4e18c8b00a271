"""The options that shape MOS made from ratings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from provenance.toolkit import InputError

Method = Literal["p910", "p913", "bt500", "mean"]
METHODS: tuple[Method, ...] = ("p910", "p913", "bt500", "mean")

Repetitions = Literal["mean", "keep", "last"]
REPETITIONS: tuple[Repetitions, ...] = ("mean", "keep", "last")

OffScale = Literal["refuse", "drop"]
OFF_SCALE: tuple[OffScale, ...] = ("refuse", "drop")

ANONYMOUS = "none"
"""The value of ``--rater-column`` for votes that nobody's name is on."""


@dataclass(frozen=True)
class RatingOptions:
    """How ratings are read and what is made of them.

    Attributes:
        method: The method that makes MOS of votes.
        clip_column: The column that identifies the clip of a vote, inferred if None.
        rater_column: The column that identifies the rater, inferred if None; ``none`` for
            anonymous votes, which only the method ``mean`` takes.
        score_column: The column with the vote, inferred if None.
        session_column: The column that tells one rater's repeated votes apart, inferred if None.
        reference_column: The column that names the hidden reference of each clip, or marks
            references (0 and 1) within their content. With it the output is a DMOS.
        content_column: The column that names the content, inferred if None; needed where
            ``reference_column`` only marks references.
        scale: ``auto``, ``1-5``, ``0-100`` or ``LOW:HIGH``.
        repetitions: What to do with several votes of one rater on one clip. If None, votes of
            different sessions all count, and other votes that differ are refused.
        off_scale: What to do with votes off the scale.
        min_ratings: Clips with fewer votes that count get no MOS.
    """

    method: Method = "p910"
    clip_column: str | None = None
    rater_column: str | None = None
    score_column: str | None = None
    session_column: str | None = None
    reference_column: str | None = None
    content_column: str | None = None
    scale: str = "auto"
    repetitions: Repetitions | None = None
    off_scale: OffScale = "refuse"
    min_ratings: int = 1

    def __post_init__(self) -> None:
        _one_of("method", self.method, METHODS)
        _one_of("off_scale", self.off_scale, OFF_SCALE)
        if self.repetitions is not None:
            _one_of("repetitions", self.repetitions, REPETITIONS)
        if self.min_ratings < 1:
            raise InputError(
                f"--min-ratings must be at least 1, got {self.min_ratings}",
                code="ratings.least-votes",
                fix="Give a whole number from 1",
            )
        if self.anonymous and self.method != "mean":
            raise InputError(
                f"the method {self.method} compares raters, and --rater-column none says that "
                "votes are anonymous",
                code="ratings.anonymous",
                fix="Use --method mean, or name the rater column",
            )

    @property
    def anonymous(self) -> bool:
        """Whether no vote says who cast it."""
        return self.rater_column == ANONYMOUS

    def to_dict(self) -> dict[str, Any]:
        """The options by name, as a run record holds them."""
        return asdict(self)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(
            f"unknown --{name.replace('_', '-')} {value!r}",
            code="ratings.unknown-option",
            fix=f"Use {', '.join(allowed)}",
        )
