"""The options of a join, checked once, as commands, manifests and library calls give them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

from labeljoin.keys import KeyNormalize, KeyRule
from labeljoin.labels import TrainedOn, parse_trained_on
from provenance.toolkit import InputError

from secondopinion.readers.registry import AUTO, readers, unknown_format
from secondopinion.scorers.columns import DEFAULT_PREFIX
from secondopinion.scorers.facts import Direction, parse_directions

if TYPE_CHECKING:
    from collections.abc import Mapping

MissingPolicy = Literal["mark", "drop", "fail"]
MISSING_POLICIES: tuple[MissingPolicy, ...] = get_args(MissingPolicy)


@dataclass(frozen=True)
class JoinOptions:
    """The options that shape what a join makes.

    Attributes:
        format: The layout of all score files; ``auto`` finds each file's from its content.
        key_column: The key column of the feature table, inferred unless given.
        score_key_field: The member or column of the score files that names the clip.
        score_field: The member or column of the score files that holds the score.
        key_normalize: How key values of both sides become clip keys.
        feature_key_regex: Searched in the normalised feature keys.
        score_key_regex: Searched in the normalised score keys.
        ignore_case: Let keys that differ in case only meet.
        missing: ``mark`` rows without a score, ``drop`` them, or ``fail``.
        direction: ``SCORER=higher`` or ``SCORER=lower``, before what the registry knows.
        trained_on: ``SCORER=CORPUS``: what a scorer was trained on, before what is published.
        corpus: Name of the corpus of the feature table, where its ``corpus`` column does not say.
        prefix: What the names of added columns begin with.
        overwrite: Replace columns that the feature table already has.

    Raises:
        InputError: An option has a value that it cannot have.
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
    direction: tuple[str, ...] = ()
    trained_on: tuple[str, ...] = ()
    corpus: str | None = None
    prefix: str = DEFAULT_PREFIX
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.missing not in MISSING_POLICIES:
            raise InputError(
                f"There is no policy {self.missing!r} for missing scores",
                fix=f"Use --missing {', '.join(MISSING_POLICIES)}",
            )
        if self.format != AUTO and self.format not in readers():
            raise unknown_format(self.format)
        if not self.prefix.strip():
            raise InputError("The prefix of the columns is blank", fix="Correct --prefix")
        object.__setattr__(self, "direction", tuple(self.direction))
        object.__setattr__(self, "trained_on", tuple(self.trained_on))
        _ = self.directions, self.training, self.feature_rule, self.score_rule

    @cached_property
    def directions(self) -> dict[str, Direction]:
        """The directions that the operator gave, by slug."""
        return parse_directions(self.direction)

    @cached_property
    def training(self) -> dict[str, TrainedOn]:
        """What the operator said that scorers were trained on, by slug."""
        return parse_trained_on(self.trained_on)

    @cached_property
    def feature_rule(self) -> KeyRule:
        """How feature key values become clip keys."""
        return KeyRule(self.key_normalize, self.feature_key_regex, self.ignore_case)

    @cached_property
    def score_rule(self) -> KeyRule:
        """How the score files' names of clips become clip keys."""
        return KeyRule(self.key_normalize, self.score_key_regex, self.ignore_case)

    def reading(self) -> dict[str, Any]:
        """What :func:`read_opinions` takes of the options."""
        return {
            "rule": self.score_rule,
            "format": self.format,
            "score_key_field": self.score_key_field,
            "score_field": self.score_field,
            "directions": self.directions,
        }

    def to_dict(self) -> dict[str, Any]:
        """The options by name, as a run record holds them."""
        named = {name: getattr(self, name) for name in OPTION_NAMES}
        return {
            **named,
            "direction": list(self.direction),
            "trained_on": list(self.trained_on),
        }


OPTION_NAMES = tuple(field.name for field in fields(JoinOptions))
"""The options that :func:`materialize` and a manifest's tables take."""


def options_of(options: Mapping[str, Any]) -> JoinOptions:
    """Keyword arguments as :class:`JoinOptions`.

    Raises:
        TypeError: One of them is no option.
        InputError: One of them has a value that it cannot have.
    """
    unknown = sorted(set(options) - set(OPTION_NAMES))
    if unknown:
        raise TypeError(f"unknown join option {unknown[0]!r}")
    return JoinOptions(**options)
