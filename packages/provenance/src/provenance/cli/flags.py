"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RecordRoots = Annotated[
    list[Path] | None,
    typer.Option("--root", help="Look for the record in this folder too.", show_default=False),
]
