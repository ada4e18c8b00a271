"""Generate parts of the site: navigation, commands, JSON Schemas, error codes.

MkDocs calls these functions by name (``hooks`` in mkdocs.yml). The reference pages are generated
with the site and are not in the repository, so they are always up to date.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from mkdocs.config.defaults import MkDocsConfig  # noqa: TC002 - MkDocs may read annotations
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))
from commands import PACKAGES, Command, commands_of, summary_of
from error_codes import page as error_codes_page
from supply_chain import page as licences_page

DOCS = Path(__file__).resolve().parents[1] / "docs"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Set the navigation: all pages, in reading order."""
    config.nav = [
        {"Home": "index.md"},
        {"Use your own tables": "own-tables.md"},
        {"Quickstart": "quickstart.md"},
        {"Tutorial": "tutorial.md"},
        {"How-to": _pages_in("how-to")},
        {"Questions": [{"Troubleshooting": "faq.md"}, {"Why not pandas?": "why-not.md"}]},
        {"Concepts": _pages_in("concepts")},
        {
            "Reference": [
                {"Commands": [{name: f"reference/commands/{name}.md"} for name in PACKAGES]},
                {"Python": [{name: list(_topics(name))} for name in PACKAGES]},
                {"JSON Schemas": "reference/schemas.md"},
                {"Error codes": "reference/errors.md"},
                {"Benchmarks": "reference/benchmarks.md"},
                {"Licences": "reference/licences.md"},
            ]
        },
        {"Decisions": _pages_in("decisions")},
    ]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    pages = {
        "reference/schemas.md": _schemas_page(),
        "reference/errors.md": error_codes_page(),
        "reference/benchmarks.md": _benchmarks_page(),
        "reference/licences.md": licences_page(),
    }
    for package in PACKAGES:
        pages[f"reference/commands/{package}.md"] = "\n".join(_command_page(package))
        for module in _python_modules(package):
            path = f"reference/python/{module.__name__.replace('.', '-')}.md"
            pages[path] = _python_page(module)
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    for schema in sorted((DOCS / "schemas").glob("*.json")):
        path = f"reference/schemas/{schema.name}"
        files.append(File.generated(config, path, abs_src_path=str(schema)))
    return files


def _pages_in(folder: str) -> list[str]:
    """Return the pages of a folder, its index first."""
    found = sorted((DOCS / folder).glob("*.md"), key=lambda page: (page.stem != "index", page.stem))
    return [page.relative_to(DOCS).as_posix() for page in found]


def _command_page(package: str) -> Iterator[str]:
    yield f"# {package}\n\n{summary_of(package)}\n"
    yield "The exit codes and shared flags are in the "
    yield "[quickstart](../../quickstart.md#exit-codes).\n"
    for command in commands_of(package):
        yield from _command_section(command)


def _command_section(command: Command) -> Iterator[str]:
    yield f"## {command.package} {command.name}\n"
    yield f"{command.help}\n\n```text\n{command.usage}\n```\n"
    if command.example:
        yield f"For example:\n\n```text\n{command.example}\n```\n"
    yield "| option | meaning |\n| --- | --- |"
    for parameter in command.parameters:
        again = " You can repeat this option." if parameter.repeatable else ""
        cell = (parameter.help + again).replace("|", "\\|").replace("\n", " ")
        # Markdown would make links of square brackets, and HTML tags of angle brackets.
        cell = cell.replace("[", "\\[").replace("<", "&lt;")
        yield f"| `{parameter.spelling}` | {cell} |"
    yield ""


def _topics(package: str) -> Iterator[dict[str, str]]:
    """Yield the pages of a package's Python reference: what is at the top, then each room."""
    for module in _python_modules(package):
        yield {module.__name__: f"reference/python/{module.__name__.replace('.', '-')}.md"}


def _python_modules(package: str) -> list[ModuleType]:
    """Return the modules with public names: the package, and its rooms that siblings may use."""
    top = importlib.import_module(package)
    rooms = [
        importlib.import_module(f"{package}.{stub.parent.name}")
        for stub in sorted(Path(top.__path__[0]).glob("*/__init__.pyi"))
    ]
    return [top, *rooms]


def _python_page(module: ModuleType) -> str:
    """Return one topic's page: the functions, then the classes, then the rest."""
    names = [name for name in module.__all__ if name != "__version__"]
    members = {name: getattr(module, name) for name in names}
    kinds = {
        "Functions": [name for name, each in members.items() if inspect.isroutine(each)],
        "Classes": [name for name, each in members.items() if inspect.isclass(each)],
    }
    told = {name for found in kinds.values() for name in found}
    modules = {name for name, each in members.items() if inspect.ismodule(each)}
    kinds["Constants and types"] = [n for n in names if n not in told and n not in modules]
    lines = [f"# {module.__name__}", "", *_map_of(module)]
    for title, found in kinds.items():
        if not found:
            continue
        lines += [f"## {title}", ""]
        for name in sorted(found):
            lines += [
                f"::: {module.__name__}.{name}",
                "    options: {heading_level: 3, show_root_heading: true, "
                "show_root_toc_entry: true}",
                "",
            ]
    return "\n".join(lines)


def _map_of(module: ModuleType) -> list[str]:
    """Return what a module says about itself, without the headings of its names."""
    return [
        f"::: {module.__name__}",
        "    options: {members: false}",
        "",
    ]


def _schemas_page() -> str:
    lines = [
        "# JSON Schemas",
        "",
        "Every JSON document that a command writes has the id of its schema in `schema`. These are",
        "the schemas (JSON Schema 2020-12); the tests validate real outputs against them.",
        "",
        "| `schema` | what it is |",
        "| --- | --- |",
    ]
    for path in sorted((DOCS / "schemas").glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        what = schema.get("description") or schema.get("title") or ""
        lines.append(f"| [`{path.stem}`](schemas/{path.name}) | {what} |")
    return "\n".join(lines) + "\n"


def _benchmarks_page() -> str:
    table = DOCS.parent / "benchmarks" / "results.md"
    lead = "# Benchmarks\n\n`uv run nox -s bench` measures these side by side on your machine.\n\n"
    return lead + (
        table.read_text(encoding="utf-8") if table.exists() else "There are no results yet.\n"
    )
