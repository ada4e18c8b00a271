"""The commands that train: ``train``, ``train-konvid`` and ``train-chug-hdr``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from provenance.toolkit import CommandLine, InputError, Output

from moshead.cli.flags import DisplayProfile, Parquet, TrainingFlags


def register(cli: CommandLine) -> None:
    """Add the commands that train to ``cli``."""
    cli.command(
        example="moshead train labelled.parquet --feature-schema ugc.toml --model-id ugc_head_v1",
        table="features",
        main_output="out_onnx",
    )(train)
    cli.command(
        example="moshead train-konvid --feature-parquet konvid.parquet", main_output="out_onnx"
    )(train_konvid)
    cli.command(example="moshead train-chug-hdr --shard-dir shards/", main_output="out_onnx")(
        train_chug_hdr
    )


def train(
    output: Output,
    *,
    features: Annotated[
        list[str] | None,
        typer.Option(metavar="[CORPUS=]PATH", help="Feature tables with MOS; repeat for more."),
    ] = None,
    feature_schema: Annotated[
        str | None, typer.Option(help="A built-in schema, or a TOML file.", metavar="NAME|FILE")
    ] = None,
    model_id: Annotated[str | None, typer.Option(help="Name of the head.")] = None,
    display_profile_json: DisplayProfile = None,
    shared: TrainingFlags,
) -> None:
    """Train a head on labelled feature tables and check it against the gate."""
    import moshead

    if feature_schema is None or model_id is None:
        missing = "--feature-schema" if feature_schema is None else "--model-id"
        fix = "Give a built-in schema or a TOML file" if feature_schema is None else "Name the head"
        raise InputError(f"{missing} is needed", fix=fix, code="usage.missing-option")
    _train(
        output,
        moshead.train,
        shared,
        features=features or [],
        feature_schema=feature_schema,
        model_id=model_id,
        display_profile_json=display_profile_json,
    )


def train_konvid(
    output: Output,
    *,
    konvid_1k: Annotated[
        Path | None, typer.Option(help="KoNViD-1k rows, JSON lines.", show_default="the usual drop")
    ] = None,
    konvid_150k: Annotated[
        Path | None,
        typer.Option(help="KoNViD-150k rows, JSON lines.", show_default="the usual drop"),
    ] = None,
    feature_parquet: Parquet = None,
    feature_jsonl: Annotated[list[Path] | None, typer.Option(hidden=True)] = None,
    model_id: Annotated[str, typer.Option(hidden=True)] = "konvid_mos_head_v1",
    shared: TrainingFlags,
) -> None:
    """Train the KonViD head on the schema konvid-v1."""
    import moshead

    _train(
        output,
        moshead.train_konvid,
        shared,
        konvid_1k=konvid_1k,
        konvid_150k=konvid_150k,
        feature_parquet=feature_parquet or [],
        feature_jsonl=feature_jsonl or [],
        model_id=model_id,
    )


@dataclass(frozen=True, kw_only=True)
class ChugFlags(TrainingFlags):
    """Return the shared options with CHUG's own defaults."""

    out_onnx: Annotated[
        Path | None,
        typer.Option(help="The head.", show_default=".workingdir2/chug/chug_hdr_mos_head_v1.onnx"),
    ] = None
    group_column: Annotated[
        str | None,
        typer.Option(
            help="Rows of one group never straddle folds.", show_default="chug_content_name"
        ),
    ] = None

    def options(self) -> dict[str, Any]:
        """The same as :func:`moshead.train_chug_hdr` takes it."""
        from moshead.training.chug import CHUG_FOLDER

        options = super().options()
        return options | {"destinations": replace(options["destinations"], folder=CHUG_FOLDER)}


def train_chug_hdr(
    output: Output,
    *,
    feature_jsonl: Annotated[
        list[Path] | None, typer.Option(help="Feature rows, JSON lines.")
    ] = None,
    feature_parquet: Parquet = None,
    shard_dir: Annotated[
        Path | None,
        typer.Option(
            help="Folder of shard_*.features.jsonl.",
            show_default=".corpus/chug/training/fr_canonical_shards/output",
        ),
    ] = None,
    display_profile_json: DisplayProfile = None,
    feature_schema: Annotated[
        Literal["chug-hdr-wide-v1", "chug-hdr-display-v1", "konvid-v1"] | None,
        typer.Option(
            help="Feature columns.",
            show_default="chug-hdr-wide-v1, or chug-hdr-display-v1 with a display profile",
        ),
    ] = None,
    model_id: Annotated[str, typer.Option(hidden=True)] = "chug_hdr_mos_head_v1",
    shared: ChugFlags,
) -> None:
    """Train the HDR head on CHUG's rows: HDR clips with people's ratings."""
    import moshead

    _train(
        output,
        moshead.train_chug_hdr,
        shared,
        feature_jsonl=feature_jsonl or [],
        feature_parquet=feature_parquet or [],
        shard_dir=shard_dir,
        display_profile_json=display_profile_json,
        feature_schema=feature_schema,
        model_id=model_id,
    )


def _train(
    output: Output, trainer: Callable[..., dict[str, Any]], shared: TrainingFlags, **rows: Any
) -> None:
    import warnings

    from moshead.cli import verdict

    options = shared.options()
    with warnings.catch_warnings(record=True) as caught, output.progress() as progress:
        document = trainer(**rows, **options, progress=progress)
    for warning in caught:
        output.console.print(f"warning: {warning.message}", markup=False)
    _, manifest, _ = options["destinations"].paths(
        document["id"],
        smoke=document["corpus"]["kind"] == "smoke",
        verdict_only=document["onnx"] is None,
    )
    output.result(document, *verdict.renderables(document, manifest))
