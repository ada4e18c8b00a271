"""``labeljoin inspect``."""

from __future__ import annotations

from provenance.toolkit import Output

from labeljoin.cli import flags
from labeljoin.joining.options import JoinOptions


@flags.option_flags(
    JoinOptions,
    without=("min_match_rate", "max_keyless_rate", "status_column", "overwrite"),
)
def inspect(
    output: Output,
    features: flags.Features,
    labels: flags.Labels,
    options: JoinOptions = JoinOptions(),  # noqa: B008  # its flags stand in its place
) -> None:
    """Show what a join would do.

    Both sides' key columns and keys, coverage, the scale of the labels, and, where coverage is
    low, what would raise it. Nothing is written.
    """
    import labeljoin
    from labeljoin.cli.rendering import render_inspection

    with output.progress() as progress:
        document = labeljoin.inspect(features, labels, options, progress=progress)
    output.result(document, *render_inspection(document))
