"""How fast and how lean moskit labels a feature table, beside DuckDB, polars and pandas.

    python benchmarks/labelling.py                  # three tables, about 5 GB of RAM disk
    python benchmarks/labelling.py --quick          # the same in small, for CI
    python benchmarks/labelling.py --tables frames  # one table

Each contestant is a process of its own: interpreter start-up, imports, reading, joining and writing
all count. Contestants take turns within a round, so that a slow moment of the machine hits all of
them. Ratios are to the fastest and the leanest peer of the same run.

Contestants: `engine` is `labeljoin.attach` alone; `command` is `labeljoin join`, which also hashes
both files, writes an audit and embeds its record; the peers read the table, derive the key by the
same regex, join the labels and write all columns, and make no hash, audit or record.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

KEY_REGEX = r"orig_\d+"
PEERS = ("duckdb", "polars", "pandas")
GOALS = {  # of the fastest peer's time, and of the leanest peer's memory
    "frames": {"engine": 0.6, "command": 1.0},
    "wide": {"engine": 0.4, "command": 1.0},
    "jsonl": {"engine": 0.6, "command": 1.0},
}
MEMORY_GOAL = 0.35
WHAT = {
    "frames": "3 M x 42 parquet",
    "wide": "100 k x 2,000 parquet",
    "jsonl": "1 M x 42 JSONL",
    "quick frames": "100 k x 42 parquet",
    "quick wide": "2 k x 2,000 parquet",
    "quick jsonl": "50 k x 42 JSONL",
    "engine": "engine alone",
    "command": "command with hashes, audit and record",
}


# Tables


def make_frames(path: Path, labels: Path, *, quick: bool) -> None:
    """3 M x 42 parquet: 20 frame rows for each of 150,000 clips."""
    clips = 5_000 if quick else 150_000
    _write_labels(labels, clips)
    _write_parquet(path, rows=clips * 20, clips=clips, features=40, group=250_000)


def make_wide(path: Path, labels: Path, *, quick: bool) -> None:
    """100 k x 2,000 parquet: one row a clip."""
    rows = 2_000 if quick else 100_000
    _write_labels(labels, rows)
    _write_parquet(path, rows=rows, clips=rows, features=1_998, group=10_000)


def make_jsonl(path: Path, labels: Path, *, quick: bool) -> None:
    """1 M x 42 JSONL: 20 frame rows for each of 50,000 clips."""
    import numpy as np

    clips = 2_500 if quick else 50_000
    _write_labels(labels, clips)
    random = np.random.default_rng(1)
    names = [f"feature_{number:02d}" for number in range(40)]
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, clips * 20, 10_000):
            values = random.standard_normal((10_000, len(names)))
            for offset, row in enumerate(values.tolist()):
                number = start + offset
                members = {"clip_path": clip_path(number // 20), "frame": number % 20}
                members |= zip(names, row, strict=True)
                file.write(json.dumps(members) + "\n")


def clip_path(clip: int) -> str:
    """The path of a clip, as feature tables of KoNViD-150k name it."""
    return f"KoNViD_150k_videos/orig_{clip}_540p_5s.mp4"


def _write_labels(path: Path, clips: int) -> None:
    import numpy as np

    mos = np.random.default_rng(0).uniform(1, 5, clips)
    with path.open("w", encoding="utf-8") as file:
        file.write("video_name,mos\n")
        file.writelines(
            f"orig_{clip},{score:.4f}\n" for clip, score in enumerate(mos.tolist()) if clip % 50
        )


def _write_parquet(path: Path, *, rows: int, clips: int, features: int, group: int) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(1)
    writer = None
    for start in range(0, rows, group):
        count = min(group, rows - start)
        frames = np.arange(start, start + count)
        columns = {
            "clip_path": pa.array([clip_path(frame * clips // rows) for frame in frames.tolist()]),
            "frame": pa.array(frames % (rows // clips)),
        }
        for number in range(features):
            values = random.standard_normal(count)
            columns[f"feature_{number:04d}"] = pa.array(
                values if number % 2 else values.astype(np.float32)
            )
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


TABLES: dict[str, tuple[str, Callable[..., None]]] = {
    "frames": ("parquet", make_frames),
    "wide": ("parquet", make_wide),
    "jsonl": ("jsonl", make_jsonl),
}


# Contestants: each runs in a process of its own, and imports what it needs.


def run_engine(features: str, labels: str, out: str) -> None:
    """`labeljoin.attach` with a lookup by regex, and nothing else."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv
    from labeljoin import attach
    from labeljoin.keys import KeyRule

    rule = KeyRule(normalize="raw", regex=KEY_REGEX)
    table = pyarrow.csv.read_csv(labels)
    positions = {key: number for number, key in enumerate(table["video_name"].to_pylist())}
    mos = table["mos"].combine_chunks()
    raw = pc.multiply(pc.subtract(mos, 1.0), 25.0)

    class Lookup:
        schema = pa.schema(
            [
                ("mos", pa.float64()),
                ("mos_raw_0_100", pa.float64()),
                ("mos_label_status", pa.string()),
                ("mos_label_source", pa.string()),
            ]
        )

        def __call__(self, values: pa.Array) -> pa.RecordBatch:
            encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
            keys = rule.keys(encoded.dictionary).keys.to_pylist()
            found = pa.array([positions.get(key) for key in keys], pa.int32())
            status = pa.array(["missing-label", "ok"]).take(found.is_valid().cast(pa.int8()))
            source = pa.array([labels]).take(pc.if_else(found.is_valid(), 0, None))
            columns = []
            for column in (mos.take(found), raw.take(found), status, source):
                unique = column.dictionary_encode()
                columns.append(
                    pa.DictionaryArray.from_arrays(
                        unique.indices.take(encoded.indices), unique.dictionary
                    )
                )
            return pa.record_batch(columns, names=self.schema.names)

    attach(features, out, "clip_path", Lookup(), digests=False)


def run_command(features: str, labels: str, out: str) -> None:
    """`labeljoin join`, as a user types it."""
    from labeljoin.cli.app import main

    sys.argv = ["labeljoin", "join", "--features", features, "--labels", labels, "--out", out]
    sys.argv += ["--feature-key-column", "clip_path", "--feature-key-regex", KEY_REGEX, "--quiet"]
    main()


def run_duckdb(features: str, labels: str, out: str) -> None:
    """DuckDB, one statement."""
    import duckdb

    reader = "read_json_auto" if features.endswith("jsonl") else "read_parquet"
    kind = "json" if out.endswith("jsonl") else "parquet"
    duckdb.execute(
        f"""
        copy (
            select f.*, l.mos, 25 * (l.mos - 1) as mos_raw_0_100,
                case when l.mos is null then 'missing-label' else 'ok' end as mos_label_status,
                case when l.mos is null then null else '{labels}' end as mos_label_source
            from {reader}('{features}') f
            left join read_csv('{labels}') l
                on regexp_extract(f.clip_path, '{KEY_REGEX}') = l.video_name
        ) to '{out}' (format {kind})
        """
    )


def run_polars(features: str, labels: str, out: str) -> None:
    """Polars, streaming from scan to sink."""
    import polars as pl

    scan = pl.scan_ndjson if features.endswith("jsonl") else pl.scan_parquet
    known = pl.scan_csv(labels).with_columns(mos_label_source=pl.lit(labels))
    found = (
        scan(features)
        .with_columns(video_name=pl.col("clip_path").str.extract(f"({KEY_REGEX})"))
        .join(known, on="video_name", how="left", maintain_order="left")
        .drop("video_name")
        .with_columns(
            mos_raw_0_100=25 * (pl.col("mos") - 1),
            mos_label_status=pl.when(pl.col("mos").is_null())
            .then(pl.lit("missing-label"))
            .otherwise(pl.lit("ok")),
        )
    )
    if out.endswith("jsonl"):
        found.sink_ndjson(out)
    else:
        found.sink_parquet(out)


def run_pandas(features: str, labels: str, out: str) -> None:
    """pandas, in memory."""
    import pandas as pd

    if features.endswith("jsonl"):
        table = pd.read_json(features, lines=True)
    else:
        table = pd.read_parquet(features)
    known = pd.read_csv(labels)
    table["video_name"] = table["clip_path"].str.extract(f"({KEY_REGEX})", expand=False)
    table = table.merge(known, on="video_name", how="left").drop(columns="video_name")
    missing = table["mos"].isna()
    table = table.assign(
        mos_raw_0_100=25 * (table["mos"] - 1),
        mos_label_status=missing.map({True: "missing-label", False: "ok"}),
        mos_label_source=missing.map({True: None, False: labels}),
    )
    if out.endswith("jsonl"):
        table.to_json(out, orient="records", lines=True)
    else:
        table.to_parquet(out)


def run_copy(features: str, labels: str, out: str) -> None:
    """A plain copy of the file: the floor."""
    shutil.copyfile(features, out)


CONTESTANTS: dict[str, Callable[[str, str, str], None]] = {
    "engine": run_engine,
    "command": run_command,
    "duckdb": run_duckdb,
    "polars": run_polars,
    "pandas": run_pandas,
    "copy": run_copy,
}


class _WithoutPandas:
    """Keeps Arrow from importing pandas, which it does where it finds it, to know a Series.

    Half a second that only a machine with pandas pays; moskit's commands keep it out likewise.
    """

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


# Measuring


def measure(name: str, features: Path, labels: Path, out: Path) -> dict[str, float]:
    """Run one contestant once.

    Returns:
        ``wall_s``, ``cpu_s``, and ``peak_mb``: the process's own peak resident memory, and what
        its children held at the same time.
    """
    for old in out.parent.glob(f"{out.name}*"):
        old.unlink()
    arguments = [sys.executable, __file__, "--contestant", name]
    arguments += [str(features), str(labels), str(out)]
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(out.parent / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, env=environment)
    children = _ChildMemory(process.pid)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name} failed with exit code {process.returncode}")
    return {
        "wall_s": wall,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024 + children.stop(),
    }


class _ChildMemory:
    """The most that a process's children held together, in MB, looked at 20 times a second."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        import psutil

        try:
            process = psutil.Process(self._pid)
            while not self._done.wait(0.05):
                held = sum(child.memory_info().rss for child in process.children(recursive=True))
                self._peak = max(self._peak, held / 2**20)
        except psutil.Error:
            return

    def stop(self) -> float:
        self._done.set()
        self._thread.join()
        return self._peak


def compare(
    table: str, folder: Path, *, quick: bool, repeats: int, contestants: list[str]
) -> dict[str, Any]:
    """All contestants on one table, in turns."""
    kind, _ = TABLES[table]
    features, labels = folder / f"{table}.{kind}", folder / f"{table}.labels.csv"
    # In a process of its own: Linux counts what the parent held into a child's peak memory.
    arguments = [sys.executable, __file__, "--make", table, str(features), str(labels)]
    subprocess.run([*arguments, "--quick"] if quick else arguments, check=True)
    out = folder / f"{table}.out.{kind}"
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in contestants}
    for round_ in range(repeats + 1):
        for name in contestants:
            print(f"\r{table}: round {round_} of {repeats}, {name:10}", end="", file=sys.stderr)
            measured = measure(name, features, labels, out)
            if round_:  # round 0 compiles the modules that are imported
                runs[name].append(measured)
    print("\r" + " " * 60 + "\r", end="", file=sys.stderr)
    size = features.stat().st_size
    for path in folder.glob(f"{table}.*"):
        path.unlink()
    what = WHAT["quick " * quick + table]
    return {"table": table, "what": what, "bytes": size, **_judged(table, runs)}


def _judged(table: str, runs: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    figures = {
        name: {
            "wall_s_best": min(run["wall_s"] for run in measured),
            "wall_s_median": statistics.median(run["wall_s"] for run in measured),
            "cpu_s_best": min(run["cpu_s"] for run in measured),
            "peak_mb": max(run["peak_mb"] for run in measured),
        }
        for name, measured in runs.items()
    }
    peers = [name for name in PEERS if name in runs]
    best_peers = {
        figure: min(peers, key=lambda name: figures[name][figure])
        for figure in ("wall_s_best", "wall_s_median", "peak_mb")
        if peers
    }
    found: dict[str, Any] = {}
    for name, own in figures.items():
        goals = GOALS[table].get(name)
        found[name] = {
            **own,
            "ratios": {what: own[what] / figures[peer][what] for what, peer in best_peers.items()},
            "goals": {} if goals is None else {"wall": goals, "memory": MEMORY_GOAL},
        }
    return {"best_peers": best_peers, "contestants": found}


def measurements(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures one by one, moskit's beside the best peer's; a ratio above 1 is in our favour."""
    rows = []
    measures = {
        "wall_s_best": "wall s, best",
        "wall_s_median": "wall s, median",
        "peak_mb": "peak MB",
    }
    versions = document["machine"]["versions"]
    for table in document["tables"]:
        for name in ("engine", "command"):
            own = table["contestants"].get(name)
            for figure, peer in table["best_peers"].items() if own else ():
                theirs = table["contestants"][peer][figure]
                rows.append(
                    {
                        "what": f"{table['what']}, {WHAT[name]}",
                        "measure": measures[figure],
                        "moskit": own[figure],
                        "peer": f"{peer} {versions[peer]}",
                        "peer_value": theirs,
                        "ratio": theirs / own[figure],
                    }
                )
    return rows


def describe(document: dict[str, Any]) -> str:
    """The results as text, ratios first."""
    machine = document["machine"]
    lines = [f"{machine['cpus']} CPUs, {machine['system']}, Python {machine['python']}"]
    lines += [", ".join(f"{name} {release}" for name, release in machine["versions"].items())]
    for table in document["tables"]:
        lines += ["", f"{table['table']}: {table['bytes'] / 1e6:,.0f} MB"]
        lines.append("  ratios to the best peer: best time, median time, memory (goals)")
        for name, found in table["contestants"].items():
            ratios = "".join(f"{ratio:7.2f}" for ratio in found["ratios"].values())
            goals = found["goals"]
            shown = f"(≤ {goals['wall']}, ≤ {goals['memory']})" if goals else ""
            lines.append(
                f"  {name:8}{ratios}  {shown:17}{found['wall_s_best']:7.2f} s best"
                f"{found['wall_s_median']:7.2f} s median{found['cpu_s_best']:7.2f} s CPU"
                f"{found['peak_mb']:7.0f} MB"
            )
    return "\n".join(lines)


def _machine() -> dict[str, Any]:
    from importlib.metadata import version

    names = ("moskit-labeljoin", "pyarrow", "duckdb", "polars", "pandas")
    return {
        "cpus": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in names},
    }


def main() -> None:
    """Measure, print, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small tables, one round")
    parser.add_argument("--repeats", type=int, help="rounds (5; 1 with --quick)")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--dir", type=Path, help="where tables are made (a RAM disk)")
    parser.add_argument("--out-json", type=Path, default=Path("labelling.json"))
    parser.add_argument("--contestant", nargs=4, metavar=("NAME", "FEATURES", "LABELS", "OUT"))
    parser.add_argument("--make", nargs=3, metavar=("TABLE", "FEATURES", "LABELS"))
    options = parser.parse_args()
    if options.make:
        table, features, labels = options.make
        TABLES[table][1](Path(features), Path(labels), quick=options.quick)
        return
    if options.contestant:
        name, *paths = options.contestant
        if name != "pandas":
            sys.meta_path.insert(0, _WithoutPandas())
        CONTESTANTS[name](*paths)
        return
    ram = Path("/dev/shm")
    parent = options.dir or (ram if ram.is_dir() else None)
    repeats = options.repeats or (1 if options.quick else 5)
    document: dict[str, Any] = {
        "title": "Labelling a feature table",
        "setting": (
            "Reading a table, joining labels by a regex on the key, writing all columns; on a RAM "
            "disk, each contestant a process of its own, start-up included, in turns"
        ),
        "quick": options.quick,
        "repeats": repeats,
        "machine": _machine(),
        "tables": [],
    }
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        for table in options.tables:
            document["tables"].append(
                compare(
                    table,
                    Path(folder),
                    quick=options.quick,
                    repeats=repeats,
                    contestants=options.only,
                )
            )
    document["measurements"] = measurements(document)
    print(describe(document))
    options.out_json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
