"""Flags that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, make_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from labeljoin.batch.options import Declared, declared

Features = Annotated[
    str, typer.Option("--features", metavar="PATH", help="Feature table, or directory of parts.")
]
Labels = Annotated[
    list[str],
    typer.Option("--labels", metavar="PATH", help="Label file; give it again for each further."),
]
Jobs = Annotated[
    int | None, typer.Option(metavar="N", help="Processes that work at a time; 1 by default.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Write nothing; show what inspect shows of this join.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDR", help="Dask scheduler to work on, such as tcp://10.0.0.1:8786."),
]


def option_flags(
    options: type, *, parameter: str = "options", without: Collection[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command a flag for each option that a dataclass declares.

    The command has a parameter of that dataclass; the flags stand in its place.

    Args:
        options: The dataclass, its fields declared as in :func:`labeljoin.batch.declared`.
        parameter: The name of the command's parameter.
        without: Options that the command has no use for.

    Examples:
        >>> from labeljoin import JoinOptions
        >>> from provenance.toolkit import CommandLine, Output
        >>> line = CommandLine("moskit-labeljoin", "Show options.")
        >>> @line.command(example="show --extras none")
        ... @option_flags(JoinOptions)
        ... def show(output: Output, options: JoinOptions) -> None:
        ...     output.result({"extras": options.extras})
    """
    flags = make_dataclass(
        f"{options.__name__}Flags",
        [
            (
                option.name,
                _flag(option),
                # A list of flags that are not given is empty, whatever the option's default is.
                None if _is_list(option) else option.default,
            )
            for option in declared(options)
            if option.name not in without
        ],
        frozen=True,
    )

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def wrapped(*args: Any, **others: Any) -> None:
            given = asdict(others[parameter])
            given = {name: value for name, value in given.items() if value is not None}
            command(*args, **{**others, parameter: options(**given)})

        hints = get_type_hints(command, include_extras=True)
        wrapped.__annotations__ = {**hints, parameter: flags}
        return wrapped

    return decorate


def options_table(options: type) -> str:
    """Return the options of a dataclass as a Markdown table, as the README has it.

    Examples:
        >>> from labeljoin import JoinOptions
        >>> options_table(JoinOptions).splitlines()[0]
        '| flag | option | default | |'
    """
    rows = []
    for option in declared(options):
        flag = _names(option.name, option.extra)[0]
        default = _default(option.default)
        rows.append(f"| `{flag}` | `{option.name}` | {default} | {option.description} |")
    return "\n".join(["| flag | option | default | |", "| --- | --- | --- | --- |", *rows])


def _default(value: Any) -> str:
    return "" if value in (None, False, ()) else f"`{value}`"


def _names(name: str, extra: Mapping[str, Any]) -> list[str]:
    return [f"--{each.replace('_', '-')}" for each in (name, *extra.get("names", ()))]


def _is_list(option: Declared) -> bool:
    return get_origin(get_args(option.kind)[0]) is Sequence


def _flag(option: Declared) -> Any:
    return Annotated[
        list[str] | None if _is_list(option) else get_args(option.kind)[0],
        typer.Option(
            *_names(option.name, option.extra),
            metavar=option.extra.get("metavar"),
            help=option.description,
        ),
    ]
