"""Feature schemas: named, versioned, ordered, append-only lists of feature columns.

The built-in ones are the TOML files in ``schema_files``; a custom one has the same layout:

    id = "ugc-v1"
    columns = ["videval_*", "second_opinion_dover_score"]   # globs allowed
    required = ["second_opinion_dover_score"]   # optional: all that are not filled
    [fill]                                      # optional
    shot_count_norm = 0.0
"""

from __future__ import annotations

import difflib
import fnmatch
import math
import os
import re
import tomllib
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.toolkit import InputError, read_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

BUILT_IN = ("konvid-v1", "chug-hdr-wide-v1", "chug-hdr-display-v1")

_MEMBERS = ("id", "columns", "required", "fill", "summary", "description", "version")

LABEL_COLUMN = re.compile(
    r"mos|mos_.*|(mean|raw|gt|true|pred|predicted)_mos|mosfull|moschunk.*|gt_score|video_score"
    r"|std_?dev|stdfull|sos_j|n_ratings|rating_count|x_subjects",
    re.IGNORECASE,
)
"""Columns that carry the answer: labels, their extras, and predictions made from labels."""


@dataclass(frozen=True)
class FeatureSchema:
    """A named, versioned, ordered list of feature columns with a fill policy.

    Attributes:
        id: Name with its version, e.g. ``konvid-v1``.
        columns: Feature columns in input order; once published, never changed. Globs until
            :meth:`resolve`.
        required: Columns that a table must have.
        fill: Value for each column that may be absent or null, e.g. ``{"saliency_var": 0.0}``.
        summary: What the schema is for, in one sentence.
    """

    id: str
    columns: tuple[str, ...]
    required: tuple[str, ...]
    fill: Mapping[str, float] = field(default_factory=dict)
    summary: str = ""

    @property
    def has_globs(self) -> bool:
        """Whether :meth:`resolve` is needed before use."""
        return any(is_glob(name) for name in (*self.columns, *self.required, *self.fill))

    def resolve(self, numeric: Sequence[str], others: Sequence[str] = ()) -> FeatureSchema:
        """Replace each glob by the table columns that it matches, in the table's order.

        Args:
            numeric: Names of the table's numeric columns.
            others: Names of its other columns.

        Raises:
            InputError: A glob matches nothing, a label column, or a column without numbers.
        """
        columns = tuple(self._expand(numeric, others))
        fill = {
            column: value
            for name, value in self.fill.items()
            for column in fnmatch.filter(columns, name)
        }
        required = tuple(
            column
            for column in columns
            if column not in fill and (not self.required or _matches(column, self.required))
        )
        return replace(self, columns=columns, required=required, fill=fill)

    def _expand(self, numeric: Sequence[str], others: Sequence[str]) -> Iterable[str]:
        seen: set[str] = set()
        for name in self.columns:
            matches = [name]
            if is_glob(name):
                matches = [column for column in numeric if fnmatch.fnmatchcase(column, name)]
                _refuse_labels(self.id, matches, pattern=name)
                wordy = [column for column in others if fnmatch.fnmatchcase(column, name)]
                if wordy:
                    raise InputError(
                        f"the glob {name!r} also matches columns that hold no numbers: "
                        f"{_some(wordy)}",
                        where=f"feature schema {self.id}",
                        fix=f"Narrow it, e.g. {name.rstrip('*')}*_score",
                        code="feature-schema.glob-matches-text",
                    )
                if not matches:
                    raise InputError(
                        f"the glob {name!r} matches no column of the feature table",
                        where=f"feature schema {self.id}",
                        fix=f"The table has {_some(numeric)}",
                        code="feature-schema.glob-matches-nothing",
                    )
            for match in matches:
                if match not in seen:
                    seen.add(match)
                    yield match

    def to_dict(self) -> dict[str, Any]:
        """The schema as JSON: ``id, columns, required, fill``; :meth:`from_dict` reads it back."""
        return {
            "id": self.id,
            "columns": list(self.columns),
            "required": list(self.required),
            "fill": dict(self.fill),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> FeatureSchema:
        """Read what :meth:`to_dict` wrote."""
        return cls(
            id=document["id"],
            columns=tuple(document["columns"]),
            required=tuple(document["required"]),
            fill={name: float(value) for name, value in document["fill"].items()},
        )


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def is_glob(name: str) -> bool:
    """Whether a schema entry is a pattern rather than a column name."""
    return any(character in name for character in "*?[")


def load_schema(name_or_path: str | os.PathLike[str]) -> FeatureSchema:
    """Load a built-in schema by name, or a custom one from a TOML file.

    Raises:
        InputError: There is no such schema, or the file does not hold one.

    Example:
        >>> schema = load_schema("konvid-v1")
        >>> len(schema.columns) > 5
        True
    """
    if str(name_or_path) in BUILT_IN:
        text = (files("moshead.features") / "schema_files" / f"{name_or_path}.toml").read_text(
            "utf-8"
        )
        return _parse(text, where=str(name_or_path))
    path = Path(name_or_path)
    if path.suffix.lower() != ".toml" and not path.exists():
        raise InputError(
            f"there is no feature schema {str(name_or_path)!r}",
            fix=f"Use {', '.join(BUILT_IN)}, or a TOML file with id and columns",
            code="feature-schema.unknown",
        )
    raw = read_document(path, "The feature schema")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            "the feature schema is not UTF-8 text",
            where=str(path),
            fix="Give a TOML file with id and columns",
            code="feature-schema.not-text",
        ) from error
    return _parse(text, where=str(path))


def built_in_schemas() -> tuple[FeatureSchema, ...]:
    """Return the schemas that come with moshead.

    Example:
        >>> [schema.id for schema in built_in_schemas()]
        ['konvid-v1', 'chug-hdr-wide-v1', 'chug-hdr-display-v1']
    """
    return tuple(load_schema(name) for name in BUILT_IN)


def _parse(text: str, *, where: str) -> FeatureSchema:
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(
            f"the feature schema is not valid TOML: {error}",
            where=where,
            fix="Correct the file",
            code="feature-schema.not-toml",
        ) from error
    for member in document:
        if member not in _MEMBERS:
            close = difflib.get_close_matches(member, _MEMBERS, n=1)
            raise InputError(
                f"the feature schema has an unknown member, {member}",
                where=where,
                fix=f"Did you mean {close[0]}" if close else f"Keep to {', '.join(_MEMBERS)}",
                code="feature-schema.unknown-member",
            )
    name = document.get("id")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise InputError(
            "the feature schema has no usable id",
            where=where,
            fix='Add e.g. id = "my-features-v1"',
            code="feature-schema.no-id",
        )
    if name in BUILT_IN and where != name:
        raise InputError(
            f"the id {name} belongs to a built-in schema",
            where=where,
            fix="Choose another id, or name the built-in schema instead of a file",
            code="feature-schema.id-taken",
        )
    columns = _names(document, "columns", where=where)
    if not columns:
        raise InputError(
            "the feature schema lists no columns",
            where=where,
            fix="Add columns",
            code="feature-schema.no-columns",
        )
    fill = _fill(document.get("fill", {}), where=where)
    # True says what an absent member says: every column that is not filled.
    every = document.get("required", True) is True
    required = () if every else _names(document, "required", where=where)
    _check_names(columns, required, tuple(fill), where=where)
    _refuse_labels(name, [column for column in columns if not is_glob(column)])
    summary = str(document.get("summary", document.get("description", "")))
    schema = FeatureSchema(name, columns, required, fill, summary)
    # Without globs there is nothing to wait for.
    return schema if schema.has_globs else schema.resolve(columns)


def _fill(fill: object, *, where: str) -> dict[str, float]:
    """A table of numbers, or a list of columns that are filled with 0."""
    if isinstance(fill, list) and all(isinstance(name, str) for name in fill):
        return dict.fromkeys(fill, 0.0)
    if isinstance(fill, dict) and all(_is_number(value) for value in fill.values()):
        return {name: float(value) for name, value in fill.items()}
    raise InputError(
        "fill must give a finite number for each column, or list columns to fill with 0",
        where=where,
        fix="Write e.g. [fill] and shot_count_norm = 0.0",
        code="feature-schema.fill",
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _names(document: Mapping[str, Any], member: str, *, where: str) -> tuple[str, ...]:
    names = document.get(member, [])
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise InputError(
            f"{member} must be a list of column names",
            where=where,
            fix=f'Write e.g. {member} = ["adm2", "videval_*"]',
            code="feature-schema.names",
        )
    return tuple(names)


def _check_names(
    columns: tuple[str, ...], required: tuple[str, ...], fill: tuple[str, ...], *, where: str
) -> None:
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise InputError(
            f"columns are listed twice: {', '.join(repeated)}",
            where=where,
            fix="List each once",
            code="feature-schema.repeated-columns",
        )
    for member, names in (("required", required), ("fill", fill)):
        for name in names:
            if not _matches(name, columns) and not fnmatch.filter(columns, name):
                raise InputError(
                    f"{member} names {name!r}, which is not among the columns",
                    where=where,
                    fix="Add it to columns, or remove it there",
                    code="feature-schema.not-a-column",
                )
    both = sorted(set(required) & set(fill))
    if both:
        raise InputError(
            f"columns cannot be both required and filled: {', '.join(both)}",
            where=where,
            fix="Take them out of one of the two",
            code="feature-schema.required-and-filled",
        )


def _refuse_labels(schema: str, columns: Sequence[str], *, pattern: str | None = None) -> None:
    labels = [column for column in columns if LABEL_COLUMN.fullmatch(column)]
    if labels:
        via = f" (through the glob {pattern!r})" if pattern else ""
        raise InputError(
            f"the schema takes label columns as features{via}: {_some(labels)}; "
            "a head that is shown the answer learns nothing",
            where=f"feature schema {schema}",
            fix="Leave label columns, their extras and MOS predictions out of columns",
            code="feature-schema.label-columns",
        )


def _some(names: Sequence[str], limit: int = 6) -> str:
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown}, and {len(names) - limit} more"
