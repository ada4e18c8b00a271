"""The next steps for one table, the most important first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signalaudit.advice.additions import new_families, second_opinions
from signalaudit.advice.fixes import fixes
from signalaudit.advice.review import blocks_to_keep, columns_to_drop, things_to_look_at

if TYPE_CHECKING:
    from signalaudit.documents import Step, StepKind, TableDocument
    from signalaudit.tables.families import FamilySet

ORDER: tuple[StepKind, ...] = ("fix", "add", "keep", "thin", "look", "later")


def advise(table: TableDocument, families: FamilySet) -> list[Step]:
    """Return the next steps for one table, the most important first.

    Args:
        table: A table of the audit.
        families: The families.

    Returns:
        Steps in the order fix, add, keep, thin, look, later. Families to extract again come
        after those to add, since nothing else waits for them.
    """
    steps = [
        *fixes(table, families),
        *second_opinions(table, families),
        *new_families(table, families),
        *blocks_to_keep(table, families),
        *columns_to_drop(table),
        *things_to_look_at(table),
    ]
    return sorted(
        steps, key=lambda step: ORDER.index(step["kind"]) + 1.5 * (step["rule"] == "weak-family")
    )
