"""The options of a join: what shapes its output, and what it has to reach."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from provenance.toolkit import InputError

from labeljoin.keys.rule import KeyNormalize, KeyRule
from labeljoin.labels.index import LabelOptions
from labeljoin.labels.scale import LabelScale, scale_limits

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class JoinOptions:
    """The options of a join that shape what it makes or whether it passes.

    Attributes:
        feature_key_column: The key column of the feature table, inferred unless given.
        label_key_column: The key column of every label file, inferred per file unless given.
        label_mos_column: The MOS column of every label file, inferred per file unless given.
        label_scale: The MOS scale of every label file, decided per file when ``auto``.
        key_normalize: How key values of both sides become clip keys.
        feature_key_regex: Searched in the normalised feature keys.
        label_key_regex: Searched in the normalised label keys.
        ignore_case: Let keys that differ in case only meet.
        min_match_rate: The coverage below which the join fails, in [0, 1].
        max_keyless_rate: The share of keyless rows above which the join fails, in [0, 1].
        extras: ``auto``, ``none``, or label columns separated by commas, ``NAME`` or
            ``NAME=COLUMN``.
        status_column: The name of the column that says ``ok`` or ``missing-label``.
        overwrite: Replace columns that the feature table already has.
    """

    feature_key_column: str | None = None
    label_key_column: str | None = None
    label_mos_column: str | None = None
    label_scale: LabelScale = "auto"
    key_normalize: KeyNormalize = "auto"
    feature_key_regex: str | None = None
    label_key_regex: str | None = None
    ignore_case: bool = False
    min_match_rate: float = 0.95
    max_keyless_rate: float = 0.05
    extras: str = "auto"
    status_column: str = "mos_label_status"
    overwrite: bool = False

    def __post_init__(self) -> None:
        for name in ("min_match_rate", "max_keyless_rate"):
            rate = getattr(self, name)
            if not 0 <= rate <= 1:
                flag = f"--{name.replace('_', '-')}"
                raise InputError(
                    f"{flag} {rate:g} is no share", fix="Give a number from 0 to 1, 0.95 for 95 %"
                )
        if self.label_scale != "auto":
            scale_limits(self.label_scale)
        if not self.status_column.strip():
            raise InputError("the status column has no name", fix="Correct --status-column")

    @property
    def feature_rule(self) -> KeyRule:
        """How feature key values become clip keys."""
        return KeyRule(self.key_normalize, self.feature_key_regex, self.ignore_case)

    @property
    def label_rule(self) -> KeyRule:
        """How label key values become clip keys."""
        return KeyRule(self.key_normalize, self.label_key_regex, self.ignore_case)

    @property
    def label_options(self) -> LabelOptions:
        """How label files are to be understood."""
        return LabelOptions(
            key_column=self.label_key_column,
            mos_column=self.label_mos_column,
            scale=self.label_scale,
            rule=self.label_rule,
            extras=self.extras,
        )

    def shaping(self) -> dict[str, Any]:
        """The options that shape the content of the output, as ``args`` of a run record."""
        passing = ("min_match_rate", "max_keyless_rate")
        return {name: value for name, value in asdict(self).items() if name not in passing}


OPTION_NAMES = tuple(field.name for field in fields(JoinOptions))
"""The options that :func:`materialize`, :func:`join` and a manifest's tables take."""


def join_options(options: Mapping[str, Any]) -> JoinOptions:
    """Options by name.

    Raises:
        InputError: A value is unusable.
        TypeError: There is no option of a name.
    """
    unknown = sorted(set(options) - set(OPTION_NAMES))
    if unknown:
        raise TypeError(f"unknown join option {unknown[0]!r}")
    return JoinOptions(**options)
