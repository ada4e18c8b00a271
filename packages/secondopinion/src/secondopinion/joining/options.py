"""The options of a join, declared once.

The flags of the commands, the schema of a batch manifest, the table in the README and the signature
of the library all follow from :class:`JoinOptions`. To add an option, add a field here and use it
where it acts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Annotated, Any, Literal, get_args

from labeljoin import keys, labels
from msgspec import Meta
from provenance.toolkit import InputError

from secondopinion.scorers.facts import Direction, parse_directions, parse_ranges

MissingPolicy = Literal["mark", "drop", "fail"]
Texts = Sequence[Annotated[str, Meta(min_length=1)]]


@dataclass(frozen=True)
class JoinOptions:
    """The options of a join.

    The description of each field is the help of its flag. ``extra`` adds what only the command
    line needs, such as the ``metavar`` of a value. An option that takes several values is a flag
    that may be repeated.

    Examples:
        >>> JoinOptions(direction=["niqe=lower"]).directions
        {'niqe': 'lower'}

    Raises:
        InputError: An option has an invalid value.
    """

    format: Annotated[
        str,
        Meta(
            description="The layout of all score files; auto finds each file's from its content.",
            extra={
                "metavar": "auto|rows|clip-scores|wrapper|dover-csv|pyiqa-csv|qalign-json|"
                "fastvqa-log|vmaf-json"
            },
            min_length=1,
        ),
    ] = "auto"
    key_column: Annotated[
        str | None,
        Meta(
            description="Key column of the feature table; found by its name by default.",
            extra_json_schema={"minLength": 1},
            extra={"metavar": "NAME"},
        ),
    ] = None
    score_key_field: Annotated[
        str | None,
        Meta(
            description="Member or column of the scores that names the clip.",
            extra_json_schema={"minLength": 1},
            extra={"metavar": "NAME"},
        ),
    ] = None
    score_field: Annotated[
        str | None,
        Meta(
            description="Member or column of the scores that holds the score.",
            extra_json_schema={"minLength": 1},
            extra={"metavar": "NAME"},
        ),
    ] = None
    key_normalize: Annotated[
        keys.KeyNormalize, Meta(description="How key values of both sides become clip keys.")
    ] = "auto"
    feature_key_regex: Annotated[
        str | None,
        Meta(
            description="Searched in the feature keys.",
            extra_json_schema={"minLength": 1},
            extra={"metavar": "RE"},
        ),
    ] = None
    score_key_regex: Annotated[
        str | None,
        Meta(
            description="Searched in the score keys.",
            extra_json_schema={"minLength": 1},
            extra={"metavar": "RE"},
        ),
    ] = None
    ignore_case: Annotated[bool, Meta(description="Match keys case-insensitively.")] = False
    missing: Annotated[
        MissingPolicy,
        Meta(
            description="Rows that lack a score: mark them, drop them, or fail with the audit "
            "alone."
        ),
    ] = "mark"
    min_match_rate: Annotated[
        float,
        Meta(
            description="Share of the clips that every scorer has to match, from 0 to 1; below it "
            "the join fails.",
            ge=0,
            le=1,
            extra={"metavar": "RATE"},
        ),
    ] = 0.0
    direction: Annotated[
        Texts,
        Meta(
            description="Which scores of a scorer mean better quality. Repeatable.",
            extra={"metavar": "SCORER=higher|lower"},
        ),
    ] = ()
    score_range: Annotated[
        Texts,
        Meta(
            description="The bounds of a scorer's scale. Repeatable.",
            extra={"metavar": "SCORER=LOW:HIGH"},
        ),
    ] = ()
    trained_on: Annotated[
        Texts,
        Meta(
            description="What a scorer was trained on; CORPUS none for nothing. Repeatable.",
            extra={"metavar": "SCORER=CORPUS"},
        ),
    ] = ()
    corpus: Annotated[
        str | None,
        Meta(
            description="Corpus of the feature table, if its column corpus does not state it.",
            extra_json_schema={"minLength": 1},
            extra={"metavar": "NAME"},
        ),
    ] = None
    prefix: Annotated[
        str,
        Meta(
            description="What the names of added columns begin with.",
            min_length=1,
            extra={"metavar": "TEXT"},
        ),
    ] = "second_opinion"
    overwrite: Annotated[
        bool, Meta(description="Replace columns that the feature table already has.")
    ] = False

    def __post_init__(self) -> None:
        from secondopinion.readers.registry import AUTO, readers, unknown_format  # needs Arrow

        policies = get_args(MissingPolicy)
        if self.missing not in policies:
            raise InputError(
                f"The policy {self.missing!r} for missing scores does not exist",
                fix=f"Use --missing with one of {', '.join(policies)}",
                code="scores.missing-policy",
            )
        if self.format != AUTO and self.format not in readers():
            raise unknown_format(self.format)
        if not 0 <= self.min_match_rate <= 1:
            raise InputError(
                f"--min-match-rate must be between 0 and 1, got {self.min_match_rate:g}",
                fix="Give a share, such as 0.95 for 95 %",
                code="scores.not-a-share",
            )
        if not self.prefix.strip():
            raise InputError(
                "The prefix of the columns is blank",
                fix="Give --prefix a letter or more",
                code="scores.blank-prefix",
            )
        for name in ("direction", "score_range", "trained_on"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
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
    def training(self) -> dict[str, labels.TrainedOn]:
        """What you stated that scorers were trained on, by slug."""
        return labels.parse_trained_on(self.trained_on)

    @cached_property
    def feature_rule(self) -> keys.KeyRule:
        """The rule that turns feature key values into clip keys."""
        return keys.KeyRule(self.key_normalize, self.feature_key_regex, self.ignore_case)

    @cached_property
    def score_rule(self) -> keys.KeyRule:
        """The rule that turns the clip names of score files into clip keys."""
        return keys.KeyRule(self.key_normalize, self.score_key_regex, self.ignore_case)

    def shaping(self) -> dict[str, Any]:
        """Return the options that shape the content of the output."""
        return {name: each for name, each in self.to_dict().items() if name != "min_match_rate"}

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
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in named.items()}
