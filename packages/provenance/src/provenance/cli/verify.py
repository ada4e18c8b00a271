"""``provenance verify``: whether inputs, outputs and records still are what a run left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provenance.toolkit import CommandLine, Output


def register(cli: CommandLine) -> None:
    """Add the command to ``cli``."""
    cli.command(example="provenance verify labelled.parquet --root /data")(verify)


def verify(
    output: Output,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="Records, or files that runs have made.",
            show_default=False,
        ),
    ],
    root: Annotated[
        list[Path] | None,
        typer.Option(
            "--root", help="Look for records and moved files in this folder.", show_default=False
        ),
    ] = None,
    key: Annotated[
        list[Path] | None,
        typer.Option(
            "--key",
            metavar="PUBLIC.pem",
            help="Demand that each record is signed by this key, or by one of several.",
            show_default=False,
        ),
    ] = None,
    upstream: Annotated[
        bool,
        typer.Option(
            "--upstream", help="Verify the runs that made the inputs too, up to the raw files."
        ),
    ] = False,
) -> None:
    """Hash inputs and outputs again and compare them with the run record.

    Says per file: same, changed, missing, or moved (found elsewhere by its digest). With
    --key, says per record whether its signature is good.
    """
    from provenance.checks.findings import verification_error
    from provenance.checks.verify import verify as verify_files
    from provenance.cli.rendering import verification_lines

    with output.progress() as progress:
        outcome = verify_files(
            files, roots=root or (), upstream=upstream, keys=key or (), progress=progress
        )
    document = outcome.to_document()
    if outcome.ok or not output.json:
        output.result(document, *verification_lines(outcome))
    for error in outcome.unusable:
        error.document = document
        raise error
    if not outcome.ok:
        raise verification_error(outcome)
