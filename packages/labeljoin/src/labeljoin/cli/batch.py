"""``labeljoin batch``."""

from __future__ import annotations

from typing import Annotated

import typer
from provenance.toolkit import Output

from labeljoin.cli import flags


def batch(
    output: Output,
    manifest: Annotated[
        str, typer.Option("--manifest", metavar="FILE", help="Manifest of tables to label.")
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
    """Label every table of a manifest.

    Tables, and parts of a directory, run side by side with --jobs or --scheduler. A table that
    fails does not stop the others.
    """
    import labeljoin
    from labeljoin.cli.rendering import render_batch

    failure: labeljoin.BatchError | None = None
    with output.progress() as progress:
        try:
            report = labeljoin.run_batch(
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
            failure, report = error, dict(error.document or {})
    rendered = render_batch(labeljoin.batch.LABEL_BATCH, report)
    if failure is not None:
        if not output.json:
            output.show(*rendered)
        raise failure
    output.result(report, *rendered)
