"""What to fix in a table before anything is added to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signalaudit.advice.rules import step
from signalaudit.advice.wording import listed, verb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from signalaudit.documents import Step, TableDocument
    from signalaudit.tables.families import FamilySet

SELF_REFERENCE_COLUMNS = 3
"""So many constant full-reference columns show that clips were compared with themselves."""


def fixes(table: TableDocument, families: FamilySet) -> Iterator[Step]:
    """Yield what is wrong with the table: target, copies, self-comparison, weak families."""
    target = table["target"]
    if target is None:
        yield step(
            "fix",
            "no-target",
            "Join labels to this table",
            "It has no target column, so nothing here could be compared with human ratings or "
            "VMAF. Use labeljoin to add MOS by clip key, or name an existing column with --target.",
        )
    if table["leak_suspects"]:
        yield step(
            "fix",
            "copied-target",
            f"Remove {listed(table['leak_suspects'])} from the features",
            f"It follows {target} almost exactly. A model would learn nothing else from it.",
            columns=table["leak_suspects"],
        )
    constant = _constant_references(table, families)
    if constant:
        yield step(
            "fix",
            "self-reference",
            "Score the clips against a real reference, or drop the full-reference columns",
            f"{listed(constant)} have one value in all rows, as they do if each clip is compared "
            "with itself.",
            columns=constant,
        )
    yield from _weak_families(table, families, constant)
    backwards = [
        name
        for name, decided in table["directions"].items()
        if "correlation" in decided["disagrees"] and name != target
    ]
    if backwards:
        yield step(
            "fix",
            "backwards",
            f"Check which direction of {listed(backwards)} {verb(backwards, 'is', 'are')} better",
            "The known direction and the correlation with the target contradict each other.",
            columns=backwards,
        )


def _constant_references(table: TableDocument, families: FamilySet) -> list[str]:
    """Return the constant full-reference columns, or nothing if they are too few to tell."""
    constant = [
        name
        for key, status in table["families"].items()
        if families[key].needs == "reference"
        for name in status["matched_columns"]
        if table["column_stats"][name]["health"] == "constant"
    ]
    constant = list(dict.fromkeys(constant))
    return constant if len(constant) >= SELF_REFERENCE_COLUMNS else []


def _weak_families(
    table: TableDocument, families: FamilySet, self_compared: list[str]
) -> Iterator[Step]:
    for key, status in table["families"].items():
        matched = status["matched_columns"]
        if status["status"] != "weak" or (self_compared and set(matched) <= set(self_compared)):
            continue
        stats = [table["column_stats"][name] for name in matched]
        if families[key].context and all(each["health"] in ("constant", "flat") for each in stats):
            continue
        kinds = sorted({each["health"].replace("_", " ") for each in stats})
        yield step(
            "fix",
            "weak-family",
            f"Extract again: {families[key].name}",
            f"{listed(matched)} {verb(matched, 'exists but is', 'exist but are')} "
            f"{' or '.join(kinds)}, so this question stays open: {families[key].question}",
            families=[key],
            columns=matched,
        )
