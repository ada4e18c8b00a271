"""``moshead recalibrate``: a head for another corpus from a few ratings."""

from __future__ import annotations

import json
import subprocess
import sys

import jsonschema
import moshead
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moshead.documents import schemas
from moshead.scales import MonotoneMap, fit_map
from provenance.toolkit import InputError

SIX = ("adm2", "vif_scale0", "vif_scale1", "vif_scale2", "vif_scale3", "motion2")


@pytest.fixture
def corpus(tmp_path):
    """Write rows of another corpus, whose raters are stricter by half a point."""

    def write(name, rows=60, seed=21, shift=-0.5, noise=0.15, direction=1.0):
        rng = np.random.default_rng(seed)
        quality = rng.uniform(-1, 1, rows)
        table = {"clip_id": [f"{name}-{n}" for n in range(rows)]}
        for column in SIX:
            table[column] = 0.7 + 0.1 * quality + 0.01 * rng.normal(size=rows)
        table["second_opinion_other_score"] = 50 + direction * 20 * quality
        table["mos"] = np.clip(3 + shift + 1.0 * quality + noise * rng.normal(size=rows), 1, 5)
        path = tmp_path / f"{name}.parquet"
        pq.write_table(pa.table(table), path)
        return path

    return write


def run(*args, check=True):
    return subprocess.run(
        [sys.executable, "-m", "moshead", *map(str, args)],
        capture_output=True, text=True, check=check,
    )  # fmt: skip


def test_a_few_ratings_move_a_head_to_another_corpus(head, corpus, tmp_path):
    done = run(
        "recalibrate", "--onnx", head / "head.onnx", "--features", corpus("rated"),
        "--out-onnx", "ours.onnx", "--json",
    )  # fmt: skip
    manifest = json.loads(done.stdout)
    plain = {k: v for k, v in manifest.items() if k != "run_provenance"}
    schema = dict(schemas()["mos-head-manifest-v1"])
    schema["required"] = [name for name in schema["required"] if name != "run_provenance"]
    jsonschema.validate(plain, schema)
    found = manifest["recalibration"]
    assert found["parent"]["id"] == "clean_head_v1"
    assert found["before"]["bias"] > 0.4
    assert abs(found["after"]["bias"]) < 0.06
    assert found["after"]["rmse"] < 0.5 * found["before"]["rmse"]
    assert [point["labels"] for point in found["curve"]] == [25, 50]
    assert "rated.parquet" in json.dumps(manifest["run_provenance"]["inputs"])
    assert "head.onnx" in json.dumps(manifest["run_provenance"]["inputs"])
    card = (tmp_path / "ours_card.md").read_text()
    assert "## Recalibration" in card
    assert "clean_head_v1" in card
    # It holds on rows that nobody rated, and its intervals with it.
    new = pq.read_table(corpus("new", rows=400, seed=22))
    predictor = moshead.Predictor("ours.onnx")
    predictions = predictor.predict_mos(new)
    mos = new.column("mos").to_numpy()
    old = moshead.Predictor(head / "head.onnx").predict_mos(new)
    assert abs(np.mean(predictions.mos - mos)) < 0.06
    low, high = predictions.interval(0.1)
    assert 0.85 <= np.mean((low <= mos) & (mos <= high)) <= 0.97
    assert np.mean((old.lo <= mos) & (mos <= old.hi)) < 0.2
    # The map is monotone: the order of the clips stays.
    order = np.argsort(old.mos)
    assert (np.diff(predictions.mos[order]) >= -1e-6).all()
    assert (tmp_path / "ours.png").exists() or (tmp_path / "ours_card.png").exists()


def test_a_recalibrated_head_knows_both_corpora(head, corpus):
    far = pq.read_table(corpus("far"))
    moved = far.set_column(1, "adm2", pa.array(far.column("adm2").to_numpy() + 0.6))
    pq.write_table(moved, "far.parquet")
    before = moshead.Predictor(head / "head.onnx")
    assert before.predict_mos(moved).in_domain.mean() < 0.5
    moshead.recalibrate("far.parquet", "ours.onnx", onnx=head / "head.onnx")
    after = moshead.Predictor("ours.onnx")
    assert after.predict_mos(moved).in_domain.mean() > 0.9
    known = pq.read_table(head / "labelled.parquet")
    assert after.predict_mos(known).in_domain.mean() > 0.9
    # Nothing that shaped it is held out for it.
    for table in ("far.parquet", head / "labelled.parquet"):
        with pytest.raises(InputError, match="trained the head"):
            moshead.validate("ours.onnx", table)


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_a_score_column_alone_becomes_a_head(corpus, direction, tmp_path):
    manifest = moshead.recalibrate(
        corpus("rated", direction=direction),
        "score.onnx",
        scores="second_opinion_other_score",
    )
    assert manifest["feature_order"] == ["second_opinion_other_score"]
    assert manifest["recalibration"]["score"] == "second_opinion_other_score"
    new = pq.read_table(corpus("new", rows=300, seed=22, direction=direction))
    mos = new.column("mos").to_numpy()
    predictor = moshead.Predictor("score.onnx")
    predictions = predictor.predict_mos(new.select(["second_opinion_other_score"]))
    assert np.corrcoef(predictions.mos, mos)[0, 1] > 0.9
    low, high = predictions.interval(0.1)
    assert 0.84 <= np.mean((low <= mos) & (mos <= high)) <= 0.97
    missing = predictor.predict_mos({"second_opinion_other_score": None})
    assert missing.in_domain is False


def test_what_cannot_be_recalibrated_is_refused(head, corpus, tmp_path):
    few = pq.read_table(corpus("few", rows=19))
    pq.write_table(few, "few.parquet")
    with pytest.raises(InputError, match="19 labelled clips cannot recalibrate"):
        moshead.recalibrate("few.parquet", "o.onnx", onnx=head / "head.onnx")
    with pytest.raises(InputError, match="trained the head"):
        moshead.recalibrate(head / "labelled.parquet", "o.onnx", onnx=head / "head.onnx")
    with pytest.raises(InputError, match="a head or from a score column"):
        moshead.recalibrate("few.parquet", "o.onnx")
    done = run(
        "recalibrate", "--onnx", "none.onnx", "--features", "few.parquet", "--out-onnx", "o.onnx",
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "there is no such file" in done.stderr
    assert not (tmp_path / "o.onnx").exists()


@given(st.integers(20, 120), st.integers(0, 2**31), st.booleans(), st.floats(0.0, 2.0))
@settings(max_examples=60)
def test_maps_are_monotone_and_stay_on_the_scale(n, seed, scores, noise):
    rng = np.random.default_rng(seed)
    x = rng.uniform(1, 5, n)
    mapping = fit_map(x, np.clip(x + noise * rng.normal(size=n), 1, 5), scores=scores)
    values = mapping(np.linspace(-5, 10, 200))
    steps = np.diff(values)
    assert (steps >= -1e-9).all() or (scores and (steps <= 1e-9).all())
    assert values.min() >= 1
    assert values.max() <= 5
    again = MonotoneMap.from_dict(mapping.to_dict())
    assert np.allclose(again(x), mapping(x), atol=1e-4)


def test_labels_that_show_no_shift_leave_the_identity_nearly_as_it_is():
    """Over many draws, the map costs 1 % of RMSE at most where nothing is to be learned."""
    rng = np.random.default_rng(3)
    worse = []
    for _ in range(120):
        x = np.clip(3 + 0.6 * rng.normal(size=450), 1, 5)
        mos = np.clip(x + 0.4 * rng.normal(size=450), 1, 5)
        mapping = fit_map(x[:50], mos[:50])
        left = slice(50, None)
        worse.append(
            np.sqrt(np.mean((mapping(x[left]) - mos[left]) ** 2))
            / np.sqrt(np.mean((x[left] - mos[left]) ** 2))
        )
    assert np.mean(worse) < 1.01
