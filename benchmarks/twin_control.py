"""Simulate sound tables and leaks, and count how often the twin control fails.

    python benchmarks/twin_control.py [--runs 1000] [--leaks 5] [--out PATH]

Sound tables vary in clips, frames, columns, signal, noise and coarseness of the labels, and in
rounded, missing and categorical features; none of them may fail. Leaks are frames and copies of
clips under keys of their own.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from moshead.corpus.folds import partition
from moshead.gate.control import Control, twin_control
from moshead.gate.twins.search import search_twins
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STEPS = (None, 0.01, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0)


def control(features: Floats, mos: Floats, units: NDArray[np.int64], seed: int) -> Control:
    """Run the control on five folds."""
    folds = partition(units, 5, seed, grouped=False).folds
    search = search_twins(features, mos, [f.held_out for f in folds], units, seed=seed)
    names = [f"f{column}" for column in range(features.shape[1])]
    return twin_control(
        search, features, keys=[f"k{row}" for row in range(len(mos))], columns=names
    )


def labels(rng: np.random.Generator, quality: Floats, step: float | None, sd: float) -> Floats:
    """Ratings of clips of some quality, with normal, heavy-tailed or uneven noise."""
    rows = len(quality)
    noise = (rng.normal(size=rows), rng.standard_t(3, rows) / 1.7,
             rng.normal(size=rows) * rng.choice([0.3, 1.5], rows))[rng.integers(3)]  # fmt: skip
    mos = np.clip(3 + 0.65 * quality + sd * noise, 1, 5)
    return mos if step is None else np.round(mos / step) * step


def clip_features(rng: np.random.Generator, quality: Floats, width: int, signal: float) -> Floats:
    """Features of clips: quality and four other causes, mixed; a third of them skewed."""
    causes = np.column_stack([signal * quality, rng.normal(size=(len(quality), 4))])
    noise = rng.normal(size=(len(quality), width)) * rng.uniform(0.2, 2, width)
    features = causes @ rng.normal(size=(5, width)) + noise
    features[:, : width // 3] = np.exp(features[:, : width // 3] / 3)
    return np.asarray(features)


def repeat(
    rng: np.random.Generator, features: Floats, rows: NDArray[np.int64], jitter: float
) -> Floats:
    """Take rows again, each with some jitter."""
    shake = rng.normal(size=(len(rows), features.shape[1]))
    return np.asarray(features[rows] + jitter * features.std(axis=0) * shake)


def sound(seed: int) -> Control:
    """Run the control on a table whose clips are known."""
    rng = np.random.default_rng(seed)
    times = int(rng.choice([1, 1, 1, 4, 10]))
    clips = max(60, int(rng.choice([60, 100, 200, 500, 1200, 2500])) // times)
    quality = rng.normal(size=clips)
    mos = labels(
        rng, quality, STEPS[rng.integers(len(STEPS))], float(rng.choice([0.05, 0.2, 0.4, 0.8]))
    )
    width = int(rng.choice([3, 6, 11, 40, 100]))
    features = clip_features(rng, quality, width, float(rng.choice([0, 0.5, 1, 3])))
    rows = np.repeat(np.arange(clips), times)
    if times > 1:
        features = repeat(rng, features, rows, float(rng.choice([0.02, 0.2, 0.7])))
    kind = rng.integers(4)
    if kind == 1:
        features = np.round(features)
    elif kind == 2:
        features[rng.random(features.shape) < 0.05] = np.nan
    elif kind == 3:
        features = np.column_stack([features, rng.choice([480, 720, 1080], len(rows))])
    return control(features, mos[rows], rows, seed)


def leak(
    seed: int,
    *,
    clips: int,
    times: int,
    width: int,
    jitter: float,
    share: float,
    step: float | None,
) -> Control:
    """Run the control on clips of which a share comes several times, each row under its own key."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=clips)
    mos = labels(rng, quality, step, 0.4)
    again = np.tile(np.arange(int(clips * share)), times - 1)
    rows = np.concatenate([np.arange(clips), again])
    features = repeat(rng, clip_features(rng, quality, width, 1.0), rows, jitter)
    return control(features, mos[rows], np.arange(len(rows)), seed)


LEAKS: tuple[dict[str, Any], ...] = (
    {"clips": 60, "times": 25, "width": 40, "jitter": 0.3, "share": 1.0},
    {"clips": 60, "times": 2, "width": 60, "jitter": 0.05, "share": 1.0},
    {"clips": 150, "times": 8, "width": 6, "jitter": 0.05, "share": 1.0},
    {"clips": 1000, "times": 2, "width": 60, "jitter": 0.0, "share": 0.05},
    {"clips": 1250, "times": 4, "width": 11, "jitter": 0.3, "share": 1.0},
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the counts, and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="sound tables")
    parser.add_argument("--leaks", type=int, default=5, help="tables of each leak")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="where the JSON goes")
    options = parser.parse_args(arguments)
    seeds = range(options.first_seed, options.first_seed + options.runs)
    runs = [sound(seed) for seed in seeds]
    failed = [seed for seed, run in zip(seeds, runs, strict=True) if not run.passed]
    largest = max((run.statistic for run in runs if run.kind == "twins"), default=0.0)
    print(f"sound: {len(failed)} of {len(runs)} failed; largest statistic {largest:.2f}")
    found = []
    for case in LEAKS:
        for step in (None, 0.1, 0.5):
            results = [leak(seed, step=step, **case) for seed in range(options.leaks)]
            count = sum(not result.passed for result in results)
            found.append({**case, "step": step, "found": count, "of": options.leaks})
            print(f"{case}, step {step}: found {count} of {options.leaks}")
    if options.out is not None:
        document = {"runs": len(runs), "failed": failed, "largest": largest, "leaks": found}
        options.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
