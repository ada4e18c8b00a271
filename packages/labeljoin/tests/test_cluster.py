"""A batch on a real Dask cluster on loopback, one of whose workers dies on the way."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("distributed")

TABLES = 6
PARTS = 8
CLIPS = 20_000
PATIENCE = 60


def dask(*arguments, log):
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "false"},
    )


def wait_for(pattern, path):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = re.findall(pattern, Path(path).read_text())
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"no {pattern!r} in:\n{Path(path).read_text()}")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler's address and two worker processes."""
    tmp_path = tmp_path_factory.mktemp("cluster")
    processes = []
    try:
        with (tmp_path / "scheduler.log").open("w") as log:
            processes.append(
                dask("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                     log=log)
            )  # fmt: skip
        address = wait_for(r"tcp://127\.0\.0\.1:\d+", tmp_path / "scheduler.log")[0]
        for number in range(2):
            with (tmp_path / f"worker{number}.log").open("w") as log:
                processes.append(
                    dask("dask_worker", address, "--no-nanny", "--nthreads", "1", "--no-dashboard",
                         "--local-directory", str(tmp_path / f"scratch{number}"), log=log)
                )  # fmt: skip
            wait_for("Registered to", tmp_path / f"worker{number}.log")
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture
def manifest(here):
    """Some single tables, one directory of parts, and their labels."""
    keys = [f"v/{clip}.mp4" for clip in range(CLIPS)]
    rows = "".join(f"{clip},{1 + clip % 5}\n" for clip in range(CLIPS))
    (here / "labels.csv").write_text("key,mos\n" + rows)
    columns = {"path": keys, **{f"x{i}": [i * 0.5] * CLIPS for i in range(4)}}
    tables: list[dict[str, Any]] = []
    for number in range(TABLES):
        pq.write_table(pa.table(columns), here / f"{number}.parquet")
        tables.append({"id": f"t{number}", "features": f"{number}.parquet"})
    (here / "parts").mkdir()
    for number in range(PARTS):
        pq.write_table(pa.table({"path": keys[number::PARTS]}), here / f"parts/{number}.parquet")
    tables.append({"id": "parts", "features": "parts"})
    for table in tables:
        table |= {"labels": ["labels.csv"], "out": f"out/{table['features']}"}
    (here / "manifest.json").write_text(json.dumps({"tables": tables}))
    return here / "manifest.json"


def outputs(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and not path.name.startswith(".moskit-")
    }


def test_parts_of_one_table_run_on_the_cluster(manifest, cluster, command):
    address, _ = cluster
    flags = ("--features", "parts", "--labels", "labels.csv")
    command("join", *flags, "--out", "here")
    command("join", *flags, "--out", "there", "--scheduler", address)
    assert outputs("there") == outputs("here")


def test_a_lost_worker_changes_no_byte(manifest, cluster, command, process):
    command("batch", "--manifest", manifest)
    alone = outputs("out")
    assert len(alone) == TABLES * 2 + PARTS + 1
    Path("out").rename("before")
    address, workers = cluster
    batch = process(
        "batch", "--manifest", manifest, "--scheduler", address, "--report-json", "r.json"
    )
    until = time.monotonic() + PATIENCE
    while not outputs("out") if Path("out").is_dir() else True:
        assert batch.poll() is None, batch.communicate()
        assert time.monotonic() < until, "no table was finished"
        time.sleep(0.01)
    assert batch.poll() is None, "the batch was over before a worker could be lost"
    workers[0].send_signal(signal.SIGKILL)
    _, errors = batch.communicate(timeout=PATIENCE)
    assert batch.returncode == 0, errors
    assert outputs("out") == alone
    assert json.loads(Path("r.json").read_text())["summary"]["ok_tables"] == TABLES + 1
