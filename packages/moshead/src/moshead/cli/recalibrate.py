"""``moshead recalibrate``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from provenance.toolkit import CommandLine, Output

from moshead.cli import flags

if TYPE_CHECKING:
    from rich.console import RenderableType


def register(cli: CommandLine) -> None:
    """Add the command to a command line."""
    cli.command(
        example="moshead recalibrate rated.parquet --onnx model/ugc_head_v1.onnx "
        "-o model/ours.onnx",
        table="features",
        main_output="out_onnx",
    )(recalibrate)


def recalibrate(
    output: Output,
    *,
    features: Annotated[
        list[str],
        typer.Option(
            metavar="[CORPUS=]PATH", help="Labelled rows of the new corpus, 20 to 500. Repeatable."
        ),
    ],
    out_onnx: Annotated[Path, typer.Option(help="The new head.")],
    onnx: Annotated[Path | None, typer.Option(help="The head to recalibrate.")] = None,
    scores: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="A score column to calibrate, in place of a head."),
    ] = None,
    model_id: Annotated[
        str | None,
        typer.Option(help="Name of the new head.", show_default="<old>_recalibrated"),
    ] = None,
    key_column: flags.KeyColumn = None,
    key_normalize: flags.KeyNormalize = None,
    key_regex: flags.KeyRegex = None,
    max_keyless_rate: flags.MaxKeylessRate = 0.05,
    group_column: flags.GroupColumn = None,
    alpha: Annotated[
        float, typer.Option(help="Level of the intervals whose coverage is measured.")
    ] = 0.1,
    seed: Annotated[int, typer.Option(help="Draws folds and subsamples.", min=0)] = 20260508,
    out_manifest: Annotated[
        Path | None, typer.Option(help="Its manifest; beside the head.")
    ] = None,
    out_card: Annotated[Path | None, typer.Option(help="Its model card; beside the head.")] = None,
) -> None:
    """Fit a head, or a score column, to another corpus with 20 to 500 of its ratings."""
    import moshead

    with output.progress() as progress:
        document = moshead.recalibrate(
            features,
            out_onnx,
            onnx=onnx,
            scores=scores,
            model_id=model_id,
            key_column=key_column,
            key_normalize=key_normalize,
            key_regex=key_regex,
            max_keyless_rate=max_keyless_rate,
            group_column=group_column,
            alpha=alpha,
            seed=seed,
            out_manifest=out_manifest,
            out_card=out_card,
            progress=progress,
        )
    output.result(document, *_renderables(document, out_onnx))


def _renderables(manifest: dict[str, Any], onnx: Path) -> Iterator[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    from moshead.export.tables import curve_rows, figure_rows

    found = manifest["recalibration"]
    table = Table(title=f"{manifest['id']}: {manifest['gate']['status']}", title_justify="left")
    for heading in ("", "before", "after"):
        table.add_column(heading)
    for row in figure_rows(found):
        table.add_row(*row)
    yield table
    if found["curve"]:
        curve = Table(title="Learning curve", title_justify="left")
        for heading in ("labels", "RMSE", "95 % of draws"):
            curve.add_column(heading)
        for row in curve_rows(found):
            curve.add_row(*row)
        yield curve
    yield Text(found["curve_sentence"])
    for note in manifest["notes"]:
        yield Text(note)
    yield Text(manifest["gate"]["sentence"])
    yield Text(f"head: {onnx}")
