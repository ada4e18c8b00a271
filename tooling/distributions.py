"""Check the metadata and files of built sdists and wheels: ``uv run nox -s build``."""

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
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    path.parent.name: tomllib.loads(path.read_text("utf-8"))["project"]
    for path in sorted(ROOT.glob("packages/*/pyproject.toml"))
}
PYTHONS = ("3.11", "3.12", "3.13")


def wheel_of(dist: Path, package: str) -> Path:
    """Return the path of the wheel of a package's current version."""
    return dist / f"moskit_{package}-{PACKAGES[package]['version']}-py3-none-any.whl"


def files_of(package: str) -> set[str]:
    """Return all files below a package's ``src``: modules, stubs, ``py.typed``, data."""
    source = ROOT / "packages" / package / "src"
    return {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }


def problems_in(dist: Path) -> Iterator[str]:
    """Yield one sentence for each problem of the distributions in ``dist``."""
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
            wanted = {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "PKG-INFO"}
            wanted |= {f"src/{name}" for name in files_of(package)}
            for name in sorted(wanted - held):
                yield f"{sdist.name} does not hold {name}"


def _wheel_problems(wheel: Path, package: str) -> Iterator[str]:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        information = f"{wheel.name.rsplit('-', 3)[0]}.dist-info"
        metadata = Metadata.from_email(archive.read(f"{information}/METADATA"), validate=True)
        points = f"{information}/entry_points.txt"
        commands = archive.read(points).decode().splitlines() if points in names else []
    wanted = {f"{package}/py.typed", f"{package}/__init__.pyi", f"{information}/licenses/LICENSE"}
    for name in sorted((wanted | files_of(package)) - names):
        yield f"does not hold {name}"
    extra = {name.partition("/")[0] for name in names} - {package, information}
    if extra:
        yield f"also holds {sorted(extra)}"
    if f"{package} = {package}.cli.main:main" not in commands:
        yield f"does not install the command {package}"
    yield from _metadata_problems(metadata)
    yield from _sibling_problems(metadata, package)


def _metadata_problems(metadata: Metadata) -> Iterator[str]:
    if metadata.license_expression != "Apache-2.0":
        yield f"has the licence {metadata.license_expression}"
    if not (metadata.description or "").strip().startswith("#"):
        yield "has no README"
    for name in ("author", "summary", "keywords"):
        if not getattr(metadata, name):
            yield f"has no {name}"
    classifiers = set(metadata.classifiers or [])
    versions = {f"Programming Language :: Python :: {version}" for version in PYTHONS}
    for classifier in sorted({*versions, "Typing :: Typed"} - classifiers):
        yield f"is not classified as {classifier}"
    if metadata.requires_python != SpecifierSet(">=3.11,<3.14"):
        yield f"requires Python {metadata.requires_python}"
    for name, url in (metadata.project_urls or {}).items():
        if not url.startswith("https://"):
            yield f"has the {name} URL {url}; a package index accepts only web addresses"


def _sibling_problems(metadata: Metadata, package: str) -> Iterator[str]:
    declared = {
        requirement.name: requirement
        for requirement in map(Requirement, PACKAGES[package]["dependencies"])
        if requirement.name.startswith("moskit-")
    }
    built = {
        requirement.name: requirement
        for requirement in metadata.requires_dist or []
        # An extra may hold another extra of the same distribution.
        if requirement.name.startswith("moskit-") and requirement.name != metadata.name
    }
    if declared != built:
        yield f"requires {sorted(map(str, built.values()))} of its siblings"
    for requirement in built.values():
        if {specifier.operator for specifier in requirement.specifier} != {">=", "<"}:
            yield f"requires {requirement}, which is not a range with a lower and an upper bound"
        if requirement.url:
            yield f"takes {requirement.name} from {requirement.url}"
        version = PACKAGES[requirement.name.removeprefix("moskit-")]["version"]
        if version not in requirement.specifier:
            yield f"requires {requirement}, but this workspace has {version}"


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
