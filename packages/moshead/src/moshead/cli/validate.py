"""``moshead validate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from provenance.toolkit import CommandLine, Output

from moshead.cli import flags


def register(cli: CommandLine) -> None:
    """Add the command to a command line."""
    cli.command(
        example="moshead validate held_out.parquet --onnx model/konvid_mos_head_v1.onnx "
        "-o validation.json",
        table="features",
        main_output={".json": "out_json", ".md": "out_md"},
    )(validate)


def validate(
    output: Output,
    onnx: Annotated[Path, typer.Option(help="The head.")],
    features: Annotated[
        list[str],
        typer.Option(metavar="[CORPUS=]PATH", help="Labelled feature table; repeatable."),
    ],
    split: Annotated[
        str | None,
        typer.Option(
            help="Rows to check; the split test if the table has a split column, else all rows."
        ),
    ] = None,
    split_column: Annotated[str, typer.Option(help="Name of the split column.")] = "split",
    key_column: flags.KeyColumn = None,
    key_normalize: flags.KeyNormalize = None,
    key_regex: flags.KeyRegex = None,
    max_keyless_rate: flags.MaxKeylessRate = 0.05,
    group_column: Annotated[
        str | None, typer.Option(help="What the bootstrap draws; clips by default.")
    ] = None,
    trained_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCORER=CORPUS",
            help="What a scorer was trained on, before what is known; repeatable.",
        ),
    ] = None,
    alpha: Annotated[
        float, typer.Option(help="Level of the intervals whose coverage is measured.")
    ] = 0.1,
    out_json: Annotated[Path | None, typer.Option(help="Where the report goes as JSON.")] = None,
    out_md: Annotated[Path | None, typer.Option(help="Where it goes as Markdown.")] = None,
    display_profile_json: Annotated[
        Path | None, typer.Option(help="Display profile, for schemas with display columns.")
    ] = None,
) -> None:
    """Check a head against the gate on labelled rows that did not train it; exit 1 if it fails."""
    import warnings

    from rich.markdown import Markdown

    import moshead

    with output.progress() as progress, warnings.catch_warnings():
        # The report says what status the head has.
        warnings.simplefilter("ignore", moshead.predict.ProposedHeadWarning)
        try:
            document = moshead.validate(
                onnx,
                list(features),
                split=split,
                split_column=split_column,
                key_column=key_column,
                key_normalize=key_normalize,
                key_regex=key_regex,
                max_keyless_rate=max_keyless_rate,
                group_column=group_column,
                trained_on=trained_on or (),
                alpha=alpha,
                out_json=out_json,
                out_md=out_md,
                display_profile=display_profile_json,
                progress=progress,
            )
        except moshead.predict.HeldOutMissError as miss:
            if miss.document is not None and not output.json:
                output.show(Markdown(moshead.predict.validation_markdown(miss.document)))
            raise
    output.result(document, Markdown(moshead.predict.validation_markdown(document)))
