"""``labeljoin inspect``."""

from __future__ import annotations

from provenance.toolkit import Output

from labeljoin.cli import flags


def inspect(
    output: Output,
    features: flags.Features,
    labels: flags.Labels,
    feature_key_column: flags.FeatureKeyColumn = None,
    label_key_column: flags.LabelKeyColumn = None,
    label_mos_column: flags.LabelMosColumn = None,
    label_scale: flags.LabelScale = "auto",
    key_normalize: flags.KeyNormalize = "auto",
    feature_key_regex: flags.FeatureKeyRegex = None,
    label_key_regex: flags.LabelKeyRegex = None,
    ignore_case: flags.IgnoreCase = False,
    extras: flags.Extras = "auto",
) -> None:
    """Show what a join would do.

    Both sides' key columns and keys, coverage, the scale of the labels, and, where coverage is
    low, what would raise it. Nothing is written.
    """
    import labeljoin
    from labeljoin.cli.rendering import render_inspection

    with output.progress() as progress:
        document = labeljoin.inspect(
            features,
            labels,
            feature_key_column=feature_key_column,
            label_key_column=label_key_column,
            label_mos_column=label_mos_column,
            label_scale=label_scale,
            key_normalize=key_normalize,
            feature_key_regex=feature_key_regex,
            label_key_regex=label_key_regex,
            ignore_case=ignore_case,
            extras=extras,
            progress=progress,
        )
    output.result(document, *render_inspection(document))
