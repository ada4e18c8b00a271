"""What scorers were trained on, as far as it is published (``scorers.toml``)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from labeljoin.labels import TrainedOn

from secondopinion.scorers.facts import entries

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN = TrainedOn(None)


def trained_on(slug: str, corrections: Mapping[str, TrainedOn] | None = None) -> TrainedOn:
    """Return what a scorer was trained on.

    A slug that is not listed, by itself or as an alias, is unknown: other weights of a scorer may
    have been trained on anything.

    Args:
        slug: The scorer's slug.
        corrections: What ``--trained-on`` says, by slug; it wins.

    Examples:
        >>> trained_on("niqe").corpora
        ()
    """
    return (corrections or {}).get(slug) or _registry().get(slug, UNKNOWN)


@functools.cache
def _registry() -> dict[str, TrainedOn]:
    found: dict[str, TrainedOn] = {}
    for slug, entry in entries().items():
        source = entry.get("trained_on_source")
        if "trained_on" in entry:
            own = TrainedOn(tuple(entry["trained_on"]), tuple(entry.get("variants_on", ())), source)
            found.update(dict.fromkeys((slug, *entry.get("aliases", ())), own))
        for name, corpora in entry.get("trained_on_as", {}).items():
            found[name] = TrainedOn(tuple(corpora), source=source)
    return found
