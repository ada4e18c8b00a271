"""The command ``secondopinion``."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from provenance.command import CommandLine, Output

cli = CommandLine(
    "moskit-secondopinion",
    "Join the scores that third-party quality models have already written.",
)

Scores = Annotated[
    list[str],
    typer.Option(
        "--scores",
        metavar="[LABEL=]PATH",
        help="A file, directory or quoted glob pattern of scores; LABEL names the scorer where "
        "the file does not. Repeatable.",
    ),
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="auto|rows|wrapper|dover-csv|pyiqa-csv|qalign-json|fastvqa-log|vmaf-json",
        help="The layout of all score files; auto finds each one's from its content.",
    ),
]
KeyColumn = Annotated[
    str | None,
    typer.Option(
        "--key-column",
        metavar="NAME",
        help="Key column of the feature table; inferred unless given.",
    ),
]
ScoreKeyField = Annotated[
    str | None,
    typer.Option(
        "--score-key-field",
        metavar="NAME",
        help="Member or column of the scores that names the clip.",
    ),
]
ScoreField = Annotated[
    str | None,
    typer.Option(
        "--score-field", metavar="NAME", help="Member or column of the scores that holds the score."
    ),
]
KeyNormalize = Annotated[
    Literal["auto", "raw", "basename", "stem"],
    typer.Option("--key-normalize", help="How key values of both sides become clip keys."),
]
FeatureKeyRegex = Annotated[
    str | None,
    typer.Option("--feature-key-regex", metavar="RE", help="Searched in the feature keys."),
]
ScoreKeyRegex = Annotated[
    str | None,
    typer.Option("--score-key-regex", metavar="RE", help="Searched in the score keys."),
]
IgnoreCase = Annotated[
    bool, typer.Option("--ignore-case", help="Let keys that differ in case only meet.")
]
Direction = Annotated[
    list[str] | None,
    typer.Option(
        "--direction",
        metavar="SCORER=higher|lower",
        help="Which scores of a scorer mean better quality. Repeatable.",
    ),
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", metavar="N", help="Processes that work at a time.")
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDR", help="A Dask scheduler whose workers do it."),
]


@cli.command(
    example="secondopinion join --features features.parquet --scores dover.csv "
    "--scores niqe=niqe.csv --out with-opinions.parquet"
)
def join(
    output: Output,
    features: Annotated[
        str,
        typer.Option(
            "--features", metavar="PATH", help="A feature table, or a directory of parts."
        ),
    ],
    scores: Scores,
    out: Annotated[
        str, typer.Option("--out", metavar="PATH", help="The table to write, of the same format.")
    ],
    audit_json: Annotated[
        str | None,
        typer.Option(
            "--audit-json", metavar="PATH", help="Where the audit goes. [default: OUT.audit.json]"
        ),
    ] = None,
    format: Format = "auto",
    key_column: KeyColumn = None,
    score_key_field: ScoreKeyField = None,
    score_field: ScoreField = None,
    key_normalize: KeyNormalize = "auto",
    feature_key_regex: FeatureKeyRegex = None,
    score_key_regex: ScoreKeyRegex = None,
    ignore_case: IgnoreCase = False,
    missing: Annotated[
        Literal["mark", "drop", "fail"],
        typer.Option(
            "--missing",
            help="Rows that lack a score: mark them, drop them, or fail with the audit alone.",
        ),
    ] = "mark",
    direction: Direction = None,
    prefix: Annotated[
        str,
        typer.Option(
            "--prefix", metavar="TEXT", help="What the names of added columns begin with."
        ),
    ] = "second_opinion",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace columns that the table already has.")
    ] = False,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Allow --out to be the feature table.")
    ] = False,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
) -> None:
    """Add every scorer's scores to a feature table."""
    import secondopinion
    from secondopinion.rendering import join_summary

    audit_path = f"{out}.audit.json" if audit_json is None else audit_json
    with output.progress() as progress:
        try:
            audit = secondopinion.materialize(
                features,
                scores,
                out,
                audit_json=audit_path,
                format=format,
                key_column=key_column,
                score_key_field=score_key_field,
                score_field=score_field,
                key_normalize=key_normalize,
                feature_key_regex=feature_key_regex,
                score_key_regex=score_key_regex,
                ignore_case=ignore_case,
                missing=missing,
                direction=tuple(direction or ()),
                prefix=prefix,
                overwrite=overwrite,
                in_place=in_place,
                jobs=jobs,
                scheduler=scheduler,
                progress=progress,
            )
        except secondopinion.MissingScoresError as error:
            if not output.json and error.document is not None:
                for renderable in join_summary(error.document, audit_path):
                    output.console.print(renderable)
            raise
    output.result(audit, *join_summary(audit, audit_path))


@cli.command(
    example="secondopinion inspect --scores dover.csv --scores 'logs/*.json' "
    "--features features.parquet"
)
def inspect(
    output: Output,
    scores: Scores,
    features: Annotated[
        str | None,
        typer.Option(
            "--features", metavar="PATH", help="A feature table to match the scores with."
        ),
    ] = None,
    format: Format = "auto",
    key_column: KeyColumn = None,
    score_key_field: ScoreKeyField = None,
    score_field: ScoreField = None,
    key_normalize: KeyNormalize = "auto",
    feature_key_regex: FeatureKeyRegex = None,
    score_key_regex: ScoreKeyRegex = None,
    ignore_case: IgnoreCase = False,
    direction: Direction = None,
) -> None:
    """Show what score files hold and would match."""
    import secondopinion
    from secondopinion import rendering

    with output.progress() as progress:
        document = secondopinion.inspect(
            scores,
            features=features,
            format=format,
            key_column=key_column,
            score_key_field=score_key_field,
            score_field=score_field,
            key_normalize=key_normalize,
            feature_key_regex=feature_key_regex,
            score_key_regex=score_key_regex,
            ignore_case=ignore_case,
            direction=tuple(direction or ()),
            progress=progress,
        )
    output.result(document, *rendering.inspection(document))


@cli.command(
    example="secondopinion batch --manifest opinions.json --report-json report.json "
    "--report-md report.md"
)
def batch(
    output: Output,
    manifest: Annotated[
        str, typer.Option("--manifest", metavar="FILE", help="Manifest of tables to join.")
    ],
    base_dir: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where relative paths start; the manifest's folder."),
    ] = None,
    report_json: Annotated[
        str | None, typer.Option(metavar="PATH", help="Report for programs.")
    ] = None,
    report_md: Annotated[
        str | None, typer.Option(metavar="PATH", help="Report for people.")
    ] = None,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Begin no further table once one has failed.")
    ] = False,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
) -> None:
    """Add second opinions to every table of a manifest."""
    import labeljoin

    import secondopinion

    with output.progress() as progress:
        try:
            report = secondopinion.run_batch(
                manifest,
                base_dir=base_dir,
                report_json=report_json,
                report_md=report_md,
                fail_fast=fail_fast,
                jobs=jobs,
                scheduler=scheduler,
                progress=progress,
            )
        except labeljoin.BatchError as error:
            if not output.json and error.document is not None:
                for renderable in labeljoin.render_batch(secondopinion.SCORE_BATCH, error.document):
                    output.console.print(renderable)
            raise
    output.result(report, *labeljoin.render_batch(secondopinion.SCORE_BATCH, report))


def main() -> None:
    """Run the command ``secondopinion``."""
    cli.run()
