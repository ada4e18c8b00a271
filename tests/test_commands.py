"""Every command exists, documents all its options, and shows an example that parses."""

from __future__ import annotations

import importlib
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from commands import Command, commands_of
from typer.testing import CliRunner
from workspace import PACKAGES, ROOT, run_command

CONTRACT = tomllib.loads((ROOT / "tests" / "command_contract.toml").read_text("utf-8"))
COMMANDS = [command for package in PACKAGES for command in commands_of(package)]
PAGES = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("packages/*/README.md"), ROOT / "README.md"]
# In order: of every command, the quickstart script, Dask, an example with a secret, and uv.
FLAGS_OF_OTHERS = {
    *("--help", "--install-completion", "--data", "--key", "--large", "--nthreads", "--password"),
    *("--all-packages", "--no-sources", "--only-group", "--rm", "--torch-backend", "--wheel"),
}
each_command = pytest.mark.parametrize(
    "command", COMMANDS, ids=lambda command: f"{command.package} {command.name}"
)


def flags_of(command: Command) -> set[str]:
    return {flag for parameter in command.parameters for flag in parameter.flags}


@pytest.mark.parametrize("package", PACKAGES)
def test_contract_is_kept(package: str) -> None:
    present = {command.name: flags_of(command) for command in commands_of(package)}
    missing = {
        f"{package} {name}": sorted({*flags, *CONTRACT["shared"]} - present.get(name, set()))
        for name, flags in CONTRACT[package].items()
    }
    assert {name: flags for name, flags in missing.items() if flags} == {}


@each_command
def test_command_is_documented(command: Command) -> None:
    assert command.help.strip(), "the command has no docstring"
    silent = [parameter.spelling for parameter in command.parameters if not parameter.help.strip()]
    assert silent == []


@each_command
def test_grammar_is_the_same_everywhere(command: Command) -> None:
    flags = flags_of(command)
    assert {"-q", "-v", "--verbose"} <= flags
    assert not any(flag.startswith("--out") for flag in flags) or "-o" in flags
    assert not any("key-column" in flag for flag in flags) or "--key-column" in flags
    by_position = {parameter.spelling for parameter in command.parameters if not parameter.flags}
    one_table = {"--features", "--ratings", "--input", "--manifest"} & flags
    assert not one_table or by_position or command.name in ("gate-plan", "register")
    spelled = " ".join(parameter.spelling for parameter in command.parameters if parameter.flags)
    assert not re.search(r"<(int|str|path|float|list)", spelled)


@each_command
def test_command_is_in_the_docs(command: Command) -> None:
    name = re.compile(rf"\b{command.package} {command.name}\b")
    assert any(name.search(page.read_text("utf-8")) for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_flags_in_the_docs_exist(page: Path) -> None:
    named = re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*[a-z0-9](?![\w-])", page.read_text("utf-8"))
    ours = {flag for command in COMMANDS for flag in flags_of(command)}
    assert set(named) - ours - FLAGS_OF_OTHERS == set()


@each_command
def test_example_parses(command: Command) -> None:
    """The files in the example need not exist, but its options must."""
    words = shlex.split(command.example)
    assert words[:2] == [command.package, command.name]
    unknown = [word.partition("=")[0] for word in words[2:] if word.startswith("--")]
    assert set(unknown) <= flags_of(command)


@each_command
def test_help_shows_the_example(command: Command) -> None:
    application = importlib.import_module(f"{command.package}.cli.app").cli.app
    shown = CliRunner().invoke(application, [command.name, "--help"], env={"COLUMNS": "400"})
    assert shown.exit_code == 0
    assert command.example in " ".join(shown.output.split())


@pytest.mark.parametrize("package", PACKAGES)
def test_version_is_that_of_the_distribution(package: str) -> None:
    version = tomllib.loads((ROOT / "packages" / package / "pyproject.toml").read_text("utf-8"))
    expected = f"moskit-{package} {version['project']['version']}\n"
    assert run_command(package, "--version").stdout == expected
