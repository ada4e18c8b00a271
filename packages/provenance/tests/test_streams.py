"""Standard streams that cannot be written: 74 where a result is lost, else nothing changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from provenance import verify

FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
JOIN = "join --features features.tbl --labels labels.csv --out out.tbl"
MISSING = "join --features nothing.tbl --labels labels.csv --out out.tbl"


def run(program: str, words: str, redirections: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a shell, which can close its streams."""
    start = f"import sys; sys.argv[0] = '{program}'; from {program} import main; main()"
    return subprocess.run(
        ["sh", "-c", f'"$0" -c "$1" {words} {redirections}', sys.executable, start],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@FULL
@pytest.mark.parametrize(
    ("words", "redirections", "code"),
    [
        (f"{JOIN} --json", ">/dev/full", 74),
        (f"{JOIN} --json", "<&- >&- 2>&-", 74),
        (JOIN, "2>/dev/full", 0),
        (JOIN, ">&- 2>&-", 0),
        (f"{MISSING} --json", ">&-", 2),
        (MISSING, "2>/dev/full", 2),
        ("--help", ">/dev/full", 74),
        ("join --version", ">&-", 74),
        ("nonsense", ">/dev/full 2>/dev/full", 2),
    ],
)
def test_a_stream_changes_no_exit_code_but_to_74(folder: Path, words, redirections, code):
    done = run("samplejoin", words, redirections)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    if "2>" not in redirections and code:
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1
    assert Path("out.tbl").exists() == (JOIN in words)
    if JOIN in words:
        assert verify("out.tbl").ok


@FULL
def test_what_a_command_prints_to_a_full_disk_is_an_error(folder: Path):
    import samplejoin

    samplejoin.materialize("features.tbl", ["labels.csv"], "out.tbl")
    for words in ("trace out.tbl", "export out.tbl --format in-toto"):
        done = run("provenance.cli.main", words, ">/dev/full")
        assert done.returncode == 74
        assert "Standard output cannot be written (No space left on device)" in done.stderr


def test_a_full_pipe_that_does_not_block_is_waited_for():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    script = (
        "import sys; from provenance.toolkit.process.streams import guard_streams; "
        "guard_streams(); sys.stdout.write('x' * 1_000_000); sys.stdout.flush()"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        assert len(stream.read()) == 1_000_000
    assert process.wait(timeout=60) == 0
