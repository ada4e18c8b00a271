"""``provenance clean``: remove what killed runs have left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenance.toolkit import CommandLine, Output, OutputError, shown_path

if TYPE_CHECKING:
    from provenance.run.cleaning import Leftover


def register(cli: CommandLine) -> None:
    """Add the command to ``cli``."""
    cli.command(example="provenance clean tables --dry-run")(clean)


def clean(
    output: Output,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH ...",
            help="Folders, searched with all folders below; or outputs.",
            show_default=False,
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")
    ] = False,
) -> None:
    """Remove temporary files and locks that killed runs have left.

    What a living run owns is not touched: the system releases a run's lock when the run ends.
    """
    from provenance.run.cleaning import clean as clean_paths

    outcome = clean_paths(paths, dry_run=dry_run)
    document = outcome.to_document()
    failed = [item for item in outcome.leftovers if item.failed]
    if not (failed and output.json):
        verb = "would remove" if dry_run else "removed"
        lines = [_line(item, verb) for item in outcome.leftovers]
        output.result(document, *(lines or ["Nothing is left of killed runs."]))
    if failed:
        raise OutputError(
            f"{len(failed)} of {len(outcome.leftovers)} leftovers cannot be removed",
            where=str(failed[0].path),
            fix="Check the permissions of its folder",
            code="clean.not-removed",
            document=document,
        )


def _line(item: Leftover, verb: str) -> str:
    from rich.markup import escape

    said = f"{verb}  " if item.kept is None else "kept  "
    why = "" if item.kept is None else f" ({item.kept})"
    return escape(f"{said}{shown_path(item.path)}  {item.kind}, {item.size:,} bytes{why}")
