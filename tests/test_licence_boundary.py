"""No package imports, vendors or depends on a scorer (ADR-0657)."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from workspace import ROOT

PACKAGES = ROOT / "packages"
SOURCES = sorted(PACKAGES.glob("*/src/**/*.py"))
SCORERS = {
    *("dover", "q_align", "qalign", "fastvqa", "fast_vqa", "pyiqa", "musiq", "clipiqa", "clip"),
    *("maniqa", "piq", "brisque", "imquality", "skvideo", "lpips", "dists_pytorch", "vmaf"),
    *("decord", "transformers", "timm", "pvmaf", "videval", "tlvqm", "rapique"),
}
WEIGHTS = {".pth", ".pt", ".ckpt", ".safetensors", ".pkl", ".onnx", ".h5", ".tflite", ".so", ".dll"}


def imported_by(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGES).as_posix())
def test_no_module_imports_a_scorer(path: Path) -> None:
    assert not imported_by(path) & SCORERS


def test_no_distribution_depends_on_a_scorer() -> None:
    for path in PACKAGES.glob("*/pyproject.toml"):
        project = tomllib.loads(path.read_text("utf-8"))["project"]
        extras = project.get("optional-dependencies", {}).values()
        wanted = [*project["dependencies"], *(text for extra in extras for text in extra)]
        names = {Requirement(text).name.replace("-", "_") for text in wanted}
        assert not names & SCORERS, path


def test_no_package_vendors_weights() -> None:
    shipped = [path for path in PACKAGES.glob("*/src/**/*") if path.is_file()]
    assert [path for path in shipped if path.suffix in WEIGHTS] == []
