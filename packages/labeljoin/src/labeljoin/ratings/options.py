"""The options that shape MOS made from ratings, declared once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, get_args

from msgspec import Meta
from provenance.toolkit import InputError

Method = Literal["p910", "p913", "bt500", "mean"]
Repetitions = Literal["mean", "keep", "last"]
OffScale = Literal["refuse", "drop"]

ANONYMOUS = "none"
"""The value of ``--rater-column`` for anonymous votes."""


@dataclass(frozen=True)
class RatingOptions:
    """How ratings are read and what is made of them.

    The flags of the commands and the members of a batch manifest follow from these fields, as in
    :class:`labeljoin.JoinOptions`.

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

    method: Annotated[
        Method,
        Meta(
            description="p910: rater model of ITU-T P.910; p913: bias removal and rejection of "
            "P.913; bt500: rejection of BT.500; mean: plain mean."
        ),
    ] = "p910"
    clip_column: Annotated[
        str | None,
        Meta(
            description="Clip column of the ratings; inferred by name.",
            extra_json_schema={"minLength": 1},
            extra={"metavar": "NAME"},
        ),
    ] = None
    rater_column: Annotated[
        str | None,
        Meta(
            description="Rater column; inferred by name. none: votes are anonymous (method mean).",
            extra_json_schema={"minLength": 1},
            extra={"metavar": "NAME"},
        ),
    ] = None
    score_column: Annotated[
        str | None,
        Meta(
            description="Score column; inferred by name.",
            extra_json_schema={"minLength": 1},
            extra={"metavar": "NAME"},
        ),
    ] = None
    session_column: Annotated[
        str | None,
        Meta(
            description="Column that tells a rater's repeated votes apart; inferred.",
            extra_json_schema={"minLength": 1},
            extra={"metavar": "NAME"},
        ),
    ] = None
    reference_column: Annotated[
        str | None,
        Meta(
            description="Column that names (or marks) the hidden reference of a clip: makes DMOS.",
            extra_json_schema={"minLength": 1},
            extra={"metavar": "NAME"},
        ),
    ] = None
    content_column: Annotated[
        str | None,
        Meta(
            description="Content column, where --reference-column only marks references.",
            extra_json_schema={"minLength": 1},
            extra={"metavar": "NAME"},
        ),
    ] = None
    scale: Annotated[
        str,
        Meta(
            description="Scale of the votes; auto decides by their range.",
            extra={"metavar": "auto|1-5|0-100|LOW:HIGH"},
        ),
    ] = "auto"
    repetitions: Annotated[
        Repetitions | None,
        Meta(
            description="What to do with several votes of a rater on a clip. Without it, votes of "
            "different sessions all count, and others that differ are refused."
        ),
    ] = None
    off_scale: Annotated[OffScale, Meta(description="What to do with votes off the scale.")] = (
        "refuse"
    )
    min_ratings: Annotated[
        int,
        Meta(
            description="Clips with fewer votes get no MOS.",
            ge=1,
            extra={"metavar": "N"},
        ),
    ] = 1

    def __post_init__(self) -> None:
        _one_of("method", self.method, get_args(Method))
        _one_of("off_scale", self.off_scale, get_args(OffScale))
        if self.repetitions is not None:
            _one_of("repetitions", self.repetitions, get_args(Repetitions))
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
