"""Options that the commands which train share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

Parquet = Annotated[list[Path] | None, typer.Option(help="Labelled feature tables.")]
KeyColumn = Annotated[
    str | None,
    typer.Option(
        help="Column of clip keys.", show_default="what the table remembers, else by name"
    ),
]
KeyNormalize = Annotated[
    Literal["auto", "raw", "basename", "stem"] | None,
    typer.Option(
        help="How its values become clip keys.", show_default="what the table remembers, else auto"
    ),
]
KeyRegex = Annotated[
    str | None, typer.Option(help="Regular expression that finds the clip key in a value.")
]
MaxKeylessRate = Annotated[
    float, typer.Option(help="Largest share of rows without a clip key.", min=0, max=1)
]
GroupColumn = Annotated[str | None, typer.Option(help="Rows of one group never straddle folds.")]
SplitColumn = Annotated[
    str | None,
    typer.Option(
        help="Column of train, val and test; test is never touched.", show_default="split"
    ),
]
RatingSdDdof = Annotated[
    Literal["0", "1"],
    typer.Option(
        help="What published deviations of ratings were divided by: 1 for n - 1, 0 for n. "
        "Only for labels without mos_standard_error."
    ),
]
DisplayProfile = Annotated[
    Path | None, typer.Option(help="Display that the head is for, JSON; fills display columns.")
]


@dataclass(frozen=True, kw_only=True)
class TrainingFlags:
    """What every command that trains takes besides its rows."""

    smoke: Annotated[
        bool, typer.Option("--smoke", help="Train on synthetic rows, to try the machinery.")
    ] = False
    out_onnx: Annotated[
        Path | None, typer.Option(help="The head.", show_default="model/<id>.onnx")
    ] = None
    out_manifest: Annotated[Path | None, typer.Option(help="Its manifest; beside the head.")] = None
    out_card: Annotated[Path | None, typer.Option(help="Its model card; beside the head.")] = None
    out_oof: Annotated[
        Path | None, typer.Option(help="Out-of-fold predictions, .parquet or .csv.")
    ] = None
    recipe: Annotated[
        str,
        typer.Option(help="Head family: auto, blend, kernel, ridge, mlp.", metavar="NAME"),
    ] = "auto"
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the rows, for mlp.", show_default="its own")
    ] = None
    k_folds: Annotated[int, typer.Option(help="Folds.")] = 5
    seeds: Annotated[int, typer.Option(help="Seeds of weights and shuffling.")] = 5
    seed: Annotated[int, typer.Option(help="Draws the folds; the first of the seeds.")] = 20260508
    key_column: KeyColumn = None
    key_normalize: KeyNormalize = None
    key_regex: KeyRegex = None
    max_keyless_rate: MaxKeylessRate = 0.05
    group_column: GroupColumn = None
    split_column: SplitColumn = None
    rating_sd_ddof: RatingSdDdof = "1"
    weights: Annotated[
        Literal["none", "label-error"] | None,
        typer.Option(
            help="How rows count: all alike, or by what their labels are worth.",
            show_default="label-error where standard errors are known and differ",
        ),
    ] = None
    align: Annotated[
        Literal["none", "linear", "monotone"],
        typer.Option(help="Map the MOS of several corpora to one scale for training."),
    ] = "none"
    leave_one_corpus_out: Annotated[
        bool,
        typer.Option(
            "--leave-one-corpus-out",
            help="Also train on all corpora but one and judge on that one, for each.",
        ),
    ] = False
    ensemble: Annotated[int, typer.Option(help="Nets averaged in one head, for mlp.")] = 1
    other_partitions: Annotated[
        int, typer.Option(help="Other draws of the folds to report beside the first.", min=0)
    ] = 5
    require_gate: Annotated[
        bool, typer.Option("--require-gate", help="Write no head that misses the gate; exit 1.")
    ] = False
    require_gain: Annotated[
        bool,
        typer.Option(
            "--require-gain",
            help="Write no head that does not surely beat the best single column; exit 1.",
        ),
    ] = False
    baselines: Annotated[
        Literal["auto", "simple"],
        typer.Option(help="Stock regressors beside the head: all that are installed, or ridge."),
    ] = "auto"
    trained_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCORER=CORPUS",
            help="What a scorer was trained on; CORPUS none for nothing. Repeatable.",
        ),
    ] = None
    registry: Annotated[Path | None, typer.Option(help="Index of heads to enter this one in.")] = (
        None
    )
    device: Annotated[
        Literal["cpu", "cuda"],
        typer.Option(help="For mlp: cuda is faster on large corpora, not bit-equal."),
    ] = "cpu"
    no_export: Annotated[
        bool, typer.Option("--no-export", help="Judge only: write verdict and card, no head.")
    ] = False
    allow_synthetic_fallback: Annotated[
        bool, typer.Option("--allow-synthetic-fallback", hidden=True)
    ] = False

    def options(self) -> dict[str, Any]:
        """The same as :func:`moshead.train` takes it."""
        import moshead

        return {
            "smoke": self.smoke,
            "key_column": self.key_column,
            "key_normalize": self.key_normalize,
            "key_regex": self.key_regex,
            "max_keyless_rate": self.max_keyless_rate,
            "group_column": self.group_column,
            "split_column": self.split_column,
            "rating_sd_ddof": 0 if self.rating_sd_ddof == "0" else 1,
            "baselines": self.baselines,
            "trained_on": self.trained_on or (),
            "leave_one_corpus_out": self.leave_one_corpus_out,
            "allow_synthetic_fallback": self.allow_synthetic_fallback,
            "training": moshead.TrainingOptions(
                recipe=self.recipe,
                epochs=self.epochs,
                k_folds=self.k_folds,
                seeds=self.seeds,
                seed=self.seed,
                ensemble=self.ensemble,
                other_partitions=self.other_partitions,
                device=self.device,
                weights=self.weights,
                align=self.align,
            ),
            "destinations": moshead.Destinations(
                onnx=self.out_onnx,
                manifest=self.out_manifest,
                card=self.out_card,
                oof=self.out_oof,
                registry=self.registry,
                export=not self.no_export,
                require_gate=self.require_gate,
                require_gain=self.require_gain,
            ),
        }
