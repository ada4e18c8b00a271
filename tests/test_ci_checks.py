"""What repositories of tables use in CI: the pre-commit hooks, the GitHub Action, the image."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from workspace import ROOT, command_environment

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env={**command_environment(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a labelled table below a folder, and its record."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labels").mkdir()
    (tmp_path / "f.csv").write_text("clip,vif\na.mp4,0.1\nb.mp4,0.2\n")
    (tmp_path / "labels" / "one.csv").write_text("clip,mos\na,3\nb,4\n")
    (tmp_path / "made").mkdir()
    joined = ("labeljoin", "join", "f.csv", "--labels", "labels/one.csv", "-o", "made/o.csv")
    for command in (("git", "init", "-q"), joined, ("git", "add", ".")):
        assert run(*command).returncode == 0
    return tmp_path


def steps() -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in ACTION["runs"]["steps"] if "name" in step}


def run_step(name: str, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run a step of the action as a runner does, with inputs or their defaults."""
    step = steps()[name]
    values = {key: given["default"] for key, given in ACTION["inputs"].items()} | inputs
    environment = {
        variable: values[re.fullmatch(r"\$\{\{ inputs\.(\S+) \}\}", text)[1]]  # type: ignore[index]
        for variable, text in step["env"].items()
    }
    return run("bash", "-e", "-o", "pipefail", "-c", step["run"], **environment)


def test_the_action_verifies_all_records(repository: Path) -> None:
    assert run_step("Verify run records").returncode == 0
    with (repository / "made" / "o.csv").open("a") as file:
        file.write("c,0.3\n")
    changed = run_step("Verify run records")
    assert changed.returncode != 0
    assert "o.csv" in changed.stderr


def test_the_action_inspects_the_join(repository: Path) -> None:
    inspect = "Inspect the join of labels"
    given = {"features": "f.csv", "labels": "labels/*.csv"}
    assert run_step(inspect, **given).returncode == 0
    (repository / "f.csv").write_text("clip,vif\na.mp4,0.1\nc.mp4,0.2\n")
    failed = run_step(inspect, **given)
    assert failed.returncode == 1
    assert "cover 50 % of the clips" in failed.stderr
    assert run_step(inspect, **given, options="--min-match-rate 0.5").returncode == 0


def test_the_hooks_run_in_pre_commit(repository: Path) -> None:
    arguments = {"moskit-verify": [], "moskit-inspect": ["f.csv", "--labels", "labels/*.csv"]}
    hooks = [{**hook, "args": arguments[name]} for name, hook in HOOKS.items()]
    config = {"repos": [{"repo": "local", "hooks": hooks}]}
    (repository / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    run("git", "add", ".")
    checked = run("pre-commit", "run", "--all-files", HOME=str(repository))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    (repository / "f.csv").write_text("clip,vif\nx.mp4,0.1\ny.mp4,0.2\n")
    checked = run("pre-commit", "run", "--all-files", HOME=str(repository))
    assert checked.returncode == 1
    assert checked.stdout.count("Failed") == 2


def test_the_image_runs_without_root_and_without_torch() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if line.startswith("USER")] == ["USER moskit"]
    assert "torch" not in " ".join(lines)
    for package in ROOT.glob("packages/*/pyproject.toml"):
        assert f"/wheels/moskit_{package.parent.name}-*.whl" in text
    [install] = [line for line in lines if "pip install" in line]
    assert run("bash", "-n", "-c", install.removeprefix("RUN ")).returncode == 0
    assert shlex.split(lines[-1].removeprefix("CMD "))
