"""What every built sdist and wheel must say and hold; checked by ``uv run nox -s build``."""

from __future__ import annotations

import argparse
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from packaging.metadata import Metadata
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    path.parent.name: tomllib.loads(path.read_text("utf-8"))["project"]
    for path in sorted(ROOT.glob("packages/*/pyproject.toml"))
}


def wheel_of(dist: Path, package: str) -> Path:
    """The wheel of a package's present version in a folder."""
    return dist / f"moskit_{package}-{PACKAGES[package]['version']}-py3-none-any.whl"


def problems_in(dist: Path) -> Iterator[str]:
    """Everything that is wrong with the distributions in ``dist``, one sentence each."""
    for package, project in PACKAGES.items():
        wheel = wheel_of(dist, package)
        sdist = dist / f"moskit_{package}-{project['version']}.tar.gz"
        for path in (wheel, sdist):
            if not path.exists():
                yield f"{path.name} was not built"
        if wheel.exists():
            for problem in _wheel_problems(wheel, package):
                yield f"{wheel.name} {problem}"
        if sdist.exists():
            with tarfile.open(sdist) as archive:
                held = {name.partition("/")[2] for name in archive.getnames()}
            for name in {"LICENSE", "README.md", "pyproject.toml", "PKG-INFO"} - held:
                yield f"{sdist.name} does not hold {name}"


def _wheel_problems(wheel: Path, package: str) -> Iterator[str]:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        information = f"{wheel.name.rsplit('-', 3)[0]}.dist-info"
        metadata = Metadata.from_email(archive.read(f"{information}/METADATA"), validate=True)
    for name in (f"{package}/py.typed", f"{package}/__init__.pyi", f"{package}/cli.py"):
        if name not in names:
            yield f"does not hold {name}"
    if f"{information}/licenses/LICENSE" not in names:
        yield "does not hold its licence"
    strange = {name.partition("/")[0] for name in names} - {package, information}
    if strange:
        yield f"also holds {sorted(strange)}"
    if metadata.license_expression != "Apache-2.0":
        yield f"has the licence {metadata.license_expression}"
    if not metadata.author:
        yield "names no author"
    if not (metadata.description or "").strip().startswith("#"):
        yield "has no README"
    if not metadata.summary:
        yield "has no summary"
    if set(metadata.project_urls or {}) != {"Documentation", "Changelog"}:
        yield "does not say where its documentation and its changelog are"
    if not metadata.keywords:
        yield "has no keywords"
    pythons = {c.rpartition(" ")[2] for c in metadata.classifiers or [] if "Python :: 3." in c}
    if pythons != {"3.11", "3.12", "3.13"}:
        yield f"is classified for Python {sorted(pythons)}"
    yield from _sibling_problems(metadata, package)


def _sibling_problems(metadata: Metadata, package: str) -> Iterator[str]:
    declared = {
        requirement.name: requirement
        for requirement in map(Requirement, PACKAGES[package]["dependencies"])
        if requirement.name.startswith("moskit-")
    }
    built = {
        requirement.name: requirement
        for requirement in metadata.requires_dist or []
        if requirement.name.startswith("moskit-")
    }
    if declared != built:
        yield f"requires {sorted(map(str, built.values()))} of its siblings"
    for requirement in built.values():
        if requirement.url:
            yield f"takes {requirement.name} from {requirement.url}"
        version = PACKAGES[requirement.name.removeprefix("moskit-")]["version"]
        if version not in requirement.specifier:
            yield f"requires {requirement}, and this workspace has {version}"


def main() -> None:
    """Check the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dist", type=Path)
    dist = parser.parse_args().dist
    problems = list(problems_in(dist))
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(1)
    print(f"{len(PACKAGES)} sdists and {len(PACKAGES)} wheels in {dist} are complete")


if __name__ == "__main__":
    main()
