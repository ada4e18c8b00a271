"""The README's first command writes its results and shows the right commands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from workspace import ROOT, command_environment

LEFT = (
    *("labelled.parquet", "scored.parquet", "audit.html", "audit.md"),
    *("head.onnx", "head.json", "card.md", "card.png", "predictions.parquet"),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("quickstart")
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "quickstart.py"],
        cwd=folder,
        env={**command_environment(), "COLUMNS": "80", "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


def test_it_writes_its_results(run: tuple[Path, str]) -> None:
    folder, shown = run
    assert [name for name in LEFT if not (folder / "quickstart-output" / name).exists()] == []
    assert "Verdict: Accepted" in shown
    assert [line for line in shown.splitlines() if len(line.rstrip()) > 80] == []


def test_the_commands_that_it_shows_do_the_same(run: tuple[Path, str]) -> None:
    folder, shown = run
    commands = re.findall(r"^\$ ((?:.*\\ *\n)*.*)", shown, re.MULTILINE)
    assert len(commands) == 6
    for command in commands:
        if "moshead train" in command:  # Takes a minute and would show little more.
            continue
        before = {path.name: path.read_bytes() for path in folder.rglob("*.parquet")}
        subprocess.run(
            ["bash", "-euc", re.sub(r"\\ +\n", "\\\n", command)],
            cwd=folder,
            env=command_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=True,
        )
        assert {path.name: path.read_bytes() for path in folder.rglob("*.parquet")} == before
