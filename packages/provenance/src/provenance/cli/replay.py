"""``provenance replay``: run a recorded command again and compare what it makes."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from provenance.toolkit import CommandLine, Output, VerdictError, one_line


def register(cli: CommandLine) -> None:
    """Add the command to ``cli``."""
    cli.command(example="provenance replay labelled.parquet")(replay)


def _show_command(command: Sequence[str]) -> None:
    """Say on standard error what runs, under ``--quiet`` too: it was asked for to be seen."""
    print(f"Runs: {one_line(shlex.join(command))}", file=sys.stderr, flush=True)


def replay(
    output: Output,
    file: Annotated[
        Path,
        typer.Argument(help="A record, or a file that a run has made.", show_default=False),
    ],
    root: Annotated[
        list[Path] | None,
        typer.Option(
            "--root",
            help="Read inputs from this folder too, and look for the record and moved inputs in "
            "it. By default they are read from the record's own folder alone.",
            show_default=False,
        ),
    ] = None,
    allow_script: Annotated[
        bool,
        typer.Option(
            "--allow-script",
            help="Run a program that is not moskit's, such as your own script. The command line is "
            "shown first. The program can do all that you can: trust the record.",
        ),
    ] = False,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep", help="Make the replay in this new folder and leave it.", show_default=False
        ),
    ] = None,
) -> None:
    """Run the recorded command again in a scratch folder and compare its outputs bit for bit.

    Refused where the recorded inputs are not there any more. Your files are not touched. Only
    commands of moskit are run.
    """
    from provenance.checks.replay import replay as replay_file
    from provenance.cli.rendering import replay_table

    with output.progress() as progress:
        outcome = replay_file(
            file,
            roots=root or (),
            keep=keep,
            allow_script=allow_script,
            announce=_show_command,
            progress=progress,
        )
    document = outcome.to_document()
    if outcome.ok or not output.json:
        output.result(document, replay_table(outcome))
    if not outcome.ok:
        names = [item.name for item in outcome.outputs if item.status in ("different", "missing")]
        raise VerdictError(
            f"The replay made other bytes than the run for {', '.join(names)}",
            where=str(outcome.record),
            document=document,
            code="replay.different",
        )
