"""List the error codes of all packages: ``uv run tooling/error_codes.py`` prints the page.

The codes are read from the code itself: each place that constructs an error has its code, its
message and its fix as literals. The documentation site makes its page of error codes from this.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("provenance", "labeljoin", "secondopinion", "signalaudit", "moshead")
EXIT_CODES = {"MoskitError": 2, "InputError": 2, "VerdictError": 1, "OutputError": 74}


@dataclass(frozen=True)
class ErrorSite:
    """A place in the code that constructs an error.

    Attributes:
        package: The package that it is in.
        path: The file, relative to the repository.
        line: The line.
        kind: The class of the error.
        code: Its code; None if there is no literal one.
        what: The message, with ``{name}`` for what is filled in.
        fix: The advice, in the same form; None if it has no advice.
        exit_code: The exit code of a command that ends with it.
    """

    package: str
    path: str
    line: int
    kind: str
    code: str | None
    what: str
    fix: str | None
    exit_code: int


def error_sites() -> list[ErrorSite]:
    """Return every construction of an error in the five packages, in the order of the code."""
    trees = {
        path: ast.parse(path.read_text("utf-8"))
        for package in PACKAGES
        for path in sorted((ROOT / "packages" / package / "src").rglob("*.py"))
    }
    kinds = _error_classes(trees.values())
    return [site for path, tree in trees.items() for site in _sites_in(path, tree, kinds)]


def _error_classes(trees: Iterable[ast.Module]) -> dict[str, int]:
    """Return the exit code of each error class by its name."""
    bases = {
        node.name: [_name(base) for base in node.bases]
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    kinds = dict(EXIT_CODES)
    while True:
        found = {
            name: kinds[base]
            for name, above in bases.items()
            for base in above
            if name not in kinds and base in kinds
        }
        if not found:
            return kinds
        kinds |= found


def _sites_in(path: Path, tree: ast.Module, kinds: dict[str, int]) -> Iterator[ErrorSite]:
    place = path.relative_to(ROOT)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or (kind := _name(node.func)) not in kinds:
            continue
        given = {word.arg: word.value for word in node.keywords}
        what = node.args[0] if node.args else given.get("what")
        code = given.get("code")
        fix = given.get("fix")
        yield ErrorSite(
            package=place.parts[1],
            path=place.as_posix(),
            line=node.lineno,
            kind=kind,
            code=code.value
            if isinstance(code, ast.Constant) and isinstance(code.value, str)
            else None,
            what="" if what is None else _template(what),
            fix=None if fix is None else _template(fix),
            exit_code=kinds[kind],
        )


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _template(node: ast.expr) -> str:
    """Return a string expression as text, with what is filled in between braces."""
    if isinstance(node, ast.Constant):
        return "" if node.value is None else str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_template, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _template(node.left) + _template(node.right)
    if isinstance(node, ast.IfExp):
        return _template(node.body) or _template(node.orelse)
    if isinstance(node, ast.FormattedValue):
        node = node.value
    words = [
        part.attr if isinstance(part, ast.Attribute) else part.id
        for part in ast.walk(node)
        if isinstance(part, ast.Attribute | ast.Name)
    ]
    return "{" + (words[0].strip("_").lower() if words else "...") + "}"


def page(sites: list[ErrorSite] | None = None) -> str:
    """Return the page of error codes as Markdown."""
    lines = [
        "# Error codes",
        "",
        "Every error has a stable code. `--json` prints it as `error.code` beside",
        "`what`, `where`, `fix` and the exit code. If a run finished with a negative verdict, its",
        "document is in the same object. Texts may change, codes do not. Words in braces are",
        "filled in.",
        "",
    ]
    for package in PACKAGES:
        coded = [s for s in sites or error_sites() if s.package == package and s.code]
        if not coded:
            continue
        lines += [
            f"## {package}",
            "",
            "| code | exit | message | fix |",
            "| --- | --- | --- | --- |",
        ]
        for site in sorted(coded, key=lambda site: site.code or ""):
            cells = (site.what, site.fix or "")
            lines.append(
                f"| `{site.code}` | {site.exit_code} | " + " | ".join(map(_cell, cells)) + " |"
            )
        lines.append("")
    return "\n".join(lines)


def _cell(words: str) -> str:
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), ("[", "&#91;"), ("|", "&#124;")):
        words = words.replace(character, entity)
    return " ".join(words.replace("*", "\\*").replace("_", "\\_").split())


if __name__ == "__main__":
    sys.stdout.write(page())
