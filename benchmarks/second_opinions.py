"""How fast second opinions are attached, beside DuckDB and polars, and how lean a long file is.

    python benchmarks/second_opinions.py                  # 3 M rows, 1 GB of JSON; 4 GB of RAM disk
    python benchmarks/second_opinions.py --quick          # the same in small

The join: five scorers of 150,000 clips each, a DOVER CSV (three) and two headerless files of
IQA-PyTorch, onto 3 M x 42 parquet, 20 rows a clip. The contestants are processes of their own,
start-up included, and take turns. `moskit` is `secondopinion join`, which also looks for
duplicates, hashes all files, writes an audit and embeds its record; the peers derive the keys, join
score, status and source of the five, and write all columns. Ratios are to the fastest and the
leanest peer of the same run.

The stream: one wrapper payload whose frames make 1 GB of JSON, read by moskit alone.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

GOAL = 0.6
STREAM_GOAL_MB = 300
SCORERS = ("dover", "dover_aesthetic", "dover_technical", "niqe", "musiq")
KEY = r"([^/]+)\.mp4$"


def make(folder: Path, *, quick: bool) -> None:
    """Write the feature table and the score files."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    clips, group = (2_500, 25_000) if quick else (150_000, 250_000)
    random = np.random.default_rng(1)
    writer = None
    for start in range(0, clips * 20, group):
        frames = np.arange(start, min(start + group, clips * 20))
        paths = [f"KoNViD_150k_videos/orig_{frame // 20}_540p_5s.mp4" for frame in frames.tolist()]
        columns = {"clip_path": pa.array(paths), "frame": pa.array(frames % 20)}
        for number in range(40):
            values = random.standard_normal(len(frames))
            kind = np.float64 if number % 2 else np.float32
            columns[f"feature_{number:02d}"] = pa.array(values.astype(kind))
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(folder / "features.parquet", table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()
    scores = random.uniform(0, 100, (clips, len(SCORERS))).tolist()
    with (folder / "dover.csv").open("w") as dover:
        dover.write("path, aesthetic score, technical score, overall/final score\n")
        for clip, (a, t, o, *_) in enumerate(scores):
            dover.write(f"../data/K150k/orig_{clip}_540p_5s.mp4, {a:4f}, {t:4f},{o:4f}\n")
    for at, name in ((3, "niqe"), (4, "musiq")):
        with (folder / f"{name}.csv").open("w") as file:
            file.writelines(
                f"orig_{clip}_540p_5s.mp4,{row[at]}\n" for clip, row in enumerate(scores)
            )


def make_payload(path: Path, *, quick: bool) -> None:
    """Write one wrapper payload, a frame after the other."""
    size = 20_000_000 if quick else 1_000_000_000
    with path.open("w") as file:
        written, frame = file.write('{\n  "frames": ['), 0
        while written < size:
            rows = ",".join(
                f'\n    {{\n      "frame_idx": {number},\n      "predicted_vmaf_or_mos": '
                f'{70 + number % 2000 / 100},\n      "runtime_ms": 1.4\n    }}'
                for number in range(frame, frame + 10_000)
            )
            written += file.write(("," if frame else "") + rows)
            frame += 10_000
        file.write('\n  ],\n  "summary": {"competitor": "fork-nr-metric", "plcc": 0.0}\n}\n')


# Contestants: each runs in a process of its own, and imports what it needs.


def run_moskit(folder: Path, out: Path) -> None:
    """`secondopinion join`, as a user types it."""
    from secondopinion.cli.app import main

    sys.argv = ["secondopinion", "join", "--features", str(folder / "features.parquet")]
    for name in ("dover", "niqe", "musiq"):
        sys.argv += ["--scores", f"{name}={folder / name}.csv"]
    sys.argv += ["--out", str(out), "--quiet"]
    main()


def run_stream(folder: Path, out: Path) -> None:
    """`secondopinion inspect` of the long payload."""
    from secondopinion.cli.app import main

    sys.argv = ["secondopinion", "inspect", "--scores", str(folder / "payload.json"), "--quiet"]
    main()


def run_duckdb(folder: Path, out: Path) -> None:
    """DuckDB, one statement."""
    import duckdb

    names = "['path', 'dover_aesthetic', 'dover_technical', 'dover']"
    sides = {
        "d": f"read_csv('{folder}/dover.csv', header=false, skip=1, names={names})",
        "n": f"read_csv('{folder}/niqe.csv', header=false, names=['path', 'niqe'])",
        "m": f"read_csv('{folder}/musiq.csv', header=false, names=['path', 'musiq'])",
    }
    files = {"d": "dover.csv", "n": "niqe.csv", "m": "musiq.csv"}
    owner = dict(zip(SCORERS, "dddnm", strict=True))
    columns = ", ".join(
        f"{side}.{name} as {name}_score, "
        f"case when {side}.{name} is null then 'missing' else 'ok' end as {name}_status, "
        f"case when {side}.{name} is null then null else '{folder}/{files[side]}' end "
        f"as {name}_source"
        for name, side in owner.items()
    )
    joins = " ".join(
        f"left join {reader} {side} on regexp_extract(f.clip_path, '{KEY}', 1) = "
        f"regexp_extract({side}.path, '{KEY}', 1)"
        for side, reader in sides.items()
    )
    duckdb.execute(
        f"copy (select f.*, {columns} from read_parquet('{folder}/features.parquet') f {joins}) "
        f"to '{out}' (format parquet)"
    )


def run_polars(folder: Path, out: Path) -> None:
    """Polars, streaming from scan to sink."""
    import polars as pl

    found = pl.scan_parquet(folder / "features.parquet").with_columns(
        key=pl.col("clip_path").str.extract(KEY)
    )
    for file, names in (
        ("dover.csv", ["dover_aesthetic", "dover_technical", "dover"]),
        ("niqe.csv", ["niqe"]),
        ("musiq.csv", ["musiq"]),
    ):
        header = file == "dover.csv"
        scores = pl.scan_csv(
            folder / file,
            has_header=False,
            skip_rows=int(header),
            schema={"path": pl.String, **dict.fromkeys(names, pl.String)},
        ).select(
            pl.col("path").str.extract(KEY).alias("key"),
            *(
                pl.col(name).str.strip_chars().cast(pl.Float64).alias(f"{name}_score")
                for name in names
            ),
        )
        found = found.join(scores, on="key", how="left", maintain_order="left").with_columns(
            *(
                pl.when(pl.col(f"{name}_score").is_null())
                .then(pl.lit("missing"))
                .otherwise(pl.lit("ok"))
                .alias(f"{name}_status")
                for name in names
            ),
            *(
                pl.when(pl.col(f"{name}_score").is_not_null())
                .then(pl.lit(str(folder / file)))
                .alias(f"{name}_source")
                for name in names
            ),
        )
    found.drop("key").sink_parquet(out)


CONTESTANTS: dict[str, Callable[[Path, Path], None]] = {
    "moskit": run_moskit,
    "duckdb": run_duckdb,
    "polars": run_polars,
    "stream": run_stream,
}


def measure(name: str, folder: Path) -> dict[str, float]:
    """Run one contestant once: wall and CPU seconds, peak resident memory in MB."""
    out = folder / "out.parquet"
    for old in folder.glob("out.parquet*"):
        old.unlink()
    arguments = [sys.executable, __file__, "--contestant", name, str(folder), str(out)]
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name} failed with exit code {process.returncode}")
    cpu = usage.ru_utime + usage.ru_stime
    return {"wall_s": wall, "cpu_s": cpu, "peak_mb": usage.ru_maxrss / 1024}


def compare(folder: Path, *, quick: bool, repeats: int) -> dict[str, Any]:
    """All contestants, in turns, and the stream."""
    # In a process of its own: Linux counts what the parent held into a child's peak memory.
    arguments = [sys.executable, __file__, "--make", str(folder)]
    subprocess.run([*arguments, "--quick"] if quick else arguments, check=True)
    names = ["moskit", "duckdb", "polars"]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for round_ in range(repeats + 1):
        for name in names:
            measured = measure(name, folder)
            if round_:  # round 0 compiles the modules that are imported, and warms the page cache
                runs[name].append(measured)
    stream = measure("stream", folder)
    return {
        "goal_wall_ratio": GOAL,
        "goal_stream_peak_mb": STREAM_GOAL_MB,
        "features_bytes": (folder / "features.parquet").stat().st_size,
        "payload_bytes": (folder / "payload.json").stat().st_size,
        "contestants": {
            name: {
                "wall_s_best": min(run["wall_s"] for run in measured),
                "wall_s_median": statistics.median(run["wall_s"] for run in measured),
                "cpu_s_best": min(run["cpu_s"] for run in measured),
                "peak_mb": max(run["peak_mb"] for run in measured),
            }
            for name, measured in runs.items()
        },
        "stream": stream,
    }


def report(found: dict[str, Any], *, quick: bool) -> dict[str, Any]:
    """The document that `nox -s bench` gathers."""
    from importlib.metadata import version

    contestants = found["contestants"]
    measurements = []
    for what, measure_, digits in (
        ("wall_s_best", "wall s", 2),
        ("cpu_s_best", "CPU s", 2),
        ("peak_mb", "peak MB", 0),
    ):
        peer = min(("duckdb", "polars"), key=lambda name: contestants[name][what])
        ours, theirs = contestants["moskit"][what], contestants[peer][what]
        measurements.append(
            {
                "what": "five scorers onto frames, audit and hashes included",
                "measure": measure_,
                "moskit": round(ours, digits),
                "peer": f"{peer} {version(peer)}",
                "peer_value": round(theirs, digits),
                "ratio": round(theirs / ours, 2),
            }
        )
    megabytes = found["payload_bytes"] / 1e6
    rows = "50,000" if quick else "3,000,000"
    return {
        "title": "Second opinions",
        "setting": f"Five scorers, twenty rows a clip, from three CSV files, onto {rows} rows "
        f"x 42 columns of parquet; a wrapper JSON of {megabytes:,.0f} MB is read in "
        f"{found['stream']['wall_s']:.1f} s and {found['stream']['peak_mb']:.0f} MB.",
        "measurements": measurements,
        "details": found,
    }


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small tables, for a test of this")
    parser.add_argument("--repeats", type=int, default=3, help="rounds that count")
    parser.add_argument("--folder", type=Path, help="where the tables go; a RAM disk by default")
    parser.add_argument("--out-json", type=Path, help="write the results here too")
    parser.add_argument("--contestant", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.contestant:
        name, folder, out = chosen.contestant
        CONTESTANTS[name](Path(folder), Path(out))
        return
    if chosen.make:
        make(chosen.make, quick=chosen.quick)
        make_payload(chosen.make / "payload.json", quick=chosen.quick)
        return
    shared = Path("/dev/shm")
    base = chosen.folder or (shared if shared.is_dir() else None)
    with tempfile.TemporaryDirectory(dir=base, prefix="second-opinions-") as folder:
        found = compare(
            Path(folder), quick=chosen.quick, repeats=1 if chosen.quick else chosen.repeats
        )
    document = report(found, quick=chosen.quick)
    for name, values in found["contestants"].items():
        shown = ", ".join(f"{what} {value:,.2f}" for what, value in values.items())
        print(f"{name:8} {shown}")
    fastest = min(found["contestants"][peer]["wall_s_best"] for peer in ("duckdb", "polars"))
    ratio = found["contestants"]["moskit"]["wall_s_best"] / fastest
    print(f"wall / fastest peer: {ratio:.2f} (goal ≤ {GOAL})")
    print(document["setting"], f"(goal ≤ {STREAM_GOAL_MB} MB)")
    if chosen.out_json:
        chosen.out_json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
