"""``labeljoin ratings``."""

from __future__ import annotations

from typing import Annotated

import typer
from provenance.toolkit import Output

from labeljoin.cli import flags
from labeljoin.ratings.options import RatingOptions


@flags.option_flags(RatingOptions)
def ratings(
    output: Output,
    ratings: Annotated[
        list[str],
        typer.Option(
            "--ratings",
            metavar="PATH",
            help="Single ratings: a long table, a matrix, or a sureal dataset; give it again for "
            "each further.",
        ),
    ],
    out: Annotated[
        str,
        typer.Option("--out", "-o", metavar="PATH", help="MOS by clip: .csv, .parquet or .jsonl."),
    ],
    options: RatingOptions = RatingOptions(),  # noqa: B008  # its flags stand in its place
    out_raters: Annotated[
        str | None, typer.Option(metavar="PATH", help="What each rater is like, as a table.")
    ] = None,
    out_html: Annotated[str | None, typer.Option(metavar="PATH", help="A page for people.")] = None,
    audit_json: Annotated[
        str | None, typer.Option(metavar="PATH", help="Audit; <out>.audit.json by default.")
    ] = None,
) -> None:
    """Make MOS of single ratings.

    Writes one row a clip with its MOS, 95 % interval and standard error, and an audit. On request
    also one row a rater, and a page that shows what the MOS are worth.
    """
    import labeljoin
    from labeljoin.cli.rendering import render_ratings

    with output.progress() as progress:
        audit = labeljoin.estimate_mos(
            ratings,
            out,
            options=options,
            out_raters=out_raters,
            out_html=out_html,
            audit_json=audit_json,
            progress=progress,
        )
    output.result(audit, *render_ratings(audit, audit_json or f"{out}.audit.json"))
