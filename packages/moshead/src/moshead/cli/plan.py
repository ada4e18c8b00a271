"""The commands that read and plan: ``gate-plan`` and ``schemas``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from provenance.toolkit import CommandLine, Output

from moshead.cli.flags import RatingSdDdof

if TYPE_CHECKING:
    from rich.console import RenderableType

    from moshead.features.schemas import FeatureSchema


def register(cli: CommandLine) -> None:
    """Add the commands that plan to ``cli``."""
    cli.command(
        name="gate-plan",
        example="moshead gate-plan --plcc 0.90 --ratings 5 --rating-sd 0.7 --mos-sd 0.64",
    )(gate_plan)
    cli.command(example="moshead schemas")(schemas)


def gate_plan(
    output: Output,
    plcc: Annotated[float, typer.Option(help="PLCC expected on clean labels.")] = 0.88,
    clips: Annotated[int | None, typer.Option(help="Labelled clips.")] = None,
    k_folds: Annotated[int, typer.Option(help="Folds.")] = 5,
    ratings: Annotated[float | None, typer.Option(help="Ratings a clip.")] = None,
    rating_sd: Annotated[
        float | None, typer.Option(help="Standard deviation of a clip's ratings, in MOS.")
    ] = None,
    mos_sd: Annotated[
        float | None, typer.Option(help="Standard deviation of MOS over clips.")
    ] = None,
    features: Annotated[
        Path | None, typer.Option(help="Labelled table to take clips, ratings and spreads from.")
    ] = None,
    rating_sd_ddof: RatingSdDdof = "1",
) -> None:
    """Show how many clips and ratings the gate needs before you train."""
    import moshead

    plan = moshead.plan_gate(
        plcc=plcc,
        clips=clips,
        k_folds=k_folds,
        ratings=ratings,
        rating_sd=rating_sd,
        mos_sd=mos_sd,
        features=features,
        rating_sd_ddof=0 if rating_sd_ddof == "0" else 1,
    )
    output.result(plan, "\n".join(plan["sentences"]))


def schemas(output: Output) -> None:
    """List the built-in feature schemas and their columns."""
    import moshead
    from moshead.documents.feature_schemas import LIST_SCHEMA

    listed = moshead.features.built_in_schemas()
    document = {
        "schema": LIST_SCHEMA,
        "feature_schemas": [{**schema.to_dict(), "summary": schema.summary} for schema in listed],
    }
    output.result(document, *(_listing(schema) for schema in listed))


def _listing(schema: FeatureSchema) -> RenderableType:
    from rich.table import Table

    table = Table(title=f"{schema.id}: {schema.summary}", title_justify="left")
    for heading in ("", "column", "where it is absent"):
        table.add_column(heading)
    for number, name in enumerate(schema.columns, start=1):
        absent = f"filled with {schema.fill[name]:g}" if name in schema.fill else "an error"
        table.add_row(str(number), name, absent)
    return table
