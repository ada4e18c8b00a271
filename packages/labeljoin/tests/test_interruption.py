"""A join that is killed, interrupted or out of space leaves the old table or the new one."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import labeljoin
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

KILLS = int(os.environ.get("MOSKIT_KILLS", "10"))
CLIPS = 20_000

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork to be quick")

# Imports once, then forks a child for each line that it reads: a join, killed after that time.
HARNESS = """
import os, signal, sys, time
import pandas  # pyarrow imports it at its first array; let that be once
import labeljoin
from labeljoin.engine import attaching as attachment
from labeljoin.joining import coverage, on_disk as joining
from labeljoin.diagnose import suggestions as diagnosis
from labeljoin.labels import index as labels
from labeljoin.formats.parquet import splice as parquet_splice
from labeljoin.formats.parquet import table as parquet
for line in sys.stdin:
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        labeljoin.join_file("features.parquet", "labels.csv", "out.parquet")
        os._exit(0)
    if float(line) >= 0:
        time.sleep(float(line))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    print(time.monotonic() - begun, status, flush=True)
"""


@pytest.fixture
def tables(here):
    keys = [f"v/{clip}.mp4" for clip in range(CLIPS)]
    pq.write_table(
        pa.table({"path": keys, **{f"x{i}": [i + 0.5] * CLIPS for i in range(6)}}),
        "features.parquet",
        row_group_size=8_192,
        use_dictionary=["path"],
    )
    rows = "".join(f"{clip},{1 + clip % 5}\n" for clip in range(CLIPS))
    Path("labels.csv").write_text("key,mos\n" + rows)
    return here


def visible(folder):
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if not path.name.startswith(".") and path.name not in ("features.parquet", "labels.csv")
    }


def test_killed_at_random_moments(tables):
    harness = subprocess.Popen(
        [sys.executable, "-c", HARNESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def join(delay):
        print(delay, file=harness.stdin, flush=True)
        assert harness.stdout
        seconds, status = harness.stdout.readline().split()
        return float(seconds), int(status)

    try:
        duration, status = join(-1)
        assert status == 0
        whole = visible(tables)
        assert set(whole) == {"out.parquet", "out.parquet.audit.json"}
        for name in whole:
            (tables / name).unlink()
        chance = random.Random(20260508)
        killed = 0
        for _ in range(KILLS):
            killed += join(chance.uniform(0, duration))[1] != 0
            left = visible(tables)
            # The record comes last: a table without it is an unfinished run, and whole.
            assert list(left) in ([], ["out.parquet"]) or set(left) == set(whole)
            for name, content in left.items():
                assert content == whole[name]
                (tables / name).unlink()
        assert killed > KILLS / 4
        join(-1)
        assert visible(tables) == whole
        assert [path.name for path in tables.iterdir() if path.name.startswith(".")] == []
    finally:
        harness.kill()
        harness.communicate()


@pytest.mark.parametrize("jobs", [(), ("--jobs", "2")])
def test_an_interrupt_leaves_nothing(tables, process, jobs):
    (tables / "parts").mkdir()
    for part in range(4):
        os.link("features.parquet", f"parts/{part}.parquet")
    join = (
        *("join", "--features", "parts", "--labels", "labels.csv", "--out", "labelled"),
        *("--key-normalize", "stem", *jobs),
    )
    running = process(*join)
    until = time.monotonic() + 60
    while not any(path.is_dir() for path in tables.glob(".moskit-*")):
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert "Traceback" not in errors
    names = {"features.parquet", "labels.csv", "parts"}
    assert {path.name for path in tables.iterdir() if path.name[0] != "."} == names
    # An interrupt in the moment between a temporary and its note is for the next run to tidy.
    again = process(*join)
    _, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    assert {path.name for path in tables.iterdir()} == {*names, "labelled", "labelled.audit.json"}


def test_no_permission_is_an_output_error(tables, command):
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    (tables / "closed").mkdir(mode=0o500)
    done = command(
        "join", "--features", "features.parquet", "--labels", "labels.csv",
        "--out", "closed/out.parquet", code=74,
    )  # fmt: skip
    assert "permission" in done.err


def test_a_device_is_no_output(tables, command):
    done = command(
        "join", "--features", "features.parquet", "--labels", "labels.csv", "--out", os.devnull,
        code=2,
    )  # fmt: skip
    assert os.devnull in done.err


@pytest.fixture
def many(tables):
    """A manifest of tables that keeps two workers busy for a while."""
    entries = [
        {
            "id": f"t{number}",
            "features": "features.parquet",
            "labels": ["labels.csv"],
            "out": f"out/{number}.parquet",
        }
        for number in range(40)
    ]
    Path("manifest.json").write_text(json.dumps({"tables": entries}))
    return tables / "out"


def wait_for(condition, running=None):
    until = time.monotonic() + 60
    while not condition():
        assert running is None or running.poll() is None, running.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)


def finished(folder):
    return list(folder.glob("[!.]*.parquet")) if folder.is_dir() else []


def test_worker_processes_end_with_a_killed_batch(many, process):
    batch = process("batch", "--manifest", "manifest.json", "--jobs", "2")
    wait_for(lambda: finished(many), batch)
    children = psutil.Process(batch.pid).children(recursive=True)
    batch.kill()
    batch.communicate(timeout=60)
    wait_for(lambda: not any(alive(child) for child in children))
    for path in finished(many):
        assert pq.read_metadata(path).num_rows == CLIPS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_interrupts_again_need_not_wait(many, process, number):
    batch = process("batch", "--manifest", "manifest.json", "--jobs", "2")
    wait_for(lambda: finished(many), batch)
    children = psutil.Process(batch.pid).children(recursive=True)
    for _ in range(3):
        batch.send_signal(number)
        time.sleep(0.02)
    batch.communicate(timeout=60)
    # After the words of farewell a signal is what it is to any program.
    assert batch.returncode in (130, -number)
    wait_for(lambda: not any(alive(child) for child in children))


def alive(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_lost_worker_process_fails_its_tables_and_is_named(many, process):
    batch = process(
        "batch", "--manifest", "manifest.json", "--jobs", "2", "--report-json", "r.json"
    )
    wait_for(lambda: finished(many), batch)
    for child in psutil.Process(batch.pid).children(recursive=True):
        if child.children() == []:
            child.kill()
    _, errors = batch.communicate(timeout=60)
    assert batch.returncode == 1, errors
    report = json.loads(Path("r.json").read_text())
    assert report["status"] == "failed"
    assert "worker was lost" in json.dumps(report)


LIMITED = """
import resource, sys, labeljoin
from provenance.toolkit import OutputError
name, limit = sys.argv[1], int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    labeljoin.join_file(name, "labels.csv", f"out-{name}")
except OutputError as error:
    print(error)
"""


@pytest.mark.parametrize("short", [1, 50, 10_000])
@pytest.mark.parametrize("name", ["features.parquet", "features.jsonl"])
def test_a_file_cut_short_by_the_system_is_no_output(tables, name, short):
    # A system without room takes the front of what is written, and fails the next write only.
    if name.endswith("jsonl"):
        Path(name).write_text("".join(f'{{"path": "v/{n}.mp4"}}\n' for n in range(CLIPS)))
    labeljoin.join_file(name, "labels.csv", "whole" + Path(name).suffix)
    size = Path("whole" + Path(name).suffix).stat().st_size
    limited = [sys.executable, "-c", LIMITED, name, str(size - short)]
    printed = subprocess.run(limited, capture_output=True, text=True, check=True).stdout
    assert printed.startswith(f"out-{name}: the output cannot be written (File too large)")
    assert not any(path.name.startswith(("out-", ".moskit")) for path in tables.iterdir())
