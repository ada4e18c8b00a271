"""``moshead compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from provenance.toolkit import CommandLine, Output

from moshead.cli import flags


def register(cli: CommandLine) -> None:
    """Add the command to a command line."""
    cli.command(
        example="moshead compare labelled.parquet --model mine=ugc.toml "
        "--scores second_opinion_dover_score --baselines -o comparison.html",
        table="features",
        main_output={
            ".html": "out_html",
            ".json": "out_json",
            ".md": "out_md",
            ".tex": "out_tex",
        },
    )(compare)


def compare(
    output: Output,
    *,
    features: Annotated[
        list[str],
        typer.Option(metavar="[CORPUS=]PATH", help="A labelled feature table. Repeatable."),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=SCHEMA",
            help="A head to train, by its feature schema: a name or a TOML file. Repeatable.",
        ),
    ] = None,
    scores: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="A score column as it stands. Repeatable."),
    ] = None,
    oof: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PATH", help="Out-of-fold predictions of an earlier run. Repeatable."
        ),
    ] = None,
    baselines: Annotated[
        bool,
        typer.Option(
            "--baselines",
            help="Also ridge, SVR, LightGBM and random forest; needs moskit-moshead[baselines].",
        ),
    ] = False,
    recipe: Annotated[str, typer.Option(help="Head family of the models.")] = "auto",
    protocol: Annotated[
        Literal["folds", "splits"],
        typer.Option(help="Mean over k folds, or median over random 80/20 splits."),
    ] = "folds",
    splits: Annotated[int, typer.Option(help="Random splits.")] = 100,
    k_folds: Annotated[int, typer.Option(help="Folds.")] = 5,
    seeds: Annotated[int, typer.Option(help="Seeds of candidates that have randomness.")] = 5,
    seed: Annotated[int, typer.Option(help="Draws folds and splits.")] = 20260508,
    mapping: Annotated[
        Literal["training", "held-out"] | None,
        typer.Option(
            help="Rows that the logistic mapping is fitted to.",
            show_default="training for folds, held-out for splits",
        ),
    ] = None,
    key_column: flags.KeyColumn = None,
    key_normalize: flags.KeyNormalize = None,
    key_regex: flags.KeyRegex = None,
    max_keyless_rate: flags.MaxKeylessRate = 0.05,
    group_column: flags.GroupColumn = None,
    split_column: flags.SplitColumn = None,
    corpus: Annotated[
        str | None, typer.Option(help="Name of the judged corpus, where the table does not say.")
    ] = None,
    leave_one_corpus_out: Annotated[
        bool,
        typer.Option(
            "--leave-one-corpus-out", help="Each fold holds out one corpus whole, in turn."
        ),
    ] = False,
    trained_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCORER=CORPUS",
            help="What a scorer was trained on; CORPUS none for nothing. Repeatable.",
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Compare with this candidate only, not all pairs."),
    ] = None,
    require_better: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Exit 1 unless the first candidate beats this one for sure."
        ),
    ] = None,
    out_json: Annotated[Path | None, typer.Option(help="The document, with its record.")] = None,
    out_md: Annotated[Path | None, typer.Option(help="Markdown.")] = None,
    out_tex: Annotated[Path | None, typer.Option(help="A LaTeX table.")] = None,
    out_html: Annotated[
        Path | None, typer.Option(help="One self-contained page for the browser.")
    ] = None,
    out_oof: Annotated[
        Path | None, typer.Option(help="All held-out predictions, .parquet or .csv.")
    ] = None,
) -> None:
    """Compare heads, score columns, earlier runs and stock regressors on the same clips."""
    import moshead
    from moshead.comparison.report.rendering import comparison_renderables

    try:
        with output.progress() as progress:
            comparison = moshead.compare(
                features,
                models=model or (),
                scores=scores or (),
                oof=oof or (),
                baselines=baselines,
                recipe=recipe,
                protocol=protocol,
                splits=splits,
                k_folds=k_folds,
                seeds=seeds,
                seed=seed,
                mapping=mapping,
                key_column=key_column,
                key_normalize=key_normalize,
                key_regex=key_regex,
                max_keyless_rate=max_keyless_rate,
                group_column=group_column,
                split_column=split_column,
                corpus=corpus,
                leave_one_corpus_out=leave_one_corpus_out,
                trained_on=trained_on or (),
                reference=reference,
                require_better=require_better,
                out_json=out_json,
                out_md=out_md,
                out_tex=out_tex,
                out_html=out_html,
                out_oof=out_oof,
                progress=progress,
            )
    except moshead.comparison.NotBetterError as error:
        if not output.json and error.document is not None:
            output.show(*comparison_renderables(error.document))
        raise
    output.result(comparison.document, *comparison_renderables(comparison.document))
