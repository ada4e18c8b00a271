"""``secondopinion inspect``."""

from __future__ import annotations

from typing import Annotated

import typer
from provenance.toolkit import Output

from secondopinion.cli import flags


def inspect(
    output: Output,
    *,
    scores: flags.Scores,
    features: Annotated[
        str | None,
        typer.Option(
            "--features", metavar="PATH", help="A feature table to match the scores with."
        ),
    ] = None,
    matching: flags.MatchingFlags,
) -> None:
    """Show what score files hold and would match."""
    import secondopinion
    from secondopinion.cli import rendering

    with output.progress() as progress:
        document = secondopinion.inspect(
            scores, features=features, **matching.options(), progress=progress
        )
    output.result(document, *rendering.inspection(document))
