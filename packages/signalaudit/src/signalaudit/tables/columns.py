"""The role of each column of a table: target, signal, category or neither, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import secondopinion
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from signalaudit.documents import Direction
    from signalaudit.tables.families import FamilySet

RATINGS = ("mos", "mos_raw_0_100", "dmos")
"""Columns of human ratings. As targets they come before any metric."""

VMAF_COLUMNS = ("vmaf", "vmaf_score")
"""Columns of VMAF itself: a target for tables without ratings, a signal in all others."""

TARGETS = (*RATINGS, *VMAF_COLUMNS, "score")
"""Possible targets if none is named; the first that the table has is used."""

NOT_A_NUMBER = "not a number"
"""Why a column that holds neither numbers nor a category is excluded."""

Role = Literal["target", "other_target", "signal", "category", "excluded"]


@dataclass(frozen=True)
class Column:
    """One column and its role in the audit.

    Attributes:
        name: The column's name.
        role: ``target``; ``other_target``, ratings or a score that were not chosen as the target
            and are not signals either; ``signal``, a number that may carry quality;
            ``category``, text that belongs to a family of context; ``excluded``.
        reason: Why it is excluded, None otherwise.
        families: Keys of the families it belongs to, in the families' order.
        scorer: For a second opinion, the slug of its scorer.
        full_reference: The first of its families that needs a reference, or None.
        metadata_direction: The direction that the column's own metadata states, or None.
    """

    name: str
    role: Role
    reason: str | None = None
    families: tuple[str, ...] = ()
    scorer: str | None = None
    full_reference: str | None = None
    metadata_direction: Direction | None = None


@dataclass(frozen=True)
class ColumnPlan:
    """The columns of a table, classified, in the table's order.

    Attributes:
        columns: All columns.
        target: Name of the target, or None.
        key: Name of the clip key column, or None.
        group: Name of the group column, or None.
        warnings: What the reader should know about these decisions.
    """

    columns: tuple[Column, ...]
    target: str | None
    key: str | None
    group: str | None
    warnings: tuple[str, ...] = ()

    def of_role(self, role: Role) -> list[Column]:
        """Return the columns of one role, in the table's order."""
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
    """Decide the role of each column from its name, type, metadata and the families.

    Args:
        schema: The table's Arrow schema.
        families: The families and the names that are never signals.
        target: The target to use; None takes the first of :data:`TARGETS`. A table without it
            is audited without a target, with a warning.
        key: The clip key column, or None.
        group: The group column, or None.
        where: The table's path, for errors.

    Raises:
        InputError: Two columns have one name, or ``key`` or ``group`` names a column that the
            table lacks.
    """
    repeated = [name for name, count in Counter(schema.names).items() if count > 1]
    if repeated:
        raise InputError(
            f"The table has {schema.names.count(repeated[0])} columns named {repeated[0]!r}",
            where=where,
            fix="Rename or drop one of them",
            code="audit.repeated-column",
        )
    for flag, name in (("--key-column", key), ("--group-column", group)):
        if name is not None and name not in schema.names:
            raise InputError(
                f"The table has no column {name!r}",
                where=where,
                fix=f"Give {flag} one of {', '.join(schema.names[:20])}",
                code="audit.unknown-column",
            )
    chosen, warnings = _choose_target(schema, target)
    scores = {each.column: each for each in secondopinion.score_columns(schema)}
    columns = []
    for field in schema:
        score = scores.get(field.name)
        served = tuple(families.keys_for(field.name))
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
                    f"The column {field.name!r} holds text, but {families[served[0]].name} "
                    "needs numbers, so it is not a signal."
                )
        columns.append(column)
    return ColumnPlan(tuple(columns), chosen, key, group, tuple(warnings))


def is_number(kind: pa.DataType) -> bool:
    """Return whether values of an Arrow type can be read as float64."""
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_decimal(kind)
    )


def is_text(kind: pa.DataType) -> bool:
    """Return whether an Arrow type holds text, plain or dictionary-encoded."""
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(
        pa.types.is_string(inner)
        or pa.types.is_large_string(inner)
        or pa.types.is_string_view(inner)
    )


def _choose_target(schema: pa.Schema, wanted: str | None) -> tuple[str | None, list[str]]:
    if wanted is not None:
        if wanted not in schema.names:
            return None, [f"The table has no column {wanted!r}, which --target names."]
        if not is_number(schema.field(wanted).type):
            return None, [f"The column {wanted!r}, which --target names, does not hold numbers."]
        return wanted, []
    warnings: list[str] = []
    lowered = {name.lower(): name for name in reversed(schema.names)}
    for candidate in TARGETS:
        name = lowered.get(candidate)
        if name is None:
            continue
        if is_number(schema.field(name).type):
            return name, warnings
        warnings.append(f"The column {name!r} does not hold numbers, so it is not a target.")
    return None, warnings


def _plain(
    field: pa.Field, families: FamilySet, served: tuple[str, ...], key: str | None
) -> Column:
    name = field.name
    if name.lower() in (*RATINGS, "score") and is_number(field.type):
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
    # Text can describe a clip but not measure it: adm2 with a stray word in it is unusable.
    described = tuple(key for key in served if families[key].context)
    if is_text(field.type) and described:
        return Column(name, "category", families=described)
    return Column(name, "excluded", NOT_A_NUMBER)


def _full_reference(served: Sequence[str], families: FamilySet) -> str | None:
    return next((key for key in served if families[key].needs == "reference"), None)


def _metadata_direction(field: pa.Field) -> Direction | None:
    stated = (field.metadata or {}).get(b"moskit.direction")
    if stated == b"higher":
        return "higher"
    return "lower" if stated == b"lower" else None


def names(columns: Sequence[Column]) -> list[str]:
    """Return the names of ``columns``."""
    return [column.name for column in columns]
