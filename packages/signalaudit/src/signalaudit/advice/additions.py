"""What to add to a table: ratings, second opinions and missing families."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from signalaudit.advice.review import lift
from signalaudit.advice.rules import step
from signalaudit.advice.scorer_groups import group_name, independent_scorers, weak_scorers
from signalaudit.advice.wording import either, listed, lower_first
from signalaudit.notation import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from signalaudit.documents import SaturationEnd, Step, TableDocument
    from signalaudit.tables.families import Family, FamilySet

ENOUGH_SCORERS = 3
"""With this many independent scorers, another one is no longer the first advice."""

NEAR_CEILING = 0.01
"""This close to the noise ceiling, new columns cannot show a gain (PLCC)."""

SECOND_OPINIONS = "no_reference_ugc"
"""The family that second opinions answer."""

_WAITING = {
    "reference": "They compare a clip with its pristine reference, and no column here does. "
    "They matter as soon as the clips have references.",
    "hdr": "Nothing in this table indicates HDR material. They matter as soon as the clips are "
    "HDR.",
}


def second_opinions(table: TableDocument, families: FamilySet) -> Iterator[Step]:
    """Yield whether ratings, a first or another second opinion would pay."""
    target = table["target"]
    ceiling = table["label_noise_ceiling"]
    reached = table["gain_method"].get("all_plcc")
    if ceiling and reached is not None and reached >= ceiling["plcc"] - NEAR_CEILING:
        yield step(
            "add",
            "noise-ceiling",
            "Collect more ratings per clip",
            f"All signals together reach PLCC {reached:.3f}. The noise of the ratings allows "
            f"{ceiling['plcc']:.3f} at most, so new columns cannot show a gain.",
        )
    if target is None or SECOND_OPINIONS not in table["families"]:
        return
    fresh = _fresh_candidates(families[SECOND_OPINIONS], table)
    if not table["scorers"]:
        room = (
            f" Together the {table['gain_method']['columns']} healthy signals predict {target} "
            f"with a cross-validated PLCC of {reached:.2f}, so there is room."
            if reached is not None
            else ""
        )
        yield step(
            "add",
            "first-opinion",
            f"Join a second opinion: {either(fresh)}",
            "No column is a scorer's judgement of the whole clip." + room,
            families=[SECOND_OPINIONS],
        )
        return
    block = next((each for each in table["gain"] if each["kind"] == "second_opinions"), None)
    groups = independent_scorers(table)
    if block and block["confirmed"] and len(groups) < ENOUGH_SCORERS:
        names = " and ".join(group_name(group) for group in groups)
        scorers = "scorer" if len(groups) == 1 else "scorers"
        yield step(
            "add",
            "another-opinion",
            f"Join one more strong, independent second opinion: {either(fresh)}",
            f"Second opinions pay in this table: {lift(block)}. But "
            f"{len(table['scorers'])} score columns are only {len(groups)} independent {scorers}, "
            f"{names}. Columns of one scorer repeat each other; a scorer built differently does "
            f"not.{weak_scorers(table, groups)}",
            families=[SECOND_OPINIONS],
        )


def new_families(table: TableDocument, families: FamilySet) -> Iterator[Step]:
    """Yield the missing families: what a saturated metric needs first, then by priority."""
    status = {key: each["status"] for key, each in table["families"].items()}
    handled = {SECOND_OPINIONS} if table["target"] is not None else set()
    beyond = [
        key for key in ("texture_deep_perceptual", SECOND_OPINIONS) if status.get(key) == "missing"
    ]
    saturated = _saturated_references(table)
    if saturated and beyond:
        yield _beyond_saturation(table, families, saturated, beyond)
        handled.update(beyond)
    present = {
        "reference": any(
            families[key].needs == "reference" and each != "missing" for key, each in status.items()
        ),
        "hdr": _shows_hdr(table),
    }
    missing = [
        families[key] for key, each in status.items() if each == "missing" and key not in handled
    ]
    waiting = [family for family in missing if not present.get(family.needs, True)]
    for family in sorted(missing, key=_place):
        if family not in waiting:
            yield step(
                "add",
                "missing-family",
                f"Cover {lower_first(family.name)}: {either(family.candidates)}",
                f"Open question: {family.question} No column name here indicates it. "
                f"{family.recommendation}",
                families=[family.key],
            )
    for need, reason in _WAITING.items():
        some = [family for family in sorted(waiting, key=_place) if family.needs == need]
        if some:
            yield step(
                "later",
                "not-here",
                f"Leave for now: {listed([family.name for family in some])}",
                reason,
                families=[family.key for family in some],
            )


def _place(family: Family) -> tuple[int, bool]:
    return family.priority, family.key == SECOND_OPINIONS


def _saturated_references(table: TableDocument) -> list[SaturationEnd]:
    """Return the saturated ends of columns that are not second opinions, the fullest first."""
    return sorted(
        (
            each
            for each in table["saturation"]
            if each["saturated"] and each["column"] not in table["scorers"].values()
        ),
        key=lambda each: -each["share"],
    )


def _beyond_saturation(
    table: TableDocument, families: FamilySet, saturated: list[SaturationEnd], wanted: list[str]
) -> Step:
    worst, first = saturated[0], families[wanted[0]]
    return step(
        "add",
        "saturated",
        f"Cover {lower_first(first.name)}: {either(first.candidates)}",
        f"{worst['column']} puts {percent(worst['share'])} of the rows at its {worst['end']}, "
        f"although {table['target']} still varies there by {percent(worst['spread_ratio'])} of "
        "its overall spread: it cannot tell those clips apart.",
        families=wanted,
        columns=[each["column"] for each in saturated],
    )


def _fresh_candidates(family: Family, table: TableDocument) -> list[str]:
    """Return the family's candidates that the table does not have yet."""
    present = [_plain(name) for name in (*table["scorers"], *table["signal_columns"])]
    return [
        name for name in family.candidates if not any(_plain(name) in each for each in present)
    ] or list(family.candidates)


def _shows_hdr(table: TableDocument) -> bool:
    hdr = table["families"].get("hdr_display_panel")
    if hdr and hdr["healthy_columns"]:
        return True
    depths = [
        stats.get("max") or 0.0
        for name, stats in table["column_stats"].items()
        if re.search(r"bit_?depth", name.lower()) and stats["kind"] == "number"
    ]
    named = any(re.search(r"(^|_)(hdr|pq|hlg|maxcll)", n.lower()) for n in table["signal_columns"])
    return named or any(depth >= 10 for depth in depths)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
