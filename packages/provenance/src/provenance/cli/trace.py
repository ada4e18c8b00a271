"""``provenance trace``: from a model back to the rating file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from provenance.toolkit import CommandLine, Output, VerdictError


class TraceFormat(StrEnum):
    """The forms that a lineage can be printed in."""

    TREE = "tree"
    JSON = "json"
    MERMAID = "mermaid"
    HTML = "html"


def register(cli: CommandLine) -> None:
    """Add the command to ``cli``."""
    cli.command(example="provenance trace model.onnx --root /data")(trace)


def trace(
    output: Output,
    file: Annotated[
        Path,
        typer.Argument(help="A record, or a file that a run has made.", show_default=False),
    ],
    root: Annotated[
        list[Path] | None,
        typer.Option(
            "--root",
            help="Look for records and moved files in and below this folder.",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        list[Path] | None,
        typer.Option(
            "--key",
            metavar="PUBLIC.pem",
            help="Check the signatures of records with this public key; may be given several "
            "times.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        TraceFormat, typer.Option("--format", help="The form to print it in.")
    ] = TraceFormat.TREE,
    downstream: Annotated[
        bool,
        typer.Option("--downstream", help="Show what was made from FILE instead."),
    ] = False,
) -> None:
    """Print the graph of all runs that led to a file, joined by digest.

    Ends with exit code 1 where a file, a record or a signature of the graph has changed.
    """
    from provenance.lineage.mermaid import flowchart
    from provenance.lineage.page import html_page
    from provenance.lineage.trace import trace as trace_file
    from provenance.lineage.tree import lineage_tree
    from provenance.toolkit import write_json

    with output.progress() as progress:
        lineage = trace_file(
            file, roots=root or (), downstream=downstream, keys=key or (), progress=progress
        )
    if output.json or form is TraceFormat.JSON:
        if lineage.ok or not output.json:
            write_json(lineage.to_document())
    elif form is TraceFormat.MERMAID:
        output.text(flowchart(lineage))
    elif form is TraceFormat.HTML:
        output.text(html_page(lineage))
    else:
        output.product(lineage_tree(lineage, downstream=downstream))
    if not lineage.ok:
        raise VerdictError(lineage.problem(), document=lineage.to_document(), code="trace.changed")
