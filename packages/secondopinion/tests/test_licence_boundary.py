"""Scorers stay outside: no package of the workspace imports, vendors or starts one (ADR-0657)."""

import ast
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from secondopinion_outputs import (
    dover_csv,
    fastvqa_logs,
    pyiqa_csv,
    qalign_json,
    rows_jsonl,
    vmaf_logs,
    wrapper_files,
)

PACKAGES = Path(__file__).parents[2]
SOURCES = sorted(PACKAGES.glob("*/src/**/*.py"))
SCORERS = {
    *("dover", "q_align", "qalign", "fastvqa", "fast_vqa", "pyiqa", "musiq", "clipiqa", "clip"),
    *("maniqa", "piq", "brisque", "imquality", "skvideo", "lpips", "dists_pytorch", "vmaf"),
    *("decord", "transformers", "timm", "pvmaf", "videval", "tlvqm", "rapique"),
}
WEIGHTS = {".pth", ".pt", ".ckpt", ".safetensors", ".pkl", ".onnx", ".h5", ".tflite", ".so", ".dll"}

WATCHED_RUN = """
import json, sys
started, imported = [], []
def watch(event, arguments):
    if event in {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"}:
        started.append(repr(arguments[0]))
    elif event == "import":
        imported.append(arguments[0].partition(".")[0])
sys.addaudithook(watch)
import secondopinion
secondopinion.materialize(sys.argv[1], sys.argv[3:], sys.argv[2])
print(json.dumps({"started": started, "imported": sorted(set(imported))}))
"""


def imported_by(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_the_sources_are_found():
    assert {path.relative_to(PACKAGES).parts[0] for path in SOURCES} >= {"secondopinion"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGES).as_posix())
def test_no_module_imports_a_scorer(path):
    assert not imported_by(path) & SCORERS


def test_no_distribution_depends_on_a_scorer():
    for path in PACKAGES.glob("*/pyproject.toml"):
        project = tomllib.loads(path.read_text())["project"]
        wanted = list(project.get("dependencies", []))
        for extra in project.get("optional-dependencies", {}).values():
            wanted += extra
        names = {name.split(">")[0].split("[")[0].strip().replace("-", "_") for name in wanted}
        assert not names & SCORERS, path


def test_no_package_vendors_weights():
    shipped = [path for path in PACKAGES.glob("*/src/**/*") if path.is_file()]
    assert [path for path in shipped if path.suffix in WEIGHTS] == []


def test_reading_scores_starts_no_program_and_loads_no_scorer(features, tmp_path):
    scores = [
        dover_csv(tmp_path / "d.csv"),
        f"niqe={pyiqa_csv(tmp_path / 'n.csv')}",
        qalign_json(tmp_path / "q.json"),
        fastvqa_logs(tmp_path / "fastvqa"),
        vmaf_logs(tmp_path / "vmaf"),
        wrapper_files(tmp_path / "wrapper"),
        rows_jsonl(tmp_path / "rows.jsonl"),
    ]
    arguments = [features, tmp_path / "out.parquet", *scores]
    done = subprocess.run(
        [sys.executable, "-c", WATCHED_RUN, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    seen = json.loads(done.stdout)
    assert seen["started"] == []
    assert "secondopinion" in seen["imported"]
    assert not set(seen["imported"]) & (SCORERS | {"torch"})
