"""``secondopinion inspect``."""

from __future__ import annotations

from typing import Annotated

import typer
from labeljoin.cli import option_flags
from provenance.toolkit import Output

from secondopinion.cli import flags
from secondopinion.joining.options import JoinOptions


@option_flags(
    JoinOptions,
    without=("missing", "min_match_rate", "prefix", "trained_on", "corpus", "overwrite"),
)
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
    options: JoinOptions,
) -> None:
    """Show what score files hold and would match."""
    import secondopinion
    from secondopinion.cli import rendering

    with output.progress() as progress:
        document = secondopinion.inspect(scores, options, features=features, progress=progress)
    output.result(document, *rendering.inspection(document))
