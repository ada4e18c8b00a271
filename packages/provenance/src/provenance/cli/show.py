"""``provenance show``: a run record, for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provenance.cli import flags
from provenance.toolkit import CommandLine, Output


def register(cli: CommandLine) -> None:
    """Add the command to ``cli``."""
    cli.command(example="provenance show labelled.parquet")(show)


def show(
    output: Output,
    file: Annotated[
        Path,
        typer.Argument(help="A record, or a file that a run has made.", show_default=False),
    ],
    root: flags.RecordRoots = None,
) -> None:
    """Print the run record of a file: what ran, on which inputs, to which outputs."""
    from provenance.cli.rendering import record_tables
    from provenance.record.search import load_record

    record = load_record(file, roots=root or ())
    output.result(record.document, *record_tables(record))
