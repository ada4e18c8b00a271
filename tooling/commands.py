"""Read the commands of all packages from the code that runs them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer

PACKAGES = ("labeljoin", "secondopinion", "signalaudit", "moshead", "provenance")


@dataclass(frozen=True)
class Parameter:
    """An option or an argument of a command.

    Attributes:
        spelling: Its name in ``--help``, such as ``--out PATH``.
        flags: Its option names; empty for an argument.
        help: Its description in ``--help``, with the default.
        repeatable: Whether it may be used more than once.
    """

    spelling: str
    flags: tuple[str, ...]
    help: str
    repeatable: bool


@dataclass(frozen=True)
class Command:
    """One visible command of one package."""

    package: str
    name: str
    usage: str
    help: str
    example: str
    parameters: tuple[Parameter, ...]


def summary_of(package: str) -> str:
    """Return the sentence at the top of a package's ``--help``."""
    return str(_group_of(package).help)


def commands_of(package: str) -> Iterator[Command]:
    """Yield the visible commands of a package, in the order of ``--help``."""
    group = _group_of(package)
    parent = typer.Context(group, info_name=package)
    for name, command in group.commands.items():
        if command.hidden:
            continue
        context = typer.Context(command, info_name=name, parent=parent)
        yield Command(
            package=package,
            name=name,
            usage=command.get_usage(context).removeprefix("Usage: "),
            help=command.help or "",
            example=(command.epilog or "").removeprefix("Example: "),
            parameters=tuple(
                _parameter(parameter, context)
                for parameter in command.params
                if not getattr(parameter, "hidden", False)
            ),
        )


def _group_of(package: str) -> Any:
    return typer.main.get_command(importlib.import_module(f"{package}.cli.app").cli.app)


def _parameter(parameter: Any, context: typer.Context) -> Parameter:
    spelling, text = parameter.get_help_record(context)
    is_option = parameter.param_type_name == "option"
    return Parameter(
        spelling=spelling,
        flags=(*parameter.opts, *parameter.secondary_opts) if is_option else (),
        help=text if parameter.help else "",
        repeatable=bool(parameter.multiple if is_option else parameter.nargs == -1),
    )
