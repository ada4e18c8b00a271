"""The flags that several commands share."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

import typer

Scores = Annotated[
    list[str],
    typer.Option(
        "--scores",
        metavar="[LABEL=]PATH",
        help="A file, directory or quoted glob pattern of scores. LABEL names the scorer if the "
        "file does not. Repeatable.",
    ),
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", metavar="N", help="Processes that work at a time.")
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDR", help="A Dask scheduler whose workers do the work."),
]


@dataclass(frozen=True, kw_only=True)
class MatchingFlags:
    """How score files are read, and how their clips match those of the feature table."""

    format: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="auto|rows|clip-scores|wrapper|dover-csv|pyiqa-csv|qalign-json|fastvqa-log|"
            "vmaf-json",
            help="The layout of all score files; auto finds each file's from its content.",
        ),
    ] = "auto"
    key_column: Annotated[
        str | None,
        typer.Option(
            "--key-column",
            metavar="NAME",
            help="Key column of the feature table. [default: inferred]",
        ),
    ] = None
    score_key_field: Annotated[
        str | None,
        typer.Option(
            "--score-key-field",
            metavar="NAME",
            help="Member or column of the scores that names the clip.",
        ),
    ] = None
    score_field: Annotated[
        str | None,
        typer.Option(
            "--score-field",
            metavar="NAME",
            help="Member or column of the scores that holds the score.",
        ),
    ] = None
    key_normalize: Annotated[
        Literal["auto", "raw", "basename", "stem"],
        typer.Option("--key-normalize", help="How key values of both sides become clip keys."),
    ] = "auto"
    feature_key_regex: Annotated[
        str | None,
        typer.Option("--feature-key-regex", metavar="RE", help="Searched in the feature keys."),
    ] = None
    score_key_regex: Annotated[
        str | None,
        typer.Option("--score-key-regex", metavar="RE", help="Searched in the score keys."),
    ] = None
    ignore_case: Annotated[
        bool, typer.Option("--ignore-case", help="Match keys case-insensitively.")
    ] = False
    direction: Annotated[
        list[str] | None,
        typer.Option(
            "--direction",
            metavar="SCORER=higher|lower",
            help="Which scores of a scorer mean better quality. Repeatable.",
        ),
    ] = None
    score_range: Annotated[
        list[str] | None,
        typer.Option(
            "--score-range",
            metavar="SCORER=LOW:HIGH",
            help="The bounds of a scorer's scale. Repeatable.",
        ),
    ] = None

    def options(self) -> dict[str, Any]:
        """Return the flags as the keyword arguments of a join."""
        return {
            **asdict(self),
            "direction": tuple(self.direction or ()),
            "score_range": tuple(self.score_range or ()),
        }
