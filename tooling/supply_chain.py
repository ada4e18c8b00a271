"""What moskit is made of: the licence of every dependency, and an SBOM of every distribution.

``uv run nox -s build`` writes the SBOMs beside the wheels, as CycloneDX 1.5 without a clock: equal
sources give equal bytes. It builds each wheel a second time to compare the bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("provenance", "labeljoin", "secondopinion", "signalaudit", "moshead")
CLASSIFIER = "License :: OSI Approved :: "
NOT_INSTALLED = "not needed on this system"
NOT_STATED = "not stated in its metadata"


def dependencies_of(package: str) -> dict[str, str]:
    """Return all distributions that a package may install, extras included, with their licences.

    Args:
        package: One of moskit's own, such as ``labeljoin``.
    """
    found: dict[str, str] = {}
    extras = set(distribution(f"moskit-{package}").metadata.get_all("Provides-Extra") or ())
    queue = [(f"moskit-{package}", extras)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while queue:
        name, extras = queue.pop()
        if (name, frozenset(extras)) in seen:
            continue
        seen.add((name, frozenset(extras)))
        try:
            metadata = distribution(name)
        except PackageNotFoundError:
            found[name] = NOT_INSTALLED
            continue
        if not name.startswith("moskit-"):
            found[name] = licence_of(metadata)
        queue += list(_required(metadata, extras))
    return dict(sorted(found.items()))


def _required(metadata: Distribution, extras: set[str]) -> Iterator[tuple[str, set[str]]]:
    for text in metadata.requires or ():
        requirement = Requirement(text)
        wanted = [{"extra": extra} for extra in ("", *extras)]
        if requirement.marker is None or any(map(requirement.marker.evaluate, wanted)):
            yield canonicalize_name(requirement.name), set(requirement.extras)


def licence_of(metadata: Distribution) -> str:
    """Return the licence of an installed distribution, as its metadata tells it."""
    about = metadata.metadata
    if "License-Expression" in about:
        return about["License-Expression"]
    classifiers = about.get_all("Classifier") or []
    named = [text.removeprefix(CLASSIFIER) for text in classifiers if text.startswith(CLASSIFIER)]
    if named:
        return " and ".join(named)
    first = about["License"].strip().splitlines() if "License" in about else []
    if first and len(first[0]) < 80:
        return first[0]
    return NOT_STATED


def page() -> str:
    """Return the page of the docs that lists all dependencies and their licences."""
    by_name: dict[str, tuple[str, list[str]]] = {}
    for package in PACKAGES:
        for name, licence in dependencies_of(package).items():
            by_name.setdefault(name, (licence, []))[1].append(package)
    rows = [
        f"| {name} | {licence} | {', '.join(packages)} |"
        for name, (licence, packages) in sorted(by_name.items())
    ]
    return "\n".join(
        [
            "# Licences",
            "",
            "moskit is licensed under Apache-2.0. These are all distributions that it may install,",
            "those of its extras included, with the licences that their metadata tells. A release",
            "has an SBOM of every distribution (CycloneDX 1.5).",
            "",
            "| distribution | licence | needed by |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def sbom(package: str) -> dict[str, Any]:
    """Return the SBOM of a distribution: its locked dependencies with digests and licences."""
    command = ["uv", "export", "--frozen", "--no-dev", "--all-extras", "--quiet"]
    command += ["--package", f"moskit-{package}", "--format", "cyclonedx1.5"]
    command += ["--preview-features", "sbom-export"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    document: dict[str, Any] = json.loads(done.stdout)
    del document["serialNumber"], document["metadata"]["timestamp"]
    known = dependencies_of(package)
    for component in document["components"]:
        licence = known.get(canonicalize_name(component["name"]), NOT_INSTALLED)
        if component["name"].startswith("moskit-"):
            licence = "Apache-2.0"
        if licence != NOT_INSTALLED:
            component["licenses"] = [{"license": {"name": licence}}]
    return document


def write_sboms(dist: Path) -> None:
    """Write the SBOM of each distribution beside its wheel."""
    for package in PACKAGES:
        project = tomllib.loads((ROOT / f"packages/{package}/pyproject.toml").read_text("utf-8"))
        version = project["project"]["version"]
        path = dist / f"moskit_{package}-{version}.cdx.json"
        path.write_text(json.dumps(sbom(package), indent=1, sort_keys=True) + "\n", "utf-8")


def rebuilt_differently(dist: Path) -> list[str]:
    """Build all distributions again, from a copy with other times and permissions.

    Args:
        dist: Where they were built first.

    Returns:
        The names of the files whose bytes differ.
    """
    with tempfile.TemporaryDirectory() as temporary:
        again = Path(temporary, "dist")
        for package in PACKAGES:
            copy = Path(temporary, package)
            shutil.copytree(
                ROOT / "packages" / package, copy, ignore=shutil.ignore_patterns("__pycache__")
            )
            for path in [copy, *copy.rglob("*")]:
                path.chmod(0o755 if path.is_dir() else 0o640)
                os.utime(path, (1_000_000_000, 1_000_000_000))
            command = ["uv", "build", "--no-sources", "--quiet"]
            subprocess.run([*command, "--out-dir", again, copy], check=True)
        made = sorted([*again.glob("*.whl"), *again.glob("*.tar.gz")])
        return [path.name for path in made if path.read_bytes() != (dist / path.name).read_bytes()]


def main() -> None:
    """Write the SBOMs, and see that the distributions are built the same again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dist", type=Path, help="where the distributions are")
    dist = parser.parse_args().dist
    write_sboms(dist)
    differing = rebuilt_differently(dist)
    if differing:
        raise SystemExit(f"built again, these have other bytes: {', '.join(differing)}")


if __name__ == "__main__":
    main()
