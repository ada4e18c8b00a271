"""MOS from ratings at scale: time and memory of ``labeljoin ratings``, and sureal beside it.

    uv run python benchmarks/ratings.py               # 1.6 million votes, the shape of KoNViD-150k
    uv run python benchmarks/ratings.py --large       # 50 million votes as well
    uv run python benchmarks/ratings.py --quick       # few votes, for a test of this

Votes are simulated by the rater model of ITU-T P.910 and rounded to the five-point scale, so the
truth is known: each method's correlation with it is printed. sureal holds a matrix of clips by
raters, which for 1.6 million votes of 3,000 raters on 300,000 clips is 7 GB a copy; it is timed on
dense matrices that it can hold.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

SHAPES = {
    "1.6 million votes, 5 a clip": (307_682, 3_000, 1_600_000),
    "50 million votes, 50 a clip": (1_000_000, 20_000, 50_000_000),
}
DENSE = {"79 x 26, the size of a laboratory test": (79, 26), "2,000 x 100": (2_000, 100)}


def simulate(clips: int, raters: int, votes: int, path: Path) -> np.ndarray[Any, Any]:
    """Write simulated votes and return the true quality of each clip."""
    random = np.random.default_rng(7)
    quality = np.clip(random.normal(3.0, 0.64, clips), 1, 5)
    bias = random.normal(0, 0.3, raters)
    inconsistency = 0.7 * np.exp(random.normal(0, 0.4, raters))
    clip = np.concatenate([np.arange(clips), random.integers(0, clips, votes - clips)])
    rater = random.integers(0, raters, votes)
    clip, rater = np.divmod(np.unique(clip * raters + rater), raters)  # nobody votes twice
    order = random.permutation(len(clip))
    clip, rater = clip[order].astype(np.int32), rater[order].astype(np.int32)
    noise = random.normal(size=len(clip))
    score = np.clip(np.rint(quality[clip] + bias[rater] + inconsistency[rater] * noise), 1, 5)
    names = pa.array([f"orig_{number:011d}_540p_5s.mp4" for number in range(clips)])
    people = pa.array([f"worker{number:05d}" for number in range(raters)])
    table = pa.table(
        {
            "video_name": pa.DictionaryArray.from_arrays(pa.array(clip), names),
            "worker": pa.DictionaryArray.from_arrays(pa.array(rater), people),
            "score": pa.array(score.astype(np.int8)),
        }
    )
    if path.suffix == ".csv":
        text = table.set_column(0, "video_name", table["video_name"].cast(pa.string()))
        pacsv.write_csv(text.set_column(1, "worker", text["worker"].cast(pa.string())), path)
    else:
        pq.write_table(table, path)
    return quality


MEASURED = """
import resource, sys, time
from labeljoin.cli.app import main
sys.argv = ["labeljoin", *sys.argv[1:]]
begun = time.perf_counter()
try:
    main()
finally:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    print("MEASURED", time.perf_counter() - begun, spent.ru_utime + spent.ru_stime,
          spent.ru_maxrss / 1024, file=sys.stderr)
"""


def run(votes: Path, out: Path, method: str) -> dict[str, float]:
    """Run the command in a process of its own, and say what it took."""
    done = subprocess.run(
        [
            *(sys.executable, "-c", MEASURED, "ratings"),
            *("--ratings", str(votes), "--out", str(out), "--method", method),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    wall, cpu, memory = map(float, done.stderr.rpartition("MEASURED")[2].split())
    return {"wall_s": round(wall, 2), "cpu_s": round(cpu, 2), "peak_mb": round(memory)}


def measure(shape: str, folder: Path, suffix: str) -> list[dict[str, Any]]:
    """Measure every method on one shape."""
    clips, raters, votes = SHAPES[shape]
    source = folder / f"votes{suffix}"
    quality = simulate(clips, raters, votes, source)
    rows = []
    for method in ("p910", "p913", "bt500", "mean"):
        out = folder / "mos.parquet"
        took = run(source, out, method)
        table = pq.read_table(out)
        place = pa.array([f"orig_{n:011d}_540p_5s.mp4" for n in range(clips)])
        truth = quality[np.asarray(pc.index_in(table["clip"], value_set=place))]
        plcc = float(np.corrcoef(truth, table["mos"].to_numpy())[0, 1])
        rows.append(
            {"shape": shape, "format": suffix[1:], "method": method, **took, "plcc": round(plcc, 4)}
        )
        print(rows[-1], flush=True)
    return rows


def against_sureal() -> list[dict[str, Any]]:
    """Time the fit of P.910 beside sureal's on dense matrices, and compare the qualities."""
    import contextlib
    import io
    import types

    from labeljoin.ratings import RatingOptions, rate_in_memory

    try:
        from sureal.dataset_reader import RawDatasetReader
        from sureal.subjective_model import SubjectMLEModelProjectionSolver2
    except ImportError:
        return []
    rows = []
    for name, (clips, raters) in DENSE.items():
        random = np.random.default_rng(7)
        score = random.normal(3, 0.7, clips)[:, None] + random.normal(0, 0.3, raters)
        score = np.clip(np.rint(score + random.normal(0, 0.7, (clips, raters))), 1, 5)
        long = pa.table(
            {
                "clip": np.repeat([f"{n:06d}" for n in range(clips)], raters),
                "rater": np.tile([f"{n:06d}" for n in range(raters)], clips),
                "score": score.ravel(),
            }
        )
        begun = time.perf_counter()
        ours = rate_in_memory(long, RatingOptions(scale="1-5"))
        took = time.perf_counter() - begun
        dataset = types.SimpleNamespace(
            ref_videos=[{"content_id": 0, "path": "reference"}],
            dis_videos=[
                {"content_id": 0, "asset_id": n, "path": f"{n}", "os": row.tolist()}
                for n, row in enumerate(score)
            ],
        )
        begun = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            theirs = SubjectMLEModelProjectionSolver2(RawDatasetReader(dataset)).run_modeling()
        sureal = time.perf_counter() - begun
        apart = np.abs(ours.clips["mos"].to_numpy() - np.array(theirs["quality_scores"])).max()
        rows.append(
            {
                "shape": name,
                "labeljoin_s": round(took, 3),
                "sureal_s": round(sureal, 3),
                "ratio": round(sureal / took, 1),
                "largest_difference": float(apart),
            }
        )
        print(rows[-1], flush=True)
    return rows


def report(found: list[dict[str, Any]], dense: list[dict[str, Any]]) -> dict[str, Any]:
    """The document that ``tooling/bench.py`` reads."""
    measurements = [
        {
            "what": f"{row['shape']}, {row['format']}, {row['method']}",
            "measure": measure_,
            "moskit": row[member],
        }
        for row in found
        for measure_, member in (
            ("seconds", "wall_s"),
            ("peak memory, MB", "peak_mb"),
            ("PLCC with the truth", "plcc"),
        )
    ] + [
        {
            "what": f"P.910 on {row['shape']}, in memory",
            "measure": "seconds",
            "moskit": row["labeljoin_s"],
            "peer": "sureal",
            "peer_value": row["sureal_s"],
            "ratio": row["ratio"],
        }
        for row in dense
    ]
    return {
        "title": "MOS from ratings",
        "setting": "Votes simulated by the rater model and rounded to five points; start-up, "
        "reading, intervals, hashes and audit included. sureal holds clips by raters, so it is "
        "timed on matrices without gaps.",
        "measurements": measurements,
        "details": {"labeljoin": found, "sureal": dense},
    }


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few votes, for a test of this")
    parser.add_argument("--large", action="store_true", help="50 million votes as well")
    parser.add_argument("--out-json", type=Path, help="write the results here too")
    chosen = parser.parse_args()
    usual, large = SHAPES
    if chosen.quick:
        SHAPES[usual] = (2_000, 100, 10_000)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(usual, Path(folder), ".csv") + measure(usual, Path(folder), ".parquet")
        if chosen.large:
            found += measure(large, Path(folder), ".parquet")
    document = report(found, against_sureal())
    if chosen.out_json:
        chosen.out_json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
