"""``secondopinion join``."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from provenance.toolkit import Output

from secondopinion.cli import flags


def join(
    output: Output,
    *,
    features: Annotated[
        str,
        typer.Option(
            "--features", metavar="PATH", help="A feature table, or a directory of parts."
        ),
    ],
    scores: flags.Scores,
    out: Annotated[
        str, typer.Option("--out", metavar="PATH", help="The table to write, of the same format.")
    ],
    audit_json: Annotated[
        str | None,
        typer.Option(
            "--audit-json", metavar="PATH", help="The audit to write. [default: OUT.audit.json]"
        ),
    ] = None,
    matching: flags.MatchingFlags,
    missing: Annotated[
        Literal["mark", "drop", "fail"],
        typer.Option(
            "--missing",
            help="Rows that lack a score: mark them, drop them, or fail with the audit alone.",
        ),
    ] = "mark",
    prefix: Annotated[
        str,
        typer.Option(
            "--prefix", metavar="TEXT", help="What the names of added columns begin with."
        ),
    ] = "second_opinion",
    trained_on: Annotated[
        list[str] | None,
        typer.Option(
            "--trained-on",
            metavar="SCORER=CORPUS",
            help="What a scorer was trained on; CORPUS none for nothing. Repeatable.",
        ),
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Option(
            "--corpus",
            metavar="NAME",
            help="Corpus of the feature table, if its column corpus does not state it.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace columns that the table already has.")
    ] = False,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Allow --out to be the feature table.")
    ] = False,
    jobs: flags.Jobs = None,
    scheduler: flags.Scheduler = None,
) -> None:
    """Add every scorer's scores to a feature table."""
    import secondopinion
    from secondopinion.cli.rendering import join_summary

    audit_path = f"{out}.audit.json" if audit_json is None else audit_json
    with output.progress() as progress:
        try:
            audit = secondopinion.materialize(
                features,
                scores,
                out,
                audit_json=audit_path,
                **matching.options(),
                missing=missing,
                prefix=prefix,
                trained_on=tuple(trained_on or ()),
                corpus=corpus,
                overwrite=overwrite,
                in_place=in_place,
                jobs=jobs,
                scheduler=scheduler,
                progress=progress,
            )
        except secondopinion.MissingScoresError as error:
            if not output.json and error.document is not None:
                output.show(*join_summary(error.document, audit_path))
            raise
    output.result(audit, *join_summary(audit, audit_path))
