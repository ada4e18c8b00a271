"""Whether higher or lower values of each column are better, and what decided it."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

import secondopinion
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from signalaudit.documents import DecidedDirection, Direction, DirectionSource
    from signalaudit.tables.columns import Column, ColumnPlan

_AFFIXES = re.compile(r"^(float|integer)_|_(score|mean)$")
_OPPOSITE: dict[Direction, Direction] = {"higher": "lower", "lower": "higher"}


def parse_directions(specifications: Iterable[str]) -> dict[str, Direction]:
    """Parse ``COLUMN=higher|lower`` into directions by column.

    Raises:
        InputError: A value has another form, or two of them contradict each other.
    """
    directions: dict[str, Direction] = {}
    for specification in specifications:
        column, _, word = specification.rpartition("=")
        wanted: Direction | None = next((d for d in _OPPOSITE if d == word.strip().lower()), None)
        if not column or wanted is None:
            raise InputError(
                f"--direction {specification!r} is not of the form COLUMN=higher or COLUMN=lower",
                fix="Write for example --direction niqe=lower",
                code="audit.direction-form",
            )
        if directions.setdefault(column, wanted) != wanted:
            raise InputError(
                f"--direction names {column} twice, once as higher and once as lower",
                fix="Keep one of them",
                code="audit.direction-conflict",
            )
    return directions


def check_directions(directions: Iterable[str], columns: Iterable[str]) -> None:
    """Check that every column with a direction exists in a table.

    Raises:
        InputError: A column does not exist; the error names similar ones.
    """
    columns = sorted(set(columns))
    for column in directions:
        if column not in columns:
            close = difflib.get_close_matches(column, columns, n=3)
            raise InputError(
                f"--direction names {column!r}, but no table has this column",
                fix=f"Use {' or '.join(close)}" if close else "Name a column of a table",
                code="audit.direction-unknown-column",
            )


def decide_directions(
    plan: ColumnPlan,
    options: Mapping[str, Direction],
    signs: Mapping[str, int],
) -> dict[str, DecidedDirection]:
    """Decide the direction of every signal and target by the first source that knows it.

    The sources in order: the registry of ``secondopinion``, the column's own metadata, the
    options, the sign of the rank correlation with the target if its interval excludes zero.

    Args:
        plan: The table's columns.
        options: Directions that the caller gave, by column.
        signs: Per column, the sign of its rank correlation with the target: 1, -1, or 0 if
            the 95 % interval contains zero. Empty without a target.

    Returns:
        Per column ``{direction, source, disagrees}``; ``direction`` is null if undetermined,
        ``disagrees`` lists the sources that contradict the decision (``metadata``, ``option``,
        ``correlation``).
    """
    stated = {column.name: _stated(column, options) for column in plan.columns}
    target = _target_direction(plan, stated, signs)
    decided: dict[str, DecidedDirection] = {}
    for column in plan.columns:
        if column.role not in ("signal", "target", "other_target"):
            continue
        sources = dict(stated[column.name])
        sign = signs.get(column.name, 0)
        if column.name == plan.target:
            sources.setdefault("correlation", target)
        elif sign:
            sources["correlation"] = target if sign > 0 else _OPPOSITE[target]
        direction: Direction | None = None
        source: DirectionSource = "undetermined"
        if sources:
            source, direction = next(iter(sources.items()))
        decided[column.name] = {
            "direction": direction,
            "source": source,
            "disagrees": [name for name, other in sources.items() if other != direction],
        }
    return decided


def _stated(column: Column, options: Mapping[str, Direction]) -> dict[DirectionSource, Direction]:
    """Return what each source except the correlation states, in their order."""
    sources: dict[DirectionSource, Direction] = {}
    registry = _registry_direction(column)
    if registry:
        sources["registry"] = registry
    if column.metadata_direction:
        sources["metadata"] = column.metadata_direction
    option = options.get(column.name) or (options.get(column.scorer) if column.scorer else None)
    if option:
        sources["option"] = option
    return sources


def _registry_direction(column: Column) -> Direction | None:
    if column.scorer is not None:
        facts = secondopinion.direction_of(column.scorer)
        return facts.direction if facts else None
    if column.name.lower().startswith(("mos", "vmaf")) and column.role != "signal":
        return "higher"
    # The exact name has to be listed: brisque_07 is one of BRISQUE's features, not its score.
    facts = secondopinion.direction_of(_AFFIXES.sub("", column.name.lower()))
    return facts.direction if facts and facts.decided_by == "registry" else None


def _target_direction(
    plan: ColumnPlan,
    stated: Mapping[str, Mapping[DirectionSource, Direction]],
    signs: Mapping[str, int],
) -> Direction:
    """Return the target's direction: ``higher``, unless a source or the columns state otherwise.

    Public data contains DMOS in both directions; the columns of known direction decide.
    """
    if plan.target is None:
        return "higher"
    known = next(iter(stated[plan.target].values()), None)
    if known is not None:
        return known
    if "dmos" not in plan.target.lower():
        return "higher"
    votes = 0
    for name, sign in signs.items():
        direction = next(iter(stated.get(name, {}).values()), None)
        if direction:
            votes += sign if direction == "higher" else -sign
    return "higher" if votes > 0 else "lower"
