"""What is not installed is named with the extra that installs it, before any work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from workspace import command_environment

WITHOUT = """
import sys
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name == {absent!r} else find(name, *rest)
sys.argv = {argv!r}
from {program}.cli.app import main
main()
"""
TRAIN = "moshead train t.csv --feature-schema konvid-v1 --model-id x"

CASES = [
    ("labeljoin join t.csv --labels l.csv -o o.csv --scheduler tcp://127.0.0.1:1", "distributed"),
    (TRAIN, "onnxscript"),
    (TRAIN, "matplotlib"),
    (f"{TRAIN} --recipe mlp --smoke", "torch"),
    ("moshead compare t.csv --scores vif --baselines", "sklearn"),
    ("provenance sign o.csv --key k.pem", "securesystemslib"),
]
EXTRAS = {
    "distributed": "moskit-labeljoin[dask]",
    "onnxscript": "moskit-moshead[train]",
    "matplotlib": "moskit-moshead[train]",
    "torch": "moskit-moshead[mlp]",
    "sklearn": "moskit-moshead[baselines]",
    "securesystemslib": "moskit-provenance[sign]",
}


@pytest.mark.parametrize(("line", "absent"), CASES, ids=[absent for _, absent in CASES])
def test_the_extra_is_named(tmp_path: Path, line: str, absent: str) -> None:
    rows = "".join(f"c{n},{n % 5 + 1},0.{n}\n" for n in range(10, 60))
    (tmp_path / "t.csv").write_text(f"clip,mos,vif\n{rows}")
    (tmp_path / "l.csv").write_text("clip,mos\na,3\n")
    (tmp_path / "k.pem").write_text("key")
    joined = [sys.executable, "-c", "from labeljoin.cli.app import main; main()", "join", "l.csv"]
    if absent == "securesystemslib":
        subprocess.run(
            [*joined, "--labels", "l.csv", "-o", "o.csv", "--overwrite", "-q"],
            cwd=tmp_path,
            env=command_environment(),
            check=True,
        )
    program, *arguments = line.split()
    script = WITHOUT.format(absent=absent, argv=[program, *arguments], program=program)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=command_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert EXTRAS[absent] in done.stderr
