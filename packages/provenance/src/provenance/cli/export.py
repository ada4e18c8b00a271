"""``provenance export``: a run record in another tool's format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provenance.cli import flags
from provenance.toolkit import CommandLine, Output


def register(cli: CommandLine) -> None:
    """Add the command to ``cli``."""
    cli.command(example="provenance export model.onnx --format in-toto")(export)


def _formats() -> list[str]:
    from provenance.exports.registry import export_formats

    return export_formats()


def export(
    output: Output,
    file: Annotated[
        Path,
        typer.Argument(help="A record, or a file that a run has made.", show_default=False),
    ],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="in-toto|prov-json|openlineage|cyclonedx|croissant|NAME",
            help="The format to write; an installed package may add more.",
            autocompletion=_formats,
            show_default=False,
        ),
    ],
    event_time: Annotated[
        str | None,
        typer.Option(
            metavar="RFC3339",
            help="When the run was. Records have no time; a format that must have one gets the "
            "time of the export otherwise, marked as such.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write it to this file; .jsonl or .ndjson has one OpenLineage event a line.",
            show_default=False,
        ),
    ] = None,
    root: flags.RecordRoots = None,
) -> None:
    """Write a run record in the format of another tool, such as in-toto or CycloneDX."""
    from provenance.exports.export import export as export_record
    from provenance.exports.export import export_bytes, refuse_described
    from provenance.run.staging import write_atomically

    if out is not None:
        refuse_described(out, file, roots=root or ())
    document = export_record(file, format=form, event_time=event_time, roots=root or ())
    shown = document if isinstance(document, dict) else {"events": document}
    if out is None:
        if output.json:
            output.result(shown)
        else:
            output.text(export_bytes(document).decode())
        return
    write_atomically(out, export_bytes(document, lines=out.suffix in (".jsonl", ".ndjson")))
    output.result(shown, f"{form}: {out}")
