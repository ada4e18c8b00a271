"""The options of a join, checked once for commands, manifests and library calls."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypedDict, get_args

from labeljoin.keys import KeyNormalize, KeyRule
from labeljoin.labels import TrainedOn, parse_trained_on
from provenance.toolkit import InputError

from secondopinion.readers.registry import AUTO, readers, unknown_format
from secondopinion.scorers.columns import DEFAULT_PREFIX
from secondopinion.scorers.facts import Direction, parse_directions, parse_ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

MissingPolicy = Literal["mark", "drop", "fail"]
MISSING_POLICIES: tuple[MissingPolicy, ...] = get_args(MissingPolicy)


@dataclass(frozen=True)
class JoinOptions:
    """The options of a join.

    Attributes:
        format: The layout of all score files; ``auto`` finds each file's from its content.
        key_column: The key column of the feature table; None infers it.
        score_key_field: The member or column of the score files that names the clip.
        score_field: The member or column of the score files that holds the score.
        key_normalize: How key values of both sides become clip keys.
        feature_key_regex: Searched in the normalised feature keys.
        score_key_regex: Searched in the normalised score keys.
        ignore_case: Match keys case-insensitively.
        missing: ``mark`` rows without a score, ``drop`` them, or ``fail``.
        direction: ``SCORER=higher`` or ``SCORER=lower``; overrides the registry.
        score_range: ``SCORER=LOW:HIGH``, the bounds of its scale; overrides the registry.
        trained_on: ``SCORER=CORPUS``: what a scorer was trained on; overrides the registry.
        corpus: The corpus of the feature table, if its ``corpus`` column does not state it.
        prefix: The prefix of the names of added columns.
        overwrite: Replace columns that the feature table already has.

    Raises:
        InputError: An option has an invalid value.
    """

    format: str = AUTO
    key_column: str | None = None
    score_key_field: str | None = None
    score_field: str | None = None
    key_normalize: KeyNormalize = "auto"
    feature_key_regex: str | None = None
    score_key_regex: str | None = None
    ignore_case: bool = False
    missing: MissingPolicy = "mark"
    direction: Sequence[str] = ()
    score_range: Sequence[str] = ()
    trained_on: Sequence[str] = ()
    corpus: str | None = None
    prefix: str = DEFAULT_PREFIX
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.missing not in MISSING_POLICIES:
            raise InputError(
                f"The policy {self.missing!r} for missing scores does not exist",
                fix=f"Use --missing with one of {', '.join(MISSING_POLICIES)}",
                code="scores.missing-policy",
            )
        if self.format != AUTO and self.format not in readers():
            raise unknown_format(self.format)
        if not self.prefix.strip():
            raise InputError(
                "The prefix of the columns is blank",
                fix="Give --prefix a letter or more",
                code="scores.blank-prefix",
            )
        object.__setattr__(self, "direction", tuple(self.direction))
        object.__setattr__(self, "score_range", tuple(self.score_range))
        object.__setattr__(self, "trained_on", tuple(self.trained_on))
        _ = self.directions, self.ranges, self.training, self.feature_rule, self.score_rule

    @cached_property
    def directions(self) -> dict[str, Direction]:
        """The directions that you gave, by slug."""
        return parse_directions(self.direction)

    @cached_property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """The ranges that you gave, by slug."""
        return parse_ranges(self.score_range)

    @cached_property
    def training(self) -> dict[str, TrainedOn]:
        """What you stated that scorers were trained on, by slug."""
        return parse_trained_on(self.trained_on)

    @cached_property
    def feature_rule(self) -> KeyRule:
        """The rule that turns feature key values into clip keys."""
        return KeyRule(self.key_normalize, self.feature_key_regex, self.ignore_case)

    @cached_property
    def score_rule(self) -> KeyRule:
        """The rule that turns the clip names of score files into clip keys."""
        return KeyRule(self.key_normalize, self.score_key_regex, self.ignore_case)

    def reading(self) -> dict[str, Any]:
        """Return the options that :func:`read_opinions` takes."""
        return {
            "rule": self.score_rule,
            "format": self.format,
            "score_key_field": self.score_key_field,
            "score_field": self.score_field,
            "directions": self.directions,
            "ranges": self.ranges,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the options by name, as a run record lists them."""
        named = {name: getattr(self, name) for name in OPTION_NAMES}
        lists = ("direction", "score_range", "trained_on")
        return named | {name: list(named[name]) for name in lists}


class JoinKeywords(TypedDict, total=False):
    """The fields of :class:`JoinOptions` as keyword arguments."""

    format: str
    key_column: str | None
    score_key_field: str | None
    score_field: str | None
    key_normalize: KeyNormalize
    feature_key_regex: str | None
    score_key_regex: str | None
    ignore_case: bool
    missing: MissingPolicy
    direction: Sequence[str]
    score_range: Sequence[str]
    trained_on: Sequence[str]
    corpus: str | None
    prefix: str
    overwrite: bool


OPTION_NAMES = tuple(field.name for field in fields(JoinOptions))
"""The options that :func:`materialize` and a manifest's tables take."""
