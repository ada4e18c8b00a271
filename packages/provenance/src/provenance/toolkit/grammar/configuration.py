"""Options that were not typed: from ``MOSKIT_*``, ``moskit.toml`` or ``pyproject.toml``.

They are put into the command line before it is parsed, so they are checked, recorded and replayed
like typed ones. What is typed wins, then the environment, then the file.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provenance.toolkit.errors import InputError

VARIABLE = "MOSKIT_CONFIG"
"""The configuration file to read; ``none`` ignores all files and variables, as a replay does."""

FILE = "moskit.toml"
_NEVER = frozenset({"help", "show_version"})
_PATHS = ("PATH", "FILE", "DIR", "FILE.toml")
_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off", "")


@dataclass(frozen=True)
class Configured:
    """An option that was not typed.

    Attributes:
        name: The parameter.
        tokens: What would have been typed.
        origin: Where it comes from, for people.
    """

    name: str
    tokens: tuple[str, ...]
    origin: str


@dataclass(frozen=True)
class _Setting:
    """A value for an option, and where it comes from."""

    value: Any
    origin: str
    folder: Path | None = None


def configured_options(
    program: str,
    command: str,
    parameters: Sequence[Any],
    typed: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
) -> list[Configured]:
    """Return the options of a command that come from its configuration.

    Args:
        program: The command line's name, e.g. ``labeljoin``.
        command: The subcommand.
        parameters: The parameters of the parser for it.
        typed: The arguments after the subcommand.
        environment: The environment variables.
        folder: Where the command runs; the file is looked for there and in the folders above.

    Raises:
        InputError: The file cannot be read, or names an option that does not exist.
    """
    chosen = environment.get(VARIABLE, "")
    if chosen.strip().lower() == "none":
        return []
    options = {p.name: p for p in parameters if p.param_type_name == "option"}
    found: dict[str, _Setting] = {}
    file = Path(chosen) if chosen else _file_above(folder)
    if file is not None:
        found = dict(_from_file(file, program, command, options))
    found |= dict(_from_environment(program, command, options, environment))
    return [
        Configured(name, tokens, setting.origin)
        for name, setting in found.items()
        if not _is_typed(options[name], typed)
        and (tokens := tuple(_tokens(options[name], setting, folder)))
    ]


def _file_above(folder: Path) -> Path | None:
    for place in (folder, *folder.parents):
        own, shared = place / FILE, place / "pyproject.toml"
        if own.is_file():
            return own
        if shared.is_file() and _has_table(shared):
            return shared
    return None


def _has_table(path: Path) -> bool:
    try:
        tool = tomllib.loads(path.read_text("utf-8")).get("tool")
    except (OSError, ValueError):
        return False  # another program's business
    return isinstance(tool, dict) and "moskit" in tool


def _from_file(
    path: Path, program: str, command: str, options: Mapping[str, Any]
) -> Iterator[tuple[str, _Setting]]:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"The configuration cannot be read ({error})",
            where=os.fspath(path),
            fix=f"Correct it, or ignore it with {VARIABLE}=none",
            code="config.unreadable",
        ) from error
    root = "tool.moskit" if path.name == "pyproject.toml" else ""
    if root:
        document = document.get("tool", {}).get("moskit", {})
    by_name = _by_spelling(options)
    places = [([], document), ([program], document.get(program))]
    places.append(([program, command], _member(document.get(program), command)))
    for keys, table in places:
        where = ".".join(filter(None, (root, *keys)))
        for key, value in table.items() if isinstance(table, dict) else ():
            name = by_name.get(_spelling(key))
            if name is not None:
                origin = f"{path.name} [{where}]" if where else path.name
                yield name, _Setting(value, origin, path.parent)
            elif len(keys) == 2:
                raise _unknown(key, by_name, f"{path}, [{where}]")


def _member(table: Any, name: str) -> Any:
    return table.get(name) if isinstance(table, dict) else None


def _unknown(key: str, known: Mapping[str, str], where: str) -> InputError:
    close = difflib.get_close_matches(_spelling(key), known, n=1)
    return InputError(
        f"There is no option {key!r}",
        where=where,
        fix=f"Did you mean {close[0]}" if close else "Remove it, or see --help for the options",
        code="config.unknown-option",
    )


def _from_environment(
    program: str, command: str, options: Mapping[str, Any], environment: Mapping[str, str]
) -> Iterator[tuple[str, _Setting]]:
    spelled = _by_spelling(options)
    for prefix in ("MOSKIT", f"MOSKIT_{program}", f"MOSKIT_{program}_{command}"):
        for spelling, name in spelled.items():
            variable = f"{prefix}_{spelling}".upper().replace("-", "_")
            if variable in environment and variable != VARIABLE:
                text = environment[variable]
                option = options[name]
                value: Any = text
                if option.is_flag:
                    value = _truth(text, variable)
                elif option.multiple:
                    value = [part.strip() for part in text.split(",") if part.strip()]
                yield name, _Setting(value, variable)


def _truth(text: str, variable: str) -> bool:
    word = text.strip().lower()
    if word not in (*_TRUE, *_FALSE):
        raise InputError(
            f"{text!r} is neither true nor false",
            where=variable,
            fix="Set it to 1 or 0",
            code="config.not-a-flag",
        )
    return word in _TRUE


def _by_spelling(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the names of parameters by the spellings of their options."""
    return {
        _spelling(flag): name
        for name, option in options.items()
        if name not in _NEVER
        for flag in (*option.opts, name)
        if not (flag.startswith("-") and not flag.startswith("--"))
    }


def _spelling(name: str) -> str:
    return name.lstrip("-").replace("-", "_")


def _is_typed(option: Any, typed: Sequence[str]) -> bool:
    long = [flag for flag in (*option.opts, *option.secondary_opts) if flag.startswith("--")]
    short = [flag for flag in option.opts if not flag.startswith("--")]
    for word in typed:
        if word == "--":
            return False
        if word in long or word.startswith(tuple(f"{flag}=" for flag in long)):
            return True
        if not word.startswith("--") and short and word.startswith(tuple(short)):
            return True
    return False


def _tokens(option: Any, setting: _Setting, folder: Path) -> Iterator[str]:
    flag = next(each for each in option.opts if each.startswith("--"))
    value = setting.value
    if option.is_flag:
        if not isinstance(value, bool):
            raise _unusable(flag, setting)
        if value:
            yield flag
        return
    if isinstance(value, dict):
        value = [f"{name}={member}" for name, member in value.items()]
    values = value if isinstance(value, list) else [value]
    plain = (isinstance(each, str | int | float) and each is not True for each in values)
    if not all(plain):
        raise _unusable(flag, setting)
    texts = [_placed(str(each), option, setting, folder) for each in values]
    for text in texts if option.multiple else [",".join(texts)]:
        yield from (flag, text)


def _placed(text: str, option: Any, setting: _Setting, folder: Path) -> str:
    """Return a value with a relative path of the file seen from where the command runs."""
    above = setting.folder
    is_path = (option.metavar or option.type.name.upper()) in _PATHS
    if above is None or above == folder or not is_path or Path(text).is_absolute():
        return text
    return os.path.relpath(above / text, folder)


def _unusable(flag: str, setting: _Setting) -> InputError:
    return InputError(
        f"{setting.value!r} is no value for {flag}",
        where=setting.origin,
        fix="Write it as on the command line",
        code="config.bad-value",
    )
