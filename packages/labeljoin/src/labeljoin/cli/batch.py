"""The command ``batch`` of any job, and ``labeljoin batch``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from provenance.toolkit import Output

from labeljoin.cli import flags

if TYPE_CHECKING:
    from labeljoin.batch.job import BatchJob


BATCH: Any = {"table": "manifest", "main_output": {".json": "report_json", ".md": "report_md"}}
"""How the command is registered: the manifest by position, ``-o`` for a report."""


def batch_command(job: Callable[[], BatchJob], help: str) -> Callable[..., None]:
    """Return the command that runs a batch job.

    Args:
        job: Returns the job; called when the command runs, so that ``--help`` imports nothing.
        help: What ``--help`` says.

    Examples:
        >>> from labeljoin.batch import LABEL_BATCH
        >>> batch_command(lambda: LABEL_BATCH, "Label every table.").__doc__
        'Label every table.'
    """

    def batch(
        output: Output,
        manifest: Annotated[
            str, typer.Option("--manifest", metavar="FILE", help="Manifest of the tables.")
        ],
        base_dir: Annotated[
            str | None,
            typer.Option(
                metavar="DIR", help="Where relative paths start; by default the manifest's folder."
            ),
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
        from labeljoin.batch.job import BatchError
        from labeljoin.batch.running import run_job
        from labeljoin.cli.rendering import render_batch

        chosen = job()
        with output.progress() as progress:
            try:
                report = run_job(
                    chosen,
                    manifest,
                    base_dir=base_dir,
                    report_json=report_json,
                    report_md=report_md,
                    fail_fast=fail_fast,
                    jobs=jobs,
                    scheduler=scheduler,
                    progress=progress,
                )
            except BatchError as error:
                if not output.json and error.document is not None:
                    output.show(*render_batch(chosen, error.document))
                raise
        output.result(report, *render_batch(chosen, report))

    batch.__doc__ = help
    return batch


def _label_batch() -> BatchJob:
    from labeljoin.batch.labelling import LABEL_BATCH

    return LABEL_BATCH


batch = batch_command(
    _label_batch,
    """Label every table of a manifest.

    Tables, and parts of a directory, run side by side with --jobs or --scheduler. If one table
    fails, the others still run.
    """,
)
