"""Flags that several commands share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import typer

Features = Annotated[
    str, typer.Option("--features", metavar="PATH", help="Feature table, or directory of parts.")
]
Labels = Annotated[
    list[str],
    typer.Option("--labels", metavar="PATH", help="Label file; give it again for each further."),
]
FeatureKeyColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Key column of the features; inferred unless given."),
]
LabelKeyColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Key column of the labels; inferred unless given."),
]
LabelMosColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="MOS column of the labels; inferred unless given."),
]
LabelScale = Annotated[
    str,
    typer.Option(
        metavar="auto|1-5|0-100|LOW:HIGH",
        help="MOS scale of the labels; auto decides once per file and says why.",
    ),
]
KeyNormalize = Annotated[
    Literal["auto", "raw", "basename", "stem"],
    typer.Option(
        help="How key values of both sides become clip keys; auto takes the last path part "
        "without a known media suffix."
    ),
]
FeatureKeyRegex = Annotated[
    str | None,
    typer.Option(metavar="RE", help="Searched in feature keys; group 1 wins, else the match."),
]
LabelKeyRegex = Annotated[
    str | None, typer.Option(metavar="RE", help="Searched in label keys, likewise.")
]
IgnoreCase = Annotated[
    bool, typer.Option("--ignore-case", help="Let keys that differ in case only meet.")
]
MinMatchRate = Annotated[
    float, typer.Option(metavar="RATE", help="Coverage below which the join fails, from 0 to 1.")
]
MaxKeylessRate = Annotated[
    float,
    typer.Option(metavar="RATE", help="Share of rows without a clip key above which it fails."),
]
Extras = Annotated[
    str,
    typer.Option(
        metavar="auto|none|NAME,…",
        help="Label columns to copy beside the MOS; NAME=COLUMN renames one.",
    ),
]


@dataclass(frozen=True)
class RatingFlags:
    """How ratings become MOS."""

    method: Annotated[
        Literal["p910", "p913", "bt500", "mean"],
        typer.Option(
            help="p910: rater model of ITU-T P.910; p913: bias removal and rejection of P.913; "
            "bt500: rejection of BT.500; mean: plain mean."
        ),
    ] = "p910"
    clip_column: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Clip column of the ratings; inferred by name."),
    ] = None
    rater_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Rater column; inferred by name. none: votes are anonymous (method mean).",
        ),
    ] = None
    score_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Score column; inferred by name.")
    ] = None
    session_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Column that tells a rater's repeated votes apart; inferred."
        ),
    ] = None
    reference_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Column that names (or marks) the hidden reference of a clip: makes DMOS.",
        ),
    ] = None
    content_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Content column, where --reference-column only marks references."
        ),
    ] = None
    repetitions: Annotated[
        Literal["mean", "keep", "last"] | None,
        typer.Option(
            help="What to do with several votes of a rater on a clip. Without it, votes of "
            "different sessions all count, and others that differ are refused."
        ),
    ] = None
    off_scale: Annotated[
        Literal["refuse", "drop"], typer.Option(help="What to do with votes off the scale.")
    ] = "refuse"
    min_ratings: Annotated[
        int, typer.Option(metavar="N", help="Clips with fewer votes get no MOS.")
    ] = 1


Jobs = Annotated[
    int | None, typer.Option(metavar="N", help="Processes that work at a time; 1 unless given.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDR", help="Dask scheduler to work on, such as tcp://10.0.0.1:8786."),
]
