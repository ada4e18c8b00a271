"""Flags that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, make_dataclass
from typing import Annotated, Any, Literal, get_args, get_type_hints

import typer

from labeljoin.batch.options import declared

Features = Annotated[
    str, typer.Option("--features", metavar="PATH", help="Feature table, or directory of parts.")
]
Labels = Annotated[
    list[str],
    typer.Option("--labels", metavar="PATH", help="Label file; give it again for each further."),
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
    int | None, typer.Option(metavar="N", help="Processes that work at a time; 1 by default.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDR", help="Dask scheduler to work on, such as tcp://10.0.0.1:8786."),
]


def option_flags(
    options: type, *, without: Collection[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command a flag for each option that a dataclass declares.

    The command has a parameter ``options`` of that dataclass; the flags stand in its place.

    Args:
        options: The dataclass, its fields declared as in :func:`labeljoin.batch.declared`.
        without: Options that the command has no use for.
    """
    flags = make_dataclass(
        f"{options.__name__}Flags",
        [
            (
                option.name,
                _flag(option.name, option.kind, option.description, option.extra),
                option.default,
            )
            for option in declared(options)
            if option.name not in without
        ],
        frozen=True,
    )

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def wrapped(*args: Any, options: Any, **others: Any) -> None:
            command(*args, options=chosen(**asdict(options)), **others)

        chosen = options
        hints = get_type_hints(command, include_extras=True)
        wrapped.__annotations__ = {**hints, "options": flags}
        return wrapped

    return decorate


def options_table(options: type) -> str:
    """Return the options of a dataclass as a Markdown table, as the README has it."""
    rows = []
    for option in declared(options):
        flag = _names(option.name, option.extra)[0]
        default = _default(option.default)
        rows.append(f"| `{flag}` | `{option.name}` | {default} | {option.description} |")
    return "\n".join(["| flag | option | default | |", "| --- | --- | --- | --- |", *rows])


def _default(value: Any) -> str:
    return "" if value is None or value is False else f"`{value}`"


def _names(name: str, extra: Mapping[str, Any]) -> list[str]:
    return [f"--{each.replace('_', '-')}" for each in (name, *extra.get("names", ()))]


def _flag(name: str, kind: Any, description: str, extra: Mapping[str, Any]) -> Any:
    plain = get_args(kind)[0]
    return Annotated[
        plain, typer.Option(*_names(name, extra), metavar=extra.get("metavar"), help=description)
    ]
