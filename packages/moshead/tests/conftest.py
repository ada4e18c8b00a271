"""Tables that look like what people have."""

from __future__ import annotations

import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

VMAF_SIX = ("adm2", "vif_scale0", "vif_scale1", "vif_scale2", "vif_scale3", "motion2")


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path, monkeypatch):
    """Commands write below the current folder and read below the home folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def labelled_columns():
    """Make the columns of a labelled feature table in which quality can be learned."""

    def make(rows: int = 120, seed: int = 0, noise: float = 0.35) -> dict[str, list]:
        rng = np.random.default_rng(seed)
        quality = rng.uniform(-1, 1, rows)
        columns: dict[str, list] = {"clip_id": [f"clip{n:04d}.mp4" for n in range(rows)]}
        for number, name in enumerate(VMAF_SIX):
            values = 0.7 + 0.1 * quality * (1 + 0.1 * number) + 0.03 * rng.normal(size=rows)
            columns[name] = values.tolist()
        mos = np.clip(3 + 1.2 * quality + noise * rng.normal(size=rows), 1, 5)
        columns["mos"] = mos.tolist()
        columns["mos_label_status"] = ["ok"] * rows
        return columns

    return make


@pytest.fixture
def write_table(tmp_path):
    """Write columns to a parquet file and return its path."""

    def write(columns: dict[str, list], name: str = "labelled.parquet"):
        path = tmp_path / name
        pq.write_table(pa.table(columns), path)
        return path

    return write


@pytest.fixture
def quick():
    """Options that train in a moment."""
    import moshead

    return moshead.TrainingOptions(epochs=2, seeds=2, other_partitions=0)


@pytest.fixture(scope="session")
def accepted_head(tmp_path_factory):
    """A folder with ``head.onnx`` and what training writes beside it; read-only, see ``head``."""
    import moshead

    folder = tmp_path_factory.mktemp("accepted")
    rng = np.random.default_rng(7)
    quality = rng.uniform(-1, 1, 300)
    columns: dict[str, list] = {"clip_id": [f"videos/clip{n:04d}.mp4" for n in range(300)]}
    for name in VMAF_SIX:
        columns[name] = (0.7 + 0.1 * quality + 0.01 * rng.normal(size=300)).tolist()
    columns["mos"] = np.clip(3 + 1.2 * quality + 0.1 * rng.normal(size=300), 1, 5).tolist()
    pq.write_table(pa.table(columns), folder / "labelled.parquet")
    moshead.train(
        [folder / "labelled.parquet"],
        "konvid-v1",
        "clean_head_v1",
        training=moshead.TrainingOptions(epochs=8, seeds=2, other_partitions=0),
        destinations=moshead.Destinations(onnx=folder / "head.onnx"),
    )
    return folder


@pytest.fixture
def head(accepted_head, tmp_path):
    """The same in a folder of the test's own."""
    return shutil.copytree(accepted_head, tmp_path / "head")


@pytest.fixture(scope="session")
def smoke_head(tmp_path_factory):
    """A folder with a head that synthetic rows trained."""
    import moshead

    folder = tmp_path_factory.mktemp("smoke")
    moshead.train_konvid(
        smoke=True,
        training=moshead.TrainingOptions(epochs=2, seeds=2, other_partitions=0),
        destinations=moshead.Destinations(onnx=folder / "head.onnx"),
    )
    return folder
