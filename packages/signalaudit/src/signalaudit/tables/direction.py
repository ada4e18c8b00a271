"""Whether higher or lower is better in each column, and who says so."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, Literal

import secondopinion
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from signalaudit.tables.columns import Column, ColumnPlan

Direction = Literal["higher", "lower"]
Source = Literal["registry", "metadata", "option", "correlation", "undetermined"]

_AFFIXES = re.compile(r"^(float|integer)_|_(score|mean)$")
_OPPOSITE: dict[Direction, Direction] = {"higher": "lower", "lower": "higher"}


def parse_directions(specifications: Iterable[str]) -> dict[str, Direction]:
    """Parse ``COLUMN=higher|lower`` into directions by column.

    Raises:
        InputError: A value has another form, or two of them disagree.
    """
    directions: dict[str, Direction] = {}
    for specification in specifications:
        column, _, word = specification.rpartition("=")
        wanted: Direction | None = next((d for d in _OPPOSITE if d == word.strip().lower()), None)
        if not column or wanted is None:
            raise InputError(
                f"--direction {specification!r} is not of the form COLUMN=higher or COLUMN=lower",
                fix="Write for example --direction niqe=lower",
            )
        if directions.setdefault(column, wanted) != wanted:
            raise InputError(
                f"--direction names {column} twice, once as higher and once as lower",
                fix="Keep one of them",
            )
    return directions


def check_directions(directions: Iterable[str], columns: Iterable[str]) -> None:
    """Refuse a direction of a column that no table has.

    Raises:
        InputError: Naming the columns that come closest.
    """
    columns = sorted(set(columns))
    for column in directions:
        if column not in columns:
            close = difflib.get_close_matches(column, columns, n=3)
            raise InputError(
                f"--direction names {column!r}, a column of no table",
                fix=f"Did you mean {' or '.join(close)}?" if close else "Name a column of a table",
            )


def decide_directions(
    plan: ColumnPlan,
    options: Mapping[str, Direction],
    signs: Mapping[str, int],
) -> dict[str, dict[str, Any]]:
    """The direction of every signal and target, by the first source that knows it.

    In order: the registry of ``secondopinion``, the column's own metadata, the options, the sign
    of the rank correlation with the target where its interval excludes zero.

    Args:
        plan: The table's columns.
        options: Directions that the caller gave, by column.
        signs: Per column, the sign of its rank correlation with the target: 1, -1, or 0 where
            the 95 % interval holds zero. Empty without a target.

    Returns:
        Per column ``{direction, source, disagrees}``; ``direction`` is null where undetermined,
        ``disagrees`` names what contradicts the decision (``metadata``, ``option``,
        ``correlation``).
    """
    said = {column.name: _said(column, options) for column in plan.columns}
    target = _target_direction(plan, said, signs)
    decided = {}
    for column in plan.columns:
        if column.role not in ("signal", "target", "other_target"):
            continue
        sources = dict(said[column.name])
        sign = signs.get(column.name, 0)
        if column.name == plan.target:
            sources.setdefault("correlation", target)
        elif sign:
            sources["correlation"] = target if sign > 0 else _OPPOSITE[target]
        direction, source = next(((d, s) for s, d in sources.items()), (None, "undetermined"))
        decided[column.name] = {
            "direction": direction,
            "source": source,
            "disagrees": [name for name, other in sources.items() if other != direction],
        }
    return decided


def _said(column: Column, options: Mapping[str, Direction]) -> dict[Source, Direction]:
    """What each source but the correlation says, in the order of their authority."""
    sources: dict[Source, Direction] = {}
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
    # The name itself has to be listed: brisque_07 is one of BRISQUE's features, not its score.
    facts = secondopinion.direction_of(_AFFIXES.sub("", column.name.lower()))
    return facts.direction if facts and facts.decided_by == "registry" else None


def _target_direction(
    plan: ColumnPlan,
    said: Mapping[str, Mapping[Source, Direction]],
    signs: Mapping[str, int],
) -> Direction:
    """The target's own direction: ``higher`` unless someone, or the columns together, say not.

    DMOS is written both ways in public data; the columns whose direction is known tell which.
    """
    if plan.target is None:
        return "higher"
    known = next(iter(said[plan.target].values()), None)
    if known is not None:
        return known
    if "dmos" not in plan.target.lower():
        return "higher"
    votes = 0
    for name, sign in signs.items():
        direction = next(iter(said.get(name, {}).values()), None)
        if direction:
            votes += sign if direction == "higher" else -sign
    return "higher" if votes > 0 else "lower"
