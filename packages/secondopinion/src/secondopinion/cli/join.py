"""``secondopinion join``."""

from __future__ import annotations

from typing import Annotated

import typer
from labeljoin.cli import option_flags
from provenance.toolkit import Output

from secondopinion.cli import flags
from secondopinion.joining.options import JoinOptions


@option_flags(JoinOptions)
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
    options: JoinOptions,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Allow --out to be the feature table.")
    ] = False,
    jobs: flags.Jobs = None,
    scheduler: flags.Scheduler = None,
    dry_run: flags.DryRun = False,
) -> None:
    """Add every scorer's scores to a feature table."""
    import secondopinion
    from secondopinion.cli.rendering import join_summary

    if dry_run:
        from secondopinion.cli.rendering import inspection

        with output.progress() as progress:
            document = secondopinion.inspect(scores, options, features=features, progress=progress)
        output.result(document, *inspection(document))
        return
    audit_path = f"{out}.audit.json" if audit_json is None else audit_json
    with output.progress() as progress:
        try:
            audit = secondopinion.join_file(
                features,
                scores,
                out,
                options,
                audit_json=audit_path,
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
