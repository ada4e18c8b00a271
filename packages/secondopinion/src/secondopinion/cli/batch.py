"""``secondopinion batch``."""

from __future__ import annotations

from typing import Annotated

import typer
from provenance.toolkit import Output

from secondopinion.cli import flags


def batch(
    output: Output,
    manifest: Annotated[
        str, typer.Option("--manifest", metavar="FILE", help="Manifest of tables to join.")
    ],
    base_dir: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where relative paths start; the manifest's folder."),
    ] = None,
    report_json: Annotated[
        str | None, typer.Option(metavar="PATH", help="Report for programs.")
    ] = None,
    report_md: Annotated[
        str | None, typer.Option(metavar="PATH", help="Report for people.")
    ] = None,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Begin no further table once one has failed.")
    ] = False,
    jobs: flags.Jobs = None,
    scheduler: flags.Scheduler = None,
) -> None:
    """Add second opinions to every table of a manifest."""
    import labeljoin

    import secondopinion
    from secondopinion.joining import SCORE_BATCH

    with output.progress() as progress:
        try:
            report = secondopinion.run_batch(
                manifest,
                base_dir=base_dir,
                report_json=report_json,
                report_md=report_md,
                fail_fast=fail_fast,
                jobs=jobs,
                scheduler=scheduler,
                progress=progress,
            )
        except labeljoin.BatchError as error:
            if not output.json and error.document is not None:
                output.show(*labeljoin.cli.render_batch(SCORE_BATCH, error.document))
            raise
    output.result(report, *labeljoin.cli.render_batch(SCORE_BATCH, report))
