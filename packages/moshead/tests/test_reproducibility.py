"""The same rows, flags and version give the same bytes, on any instruction set and thread count."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import moshead
import pytest

SMOKE_SHA256 = "261868e49869a306becfc5aea5a244c4c9962199e4a94a496307824b20b70db4"
"""Of the ONNX that ``moshead train-konvid --smoke`` writes in the locked environment."""

# Every switch on and off, every pair of settings once.
SETTINGS = [
    {"OMP_NUM_THREADS": "2"},
    {"OMP_NUM_THREADS": "1", "ATEN_CPU_CAPABILITY": "default", "OPENBLAS_CORETYPE": "Haswell"},
    {"OMP_NUM_THREADS": "1", "MKL_CBWR": "COMPATIBLE", "OPENBLAS_CORETYPE": "Sandybridge"},
    {"OMP_NUM_THREADS": "2", "ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE"},
]
SWITCHES = (
    "OMP_NUM_THREADS",
    "ATEN_CPU_CAPABILITY",
    "MKL_CBWR",
    "MKL_NUM_THREADS",
    "OPENBLAS_CORETYPE",
)


def test_the_smoke_head_is_the_same_bytes_in_every_setting(tmp_path):
    bare = {name: value for name, value in os.environ.items() if name not in SWITCHES}
    running = []
    for number, setting in enumerate(SETTINGS):
        folder = tmp_path / str(number)
        folder.mkdir()
        command = [sys.executable, "-m", "moshead", "train-konvid", "--smoke", "--quiet"]
        running.append((folder, subprocess.Popen(command, cwd=folder, env=bare | setting)))
        if len(running) % 2 == 0:
            running[-1][1].wait()
    assert [process.wait() for _, process in running] == [0] * len(SETTINGS)
    digests = {
        hashlib.sha256((folder / "model/konvid_mos_head_v1_smoke.onnx").read_bytes()).hexdigest()
        for folder, _ in running
    }
    assert digests == {SMOKE_SHA256}


def test_place_is_not_in_the_bytes(tmp_path, labelled_columns, write_table, quick, monkeypatch):
    table = write_table(labelled_columns())
    heads = []
    for name in ("here", "there"):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        copy = folder / f"{name}.parquet"
        copy.write_bytes(table.read_bytes())
        moshead.train([copy], "konvid-v1", "h", training=quick)
        heads.append(Path("model/h.onnx").read_bytes())
    assert heads[0] == heads[1]


def test_another_seed_gives_other_bytes(labelled_columns, write_table, quick):
    from dataclasses import replace

    table = write_table(labelled_columns())
    digests = [
        moshead.train([table], "konvid-v1", "h", training=replace(quick, seed=seed))["sha256"]
        for seed in (1, 1, 2)
    ]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_shares_of_the_nets_do_not_change_them(labelled_columns, threads):
    import numpy as np
    import torch
    from moshead.heads.neural.recipe import Recipe
    from moshead.heads.neural.starts import NetPlan
    from moshead.heads.neural.training import train_nets

    rng = np.random.default_rng(0)
    features, mos = rng.normal(size=(90, 4)), rng.uniform(1, 5, 90)
    plans = [NetPlan(np.arange(90), (seed,)) for seed in range(5)]
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        nets = train_nets(features, mos, plans, Recipe(hidden=8, epochs=2))
    finally:
        torch.set_num_threads(before)
    alone = [train_nets(features, mos, [plan], Recipe(hidden=8, epochs=2))[0] for plan in plans]
    for net, single in zip(nets, alone, strict=True):
        assert (net.w1 == single.w1).all()
        assert (net.skip == single.skip).all()


def test_the_manifest_repeats_the_run(labelled_columns, write_table, quick):
    document = moshead.train([write_table(labelled_columns())], "konvid-v1", "h", training=quick)
    recorded = json.loads(Path("model/h.json").read_text())
    assert recorded == document
    args = recorded["run_provenance"]["args"]
    assert args["epochs"] == 2
    assert args["k_folds"] == 5
    assert args["seed"] == quick.seed
