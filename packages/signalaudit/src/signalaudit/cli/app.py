"""The ``signalaudit`` command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from provenance.toolkit import CommandLine, Output

cli = CommandLine(
    "moskit-signalaudit", "Find out which quality questions a feature table can answer."
)


@cli.command(
    example="signalaudit report konvid=labelled.parquet -o audit.html --out-json audit.json",
    table="inputs",
    main_output={".html": "out_html", ".json": "out_json", ".md": "out_md"},
)
def report(
    output: Output,
    inputs: Annotated[
        list[str],
        typer.Option(
            "--input",
            metavar="[LABEL=]PATH",
            help="A table: parquet, JSONL, JSON, CSV, or a directory of parts. Repeatable.",
        ),
    ],
    out_json: Annotated[
        Path | None,
        typer.Option(
            help="The audit JSON, with the run record. Without it, the JSON is written beside the "
            "first report as REPORT.audit.json."
        ),
    ] = None,
    out_md: Annotated[Path | None, typer.Option(help="A Markdown report.")] = None,
    out_html: Annotated[
        Path | None, typer.Option(help="One self-contained page for the browser.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            help="The target column. [default: the first of mos, mos_raw_0_100, dmos, vmaf, "
            "vmaf_score, score]"
        ),
    ] = None,
    top_k: Annotated[int, typer.Option(min=1, help="Rows per table of the reports.")] = 12,
    redundancy_threshold: Annotated[
        float, typer.Option(help="|correlation| from which two columns are redundant.")
    ] = 0.95,
    complement_threshold: Annotated[
        float, typer.Option(help="|correlation| up to which two columns are complementary.")
    ] = 0.70,
    min_finite_ratio: Annotated[
        float, typer.Option(help="Least share of finite rows of a healthy column.")
    ] = 0.80,
    rating_sd_ddof: Annotated[
        Literal["0", "1"],
        typer.Option(
            help="What published deviations of ratings were divided by: n - 1 (1) or n (0). It "
            "moves the label-noise ceiling."
        ),
    ] = "1",
    group_column: Annotated[
        str | None,
        typer.Option(
            help="Groups (corpus, codec, HDR): kept together in folds, reported apart in "
            "disagreement."
        ),
    ] = None,
    key_column: Annotated[
        str | None, typer.Option(help="The clip key column. [default: inferred]")
    ] = None,
    families: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Families to add or extend.")
    ] = None,
    direction: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=higher|lower", help="Which direction of a column is better. Repeatable."
        ),
    ] = None,
    trained_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCORER=CORPUS",
            help="What a scorer was trained on; CORPUS none for nothing. Repeatable.",
        ),
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Option(help="Corpus of the tables, where their column corpus does not say."),
    ] = None,
    max_rows: Annotated[
        int | None,
        typer.Option(
            help="How many rows to read at most, as a seeded sample. [default: all that fit]"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of samples, folds and bootstrap.")] = 20260508,
) -> None:
    """Audit the signals of feature tables. It changes no table, and findings do not fail it."""
    from signalaudit import write_report
    from signalaudit.cli.terminal import summarise
    from signalaudit.report.audit import record_path

    with output.progress() as progress:
        document = write_report(
            inputs,
            out_json,
            out_md=out_md,
            out_html=out_html,
            target=target,
            top_k=top_k,
            redundancy_threshold=redundancy_threshold,
            complement_threshold=complement_threshold,
            min_finite_ratio=min_finite_ratio,
            rating_sd_ddof=0 if rating_sd_ddof == "0" else 1,
            group_column=group_column,
            key_column=key_column,
            families=families,
            directions=direction or (),
            trained_on=trained_on or (),
            corpus=corpus,
            max_rows=max_rows,
            seed=seed,
            progress=progress,
        )
    record = record_path(out_json, out_md, out_html)
    written = [each for each in (record, out_md, out_html) if each is not None]
    output.result(document, *summarise(document, written))


@cli.command(example="signalaudit diff before.json after.json -o changes.md", main_output="out_md")
def diff(
    output: Output,
    before: Annotated[Path, typer.Argument(metavar="BEFORE.json", help="The earlier audit.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER.json", help="The later audit.")],
    out_md: Annotated[Path | None, typer.Option(help="The comparison as Markdown.")] = None,
) -> None:
    """Compare two audits: coverage gained, correlations moved, gains confirmed or not."""
    from signalaudit import write_diff
    from signalaudit.cli.terminal import summarise_diff

    document = write_diff(before, after, out_md)
    output.result(document, *summarise_diff(document, out_md))


def main() -> None:
    """Run the command line."""
    cli.run()


if __name__ == "__main__":
    main()
