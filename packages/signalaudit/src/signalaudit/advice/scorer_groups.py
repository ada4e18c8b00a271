"""Groups of scorers that give the same opinion, and how strong each group is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from signalaudit.documents import TableDocument

_WEAK = 0.8
"""A group is weak below this share of the strongest group's PLCC."""


def independent_scorers(table: TableDocument) -> list[list[str]]:
    """Group the scorers of a table so that different groups are independent.

    Two scorers share a group if one's slug continues the other's (``dover``,
    ``dover_aesthetic``), or if their columns are in one redundant cluster.
    """
    scorers = table["scorers"]
    cluster = {
        column: number
        for number, each in enumerate(table["clusters"])
        for column in each["columns"]
    }
    groups: list[list[str]] = []
    for slug in sorted(scorers, key=len):
        home = next(
            (
                group
                for group in groups
                if any(
                    slug.startswith(other + "_")
                    or cluster.get(scorers[slug], -1) == cluster.get(scorers[other], -2)
                    for other in group
                )
            ),
            None,
        )
        if home is None:
            groups.append([slug])
        else:
            home.append(slug)
    return groups


def group_name(group: Sequence[str]) -> str:
    """Return a group's name: its first scorer, and its number of columns if it has several."""
    return f"{group[0]} ({len(group)} columns)" if len(group) > 1 else group[0]


def weak_scorers(table: TableDocument, groups: Sequence[Sequence[str]]) -> str:
    """Return a sentence that warns of a scorer far below the best one, or an empty text."""
    alone = {row["block"]: row for row in table["gain"] if row["kind"] == "scorer"}
    best = {
        tuple(group): max(alone[slug]["alone_plcc"] or 0 for slug in group if slug in alone)
        for group in groups
        if any(slug in alone for slug in group)
    }
    if len(best) < 2:
        return ""
    strongest = max(best.values())
    weak = [
        group
        for group, plcc in best.items()
        if plcc < _WEAK * strongest
        and not any(alone[slug]["confirmed"] for slug in group if slug in alone)
    ]
    if not weak:
        return ""
    group = weak[0]
    return (
        f" Choose a strong one: {group_name(group)} alone reaches {best[group]:.2f}, compared "
        f"with {strongest:.2f} for the best scorer, and its gain is not confirmed."
    )
