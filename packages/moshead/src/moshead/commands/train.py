"""The commands that train: ``train``, ``train-konvid`` and ``train-chug-hdr``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from provenance.command import CommandLine, Output

if TYPE_CHECKING:
    from moshead.cross_validation import TrainingOptions
    from moshead.trainers import Destinations

Smoke = Annotated[
    bool, typer.Option("--smoke", help="Train on synthetic rows, to try the machinery.")
]
OutOnnx = Annotated[Path | None, typer.Option(help="The head.", show_default="model/<id>.onnx")]
OutManifest = Annotated[Path | None, typer.Option(help="Its manifest; beside the head.")]
OutCard = Annotated[Path | None, typer.Option(help="Its model card; beside the head.")]
OutOof = Annotated[Path | None, typer.Option(help="Out-of-fold predictions, .parquet or .csv.")]
Epochs = Annotated[int | None, typer.Option(help="Passes over the rows; the recipe's own.")]
KFolds = Annotated[int, typer.Option(help="Folds.")]
Seeds = Annotated[int, typer.Option(help="Seeds of weights and shuffling.")]
Seed = Annotated[int, typer.Option(help="Draws the folds; the first of the seeds.")]
GroupColumn = Annotated[str | None, typer.Option(help="Rows of one group never straddle folds.")]
SplitColumn = Annotated[
    str | None,
    typer.Option(
        help="Column of train, val and test; test is never touched.", show_default="split"
    ),
]
KeyColumn = Annotated[str | None, typer.Option(help="Clip key; inferred unless given.")]
Ensemble = Annotated[int, typer.Option(help="Nets averaged in one head.")]
OtherPartitions = Annotated[
    int, typer.Option(help="Other draws of the folds to report beside the first.", min=0)
]
RequireGate = Annotated[
    bool, typer.Option("--require-gate", help="Write no head that misses the gate; exit 1.")
]
Registry = Annotated[Path | None, typer.Option(help="Index of heads to enter this one in.")]
Device = Annotated[
    Literal["cpu", "cuda"], typer.Option(help="cuda is faster on large corpora, and not bit-equal.")
]
NoExport = Annotated[
    bool, typer.Option("--no-export", help="Judge only: write verdict and card, no head.")
]
Fallback = Annotated[bool, typer.Option("--allow-synthetic-fallback", hidden=True)]
Jsonl = Annotated[list[Path] | None, typer.Option(help="Feature rows, JSON lines.")]
HiddenJsonl = Annotated[list[Path] | None, typer.Option(hidden=True)]
HiddenModelId = Annotated[str, typer.Option(hidden=True)]
Parquet = Annotated[list[Path] | None, typer.Option(help="Labelled feature tables.")]
DisplayProfile = Annotated[
    Path | None, typer.Option(help="Display that the head is for, JSON; fills display columns.")
]

_SEED = 20260508


def register(cli: CommandLine) -> None:
    """Add the commands that train to ``cli``."""
    cli.command(
        example="moshead train --features labelled.parquet --feature-schema ugc.toml "
        "--model-id ugc_head_v1",
    )(train)
    cli.command(example="moshead train-konvid --feature-parquet konvid.parquet")(train_konvid)
    cli.command(example="moshead train-chug-hdr --shard-dir shards/")(train_chug_hdr)


def train(
    output: Output,
    features: Annotated[
        list[Path] | None, typer.Option(help="Feature tables with MOS; repeat for more.")
    ] = None,
    feature_schema: Annotated[
        str | None, typer.Option(help="A built-in schema, or a TOML file.", metavar="NAME|FILE")
    ] = None,
    model_id: Annotated[str | None, typer.Option(help="Name of the head.")] = None,
    smoke: Smoke = False,
    out_onnx: OutOnnx = None,
    out_manifest: OutManifest = None,
    out_card: OutCard = None,
    out_oof: OutOof = None,
    epochs: Epochs = None,
    k_folds: KFolds = 5,
    seeds: Seeds = 5,
    seed: Seed = _SEED,
    key_column: KeyColumn = None,
    group_column: GroupColumn = None,
    split_column: SplitColumn = None,
    ensemble: Ensemble = 1,
    other_partitions: OtherPartitions = 5,
    display_profile_json: DisplayProfile = None,
    require_gate: RequireGate = False,
    registry: Registry = None,
    device: Device = "cpu",
    no_export: NoExport = False,
    allow_synthetic_fallback: Fallback = False,
) -> None:
    """Train a head on labelled feature tables, and judge it by the gate."""
    import moshead

    if feature_schema is None or model_id is None:
        missing = "--feature-schema" if feature_schema is None else "--model-id"
        raise typer.BadParameter(f"{missing} is needed", param_hint=missing)
    _train(
        output,
        moshead.train,
        features=features or [],
        feature_schema=feature_schema,
        model_id=model_id,
        smoke=smoke,
        key_column=key_column,
        group_column=group_column,
        split_column=split_column,
        display_profile_json=display_profile_json,
        allow_synthetic_fallback=allow_synthetic_fallback,
        training=_training(epochs, k_folds, seeds, seed, ensemble, other_partitions, device),
        destinations=_destinations(
            out_onnx, out_manifest, out_card, out_oof, registry, no_export, require_gate
        ),
    )


def train_konvid(
    output: Output,
    konvid_1k: Annotated[
        Path | None, typer.Option(help="KoNViD-1k rows, JSON lines.", show_default="the usual drop")
    ] = None,
    konvid_150k: Annotated[
        Path | None,
        typer.Option(help="KoNViD-150k rows, JSON lines.", show_default="the usual drop"),
    ] = None,
    feature_parquet: Parquet = None,
    feature_jsonl: HiddenJsonl = None,
    model_id: HiddenModelId = "konvid_mos_head_v1",
    smoke: Smoke = False,
    out_onnx: OutOnnx = None,
    out_manifest: OutManifest = None,
    out_card: OutCard = None,
    out_oof: OutOof = None,
    epochs: Epochs = None,
    k_folds: KFolds = 5,
    seeds: Seeds = 5,
    seed: Seed = _SEED,
    key_column: KeyColumn = None,
    group_column: GroupColumn = None,
    split_column: SplitColumn = None,
    ensemble: Ensemble = 1,
    other_partitions: OtherPartitions = 5,
    require_gate: RequireGate = False,
    registry: Registry = None,
    device: Device = "cpu",
    no_export: NoExport = False,
    allow_synthetic_fallback: Fallback = False,
) -> None:
    """Train the KonViD head on the schema konvid-v1."""
    import moshead

    _train(
        output,
        moshead.train_konvid,
        konvid_1k=konvid_1k,
        konvid_150k=konvid_150k,
        feature_parquet=feature_parquet or [],
        feature_jsonl=feature_jsonl or [],
        model_id=model_id,
        smoke=smoke,
        key_column=key_column,
        group_column=group_column,
        split_column=split_column,
        allow_synthetic_fallback=allow_synthetic_fallback,
        training=_training(epochs, k_folds, seeds, seed, ensemble, other_partitions, device),
        destinations=_destinations(
            out_onnx, out_manifest, out_card, out_oof, registry, no_export, require_gate
        ),
    )


def train_chug_hdr(
    output: Output,
    feature_jsonl: Jsonl = None,
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
    model_id: HiddenModelId = "chug_hdr_mos_head_v1",
    smoke: Smoke = False,
    out_onnx: Annotated[
        Path | None,
        typer.Option(help="The head.", show_default=".workingdir2/chug/chug_hdr_mos_head_v1.onnx"),
    ] = None,
    out_manifest: OutManifest = None,
    out_card: OutCard = None,
    out_oof: OutOof = None,
    epochs: Epochs = None,
    k_folds: KFolds = 5,
    seeds: Seeds = 5,
    seed: Seed = _SEED,
    key_column: KeyColumn = None,
    group_column: Annotated[
        str | None,
        typer.Option(
            help="Rows of one group never straddle folds.", show_default="chug_content_name"
        ),
    ] = None,
    split_column: SplitColumn = None,
    ensemble: Ensemble = 1,
    other_partitions: OtherPartitions = 5,
    require_gate: RequireGate = False,
    registry: Registry = None,
    device: Device = "cpu",
    no_export: NoExport = False,
    allow_synthetic_fallback: Fallback = False,
) -> None:
    """Train the HDR head on CHUG's rows: HDR clips with people's ratings."""
    import moshead

    _train(
        output,
        moshead.train_chug_hdr,
        feature_jsonl=feature_jsonl or [],
        feature_parquet=feature_parquet or [],
        shard_dir=shard_dir,
        display_profile_json=display_profile_json,
        feature_schema=feature_schema,
        model_id=model_id,
        smoke=smoke,
        key_column=key_column,
        group_column=group_column,
        split_column=split_column,
        allow_synthetic_fallback=allow_synthetic_fallback,
        training=_training(epochs, k_folds, seeds, seed, ensemble, other_partitions, device),
        destinations=_destinations(
            out_onnx, out_manifest, out_card, out_oof, registry, no_export, require_gate
        ),
    )


def _training(
    epochs: int | None,
    k_folds: int,
    seeds: int,
    seed: int,
    ensemble: int,
    other_partitions: int,
    device: str,
) -> TrainingOptions:
    import moshead

    return moshead.TrainingOptions(
        epochs=epochs,
        k_folds=k_folds,
        seeds=seeds,
        seed=seed,
        ensemble=ensemble,
        other_partitions=other_partitions,
        device=device,
    )


def _destinations(
    onnx: Path | None,
    manifest: Path | None,
    card: Path | None,
    oof: Path | None,
    registry: Path | None,
    no_export: bool,
    require_gate: bool,
) -> Destinations:
    import moshead

    return moshead.Destinations(
        onnx=onnx,
        manifest=manifest,
        card=card,
        oof=oof,
        registry=registry,
        export=not no_export,
        require_gate=require_gate,
    )


def _train(output: Output, trainer: Any, **options: Any) -> None:
    import warnings

    from moshead import verdict

    with warnings.catch_warnings(record=True) as caught, output.progress() as progress:
        document = trainer(**options, progress=progress)
    for warning in caught:
        output.console.print(f"warning: {warning.message}", markup=False)
    output.result(document, *verdict.renderables(document))
