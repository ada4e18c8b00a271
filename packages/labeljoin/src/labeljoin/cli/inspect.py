"""``labeljoin inspect``."""

from __future__ import annotations

from typing import Annotated

import typer
from provenance.toolkit import Output, VerdictError

from labeljoin.cli import flags
from labeljoin.joining.options import JoinOptions


@flags.option_flags(
    JoinOptions,
    without=("status_column", "overwrite"),
)
def inspect(
    output: Output,
    features: flags.Features,
    labels: flags.Labels,
    options: JoinOptions = JoinOptions(),  # noqa: B008  # its flags stand in its place
    check: Annotated[
        bool, typer.Option("--check", help="Exit 1 if the join would fail, for CI.")
    ] = False,
) -> None:
    """Show what a join would do.

    Both sides' key columns and keys, coverage, the scale of the labels, and, where coverage is
    low, what would raise it. Nothing is written.
    """
    import labeljoin
    from labeljoin.cli.rendering import render_inspection

    with output.progress() as progress:
        document = labeljoin.inspect(features, labels, options, progress=progress)
    problems = [*document["obstacles"], *document["failures"]]
    if not (check and problems and output.json):
        output.result(document, *render_inspection(document))
    if check and problems:
        raise VerdictError(
            "; ".join(problem.rstrip(".") for problem in problems),
            where=features,
            fix=document["diagnosis"]["advice"] if document["diagnosis"] else None,
            document=document,
            code="inspect.would-fail",
        )
