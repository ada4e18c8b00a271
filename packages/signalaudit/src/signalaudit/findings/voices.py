"""Independent voices among the scorers of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_WEAK = 0.8
"""Share of the best voice's PLCC below which one is called weak."""


def voices(table: Mapping[str, Any]) -> list[list[str]]:
    """The scorers of a table in groups that speak with one voice.

    Two are one voice where one's slug continues the other's (``dover``, ``dover_aesthetic``), or
    where their columns are in one redundant cluster.
    """
    scorers: Mapping[str, str] = table["scorers"]
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


def voice_name(group: Sequence[str]) -> str:
    """What a voice is called: its first scorer, and how many columns speak with it."""
    return f"{group[0]} ({len(group)} columns)" if len(group) > 1 else group[0]


def weak_voices(table: Mapping[str, Any], groups: Sequence[Sequence[str]]) -> str:
    """That independence is not enough: the scorers that are far from the best one, with numbers."""
    alone = {row["block"]: row for row in table["gain"] if row["kind"] == "scorer"}
    best = {
        tuple(g): max(alone[s]["alone_plcc"] or 0 for s in g if s in alone)
        for g in groups
        if any(s in alone for s in g)
    }
    if len(best) < 2:
        return ""
    strongest = max(best.values())
    weak = [group for group, plcc in best.items() if plcc < _WEAK * strongest]
    weak = [group for group in weak if not any(alone[s]["confirmed"] for s in group if s in alone)]
    if not weak:
        return ""
    group = weak[0]
    return (
        f" It has to be a strong one: {voice_name(group)} reaches {best[group]:.2f} alone, "
        f"against {strongest:.2f} for the best voice, and adds nothing that is confirmed."
    )
