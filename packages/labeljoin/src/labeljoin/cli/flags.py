"""Flags that several commands share."""

from __future__ import annotations

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
Jobs = Annotated[
    int | None, typer.Option(metavar="N", help="Processes that work at a time; 1 unless given.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDR", help="Dask scheduler to work on, such as tcp://10.0.0.1:8786."),
]
