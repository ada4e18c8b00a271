"""Write the JSON Schemas of all packages, or check them: ``uv run tooling/schemas.py [--write]``.

A package lists the documents that it writes and reads in ``<package>.documents``: its function
``schemas()`` returns each JSON Schema by its id, made from the types that the code uses. The same
files lie in ``docs/schemas``, for readers, and in ``<package>/schemas``, which the wheel holds.
Without ``--write``, files that differ from what the code says are listed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = ROOT / "docs" / "schemas"
PACKAGES = ("provenance", "labeljoin", "secondopinion", "signalaudit", "moshead")


def schemas_of(package: str) -> dict[str, dict[str, Any]] | None:
    """Return a package's JSON Schemas by id, or None if it has no module ``documents``."""
    name = f"{package}.documents"
    if importlib.util.find_spec(name) is None:
        return None
    schemas: dict[str, dict[str, Any]] = importlib.import_module(name).schemas()
    return schemas


def expected_files(packages: tuple[str, ...] = PACKAGES) -> dict[Path, str]:
    """Return the text of each schema file that the code of the packages asks for.

    Raises:
        SystemExit: Two packages have a document of one id, or a schema has another id than its key.
    """
    files: dict[Path, str] = {}
    for package in packages:
        for identifier, schema in (schemas_of(package) or {}).items():
            name = f"{identifier}.json"
            if PUBLISHED / name in files:
                sys.exit(f"two packages define the document {identifier}")
            if schema.get("$id") != name:
                sys.exit(f"{package}: the schema {identifier} has the $id {schema.get('$id')!r}")
            text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
            files[PUBLISHED / name] = text
            files[_shipped(package) / name] = text
    return files


def _shipped(package: str) -> Path:
    """Return the folder of the schemas that the package's wheel holds."""
    return ROOT / "packages" / package / "src" / package / "schemas"


def leftover_files(expected: dict[Path, str]) -> Iterator[Path]:
    """Yield the schema files that no package asks for.

    As long as a package has no module ``documents``, its schemas are written by hand, and nothing
    says which of those in ``docs/schemas`` they are.
    """
    folders = [_shipped(package) for package in PACKAGES]
    if all(schemas_of(package) is not None for package in PACKAGES):
        folders.append(PUBLISHED)
    for folder in folders:
        yield from (path for path in sorted(folder.glob("*.json")) if path not in expected)


def main() -> None:
    """Compare the files with the code, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the files from the code")
    write = parser.parse_args().write
    expected = expected_files()
    leftover = list(leftover_files(expected))
    stale = [
        path
        for path, text in expected.items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    if write:
        for path in stale:
            path.parent.mkdir(exist_ok=True)
            path.write_text(expected[path], encoding="utf-8")
        for path in leftover:
            path.unlink()
        print(f"{len(stale)} written, {len(leftover)} removed")
        return
    for path in stale:
        print(f"{path.relative_to(ROOT)} differs from the code")
    for path in leftover:
        print(f"{path.relative_to(ROOT)} belongs to no document of the code")
    if stale or leftover:
        sys.exit("run `uv run tooling/schemas.py --write`")


if __name__ == "__main__":
    main()
