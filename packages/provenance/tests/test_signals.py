"""A signal at any moment, once or three times: 130 and nothing left, or 0 and all outputs."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from provenance import verify

JOIN = ["join", "--features", "features.tbl", "--labels", "labels.csv", "--out", "out.tbl"]
SAID = "error: Interrupted; no unfinished output was written.\n"

# A library that is interrupted while it is imported, and says something else.
SLOW_IMPORT = """
import time
print("importing", flush=True)
try:
    time.sleep(60)
except KeyboardInterrupt as interrupt:
    raise ImportError("a part of it is not there") from interrupt
"""

COMMAND = """
import signal, sys, time
import samplejoin
from provenance.toolkit import Output
from provenance.run import StagedOutput

def interrupt(*rest):
    for _ in range(3):
        signal.raise_signal(signal.{signal})

{patch}
samplejoin.main()
"""
AFTER_THE_COMMIT = """
result = Output.result
def show(self, *rest):
    interrupt()
    result(self, *rest)
Output.result = show
"""
AT_EXIT = "import atexit; atexit.register(interrupt)"
WHILE_TIDYING = """
import provenance.run.staging as staging
def stop(*rest):
    interrupt()
def remove(path, remove=staging.remove):
    interrupt()
    remove(path)
staging.remove = remove
StagedOutput.claim_prefix = stop
"""
IN_A_FINALISER = """
class Finaliser:
    def __del__(self):
        interrupt()
def stop(*rest, **named):
    Finaliser()
    time.sleep(60)
StagedOutput.claim_prefix = stop
"""
SWALLOWED = """
def stop(*rest, **named):
    try:
        interrupt()
    except BaseException:
        pass
StagedOutput.claim_prefix = stop
"""
TURNED_INTO_ANOTHER_ERROR = """
def stop(*rest, **named):
    try:
        interrupt()
    except BaseException:
        raise SystemError("a C function returned a result with an exception set")
StagedOutput.claim_prefix = stop
"""


def run(patch: str, name: str) -> subprocess.CompletedProcess[str]:
    script = COMMAND.format(patch=patch, signal=name)
    return subprocess.run(
        [sys.executable, "-c", script, *JOIN],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("patch", "name"),
    [
        (WHILE_TIDYING, "SIGINT"),
        (IN_A_FINALISER, "SIGTERM"),
        (SWALLOWED, "SIGTERM"),
        (TURNED_INTO_ANOTHER_ERROR, "SIGINT"),
    ],
)
def test_three_signals_leave_nothing(folder: Path, patch, name):
    before = sorted(folder.iterdir())
    done = run(patch, name)
    assert (done.returncode, done.stderr) == (130, SAID)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(("patch", "name"), [(AFTER_THE_COMMIT, "SIGTERM"), (AT_EXIT, "SIGINT")])
def test_signals_that_come_too_late_change_nothing(folder: Path, patch, name):
    done = run(patch, name)
    assert (done.returncode, done.stderr) == (0, "")
    assert verify("out.tbl").ok


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_modules_are_imported(folder: Path, number):
    (folder / "slow.py").write_text(SLOW_IMPORT)
    start = "import sys; sys.path[:0] = ['.']; from provenance.toolkit import start_command; "
    process = subprocess.Popen(
        [sys.executable, "-c", f"{start}start_command('slow')"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "importing\n"
    process.send_signal(number)
    time.sleep(0.01)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, SAID)
