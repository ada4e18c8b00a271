"""``moshead predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from provenance.toolkit import CommandLine, Output

from moshead.cli import flags


def register(cli: CommandLine) -> None:
    """Add the command to a command line."""
    cli.command(
        example="moshead predict features.parquet --onnx model/konvid_mos_head_v1.onnx "
        "-o predictions.parquet",
        table="features",
    )(predict)


def predict(
    output: Output,
    onnx: Annotated[Path, typer.Option(help="The head.")],
    features: Annotated[
        Path,
        typer.Option(help="Feature table: parquet, JSONL, JSON, CSV, or a directory of parts."),
    ],
    out: Annotated[
        Path, typer.Option(help="Predictions: .parquet, .csv or .jsonl. Record: <out>.audit.json.")
    ],
    key_column: flags.KeyColumn = None,
    max_keyless_rate: flags.MaxKeylessRate = 0.05,
    alpha: Annotated[
        float, typer.Option(help="Level of the CV+ intervals: the share that may lie outside.")
    ] = 0.1,
    codec: Annotated[str, typer.Option(help="Encoder of the rows.")] = "ugc-mixed",
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a head that is missing or only Proposed.")
    ] = False,
    corpus: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Answer on the MOS scale of this corpus; see train --align."
        ),
    ] = None,
    display_profile_json: Annotated[
        Path | None, typer.Option(help="Display profile, for schemas with display columns.")
    ] = None,
) -> None:
    """Predict the MOS of every row of a feature table, with an interval and where it came from.

    Where the ONNX file is missing and the table has a column predicted_vmaf, the MOS is
    (predicted_vmaf - 30) / 14 with a warning, and its source is vmaf-linear; --strict refuses.
    """
    import warnings

    import moshead

    with output.progress() as progress, warnings.catch_warnings():
        # They are in the document, and are shown from there.
        warnings.simplefilter("ignore", moshead.predict.ProposedHeadWarning)
        warnings.simplefilter("ignore", moshead.predict.VmafFallbackWarning)
        document = moshead.predict_file(
            onnx,
            features,
            out,
            key_column=key_column,
            max_keyless_rate=max_keyless_rate,
            alpha=alpha,
            codec=codec,
            strict=strict,
            corpus=corpus,
            display_profile=display_profile_json,
            progress=progress,
        )
    output.result(document, *_lines(document))


def _lines(document: dict[str, Any]) -> list[str]:
    from rich.markup import escape

    from moshead.predict.foreign import domain_sentence, interval_sentence

    lines = [f"[yellow]warning:[/] {escape(str(w))}" for w in _list(document["warnings"])]
    lines.append(
        f"{document['rows']:,} predictions ({document['source']}) in "
        f"{escape(str(document['output']))}, by {escape(str(document['key_column']))}."
    )
    keyless = document["keyless_rows"]
    if isinstance(keyless, dict) and keyless["count"]:
        lines.append(
            f"[yellow]warning:[/] {keyless['count']:,} rows have no clip key; they keep their "
            "place and their prediction."
        )
    intervals = document["intervals"]
    if isinstance(intervals, dict):
        lines.append(escape(interval_sentence(intervals, document["domain"], document["rows"])))
    if document["domain"] is not None:
        lines.append(escape(domain_sentence(document["domain"], document["rows"])))
    for name, words in (("imputed", "training median"), ("filled", "fill value")):
        counts = document[name]
        if isinstance(counts, dict) and counts:
            shown = ", ".join(f"{escape(column)} {count:,}" for column, count in counts.items())
            lines.append(f"Values not there, given the {words}: {shown}.")
    return lines


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
