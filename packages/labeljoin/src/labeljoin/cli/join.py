"""``labeljoin join``."""

from __future__ import annotations

from typing import Annotated

import typer
from provenance.toolkit import InputError, Output

from labeljoin.cli import flags
from labeljoin.joining.options import JoinOptions
from labeljoin.ratings.options import RatingOptions


@flags.option_flags(JoinOptions)
@flags.option_flags(RatingOptions, parameter="rating_options", without=["scale"])
def join(
    output: Output,
    features: flags.Features,
    out: Annotated[
        str,
        typer.Option("--out", metavar="PATH", help="Labelled table, in the features' format."),
    ],
    rating_options: RatingOptions = RatingOptions(),  # noqa: B008  # as options
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--labels", metavar="PATH", help="Label file; give it again for each further."
        ),
    ] = None,
    ratings: Annotated[
        list[str] | None,
        typer.Option("--ratings", metavar="PATH", help="Single ratings instead of --labels."),
    ] = None,
    audit_json: Annotated[
        str | None, typer.Option(metavar="PATH", help="Audit; <out>.audit.json by default.")
    ] = None,
    options: JoinOptions = JoinOptions(),  # noqa: B008  # its flags stand in its place
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Allow --out to be the feature table.")
    ] = False,
    jobs: flags.Jobs = None,
    scheduler: flags.Scheduler = None,
    dry_run: flags.DryRun = False,
) -> None:
    """Add MOS labels to a feature table.

    Labels are matched with features by clip key. An audit is written beside the output; below the
    minimum coverage only the audit is written.
    """
    import labeljoin

    if not labels and not ratings:
        raise InputError(
            "no labels are given",
            fix="Give --labels PATH, or --ratings PATH",
            code="join.no-labels",
        )
    if not ratings and rating_options != RatingOptions():
        raise InputError(
            "an option about ratings is given, and no ratings are",
            fix="Give --ratings PATH",
            code="join.no-ratings",
        )
    rated = rating_options if ratings else None
    if dry_run:
        from labeljoin.cli.rendering import render_inspection

        with output.progress() as progress:
            document = labeljoin.inspect(
                features, labels, options, ratings=ratings, rating_options=rated, progress=progress
            )
        output.result(document, *render_inspection(document))
        return
    with output.progress() as progress:
        try:
            audit = labeljoin.join_file(
                features,
                labels,
                out,
                options,
                ratings=ratings,
                rating_options=rated,
                audit_json=audit_json,
                in_place=in_place,
                jobs=jobs,
                scheduler=scheduler,
                progress=progress,
            )
            failure: labeljoin.CoverageError | None = None
        except labeljoin.CoverageError as error:
            failure, audit = error, dict(error.document or {})
    from labeljoin.cli.rendering import render_failed_join, render_join

    audit_path = audit_json or f"{out}.audit.json"
    if failure is not None:
        if not output.json:
            output.show(*render_failed_join(audit, audit_path))
        raise failure
    output.result(audit, *render_join(audit, audit_path))
