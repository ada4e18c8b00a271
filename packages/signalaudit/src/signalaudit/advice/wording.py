"""Lists, plurals and verbs in the sentences of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def listed(names: Sequence[str], limit: int = 4) -> str:
    """Join names with commas and ``and``; beyond ``limit``, say how many more there are."""
    shown = list(names[:limit])
    if len(names) > limit:
        return f"{', '.join(shown)} and {len(names) - limit} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def either(names: Sequence[str], limit: int = 3) -> str:
    """Join the first ``limit`` names with commas and ``or``."""
    shown = list(names[:limit])
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def lower_first(name: str) -> str:
    """Lower-case the first letter of ``name``, unless its first word is an abbreviation."""
    return name if name[1:2].isupper() else name[0].lower() + name[1:]


def plural(many: Sequence[Any]) -> str:
    """Return the plural ``s``, or nothing for one item."""
    return "" if len(many) == 1 else "s"


def verb(many: Sequence[Any], one: str, several: str) -> str:
    """Return the form of a verb for one item or for several."""
    return one if len(many) == 1 else several
