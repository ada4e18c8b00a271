"""Ratings instead of labels: MOS are made of them on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from labeljoin.labels.scale import ScaleDecision
from labeljoin.labels.source import LabelSource
from labeljoin.ratings.estimation import rate
from labeljoin.ratings.options import RatingOptions
from labeljoin.ratings.reading.layouts import read_ratings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labeljoin.joining.options import JoinOptions
    from labeljoin.ratings.rated import RatedClips


def rated_source(
    paths: Sequence[str], names: Sequence[str], ratings: RatingOptions | None, options: JoinOptions
) -> tuple[LabelSource, RatedClips]:
    """Make MOS of ratings, as a label table of its own.

    Args:
        paths: Files of ratings.
        names: What ``mos_label_source`` says of each; several are joined with commas.
        ratings: Method and columns.
        options: The join's; its ``label_scale`` is the scale of the votes.

    Returns:
        The labels, and what they were made of.

    Raises:
        InputError: The ratings are unusable.
    """
    chosen = replace(ratings or RatingOptions(), scale=options.label_scale)
    rated = rate([read_ratings(path, chosen) for path in paths], chosen)
    facts = rated.audit.scale
    scale = ScaleDecision(facts.scale, "ratings", f"{facts.evidence}, by {facts.decided_by}")
    return LabelSource.from_table(rated.clips, ", ".join(names), scale), rated
