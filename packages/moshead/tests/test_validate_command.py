"""``moshead validate``: a head is judged on clips that it has not seen, or not at all."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import Any

import moshead
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from provenance.toolkit import InputError
from scipy import stats

SIX = ("adm2", "vif_scale0", "vif_scale1", "vif_scale2", "vif_scale3", "motion2")


@pytest.fixture
def held_out(tmp_path):
    """Write labelled rows of clips that trained nothing."""

    def write(rows=150, noise=0.1, prefix="new", seed=99, **columns):
        rng = np.random.default_rng(seed)
        quality = rng.uniform(-1, 1, rows)
        table = {"clip_id": [f"{prefix}{n}.mp4" for n in range(rows)]}
        for name in SIX:
            table[name] = 0.7 + 0.1 * quality + 0.01 * rng.normal(size=rows)
        table["mos"] = np.clip(3 + 1.2 * quality + noise * rng.normal(size=rows), 1, 5)
        path = tmp_path / "held_out.parquet"
        pq.write_table(pa.table(table | columns), path)
        return path

    return write


def test_a_good_head_passes_on_clips_that_it_has_not_seen(accepted_head, held_out, tmp_path):
    path = held_out()
    report = moshead.validate(
        accepted_head / "head.onnx", path, out_json=tmp_path / "v.json", out_md=tmp_path / "v.md"
    )
    table = pq.read_table(path)
    labels = table.column("mos").to_numpy()
    predicted = moshead.Predictor(accepted_head / "head.onnx").predict_mos(table).mos
    gate = report["gate"]
    assert gate["passed"] is True
    assert gate["mean_plcc"] == pytest.approx(stats.pearsonr(labels, predicted)[0], abs=1e-6)
    assert gate["mean_srocc"] == pytest.approx(stats.spearmanr(labels, predicted)[0], abs=1e-6)
    assert gate["plcc_spread"] is None
    assert report["rows"] == 150
    assert report["intervals"]["covered"] > 0.8
    assert json.loads((tmp_path / "v.json").read_text()) == report
    assert "# Validation of clean_head_v1" in (tmp_path / "v.md").read_text()


def test_second_opinions_are_judged_on_the_validated_rows(tmp_path):
    def rows(count, seed, path):
        rng = np.random.default_rng(seed)
        quality = rng.normal(size=count)
        columns = {
            "clip_id": [f"{seed}-{n}.mp4" for n in range(count)],
            "a": quality + 0.3 * rng.normal(size=count),
            "b": quality + 0.4 * rng.normal(size=count),
            "second_opinion_dover_score": 50 + 15 * quality + 9 * rng.normal(size=count),
            "second_opinion_niqe_score": 5 - quality + rng.normal(size=count),
            "mos": np.clip(3 + 0.6 * quality + 0.1 * rng.normal(size=count), 1, 5),
        }
        if seed == 2:
            columns["second_opinion_late_score"] = quality + rng.normal(size=count)
        pq.write_table(pa.table(columns), tmp_path / path)
        return columns

    rows(300, 1, "train.parquet")
    held_out = rows(200, 2, "held_out.parquet")
    (tmp_path / "two.toml").write_text('id = "two-v1"\ncolumns = ["a", "b"]\n')
    manifest = moshead.train(
        [tmp_path / "train.parquet"],
        tmp_path / "two.toml",
        "two",
        baselines="simple",
        training=moshead.TrainingOptions(other_partitions=0),
        destinations=moshead.Destinations(onnx=tmp_path / "h.onnx"),
    )
    report = moshead.validate(
        tmp_path / "h.onnx", tmp_path / "held_out.parquet", out_md=tmp_path / "v.md"
    )
    assert report["training_baselines"] == manifest["baselines"]
    found = {each["column"]: each for each in report["baselines"]}
    assert set(found) == {
        "a", *(f"second_opinion_{name}_score" for name in ("dover", "niqe", "late"))
    }  # fmt: skip
    predicted = moshead.Predictor(tmp_path / "h.onnx").predict_mos(pa.table(held_out)).mos
    mos = held_out["mos"]
    for column, each in found.items():
        known = next((b for b in manifest["baselines"] if b["column"] == column), None)
        values = held_out[column]
        if known is None:
            assert "favours it" in each["settings"]
        else:
            # The mapping of the manifest, worked out from its document.
            m = known["mapping"]
            x = m["direction"] * values
            if m["width"] is None:
                mapped = m["low"] + m["high"] * x
            else:
                share = 1 / (1 + np.exp(-(x - m["centre"]) / m["width"]))
                mapped = m["low"] + (m["high"] - m["low"]) * share + m["tilt"] * (x - m["centre"])
            assert each["rmse"] == pytest.approx(np.sqrt(np.mean((mapped - mos) ** 2)), abs=1e-5)
            assert each["plcc"] == pytest.approx(stats.pearsonr(mos, mapped)[0], abs=1e-5)
        difference = each["difference"]
        own = stats.pearsonr(mos, predicted)[0]
        assert difference["plcc"] == pytest.approx(own - each["plcc"], abs=1e-5)
        assert difference["low"] < difference["plcc"] < difference["high"]
    assert report["worth"]["sentence"].startswith("Beats a alone by 0.")
    assert any("ridge" in note for note in report["worth"]["notes"])
    text = (tmp_path / "v.md").read_text()
    assert text.index("Beats a alone") < text.index("mean PLCC")
    assert "Single columns on these rows" in text


def test_a_miss_exits_1_and_still_writes_the_report(accepted_head, held_out, tmp_path):
    path = held_out(noise=2.0)
    done = subprocess.run(
        [sys.executable, "-m", "moshead", "validate", "--onnx", accepted_head / "head.onnx",
         "--features", path, "--out-json", "v.json", "--out-md", "v.md", "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert report["gate"]["passed"] is False
    assert report.pop("error")["code"] == "validation.gate-missed"
    assert report.pop("exit_code") == 1
    assert report == json.loads((tmp_path / "v.json").read_text())
    assert "Missed" in (tmp_path / "v.md").read_text()
    assert "mean_plcc" in done.stderr or "PLCC" in done.stderr


def test_clips_that_trained_the_head_are_no_test_of_it(accepted_head, tmp_path):
    path = accepted_head / "labelled.parquet"
    with pytest.raises(InputError, match="100 % of these clips trained the head"):
        moshead.validate(accepted_head / "head.onnx", path, out_json=tmp_path / "v.json")
    assert not (tmp_path / "v.json").exists()
    # Another file with the same clips under other paths is the same leak.
    table = pq.read_table(path)
    keys = [f"/elsewhere/{key.split('/')[-1]}" for key in table.column("clip_id").to_pylist()]
    pq.write_table(table.set_column(0, "clip_id", pa.array(keys)), tmp_path / "copy.parquet")
    with pytest.raises(InputError, match="trained the head"):
        moshead.validate(accepted_head / "head.onnx", tmp_path / "copy.parquet")


def test_rows_that_a_split_kept_apart_are_judged_and_no_others(tmp_path, quick):
    rng = np.random.default_rng(3)
    quality = rng.uniform(-1, 1, 240)
    table: dict[str, Any] = {
        name: 0.7 + 0.1 * quality + 0.01 * rng.normal(size=240) for name in SIX
    }
    table["clip_id"] = [f"clip{n}" for n in range(240)]
    table["mos"] = np.clip(3 + 1.2 * quality + 0.1 * rng.normal(size=240), 1, 5)
    table["split"] = ["train"] * 140 + ["val"] * 50 + ["test"] * 50
    pq.write_table(pa.table(table), "split.parquet")
    moshead.train(
        ["split.parquet"], "konvid-v1", "split_head_v1", training=quick,
        destinations=moshead.Destinations(onnx="split.onnx"),
    )  # fmt: skip
    report = moshead.validate("split.onnx", "split.parquet")
    assert (report["split"], report["rows"]) == ("test", 50)
    with pytest.raises(InputError, match="trained the head"):
        moshead.validate("split.onnx", "split.parquet", split="val")
    with pytest.raises(InputError, match="no labelled row is in the split 'best'"):
        moshead.validate("split.onnx", "split.parquet", split="best")


def test_synthetic_heads_never_pass(smoke_head, held_out):
    with (
        pytest.warns(moshead.predict.ProposedHeadWarning),
        pytest.raises(
            moshead.predict.HeldOutMissError, match="trained on synthetic rows"
        ) as caught,
    ):
        moshead.validate(smoke_head / "head.onnx", held_out())
    assert caught.value.document is not None
    assert caught.value.document is not None
    assert caught.value.document["gate"]["status"] == "Proposed"


def test_rows_without_ratings_are_no_verdict(accepted_head, held_out):
    with pytest.raises(InputError, match="has a MOS"):
        moshead.validate(accepted_head / "head.onnx", held_out(mos=[None] * 150))
    with pytest.raises(InputError, match="there is no such file"):
        moshead.validate("gone.onnx", held_out())


def test_three_clips_are_no_verdict(accepted_head, held_out):
    with pytest.raises(moshead.predict.HeldOutMissError, match="3 clips are too few") as caught:
        moshead.validate(accepted_head / "head.onnx", held_out(rows=3))
    assert caught.value.document is not None
    assert caught.value.document["gate"]["ci"]["mean_plcc"] == [None, None]


@pytest.mark.parametrize(
    "rename",
    [
        str.upper,
        "other/{}".format,
        "{}.feat".format,
        "prefix-{}".format,
        "https://host/{}?x=1".format,
        lambda key: "".join(chr(ord(c) + 0xFEE0) for c in key),
        "\u200b{}".format,
        lambda key: hashlib.sha256(key.encode()).hexdigest(),
    ],
)
def test_training_rows_are_known_under_other_keys(accepted_head, tmp_path, rename):
    table = pq.read_table(accepted_head / "labelled.parquet")
    keys = pa.array([rename(key) for key in table.column("clip_id").to_pylist()])
    order = np.random.default_rng(0).permutation(table.num_rows)
    renamed = table.set_column(0, "clip_id", keys).take(order)
    pa.csv.write_csv(renamed, tmp_path / "renamed.csv")
    with pytest.raises(InputError, match="trained the head, so they are no test of it"):
        moshead.validate(accepted_head / "head.onnx", tmp_path / "renamed.csv")
