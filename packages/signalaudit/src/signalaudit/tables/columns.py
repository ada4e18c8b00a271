"""What each column of a table is: the target, a signal, a category, or neither, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import secondopinion
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from signalaudit.tables.families import FamilySet

TARGETS = ("vmaf", "vmaf_score", "mos_raw_0_100", "mos", "dmos", "score")
"""Columns that a target is taken from where none is named, the first that the table has."""

MOS_TARGETS = ("mos_raw_0_100", "mos", "dmos")
"""Targets that are people's ratings."""

NOT_A_NUMBER = "not a number"
"""Why a column of no number and no category is excluded."""

Role = Literal["target", "other_target", "signal", "category", "excluded"]


@dataclass(frozen=True)
class Column:
    """One column and its part in the audit.

    Attributes:
        name: The column's name.
        role: ``target``; ``other_target``, a target that was not chosen and is no signal;
            ``signal``, a number that may carry quality; ``category``, text that serves a
            family of context; ``excluded``.
        reason: Why it is excluded, None otherwise.
        families: Keys of the families it serves, in the families' order.
        scorer: Slug of the scorer whose score it is, where it is a second opinion.
        full_reference: The first of its families that only a reference can give, or None.
        metadata_direction: ``higher`` or ``lower`` where the column's own metadata says so.
    """

    name: str
    role: Role
    reason: str | None = None
    families: tuple[str, ...] = ()
    scorer: str | None = None
    full_reference: str | None = None
    metadata_direction: Literal["higher", "lower"] | None = None


@dataclass(frozen=True)
class ColumnPlan:
    """The columns of a table, classified, in the table's order.

    Attributes:
        columns: All columns.
        target: Name of the target, or None.
        key: Name of the clip key column, or None.
        group: Name of the group column, or None.
        warnings: What the reader should know about the choice.
    """

    columns: tuple[Column, ...]
    target: str | None
    key: str | None
    group: str | None
    warnings: tuple[str, ...] = ()

    def of_role(self, role: Role) -> list[Column]:
        """The columns of one role, in the table's order."""
        return [column for column in self.columns if column.role == role]

    @property
    def signals(self) -> list[Column]:
        """The signal columns, in the table's order."""
        return self.of_role("signal")


def plan_columns(
    schema: pa.Schema,
    families: FamilySet,
    *,
    target: str | None = None,
    key: str | None = None,
    group: str | None = None,
    where: str = "",
) -> ColumnPlan:
    """Decide what each column is, from its name, type, metadata and the families.

    Args:
        schema: The table's Arrow schema.
        families: The families and the names that are never signals.
        target: The target to use; the first of :data:`TARGETS` unless given. A table without it
            is audited without a target, and a warning says so.
        key: The clip key column, or None.
        group: The group column, or None.
        where: The table's path, for errors.

    Raises:
        InputError: ``key`` or ``group`` names a column that the table lacks.
    """
    for flag, name in (("--key-column", key), ("--group-column", group)):
        if name is not None and name not in schema.names:
            raise InputError(
                f"there is no column {name!r}",
                where=where,
                fix=f"Give {flag} one of {', '.join(schema.names[:20])}",
            )
    chosen, warnings = _choose_target(schema, target)
    scores = {each.column: each for each in secondopinion.score_columns(schema)}
    columns = []
    for field in schema:
        score = scores.get(field.name)
        served = tuple(families.of(field.name))
        if field.name == chosen:
            column = Column(field.name, "target")
        elif score is not None and score.kind == "score" and is_number(field.type):
            column = Column(
                field.name,
                "signal",
                families=served or ("no_reference_ugc",),
                scorer=score.scorer,
                full_reference=_full_reference(served, families),
                metadata_direction=_metadata_direction(field),
            )
        elif score is not None:
            column = Column(field.name, "excluded", f"a second opinion's {score.kind}")
        else:
            column = _plain(field, families, served, key)
            if column.reason == NOT_A_NUMBER and served and is_text(field.type):
                warnings.append(
                    f"The column {field.name!r} holds text where {families[served[0]].name} "
                    "needs numbers, and is no signal."
                )
        columns.append(column)
    return ColumnPlan(tuple(columns), chosen, key, group, tuple(warnings))


def is_number(kind: pa.DataType) -> bool:
    """Whether values of an Arrow type can be read as float64."""
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_decimal(kind)
    )


def is_text(kind: pa.DataType) -> bool:
    """Whether an Arrow type holds text, plainly or by dictionary."""
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(
        pa.types.is_string(inner)
        or pa.types.is_large_string(inner)
        or pa.types.is_string_view(inner)
    )


def _choose_target(schema: pa.Schema, wanted: str | None) -> tuple[str | None, list[str]]:
    if wanted is not None:
        if wanted not in schema.names:
            return None, [f"The target {wanted!r} was asked for, and the table has no such column."]
        if not is_number(schema.field(wanted).type):
            return None, [f"The target {wanted!r} was asked for, and it does not hold numbers."]
        return wanted, []
    warnings: list[str] = []
    lowered = {name.lower(): name for name in reversed(schema.names)}
    for candidate in TARGETS:
        name = lowered.get(candidate)
        if name is None:
            continue
        if is_number(schema.field(name).type):
            return name, warnings
        warnings.append(f"The column {name!r} does not hold numbers and is no target.")
    return None, warnings


def _plain(
    field: pa.Field, families: FamilySet, served: tuple[str, ...], key: str | None
) -> Column:
    name = field.name
    if name.lower() in TARGETS and is_number(field.type):
        return Column(name, "other_target", families=served)
    if name == key:
        return Column(name, "excluded", "the clip key")
    reason = families.why_excluded(name)
    if reason is not None:
        return Column(name, "excluded", reason)
    if is_number(field.type):
        return Column(
            name,
            "signal",
            families=served,
            full_reference=_full_reference(served, families),
            metadata_direction=_metadata_direction(field),
        )
    # Text can describe a clip, and never judge it: adm2 with a stray word in it measures nothing.
    described = tuple(key for key in served if families[key].context)
    if is_text(field.type) and described:
        return Column(name, "category", families=described)
    return Column(name, "excluded", NOT_A_NUMBER)


def _full_reference(served: Sequence[str], families: FamilySet) -> str | None:
    return next((key for key in served if families[key].needs == "reference"), None)


def _metadata_direction(field: pa.Field) -> Literal["higher", "lower"] | None:
    said = (field.metadata or {}).get(b"moskit.direction")
    if said == b"higher":
        return "higher"
    return "lower" if said == b"lower" else None


def names(columns: Sequence[Column]) -> list[str]:
    """The names of ``columns``."""
    return [column.name for column in columns]
