"""Imports are light, public names exist, and siblings come from this workspace."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from commands import commands_of
from workspace import PACKAGES, ROOT

HEAVY = {"torch", "pandas", "matplotlib", "sklearn", "distributed", "dask"}
HEAVY_FOR_HELP = HEAVY | {"numpy", "pyarrow", "scipy", "onnx", "onnxruntime", "jsonschema"}

REPORT_MODULES = """
import sys
try:
    {statement}
except SystemExit as end:
    assert not end.code, end.code
finally:
    print("MODULES", *sorted({{name.partition(".")[0] for name in sys.modules}}))
"""

PYPROJECTS = {
    name: tomllib.loads((ROOT / "packages" / name / "pyproject.toml").read_text("utf-8"))
    for name in PACKAGES
}


def modules_after(statement: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", REPORT_MODULES.format(statement=statement)],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.rpartition("MODULES")[2].split())


@pytest.mark.parametrize("package", PACKAGES)
def test_import_is_light(package: str) -> None:
    assert modules_after(f"import {package}") & HEAVY_FOR_HELP == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_exists(package: str) -> None:
    loaded = modules_after(
        f"import {package} as package; missing = [n for n in package.__all__ if not "
        "hasattr(package, n)]; assert package.__all__; assert not missing, missing"
    )
    assert package in loaded


@pytest.mark.parametrize("package", PACKAGES)
def test_help_is_light(package: str) -> None:
    for words in [[], *([command.name] for command in commands_of(package))]:
        arguments = [package, *words, "--help"]
        loaded = modules_after(
            f"sys.argv = {arguments}; from {package}.cli.app import main; main()"
        )
        assert loaded & HEAVY_FOR_HELP == set(), arguments


def test_labelling_needs_neither_torch_nor_pandas(workplace: Path) -> None:
    """It works if importing them fails."""
    use = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name in ("torch", "pandas"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Refuse())
import labeljoin, secondopinion
labeljoin.join_file("konvid1k/features.parquet", "konvid1k/labels.csv", "labelled.parquet")
secondopinion.join_file("labelled.parquet", "dover=konvid1k/scores/dover.csv", "scored.parquet")
"""
    subprocess.run([sys.executable, "-c", use], cwd=workplace, check=True)
    assert (workplace / "scored.parquet").exists()


def test_siblings_come_from_the_workspace() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
    ours = {
        package["name"]: package["source"]
        for package in lock["package"]
        if package["name"].removeprefix("moskit-") in PACKAGES
    }
    assert ours == {f"moskit-{name}": {"editable": f"packages/{name}"} for name in PACKAGES}


@pytest.mark.parametrize("package", PACKAGES)
def test_siblings_are_pinned_by_compatible_range(package: str) -> None:
    project = PYPROJECTS[package]
    siblings = [text for text in project["project"]["dependencies"] if "moskit" in text]
    for requirement in siblings:
        name = requirement.partition(">=")[0]
        version = PYPROJECTS[name.removeprefix("moskit-")]["project"]["version"]
        major, minor, _ = (int(part) for part in version.split("."))
        upper = f"{major + 1}" if major else f"0.{minor + 1}"
        assert requirement == f"{name}>={major}.{minor},<{upper}"
        assert project["tool"]["uv"]["sources"][name] == {"workspace": True}


@pytest.mark.parametrize("package", PACKAGES)
def test_only_training_needs_torch(package: str) -> None:
    dependencies = " ".join(PYPROJECTS[package]["project"]["dependencies"])
    assert "torch" not in dependencies
    assert "pandas" not in dependencies
