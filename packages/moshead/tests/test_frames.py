"""Data frames into training, and frames of the caller's library out of prediction."""

import json

import moshead
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest


@pytest.fixture(scope="module")
def columns():
    rng = np.random.default_rng(0)
    quality = rng.normal(size=200)
    return {
        "clip": [f"c{n}" for n in range(200)],
        "mos": np.clip(3 + 0.6 * quality + rng.normal(size=200) / 5, 1, 5),
        "adm2": 0.5 + 0.1 * quality,
        "motion2": rng.random(200),
    }


@pytest.fixture(scope="module")
def trained(columns, tmp_path_factory):
    folder = tmp_path_factory.mktemp("head")
    (folder / "toy.toml").write_text('id = "toy-v1"\ncolumns = ["adm2", "motion2"]\n')
    manifest = moshead.train(
        pl.DataFrame(columns),
        folder / "toy.toml",
        "toy",
        training=moshead.TrainingOptions(recipe="ridge", seeds=1, other_partitions=0),
        destinations=moshead.Destinations(
            onnx=folder / "h.onnx", manifest=folder / "h.json", card=folder / "h.md"
        ),
        baselines="simple",
    )
    return folder, manifest


def test_the_record_and_the_card_say_that_a_frame_trained_the_head(trained):
    folder, manifest = trained
    [recorded] = manifest["run_provenance"]["args"]["features"]
    assert (recorded["in_memory"], recorded["rows"]) == ("data frame", 200)
    card = (folder / "h.md").read_text("utf-8")
    assert f"| input `data frame (Arrow)` | `{recorded['arrow_sha256']}` |" in card
    assert "--features '<data frame>'" in card
    assert json.loads((folder / "h.json").read_bytes()) == manifest


def test_notebooks_show_the_verdict(trained):
    _, manifest = trained
    shown = manifest._repr_html_()
    assert f"Head toy: {manifest['gate']['status']}" in shown
    assert "mean PLCC" in shown


@pytest.mark.filterwarnings("ignore::moshead.predict.ProposedHeadWarning")
def test_predictions_come_as_the_callers_kind_and_as_a_file_has_them(trained, columns, tmp_path):
    folder, _ = trained
    rows = pl.DataFrame(columns).drop("mos")
    of_polars = moshead.predict_frame(folder / "h.onnx", rows)
    assert isinstance(of_polars, pl.DataFrame)
    frame = rows.to_pandas().set_index(pd.Index(range(7, 207)))
    of_pandas = moshead.predict_frame(folder / "h.onnx", frame, key_column="clip")
    assert list(of_pandas.index) == list(range(7, 207))
    assert of_pandas["mos_pred"].tolist() == of_polars["mos_pred"].to_list()
    pq.write_table(rows.to_arrow(), tmp_path / "f.parquet")
    moshead.predict_file(folder / "h.onnx", tmp_path / "f.parquet", tmp_path / "p.parquet")
    written = pl.read_parquet(tmp_path / "p.parquet").select(of_polars.columns)
    assert of_polars.equals(written)


def test_a_comparison_of_a_frame_is_shown(columns):
    result = moshead.compare(pl.DataFrame(columns), scores=["adm2", "motion2"])
    shown = result._repr_html_()
    assert "adm2 − motion2" in shown
    assert result.sentence.split(".")[0] in shown
