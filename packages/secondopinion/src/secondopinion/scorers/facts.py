"""Facts about scorers: slugs, which direction is better, and the bounds of the scale.

Scores are stored as their scorer wrote them; whether a NIQE of 7 is good or bad is a fact about
NIQE. The facts are data (``scorers.toml``, each with its source), ``--direction`` adds to them,
and :func:`direction_of` looks them up.
"""

from __future__ import annotations

import functools
import math
import re
import tomllib
from dataclasses import dataclass, replace
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
    """Facts about one scorer's scores.

    Attributes:
        direction: ``higher`` if a higher score means better quality, ``lower`` otherwise.
        low: The lowest score of the scale, None if it is unbounded or unknown.
        high: The highest score of the scale, None if it is unbounded or unknown.
        decided_by: ``registry``, ``variant of <scorer>``, ``--direction`` or ``table``.
        scales: The scales in use, if programs that run the scorer write different ones. The
            scores themselves then decide, by :func:`decide_scale`.
    """

    direction: Direction
    low: float | None = None
    high: float | None = None
    decided_by: str = "registry"
    scales: tuple[tuple[float, float], ...] = ()


def slug_of(scorer: str) -> str:
    """Return the scorer's name as columns have it: lower case, ``_`` for runs of anything else.

    Args:
        scorer: The scorer's name from its file or from you.

    Raises:
        InputError: The name has no letter and no digit.

    Example:
        >>> slug_of("Q-Align (video)")
        'q_align_video'
    """
    slug = _NOT_SLUG.sub("_", scorer.lower()).strip("_")
    if not slug:
        raise InputError(
            f"The scorer name {scorer!r} has no letter or digit to name columns by",
            fix="Name the scorer as LABEL=PATH in --scores",
            code="scorers.unusable-name",
        )
    return slug


def direction_of(name: str) -> ScoreFacts | None:
    """Return the facts about a scorer, or None if it is unknown.

    A name that is not listed takes the direction, but not the range, of the longest listed name
    that it continues (``musiq-spaq`` of ``musiq``).

    Args:
        name: A scorer's name or slug (``NIQE``, ``dover-branch-aesthetic``), or a score column
            (``second_opinion_niqe_score``).

    Example:
        >>> direction_of("NIQE").direction
        'lower'
        >>> direction_of("dover").low, direction_of("dover").high
        (0.0, 100.0)
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
    """Return whether the registry lists exactly this scorer, by its slug or an alias."""
    return slug in _registry()


def parse_directions(specifications: Iterable[str]) -> dict[str, Direction]:
    """Parse ``SCORER=higher|lower`` into directions by slug.

    Args:
        specifications: The values of ``--direction``.

    Raises:
        InputError: A value has another form, or two of them contradict each other.
    """
    directions: dict[str, Direction] = {}
    for specification in specifications:
        scorer, separator, word = specification.rpartition("=")
        wanted = next((each for each in DIRECTIONS if each == word.strip().lower()), None)
        if not separator or wanted is None:
            raise InputError(
                f"--direction {specification!r} is not of the form SCORER=higher or SCORER=lower",
                fix="Write for example --direction niqe=lower",
                code="scorers.direction-form",
            )
        slug = slug_of(scorer)
        if directions.setdefault(slug, wanted) != wanted:
            raise InputError(
                f"--direction names {slug} twice, once as higher and once as lower",
                fix="Keep one of them",
                code="scorers.direction-conflict",
            )
    return directions


def parse_ranges(specifications: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Parse ``SCORER=LOW:HIGH`` into ranges by slug.

    Args:
        specifications: The values of ``--score-range``.

    Raises:
        InputError: A value has another form, or a scorer has two.
    """
    ranges: dict[str, tuple[float, float]] = {}
    for specification in specifications:
        scorer, _, bounds = specification.rpartition("=")
        try:
            low, high = (float(bound) for bound in bounds.split(":"))
        except ValueError:
            low = high = math.nan
        if not (scorer and math.isfinite(low) and math.isfinite(high) and low < high):
            raise InputError(
                f"--score-range {specification!r} is not of the form SCORER=LOW:HIGH",
                fix="Write for example --score-range one_align=1:5",
                code="scorers.range-form",
            )
        slug = slug_of(scorer)
        if ranges.setdefault(slug, (low, high)) != (low, high):
            raise InputError(
                f"--score-range names {slug} twice, with different bounds",
                fix="Keep one of them",
                code="scorers.range-conflict",
            )
    return ranges


def facts_for(
    slug: str,
    directions: Mapping[str, Direction],
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> ScoreFacts | None:
    """Return the facts about ``slug``; given directions and ranges come before the registry.

    Raises:
        InputError: A range is given for a scorer of unknown direction.
    """
    known = direction_of(slug)
    given = directions.get(slug)
    if given is not None:
        known = replace(known or ScoreFacts(given), direction=given, decided_by="--direction")
    bounds = (ranges or {}).get(slug)
    if bounds is None:
        return known
    if known is None:
        raise InputError(
            f"--score-range names {slug}, whose direction is unknown",
            fix=f"Add --direction {slug}=higher or --direction {slug}=lower",
            code="scorers.range-without-direction",
        )
    return replace(known, low=bounds[0], high=bounds[1], scales=())


def decide_scale(
    slug: str, facts: ScoreFacts, lowest: float | None, highest: float | None
) -> ScoreFacts:
    """Return the facts with the range of the one scale that the scores fit.

    Args:
        slug: The scorer.
        facts: Its facts.
        lowest: Its lowest finite score, None without scores.
        highest: Its highest finite score, None without scores.

    Returns:
        ``facts`` unchanged if the scorer has one scale, no scores, or scores that fit no scale.

    Raises:
        InputError: The scores fit several scales.

    Example:
        >>> decide_scale("one_align", direction_of("one_align"), 1.8, 4.6).high
        5.0
    """
    if lowest is None or highest is None:
        return facts
    fitting = [scale for scale in facts.scales if scale[0] <= lowest and highest <= scale[1]]
    if len(fitting) > 1:
        named = " and ".join(f"{low:.15g} to {high:.15g}" for low, high in fitting)
        low, high = fitting[-1]
        raise InputError(
            f"All scores of {slug} are {lowest:.15g}"
            + (f" to {highest:.15g}" if highest > lowest else "")
            + f", which fits its scales {named}",
            fix=f"Name the scale, for example with --score-range {slug}={low:.15g}:{high:.15g}",
            code="scorers.ambiguous-scale",
        )
    return replace(facts, low=fitting[0][0], high=fitting[0][1]) if fitting else facts


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
        scales = tuple((float(bottom), float(top)) for bottom, top in entry.get("scales", ()))
        facts = ScoreFacts(entry["direction"], low, high, scales=scales)
        for name in (slug, *entry.get("aliases", ())):
            if name in registry:
                raise ValueError(f"scorers.toml lists {name} twice")
            registry[name] = facts
    return registry
