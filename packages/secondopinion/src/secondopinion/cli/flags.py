"""The flags that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Scores = Annotated[
    list[str],
    typer.Option(
        "--scores",
        metavar="[LABEL=]PATH",
        help="A file, directory or quoted glob pattern of scores. LABEL names the scorer if the "
        "file does not. Repeatable.",
    ),
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", metavar="N", help="Processes that work at a time.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Write nothing; show what inspect shows of this join.")
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDR", help="A Dask scheduler whose workers do the work."),
]
