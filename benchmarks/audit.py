"""How fast signalaudit correlates beside pandas, and how much memory whole audits take.

    python benchmarks/audit.py                    # about 15 minutes and 10 GB of disk
    python benchmarks/audit.py --quick            # the same in small, for CI
    python benchmarks/audit.py --only pairs       # pairs, million, long or wide

Each measurement is a process of its own. `pairs` times Pearson and Spearman of all pairs of a
table in memory: `signalaudit.statistics.correlate` against pandas' two `corr` calls, taking turns.
The others time the whole command and take its peak memory; there is no peer for them, only goals.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROUNDS = 3
TIME_GOAL = 0.35  # of pandas' time
TABLES: dict[str, dict[str, int]] = {  # rows, columns and the goal for peak memory in MB
    "million": {"rows": 1_000_000, "columns": 100, "goal": 2_000},
    "long": {"rows": 10_000_000, "columns": 40, "goal": 4_000},
    "wide": {"rows": 50_000, "columns": 2_000, "goal": 4_000},
}


# Contestants: each runs in a process of its own.


def run_pairs(contestant: str, rows: int, columns: int, missing: float) -> float:
    """Seconds that one contestant takes for all pairs."""
    import numpy as np

    generator = np.random.default_rng(0)
    values = np.asfortranarray(generator.normal(size=(rows, columns)))
    values[:, 1::2] += 0.5 * values[:, ::2]
    values[:, ::10] = np.round(values[:, ::10], 2)  # ties
    if missing:
        for column in range(0, columns, columns // 5):
            values[generator.random(rows) < missing, column] = np.nan
    if contestant == "pandas":
        import pandas as pd

        frame = pd.DataFrame(values)
        begun = time.perf_counter()
        frame.corr("pearson")
        frame.corr("spearman")
        return time.perf_counter() - begun
    from signalaudit.statistics import correlate

    begun = time.perf_counter()
    correlate(values)
    return time.perf_counter() - begun


def write_table(path: Path, rows: int, columns: int) -> None:
    """A table of `columns` numbers whose first half knows something of the MOS."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    generator = np.random.default_rng(0)
    writer = None
    group = max(1_000, 20_000_000 // columns)
    for start in range(0, rows, group):
        count = min(group, rows - start)
        mos = generator.uniform(1, 5, count)
        table: dict[str, Any] = {"clip_id": pa.array(range(start, start + count)).cast("string")}
        for number in range(columns - 1):
            values = generator.normal(size=count)
            table[f"metric_{number}x"] = values + (mos if 2 * number < columns else 0)
        table["mos"] = mos
        batch = pa.table(table)
        writer = writer or pq.ParquetWriter(path, batch.schema)
        writer.write_table(batch)
    assert writer is not None
    writer.close()


def run_command(path: Path, out: Path) -> tuple[float, float]:
    """Wall seconds and peak MB of one audit by command."""
    code = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], capture_output=True)\n"
        "sys.stderr.buffer.write(done.stderr)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "sys.exit(done.returncode)"
    )
    command = [sys.executable, "-m", "signalaudit.cli.app", "report", "--input", str(path)]
    command += ["--out-json", f"{out}.json", "--out-md", f"{out}.md", "--out-html", f"{out}.html"]
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *command], capture_output=True, text=True, check=False
    )
    wall = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(done.stderr)
    unit = 1e6 if platform.system() == "Darwin" else 1e3
    return wall, int(done.stdout) / unit


# Measurements


def measure_pairs(*, quick: bool) -> list[dict[str, Any]]:
    """All pairs of 150,000 x 100, complete and with missing values."""
    rows, columns = (15_000, 40) if quick else (150_000, 100)
    measurements = []
    for what, missing in (
        ("all pairs, complete", 0.0),
        ("all pairs, 2 % missing in 5 columns", 0.02),
    ):
        seconds: dict[str, list[float]] = {"moskit": [], "pandas": []}
        for _ in range(ROUNDS):
            for contestant, taken in seconds.items():
                arguments = ["--contestant", contestant, str(rows), str(columns), str(missing)]
                done = subprocess.run(
                    [sys.executable, __file__, *arguments],
                    capture_output=True,
                    text=True,
                    check=True,
                )
                taken.append(float(done.stdout))
        own, peer = (statistics.median(taken) for taken in seconds.values())
        measurements.append(
            {
                "what": what,
                "measure": "wall s",
                "moskit": own,
                "peer": f"pandas {version('pandas')}, two corr calls",
                "peer_value": peer,
                "ratio": peer / own,
                "goal": 1 / TIME_GOAL,
                "met": own <= TIME_GOAL * peer,
            }
        )
    return measurements


def measure_table(name: str, folder: Path, *, quick: bool) -> list[dict[str, Any]]:
    """One whole audit: wall time and peak memory."""
    shape = TABLES[name]
    rows = shape["rows"] // (100 if quick else 1)
    columns = shape["columns"] // (10 if quick and name == "wide" else 1)
    path = folder / f"{name}.parquet"
    write_table(path, rows, columns)
    wall, peak = run_command(path, folder / name)
    path.unlink()
    what = f"whole audit, {rows:,} x {columns:,}"
    return [
        {"what": what, "measure": "wall s", "moskit": wall},
        {
            "what": what,
            "measure": "peak MB",
            "moskit": peak,
            "peer": "goal",
            "peer_value": shape["goal"],
            "ratio": shape["goal"] / peak,
            "met": peak <= shape["goal"],
        },
    ]


def version(distribution: str) -> str:
    """The installed version of a distribution."""
    from importlib.metadata import version as installed

    return installed(distribution)


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small tables")
    parser.add_argument("--only", choices=["pairs", *TABLES], action="append")
    parser.add_argument("--out-json", type=Path)
    parser.add_argument("--folder", type=Path, help="where tables are made; a temporary one else")
    parser.add_argument("--contestant", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant:
        contestant, rows, columns, missing = options.contestant
        print(run_pairs(contestant, int(rows), int(columns), float(missing)))
        return
    wanted = options.only or ["pairs", *TABLES]
    measurements: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for name in wanted:
            if name == "pairs":
                measurements += measure_pairs(quick=options.quick)
            else:
                measurements += measure_table(name, Path(folder), quick=options.quick)
    for each in measurements:
        line = f"{each['what']}: {each['moskit']:,.2f} {each['measure']}"
        if "ratio" in each:
            line += f", {each['peer']} {each['peer_value']:,.2f}, ratio {each['ratio']:.1f}"
            line += "" if each["met"] else "  GOAL MISSED"
        print(line)
    document = {
        "title": "Auditing signals",
        "setting": "Pearson and Spearman of all pairs of a table in memory, one process each, "
        "median of three; whole audits by command with JSON, Markdown and page",
        "measurements": measurements,
    }
    if options.out_json:
        options.out_json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    if not all(each.get("met", True) for each in measurements):
        sys.exit(1)


if __name__ == "__main__":
    main()
