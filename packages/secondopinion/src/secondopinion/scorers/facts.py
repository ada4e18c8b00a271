"""What is known about scorers: slugs, which direction is better, and the bounds of the scale.

Scores are stored as their scorer gave them; whether a NIQE of 7 is good or bad is a fact about
NIQE. The facts are data (``scorers.toml``, each with its source), ``--direction`` adds to them,
and :func:`direction_of` answers for this and every later step.
"""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Direction = Literal["higher", "lower"]
DIRECTIONS: tuple[Direction, ...] = ("higher", "lower")

_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_COLUMN = re.compile(r"^second_opinion_(?P<slug>[a-z0-9_]+)_score$")


@dataclass(frozen=True)
class ScoreFacts:
    """What is known about one scorer's scores.

    Attributes:
        direction: ``higher`` where a higher score means better quality, ``lower`` otherwise.
        low: The lowest score the scale allows, None where it is unbounded or unknown.
        high: The highest score the scale allows, None where it is unbounded or unknown.
        decided_by: ``registry``, ``variant of <scorer>``, ``--direction`` or ``table``.
    """

    direction: Direction
    low: float | None = None
    high: float | None = None
    decided_by: str = "registry"


def slug_of(scorer: str) -> str:
    """The scorer's name as columns carry it: lower case, ``_`` for runs of anything else.

    Args:
        scorer: The scorer's name as its file or the operator gave it.

    Raises:
        InputError: Nothing of the name is left.
    """
    slug = _NOT_SLUG.sub("_", scorer.lower()).strip("_")
    if not slug:
        raise InputError(
            f"The scorer name {scorer!r} has no letter or digit to name columns by",
            fix="Name the scorer as LABEL=PATH in --scores",
        )
    return slug


def direction_of(name: str) -> ScoreFacts | None:
    """The facts about a scorer, or None where nothing is known.

    A name that is not listed takes the direction of the longest listed name that it continues
    (``musiq-spaq`` of ``musiq``), and no range.

    Args:
        name: A scorer's name or slug (``NIQE``, ``dover-branch-aesthetic``), or a score column
            (``second_opinion_niqe_score``).
    """
    slug = _NOT_SLUG.sub("_", name.lower()).strip("_")
    column = _COLUMN.match(slug)
    if column:
        slug = column["slug"]
    registry = _registry()
    if slug in registry:
        return registry[slug]
    tokens = slug.split("_")
    for length in range(len(tokens) - 1, 0, -1):
        known = "_".join(tokens[:length])
        if known in registry:
            return ScoreFacts(registry[known].direction, decided_by=f"variant of {known}")
    return None


def is_known(slug: str) -> bool:
    """Whether the registry lists exactly this scorer, by its slug or an alias."""
    return slug in _registry()


def parse_directions(specifications: Iterable[str]) -> dict[str, Direction]:
    """Parse ``SCORER=higher|lower`` into directions by slug.

    Args:
        specifications: The values of ``--direction``.

    Raises:
        InputError: A value has another form, or two of them disagree.
    """
    directions: dict[str, Direction] = {}
    for specification in specifications:
        scorer, separator, word = specification.rpartition("=")
        wanted = next((each for each in DIRECTIONS if each == word.strip().lower()), None)
        if not separator or wanted is None:
            raise InputError(
                f"--direction {specification!r} is not of the form SCORER=higher or SCORER=lower",
                fix="Write for example --direction niqe=lower",
            )
        slug = slug_of(scorer)
        if directions.setdefault(slug, wanted) != wanted:
            raise InputError(
                f"--direction names {slug} twice, once as higher and once as lower",
                fix="Keep one of them",
            )
    return directions


def facts_for(slug: str, directions: Mapping[str, Direction]) -> ScoreFacts | None:
    """The facts about ``slug``, with what the operator said before what the registry knows."""
    known = direction_of(slug)
    said = directions.get(slug)
    if said is None:
        return known
    low, high = (known.low, known.high) if known else (None, None)
    return ScoreFacts(said, low, high, decided_by="--direction")


@functools.cache
def entries() -> dict[str, dict[str, Any]]:
    """The entries of ``scorers.toml``, by slug."""
    text = files("secondopinion.scorers").joinpath("scorers.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@functools.cache
def _registry() -> dict[str, ScoreFacts]:
    registry: dict[str, ScoreFacts] = {}
    for slug, entry in entries().items():
        low, high = map(float, entry["range"]) if "range" in entry else (None, None)
        facts = ScoreFacts(entry["direction"], low, high)
        for name in (slug, *entry.get("aliases", ())):
            if name in registry:
                raise ValueError(f"scorers.toml lists {name} twice")
            registry[name] = facts
    return registry
