"""Aligned MOS scales, and corpora left out."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import moshead
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moshead.training.alignment import Alignment
from provenance.toolkit import InputError

SIX = ("adm2", "vif_scale0", "vif_scale1", "vif_scale2", "vif_scale3", "motion2")
TRAINING: dict[str, Any] = {"recipe": "ridge", "seeds": 2, "other_partitions": 0}


@pytest.fixture
def corpora(tmp_path):
    """Two corpora of one quality; the second is rated on a scale of its own."""

    def write(shift=0.0, offset=1.2, slope=0.5, noise=0.1):
        rng = np.random.default_rng(11)
        paths = []
        for name, rows in (("home", 240), ("other", 160)):
            quality = rng.uniform(-1, 1, rows)
            move = shift if name == "other" else 0.0
            table: dict[str, Any] = {"clip_id": [f"{name}{n}" for n in range(rows)]}
            for column in SIX:
                table[column] = 0.7 + move + 0.1 * quality + 0.01 * rng.normal(size=rows)
            mos = 3 + 1.2 * quality + noise * rng.normal(size=rows)
            if name == "other":
                mos = offset + slope * mos
            table["mos"] = np.clip(mos, 1, 5)
            paths.append(tmp_path / f"{name}.parquet")
            pq.write_table(pa.table(table), paths[-1])
        return [f"{name}={path}" for name, path in zip(("home", "other"), paths, strict=True)]

    return write


def train(tables, tmp_path, name="h", **options):
    away = {"leave_one_corpus_out": options.pop("leave_one_corpus_out", False)}
    return moshead.train(
        tables,
        "konvid-v1",
        name,
        training=moshead.TrainingOptions(**TRAINING, **options),
        destinations=moshead.Destinations(onnx=tmp_path / f"{name}.onnx"),
        baselines="simple",
        **away,
    )


@pytest.mark.parametrize("kind", ["linear", "monotone"])
def test_scales_are_aligned_and_answered_on(corpora, tmp_path, kind):
    tables = corpora()
    plain = train(tables, tmp_path, "plain")
    aligned = train(tables, tmp_path, "aligned", align=kind)
    assert plain["alignment"] is None
    found = aligned["alignment"]
    assert (found["kind"], found["reference"], found["doubts"]) == (kind, "home", [])
    # The true map to the other scale is 1.2 + 0.5 x.
    mapping = found["maps"]["other"]
    at = np.interp([2.2, 3.8], mapping["x"], mapping["y"])
    assert at == pytest.approx([2.3, 3.1], abs=0.08)
    before = {each["name"]: each for each in plain["corpora"]}
    after = {each["name"]: each for each in aligned["corpora"]}
    for name in ("home", "other"):
        assert after[name]["rmse"] < 0.7 * before[name]["rmse"]
        assert abs(after[name]["bias"]) < 0.03
    # A prediction is on the scale that was asked for, and so is its interval.
    path = tables[1].partition("=")[2]
    rows = pq.read_table(path)
    own = moshead.Predictor("aligned.onnx").predict_mos(rows)
    there = moshead.Predictor("aligned.onnx", corpus="other").predict_mos(rows)
    assert there.mos == pytest.approx(np.interp(own.mos, mapping["x"], mapping["y"]), abs=1e-5)
    assert np.mean(np.abs(there.mos - rows.column("mos").to_numpy())) < 0.1
    held = (there.lo <= rows.column("mos").to_numpy()) & (rows.column("mos").to_numpy() <= there.hi)
    assert held.mean() > 0.85
    done = subprocess.run(
        [sys.executable, "-m", "moshead", "predict", "--onnx", "aligned.onnx", "--features", path,
         "--corpus", "other", "--out", "p.parquet", "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["scale"] == "other"
    assert pq.read_table("p.parquet").column("mos_pred").to_numpy() == pytest.approx(
        there.mos, abs=1e-5
    )
    with pytest.raises(InputError, match="no scale of the corpus 'none'"):
        moshead.Predictor("aligned.onnx", corpus="none")
    with pytest.raises(InputError, match="it has one scale"):
        moshead.Predictor("plain.onnx", corpus="other")


def test_an_alignment_without_overlap_is_doubted(corpora, tmp_path):
    manifest = train(corpora(shift=2.0), tmp_path, align="linear")
    assert any("do not overlap in features" in doubt for doubt in manifest["alignment"]["doubts"])
    assert any("do not trust its alignment" in note for note in manifest["notes"])


def test_held_out_labels_do_not_shape_their_own_alignment():
    rng = np.random.default_rng(2)
    features = rng.normal(size=(200, 5))
    mos = np.clip(3 + 0.5 * features[:, 0] + 0.3 * rng.normal(size=200), 1, 5)
    corpora = np.repeat(["a", "b"], [120, 80])
    trained = np.flatnonzero(np.arange(200) % 5)
    other = mos.copy()
    other[::5] = 5.0
    first, second = (
        Alignment("monotone", "a", features, labels, corpora).maps(trained)
        for labels in (mos, other)
    )
    assert first.keys() == second.keys()
    for name in first:
        assert (first[name].y == second[name].y).all()


def test_each_corpus_is_left_out_in_turn(corpora, tmp_path):
    tables = corpora()
    manifest = train(tables, tmp_path, leave_one_corpus_out=True)
    home, other = manifest["away"]
    assert (home["name"], home["trained_on"], home["rows"]) == ("home", ["other"], 240)
    assert (other["name"], other["trained_on"], other["rows"]) == ("other", ["home"], 160)
    # The scale of the other corpus is 1.2 + 0.5 x: at its mean of 2.7, a head from home says 3.
    assert other["bias"] == pytest.approx(0.3, abs=0.06)
    assert other["plcc"] > 0.95
    assert other["covered"] < 0.6, "a shifted scale fails any interval"
    assert other["in_domain"] > 0.85
    assert {each["name"] for each in other["baselines"]} >= {"ridge"}
    # A head of the other corpus alone, judged by validate, is the same measurement.
    alone = moshead.train(
        [tables[0]],
        "konvid-v1",
        "alone",
        training=moshead.TrainingOptions(**TRAINING),
        destinations=moshead.Destinations(onnx=tmp_path / "alone.onnx"),
        baselines="simple",
    )
    assert alone["alignment"] is None
    rows = pq.read_table(tables[1].partition("=")[2])
    predicted = moshead.Predictor("alone.onnx").predict_mos(rows)
    mos = rows.column("mos").to_numpy()
    assert other["rmse"] == pytest.approx(np.sqrt(np.mean((predicted.mos - mos) ** 2)), abs=1e-4)
    held = (predicted.lo <= mos) & (mos <= predicted.hi)
    assert other["covered"] == pytest.approx(held.mean(), abs=0.02)
    card = (tmp_path / "h_card.md").read_text()
    assert "## Away from home" in card
    comparison = moshead.compare(tables, scores=["adm2"], leave_one_corpus_out=True)
    compared = comparison.document
    assert "Bias (predicted - rated), MOS: adm2 +0." in comparison.markdown
    for panel in ("adm2, home", "adm2, other"):
        assert f"<figcaption><b>{panel}</b>" in comparison.html
    assert "<h3>Bias</h3>" in comparison.html
    assert compared["protocol"]["folds"] == 2
    assert [each["name"] for each in compared["corpora"]] == ["home", "other"]
    assert compared["corpora"][1]["bias"]["adm2"] == pytest.approx(0.3, abs=0.1)


def test_what_needs_several_corpora_is_refused_for_one(corpora, tmp_path):
    (table, _) = corpora()
    with pytest.raises(InputError, match="needs rows of several corpora"):
        train([table], tmp_path, align="linear")
    with pytest.raises(InputError, match="needs rows of several corpora"):
        train([table], tmp_path, leave_one_corpus_out=True)
    with pytest.raises(InputError, match="needs rows of several corpora"):
        moshead.compare([table], scores=["adm2"], leave_one_corpus_out=True)
