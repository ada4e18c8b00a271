"""The options of a join, declared once.

The flags of the commands, the schema of a batch manifest, the table in the README and the signature
of the library all follow from :class:`JoinOptions`. To add an option, add a field here and use it
where it acts.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar, cast

from msgspec import Meta
from provenance.toolkit import InputError

from labeljoin.keys.modes import KeyNormalize  # noqa: TC001  # read when flags are made
from labeljoin.labels.options import SCALE_PATTERN, LabelOptions, LabelScale, scale_limits

if TYPE_CHECKING:
    from labeljoin.keys.rule import KeyRule

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class JoinOptions:
    """The options of a join that shape its output or decide whether it passes.

    The description of each field is the help of its flag. ``extra`` adds what only the command
    line needs: the ``metavar`` of a value, other ``names`` of the flag, and whether a manifest may
    give a list (``listed``).

    Examples:
        >>> JoinOptions(min_match_rate=0.9).label_scale
        'auto'
        >>> JoinOptions(min_match_rate=1.2)
        Traceback (most recent call last):
        provenance.toolkit.errors.InputError: --min-match-rate must be between 0 and 1, got 1.2...

    Raises:
        InputError: A value is unusable.
    """

    key_column: Annotated[
        str | None,
        Meta(
            description="Key column of the features; found by its name by default.",
            extra_json_schema={"minLength": 1},
            extra={"metavar": "NAME", "names": ["feature_key_column"]},
        ),
    ] = None
    label_key_column: Annotated[
        str | None,
        Meta(
            description="Key column of the labels; found by its name by default.",
            extra_json_schema={"minLength": 1},
            extra={"metavar": "NAME"},
        ),
    ] = None
    label_mos_column: Annotated[
        str | None,
        Meta(
            description="MOS column of the labels; found by its name by default.",
            extra_json_schema={"minLength": 1},
            extra={"metavar": "NAME"},
        ),
    ] = None
    label_scale: Annotated[
        LabelScale,
        Meta(
            description="MOS scale of the labels; auto decides once per file and says why.",
            pattern=SCALE_PATTERN,
            extra={"metavar": "auto|1-5|0-100|LOW:HIGH"},
        ),
    ] = "auto"
    key_normalize: Annotated[
        KeyNormalize,
        Meta(
            description="How key values of both sides become clip keys; auto takes the last path "
            "part without a known media suffix."
        ),
    ] = "auto"
    feature_key_regex: Annotated[
        str | None,
        Meta(
            description="Searched in feature keys; the first group is the key, else the match.",
            extra_json_schema={"minLength": 1},
            extra={"metavar": "RE"},
        ),
    ] = None
    label_key_regex: Annotated[
        str | None,
        Meta(
            description="Searched in label keys, in the same way.",
            extra_json_schema={"minLength": 1},
            extra={"metavar": "RE"},
        ),
    ] = None
    ignore_case: Annotated[bool, Meta(description="Match keys case-insensitively.")] = False
    min_match_rate: Annotated[
        float,
        Meta(
            description="Coverage below which the join fails, from 0 to 1.",
            ge=0,
            le=1,
            extra={"metavar": "RATE"},
        ),
    ] = 0.95
    max_keyless_rate: Annotated[
        float,
        Meta(
            description="Share of rows without a clip key above which the join fails, from 0 to 1.",
            ge=0,
            le=1,
            extra={"metavar": "RATE"},
        ),
    ] = 0.05
    extras: Annotated[
        str,
        Meta(
            description="Label columns to copy beside the MOS; NAME=COLUMN renames one.",
            min_length=1,
            extra={"metavar": "auto|none|NAME,…", "listed": True},
        ),
    ] = "auto"
    status_column: Annotated[
        str,
        Meta(
            description="Column that says ok or missing-label.",
            min_length=1,
            extra={"metavar": "NAME"},
        ),
    ] = "mos_label_status"
    overwrite: Annotated[
        bool, Meta(description="Replace columns that the feature table already has.")
    ] = False

    def __post_init__(self) -> None:
        for name in ("min_match_rate", "max_keyless_rate"):
            rate = getattr(self, name)
            if not 0 <= rate <= 1:
                raise InputError(
                    f"--{name.replace('_', '-')} must be between 0 and 1, got {rate:.15g}",
                    fix="Give a share, such as 0.95 for 95 %",
                    code="options.not-a-share",
                )
        if self.label_scale != "auto":
            scale_limits(self.label_scale)
        if not self.status_column.strip():
            raise InputError(
                "the status column has no name",
                fix="Correct --status-column",
                code="options.unnamed-status-column",
            )

    @property
    def feature_rule(self) -> KeyRule:
        """The rule that makes clip keys of feature key values."""
        from labeljoin.keys.rule import KeyRule

        return KeyRule(self.key_normalize, self.feature_key_regex, self.ignore_case)

    @property
    def label_rule(self) -> KeyRule:
        """The rule that makes clip keys of label key values."""
        from labeljoin.keys.rule import KeyRule

        return KeyRule(self.key_normalize, self.label_key_regex, self.ignore_case)

    @property
    def label_options(self) -> LabelOptions:
        """How to read label files."""
        return LabelOptions(
            key_column=self.label_key_column,
            mos_column=self.label_mos_column,
            scale=self.label_scale,
            rule=self.label_rule,
            extras=self.extras,
        )

    def shaping(self) -> dict[str, Any]:
        """Return the options that shape the content of the output, as ``args`` of a run record."""
        passing = ("min_match_rate", "max_keyless_rate")
        return {name: value for name, value in asdict(self).items() if name not in passing}


def accepts_option_keywords(
    options: type, **renamed: str
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a function that takes ``options`` take their fields as keywords, as version 0.1 did.

    They give a DeprecationWarning, and go in 0.3.

    Args:
        options: The dataclass of the options.
        **renamed: Old names of fields, and their names now.

    Examples:
        >>> import warnings
        >>> @accepts_option_keywords(JoinOptions)
        ... def rate(options=None):
        ...     return (options or JoinOptions()).min_match_rate
        >>> with warnings.catch_warnings(action="ignore"):
        ...     rate(min_match_rate=0.5)
        0.5
    """
    names = {field.name: field.name for field in fields(options)} | renamed

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
            keywords = cast("dict[str, Any]", kwargs)
            given = {names[name]: keywords.pop(name) for name in list(keywords) if name in names}
            if given:
                package = function.__module__.partition(".")[0]
                warnings.warn(
                    f"give {package}.{function.__name__} its options as JoinOptions(...), not as "
                    f"keywords ({', '.join(given)})",
                    DeprecationWarning,
                    stacklevel=2,
                )
                keywords["options"] = options(**given)
            return function(*args, **kwargs)

        return wrapped

    return decorate
