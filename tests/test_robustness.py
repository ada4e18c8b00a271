"""After kills, full disks and odd file names, no incomplete output is left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import labeljoin
import provenance
import pyarrow.parquet as pq
import pytest
import secondopinion
from pipeline import SCHEMA
from workspace import ROOT, command_environment, load_script, run_command

KILLS = int(os.environ.get("MOSKIT_KILLS", "5"))

PIPELINE = """
set -e
labeljoin join --features konvid1k/features.parquet --labels konvid1k/labels.csv \\
    --out labelled.parquet
secondopinion join --features labelled.parquet --scores dover=konvid1k/scores/dover.csv \\
    --out scored.parquet
moshead train --features scored.parquet --feature-schema schema.toml --model-id head \\
    --out-onnx head.onnx --epochs 2 --k-folds 2 --seeds 2 --other-partitions 0
moshead predict --onnx head.onnx --features scored.parquet --out predictions.parquet
"""
MADE = {
    "labelled.parquet": "labelled.parquet.audit.json",
    "scored.parquet": "scored.parquet.audit.json",
    "head.onnx": "head.json",
    "predictions.parquet": "predictions.parquet.audit.json",
}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder with 200 sample clips and a feature schema."""
    sample_data = load_script(ROOT / "examples" / "sample_data.py")
    sample_data.write_sample_data(tmp_path, clips=200)
    (tmp_path / "schema.toml").write_text(SCHEMA, encoding="utf-8")
    return tmp_path


def start_pipeline(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["bash", "-c", PIPELINE],
        cwd=folder,
        env=command_environment(),
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_kill_at_random_moments_then_resume(small: Path) -> None:
    """After each kill, every file is complete and matches its record, if it has one."""
    begun = time.monotonic()
    assert start_pipeline(small).wait() == 0
    took = time.monotonic() - begun
    expected = {name: (small / name).read_bytes() for name in MADE}

    dice = random.Random(3)
    for _ in range(KILLS):
        if dice.random() < 0.5:  # start with or without earlier files
            for path in [*(small / name for pair in MADE.items() for name in pair)]:
                path.unlink(missing_ok=True)
        killed = start_pipeline(small)
        time.sleep(dice.uniform(0.2, took))
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
        for name, record in MADE.items():
            if (small / name).exists():
                assert (small / name).read_bytes() == expected[name]
            if (small / record).exists():
                json.loads((small / record).read_text("utf-8"))

    assert start_pipeline(small).wait() == 0
    assert provenance.verify([small / name for name in MADE]).ok
    assert {name: (small / name).read_bytes() for name in MADE} == expected
    # Later runs removed the temporary files of the killed ones.
    ours = {*MADE, *MADE.values(), "head_card.md", "head_card.png", "schema.toml", "konvid1k"}
    assert {path.name for path in small.iterdir()} == ours


def test_interrupt_is_clean(small: Path) -> None:
    before = {path.name for path in small.iterdir()}
    running = subprocess.Popen(
        ["moshead", "train-konvid", "--smoke", "--recipe", "mlp", "--epochs", "100000"],
        cwd=small,
        env=command_environment(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    maps = Path(f"/proc/{running.pid}/maps")
    while "libtorch_cpu" not in maps.read_text("utf-8"):  # loaded when training starts
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert "Traceback" not in told
    assert {path.name for path in small.iterdir()} == before


def test_batch_of_two_hundred_with_ten_bad(tmp_path: Path) -> None:
    tables = []
    for number in range(200):
        features = tmp_path / f"features_{number}.csv"
        features.write_text("clip_id,vif\n" + "".join(f"c{i}.mp4,0.{i}\n" for i in range(10)))
        tables.append(
            {
                "id": f"t{number}",
                "features": features.name,
                "labels": ["labels.csv"],
                "out": f"out/{number}.csv",
            }
        )
    (tmp_path / "labels.csv").write_text(
        "name,mos\n" + "".join(f"c{i},{1 + i / 3}\n" for i in range(10))
    )
    bad = list(range(0, 200, 20))
    for number in bad[:3]:
        (tmp_path / f"features_{number}.csv").unlink()
    for number in bad[3:6]:
        (tmp_path / f"features_{number}.csv").write_bytes(b"\xff\xfe\0\0not a table")
    for number in bad[6:]:
        (tmp_path / f"features_{number}.csv").write_text("clip_id,vif\nunknown.mp4,0.5\n")
    (tmp_path / "manifest.json").write_text(json.dumps({"tables": tables}))
    done = run_command(
        *("labeljoin", "batch", "--manifest", "manifest.json", "--report-json", "report.json"),
        *("--report-md", "report.md", "--json"),
        cwd=tmp_path,
        expect=1,
    )
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    failed = {entry["id"] for entry in report["tables"] if entry["status"] == "failed"}
    assert failed == {f"t{number}" for number in bad}
    assert len(list((tmp_path / "out").glob("*.csv"))) == 190
    assert "Traceback" not in done.stderr
    assert done.json()["schema"] == "mos-label-materializer-batch-v1"


NAMES = [
    *("with space", "quote'and\"quote", "ünïcødé-日本語-🎞", "100%_#?&", "semi;colon$(x)`y`"),
    *(
        "[brackets]*",
        "a=b",
        "back\\slash",
        "-leading-dash",
        "~tilde",
        "x" * 200,
        "{brace}",
        "e\u0301",
    ),
]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:20])
def test_odd_names(name: str, tmp_path: Path, sample_tables: Path) -> None:
    """Use the name for a folder and for files, for inputs and for outputs."""
    folder = tmp_path / name
    folder.mkdir()
    features, labels = folder / f"{name}.parquet", folder / f"{name}.csv"
    features.symlink_to(sample_tables / "features.parquet")
    labels.symlink_to(sample_tables / "labels.csv")
    (folder / "dover.csv").symlink_to(sample_tables / "scores" / "dover.csv")
    labelled, scored = folder / f"l{name}.parquet", folder / f"s{name}.parquet"
    labeljoin.join_file(features, labels, labelled)
    secondopinion.join_file(labelled, f"dover={folder / 'dover.csv'}", scored)
    assert provenance.verify([scored, labelled]).ok
    assert pq.read_metadata(scored).num_rows == 1000


def test_odd_names_on_the_command_line(tmp_path: Path, sample_tables: Path) -> None:
    strange = "-it's a=b [ünï] $(x)"
    (tmp_path / strange).symlink_to(sample_tables / "features.parquet")
    (tmp_path / "labels é.csv").symlink_to(sample_tables / "labels.csv")
    run_command(
        *("labeljoin", "join", "--features", strange, "--labels", "labels é.csv"),
        *("--out", "-out put.parquet"),
        cwd=tmp_path,
    )
    run_command("provenance", "verify", "--", "-out put.parquet", cwd=tmp_path)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB; skip if this user may not mount one."""
    point = tmp_path / "disk"
    point.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(point)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small file system needs more rights")
    yield point
    subprocess.run(["umount", str(point)], check=True)


def test_full_disk(tiny_disk: Path, sample_tables: Path) -> None:
    done = run_command(
        *("labeljoin", "join", "--features", sample_tables / "features.parquet"),
        *("--labels", sample_tables / "labels.csv", "--out", tiny_disk / "labelled.parquet"),
        expect=74,
    )
    assert "Traceback" not in done.stderr
    assert list(tiny_disk.iterdir()) == []


def test_file_size_limit(sample_tables: Path, tmp_path: Path) -> None:
    """Simulate a full disk without special rights."""
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)); "
        "from labeljoin.cli.app import main; main()"
    )
    done = run_command(
        *(sys.executable, "-c", limited, "join", "--features", sample_tables / "features.parquet"),
        *("--labels", sample_tables / "labels.csv", "--out", tmp_path / "labelled.parquet"),
        expect=74,
    )
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nobody can create files, not even root."""
    if os.geteuid() == 0:
        yield Path("/sys/kernel")
        return
    tmp_path.chmod(0o555)
    yield tmp_path
    tmp_path.chmod(0o755)


@pytest.mark.parametrize("out", ["labelled.parquet", "deeper/labelled.parquet"])
def test_read_only_folder(read_only: Path, out: str, sample_tables: Path) -> None:
    done = run_command(
        *("labeljoin", "join", "--features", sample_tables / "features.parquet"),
        *("--labels", sample_tables / "labels.csv", "--out", read_only / out),
        expect=74,
    )
    assert "Traceback" not in done.stderr
    assert str(read_only) in done.stderr


def test_a_reader_never_sees_half_a_table(workplace: Path) -> None:
    """While a table is replaced repeatedly, readers always get a complete one."""
    features, labels = workplace / "konvid1k/features.parquet", workplace / "konvid1k/labels.csv"
    out = workplace / "labelled.parquet"
    labeljoin.join_file(features, labels, out)
    writer = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import labeljoin, sys\nfor _ in range(15): labeljoin.join_file(*sys.argv[1:])",
            *map(str, (features, labels, out)),
        ]
    )
    reads = 0
    while writer.poll() is None:
        assert pq.read_table(out, columns=["mos"]).num_rows == 1000
        reads += 1
    assert writer.returncode == 0
    assert reads > 1
