"""The head families that are installed, by name."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from provenance.toolkit import InputError

if TYPE_CHECKING:
    from moshead.heads.protocol import Family

GROUP = "moskit.head_families"
"""Entry-point group under which families are registered, moshead's own among them."""

AUTO = "auto"
"""The recipe that takes the family for you: ``blend``, and ``ridge`` for a smoke run."""
_AUTO_FAMILY, _SMOKE_FAMILY = "blend", "ridge"


def family_names() -> tuple[str, ...]:
    """Names of the families that are installed, in alphabetical order."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def load_family(recipe: str, *, smoke: bool = False) -> Family:
    """Load the family that a recipe names.

    ``auto`` depends on nothing but ``smoke``: a smoke run takes ``ridge``, whose few weights round
    to the same bits on every machine.

    Args:
        recipe: ``auto``, or the name of a family.
        smoke: Whether the rows are synthetic.

    Raises:
        InputError: No family of that name is installed.
    """
    name = recipe
    if recipe == AUTO:
        name = _SMOKE_FAMILY if smoke else _AUTO_FAMILY
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            family: Family = entry.load()
            return family
    raise InputError(
        f"there is no head family {name!r}",
        fix=f"Use {AUTO} or one of {', '.join(family_names())}",
        code="training.no-such-family",
    )
