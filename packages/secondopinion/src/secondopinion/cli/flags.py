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
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDR", help="A Dask scheduler whose workers do the work."),
]
