"""``labeljoin join``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from provenance.toolkit import InputError, Output

from labeljoin.cli import flags


def join(
    output: Output,
    features: flags.Features,
    out: Annotated[
        str,
        typer.Option("--out", metavar="PATH", help="Labelled table, in the features' format."),
    ],
    rating_flags: flags.RatingFlags,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--labels", metavar="PATH", help="Label file; give it again for each further."
        ),
    ] = None,
    ratings: Annotated[
        list[str] | None,
        typer.Option("--ratings", metavar="PATH", help="Single ratings, in the place of --labels."),
    ] = None,
    audit_json: Annotated[
        str | None, typer.Option(metavar="PATH", help="Audit; <out>.audit.json unless given.")
    ] = None,
    feature_key_column: flags.FeatureKeyColumn = None,
    label_key_column: flags.LabelKeyColumn = None,
    label_mos_column: flags.LabelMosColumn = None,
    label_scale: flags.LabelScale = "auto",
    key_normalize: flags.KeyNormalize = "auto",
    feature_key_regex: flags.FeatureKeyRegex = None,
    label_key_regex: flags.LabelKeyRegex = None,
    ignore_case: flags.IgnoreCase = False,
    min_match_rate: flags.MinMatchRate = 0.95,
    max_keyless_rate: flags.MaxKeylessRate = 0.05,
    extras: flags.Extras = "auto",
    status_column: Annotated[
        str, typer.Option(metavar="NAME", help="Column that says ok or missing-label.")
    ] = "mos_label_status",
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace columns that the feature table already has."),
    ] = False,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Allow --out to be the feature table.")
    ] = False,
    jobs: flags.Jobs = None,
    scheduler: flags.Scheduler = None,
) -> None:
    """Add MOS labels to a feature table.

    Labels meet features by clip key. An audit is written beside the output; below the minimum
    coverage only the audit is.
    """
    import labeljoin

    if not labels and not ratings:
        raise InputError("no labels are given", fix="Give --labels PATH, or --ratings PATH")
    if not ratings and rating_flags != flags.RatingFlags():
        raise InputError(
            "an option about ratings is given, and no ratings are", fix="Give --ratings PATH"
        )
    rating_options = labeljoin.ratings.RatingOptions(**asdict(rating_flags)) if ratings else None
    with output.progress() as progress:
        try:
            audit = labeljoin.materialize(
                features,
                labels,
                out,
                ratings=ratings,
                rating_options=rating_options,
                audit_json=audit_json,
                feature_key_column=feature_key_column,
                label_key_column=label_key_column,
                label_mos_column=label_mos_column,
                label_scale=label_scale,
                key_normalize=key_normalize,
                feature_key_regex=feature_key_regex,
                label_key_regex=label_key_regex,
                ignore_case=ignore_case,
                min_match_rate=min_match_rate,
                max_keyless_rate=max_keyless_rate,
                extras=extras,
                status_column=status_column,
                overwrite=overwrite,
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
