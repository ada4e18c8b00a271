"""``moshead register``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from provenance.toolkit import CommandLine, Output


def register(cli: CommandLine) -> None:
    """Add the command to a command line."""
    cli.command(
        name="register",
        example="moshead register --registry model/registry.json "
        "--manifest model/konvid_mos_head_v1.json",
    )(register_head)


def register_head(
    output: Output,
    registry: Annotated[Path, typer.Option(help="The registry; made where it does not exist.")],
    manifest: Annotated[Path, typer.Option(help="Manifest of the head.")],
    verdict: Annotated[
        Path | None, typer.Option(help="Report of moshead validate that decides its status.")
    ] = None,
) -> None:
    """Add a head to a registry, or update its status from a validation report."""
    import moshead

    document = moshead.register(registry, manifest, verdict=verdict)
    from rich.table import Table

    table = Table("id", "version", "status", "schema", "onnx")
    for head in document["heads"]:
        cells = (head["id"], head["version"], head["status"], head["schema"], head["onnx"])
        table.add_row(*map(str, cells))
    output.result(document, table)
