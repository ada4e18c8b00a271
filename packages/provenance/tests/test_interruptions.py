"""Runs that are killed, interrupted, or have no room: nothing half-written, ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from provenance import start_run, verify
from provenance.run import StagedOutput
from provenance.toolkit import OutputError

WRITER = """
import os, sys, time
from pathlib import Path
from provenance import start_run
with start_run("job", inputs={{}}) as run:
    out = run.stage("out", "out.tbl")
    parts = run.stage("parts", "parts", directory=True)
    with open(out, "wb") as stream:
        stream.write(b"half")
        stream.flush()
        Path(parts, "a").write_bytes(b"half")
        run.record("out.json")
        print("writing", flush=True)
        {then}
        stream.write(b" and half")
"""


PAUSE = {"SAMPLEJOIN_PAUSE": "0.5"}


def start(args, **options) -> subprocess.Popen[str]:
    return subprocess.Popen(
        args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def joining(samplejoin: Path, *extra: str) -> list[str]:
    args = ["join", "--features", "features.tbl", "--labels", "labels.csv", "--out", "out.tbl"]
    return [sys.executable, "-c", "import samplejoin; samplejoin.main()", *args, *extra]


def wait_until_writing(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_ends_a_command_with_130_and_leaves_nothing(folder: Path, samplejoin, number):
    (folder / "out.tbl").write_bytes(b"old")
    before = everything(folder)
    environment = {**os.environ, "SAMPLEJOIN_PAUSE": "60"}
    process = start(joining(samplejoin), env=environment)
    wait_until_writing(process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "error: Interrupted; no unfinished output was written.\n"
    assert everything(folder) == before
    assert (folder / "out.tbl").read_bytes() == b"old"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_that_is_ignored_ends_no_command(folder: Path, samplejoin, number):
    """As under ``nohup``, and behind ``&`` in a script."""
    python, flag, script, *args = joining(samplejoin)
    ignore = f"import signal; signal.signal({number:d}, signal.SIG_IGN); "
    process = start([python, flag, ignore + script, *args], env={**os.environ, **PAUSE})
    wait_until_writing(process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert verify("out.tbl").ok


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_that_is_ignored_takes_no_outputs_back(folder: Path, number):
    script = f"""
import signal
from pathlib import Path
from provenance import start_run
from provenance.run import StagedOutput

def commit_and_interrupt(self, commit=StagedOutput.commit):
    commit(self)
    signal.raise_signal({number:d})

StagedOutput.commit = commit_and_interrupt
signal.signal({number:d}, signal.SIG_IGN)
with start_run("job", inputs={{}}) as run:
    Path(run.stage("out", "out.tbl")).write_bytes(b"new")
    run.record("out.json")
assert signal.getsignal({number:d}) is signal.SIG_IGN
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert verify("out.tbl").ok


def test_signal_while_outputs_are_renamed_takes_them_back(folder: Path, monkeypatch):
    (folder / "out.tbl").write_bytes(b"old")
    before = everything(folder)
    commit = StagedOutput.commit

    def commit_and_interrupt(self):
        commit(self)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(StagedOutput, "commit", commit_and_interrupt)
    with pytest.raises(KeyboardInterrupt), start_run("job", inputs={}) as run:
        Path(run.stage("out", "out.tbl")).write_bytes(b"new")
        Path(run.stage("more", "more.tbl")).write_bytes(b"new")
        run.record("out.json")
    assert everything(folder) == before
    assert (folder / "out.tbl").read_bytes() == b"old"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_signal_while_an_output_is_staged_leaves_nothing(folder: Path, monkeypatch):
    before = everything(folder)
    make = StagedOutput.__init__
    interrupted: list[str] = []

    def make_and_interrupt(self, name, destination, **options):
        make(self, name, destination, **options)
        if name == interrupted[-1]:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(StagedOutput, "__init__", make_and_interrupt)
    for name in ("out", "parts", "record"):
        interrupted.append(name)
        with pytest.raises(KeyboardInterrupt), start_run("job", inputs={}) as run:
            Path(run.stage("out", "made/out.tbl")).write_bytes(b"new")
            Path(run.stage("parts", "parts", directory=True), "a").write_bytes(b"new")
            run.record("out.json")
        assert everything(folder) == before


def test_kill_leaves_the_old_output_and_the_next_run_cleans_up(folder: Path):
    (folder / "out.tbl").write_bytes(b"old")
    before = everything(folder)
    process = start([sys.executable, "-c", WRITER.format(then="time.sleep(60)")])
    wait_until_writing(process)
    process.kill()
    process.communicate(timeout=30)
    assert (folder / "out.tbl").read_bytes() == b"old"
    left = everything(folder) - before
    assert left
    assert all(Path(name).parts[0].startswith(".moskit-") for name in left)
    # A run for quite another output in this folder removes what nobody owns any more.
    other = WRITER.format(then="pass").replace("out.tbl", "other.tbl").replace("parts", "others")
    subprocess.run([sys.executable, "-c", other.replace("out.json", "other.json")], check=True)
    assert everything(folder) - before == {"other.tbl", "others", "others/a", "other.json"}


def test_leftovers_of_a_living_run_are_not_touched(folder: Path):
    process = start(
        [sys.executable, "-c", WRITER.format(then="sys.stdin.readline()")], stdin=subprocess.PIPE
    )
    wait_until_writing(process)
    other = WRITER.format(then="pass").replace("out.tbl", "other.tbl").replace("parts", "others")
    subprocess.run([sys.executable, "-c", other.replace("out.json", "other.json")], check=True)
    process.communicate("go\n", timeout=30)
    assert process.returncode == 0
    assert (folder / "out.tbl").read_bytes() == b"half and half"
    assert verify("out.tbl").ok


def test_two_processes_race_for_one_output(folder: Path, samplejoin):
    environment = {**os.environ, "SAMPLEJOIN_PAUSE": "3"}
    first = start(joining(samplejoin), env=environment)
    wait_until_writing(first)
    second = subprocess.run(joining(samplejoin), capture_output=True, text=True, check=False)
    assert second.returncode == 74
    assert second.stderr.count("\n") == 1
    assert "Another run is writing it at this moment" in second.stderr
    assert first.wait(timeout=30) == 0
    first.communicate()
    assert verify("out.tbl").ok


def test_no_room_left(folder: Path, samplejoin):
    """A size limit on files fails a write as a full disk does, on every system."""
    (folder / "features.tbl").write_bytes(bytes(1 << 20))
    before = everything(folder)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16)); "
    python, flag, script, *args = joining(samplejoin)
    # Where coverage is measured, its data would find no room either.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
    done = subprocess.run(
        [python, flag, limit + script, *args],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 74
    assert done.stderr == ("error: out.tbl: There is no space left to write it. Free some space.\n")
    assert everything(folder) == before


@pytest.fixture
def small_disk(tmp_path: Path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a file system takes a privilege that this process does not have")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_full_disk(folder: Path, samplejoin, small_disk: Path):
    (folder / "features.tbl").write_bytes(bytes(1 << 20))
    done = subprocess.run(
        [*joining(samplejoin)[:-1], f"{small_disk}/out.tbl"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 74
    assert "no space left" in done.stderr
    assert everything(small_disk) == set()


def test_read_only_folder(folder: Path, samplejoin, request):
    if os.geteuid() == 0:  # no mode keeps root out, a file system that is mounted so does
        closed = request.getfixturevalue("small_disk")
        subprocess.run(["mount", "-o", "remount,ro", closed], check=True)
    else:
        closed = folder / "closed"
        closed.mkdir(mode=0o555)
    out = f"{closed.relative_to(folder)}/out.tbl"
    done = subprocess.run(
        [*joining(samplejoin)[:-1], out], capture_output=True, text=True, check=False
    )
    assert done.returncode == 74, done.stderr
    assert done.stderr == (
        f"error: {out}: There is no permission to write it. "
        "Choose a folder that you may write to.\n"
    )
    assert everything(closed) == set()


def test_kill_at_any_moment_leaves_old_or_new(folder: Path):
    """Kills a run that replaces its output again and again; whole is all that is ever seen."""
    script = """
from pathlib import Path
from provenance import start_run
for i in range(1_000_000):
    with start_run("job", inputs={}) as run:
        Path(run.stage("out", "out.tbl")).write_bytes(str(i).encode() * 50_000)
        parts = run.stage("parts", "parts", directory=True)
        Path(parts, "a").write_text(str(i) * 10)
        Path(parts, "b").write_text(str(i) * 10)
        run.record("out.json")
    if i == 0:
        print("writing", flush=True)  # from now on there is an old output
"""
    for delay in (0.3, 0.35, 0.41, 0.47):
        process = start([sys.executable, "-c", script])
        wait_until_writing(process)
        time.sleep(delay)
        process.kill()
        process.communicate(timeout=30)
        text = (folder / "out.tbl").read_bytes()
        number = len(text) // 50_000
        assert text == text[:number] * 50_000
        assert (folder / "parts/a").read_text() == (folder / "parts/b").read_text()


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that takes no files")
def test_a_folder_that_takes_no_files_is_not_another_run(folder: Path):
    with (
        pytest.raises(OutputError, match="It cannot be written"),
        start_run("job", inputs={}) as run,
    ):
        run.stage("out", "/proc/out.tbl")
