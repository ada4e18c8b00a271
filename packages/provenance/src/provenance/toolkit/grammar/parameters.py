"""The parameters that every command gets, and the spellings that all commands share.

One table by position, ``-o`` for the main output, and quoted glob patterns are decided here, so
that a command declares its options once and all commands read alike.
"""

from __future__ import annotations

import glob
import inspect
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer
from typer.models import ArgumentInfo

from provenance.toolkit.errors import InputError

OUTPUT = "main_output"
"""The parameter that ``-o`` sets where a suffix decides which option it stands for."""

DRY_RUN = "dry_run"
"""The parameter of ``--dry-run``, which a command may declare itself."""

_METAVARS = {int: "N", float: "X", Path: "PATH"}
_ENDINGS = {"column": "NAME", "regex": "RE", "corpus": "NAME", "model_id": "ID"}

_KEYWORD = inspect.Parameter.KEYWORD_ONLY


@dataclass(frozen=True)
class Shorthand:
    """The shorter spellings of one command.

    Attributes:
        table: The parameter that may be given by position, or None.
        output: The parameter that ``-o`` stands for, or such parameters by suffix of the file.
    """

    table: str | None = None
    output: str | Mapping[str, str] = field(default="out")

    @property
    def given(self) -> str:
        """The name of the parameter that holds what is given by position."""
        return f"{self.table}_by_position"

    def writes(self, own: Sequence[inspect.Parameter]) -> bool:
        """Whether a command writes files and has no ``--dry-run`` of its own."""
        names = {parameter.name for parameter in own}
        outputs = any(name == "out" or name.startswith(("out_", "report_")) for name in names)
        return outputs and DRY_RUN not in names

    def parameters(self, own: Sequence[inspect.Parameter]) -> list[inspect.Parameter]:
        """Return the parameters of a command with the shorter spellings added.

        Args:
            own: The command's parameters, each annotated with a Typer option or argument.
        """
        found = []
        for parameter in map(_with_metavar, own):
            shown = parameter
            if parameter.name == self.table:
                found.append(self._by_position(parameter))
                shown = _optional(parameter)
            if parameter.name == self.output:
                shown = _with_flag(shown, "-o")
            found.append(shown)
        if not isinstance(self.output, str):
            found.append(self._main_output(found))
        return found

    def _by_position(self, parameter: inspect.Parameter) -> inspect.Parameter:
        kind, option = _parts(parameter)
        word = option.metavar or "PATH"
        argument = typer.Argument(
            metavar=word.strip("[]") if word.count("[") > 1 else word,
            help=f"The same as {_flag_of(parameter)}.",
            show_default=False,
        )
        return inspect.Parameter(
            self.given,
            _KEYWORD,
            default=None,
            annotation=Annotated[_without_none(kind) | None, argument],
        )

    def _main_output(self, parameters: Sequence[inspect.Parameter]) -> inspect.Parameter:
        assert not isinstance(self.output, str)
        flags = {p.name: _flag_of(p) for p in parameters if p.name in self.output.values()}
        meant = ", ".join(f"{flags[name]} for {suffix}" for suffix, name in self.output.items())
        option = typer.Option("-o", metavar="PATH", help=f"By its suffix: {meant}.")
        return inspect.Parameter(
            OUTPUT, _KEYWORD, default=None, annotation=Annotated[Path | None, option]
        )

    def resolve(
        self, options: dict[str, Any], own: Sequence[inspect.Parameter], configured: Iterable[str]
    ) -> tuple[dict[str, Any], frozenset[str]]:
        """Return the options as the command takes them, and configured ones that typed ones beat.

        Args:
            options: All options as parsed.
            own: The command's own parameters.
            configured: Options that come from the configuration.

        Raises:
            InputError: A table is given twice or not at all, or a suffix says nothing.
        """
        beaten: set[str] = set()
        by_name = {parameter.name: parameter for parameter in own}
        for name, parameter in by_name.items():
            kind, option = _parts(parameter)
            if options.get(name) and _is_list(kind) and option.metavar in ("PATH", None):
                options[name] = expand_patterns(options[name])
        if self.table is not None:
            parameter = by_name[self.table]
            given = options.pop(self.given)
            if given and self.table in configured:
                options[self.table] = None
                beaten.add(self.table)
            options[self.table] = _one_table(parameter, given, options[self.table])
        if not isinstance(self.output, str):
            path = options.pop(OUTPUT)
            if path is not None:
                options |= _by_suffix(path, self.output, options, by_name)
        return options, frozenset(beaten)


def _one_table(parameter: inspect.Parameter, given: Any, named: Any) -> Any:
    kind, option = _parts(parameter)
    flag = _flag_of(parameter)
    if _is_list(kind):
        paths = [*(given or ()), *(named or ())]
        value: Any = expand_patterns(paths) if paths else None
    elif given is not None and named is not None:
        raise InputError(
            f"{flag} is given, and {given} by position too",
            fix="Give one of them",
            code="usage.table-twice",
        )
    else:
        value = named if given is None else given
    if value is None:
        if parameter.default is not inspect.Parameter.empty:
            return parameter.default
        raise InputError(
            f"Missing {option.metavar or 'PATH'}: {(option.help or '').rstrip('.')}",
            fix=f"Give it by position or with {flag}",
            code="usage.missing-table",
        )
    return value


def expand_patterns(paths: Iterable[Any]) -> list[Any]:
    """Return paths with quoted glob patterns replaced by the files that they match, sorted.

    A path that exists, and a pattern that matches nothing, stay as they are.
    """
    found: list[Any] = []
    for path in paths:
        text = os.fspath(path)
        matches = []
        if glob.has_magic(text) and not os.path.lexists(text):
            matches = sorted(glob.glob(text, recursive=True))  # noqa: PTH207  # keep the spelling
        found += [type(path)(match) for match in matches] or [path]
    return found


def _by_suffix(
    path: Path,
    meant: Mapping[str, str],
    options: Mapping[str, Any],
    parameters: Mapping[str, inspect.Parameter],
) -> dict[str, Any]:
    name = meant.get(path.suffix.lower())
    if name is None:
        raise InputError(
            f"-o {path} does not say what to write",
            fix=f"End its name in {', '.join(meant)}",
            code="usage.output-suffix",
        )
    if options[name] is not None:
        raise InputError(
            f"-o {path} and {_flag_of(parameters[name])} {options[name]} are both given",
            fix="Give one of them",
            code="usage.output-twice",
        )
    return {name: path}


def _parts(parameter: inspect.Parameter) -> tuple[Any, Any]:
    """Return the type of a parameter and its Typer option."""
    parts = get_args(parameter.annotation)
    if get_origin(parameter.annotation) is not Annotated:
        return parameter.annotation, typer.Option()
    return parts[0], parts[1]


def _flag_of(parameter: inspect.Parameter) -> str:
    _, option = _parts(parameter)
    flags = [flag for flag in _declared(option) if flag.startswith("--")]
    return str(flags[0]) if flags else f"--{parameter.name.replace('_', '-')}"


def _with_metavar(parameter: inspect.Parameter) -> inspect.Parameter:
    """Name what an option takes in the same way in every command."""
    kind, option = _parts(parameter)
    if option.metavar:
        return parameter
    if isinstance(option, ArgumentInfo):
        word: str | None = parameter.name.upper()
    else:
        plain = _without_none(kind)
        plain = get_args(plain)[0] if _is_list(plain) else plain
        endings = (word for end, word in _ENDINGS.items() if parameter.name.endswith(end))
        word = next(endings, "TEXT") if plain is str else _METAVARS.get(plain)
    if word is None:  # a flag, or one of several words
        return parameter
    return parameter.replace(annotation=Annotated[kind, _copied(option, metavar=word)])


def _declared(option: Any) -> tuple[str, ...]:
    """Return the flags of a Typer option; in an annotation, it takes the first for a default."""
    first = (option.default,) if isinstance(option.default, str) else ()
    return (*first, *(option.param_decls or ()))


def _with_flag(parameter: inspect.Parameter, flag: str) -> inspect.Parameter:
    kind, option = _parts(parameter)
    declared = _declared(option) or (_flag_of(parameter),)
    if flag in declared:
        return parameter
    changed = _copied(option, default=..., param_decls=(*declared, flag))
    return parameter.replace(annotation=Annotated[kind, changed])


def _optional(parameter: inspect.Parameter) -> inspect.Parameter:
    kind, option = _parts(parameter)
    needed = parameter.default is inspect.Parameter.empty
    default = None if needed else parameter.default
    return parameter.replace(
        default=default,
        annotation=Annotated[_without_none(kind) | None, _copied(option, show_default=not needed)],
    )


def _copied(option: Any, **changes: Any) -> Any:
    import copy

    changed = copy.copy(option)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def _without_none(kind: Any) -> Any:
    members = [each for each in get_args(kind) if each is not type(None)]
    return members[0] if type(None) in get_args(kind) and len(members) == 1 else kind


def _is_list(kind: Any) -> bool:
    return get_origin(_without_none(kind)) is list
