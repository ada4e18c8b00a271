"""Several corpora in one head: named per table, folds within each, a verdict on each."""

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
from hypothesis import given
from hypothesis import strategies as st
from moshead.corpus.folds import partition
from moshead.documents import schemas
from moshead.gate import judge
from moshead.gate.corpora import judge_corpora, out_of_fold_coverage, require_every_corpus
from moshead.gate.report import Cell
from scipy import stats

SIX = ("adm2", "vif_scale0", "vif_scale1", "vif_scale2", "vif_scale3", "motion2")


def _check(document):
    """Validate a document against its schema; its run record has a schema of its own."""
    plain = {k: v for k, v in document.items() if k != "run_provenance"}
    schema = dict(schemas()[document["schema"]])
    schema["required"] = [name for name in schema["required"] if name != "run_provenance"]
    jsonschema.validate(plain, schema)


@pytest.fixture
def write_corpus(tmp_path):
    """Write the labelled rows of a corpus; clips of all corpora have the same keys."""

    def write(name, rows=120, noise=0.1, seed=0, shift=0.0, **columns):
        rng = np.random.default_rng(seed)
        quality = rng.uniform(-1, 1, rows)
        table = {"clip_id": [f"clip{n}.mp4" for n in range(rows)]}
        for column in SIX:
            table[column] = 0.7 + shift + 0.1 * quality + 0.01 * rng.normal(size=rows)
        table["mos"] = np.clip(3 + 1.2 * quality + noise * rng.normal(size=rows), 1, 5)
        path = tmp_path / f"{name}.parquet"
        pq.write_table(pa.table(table | columns), path)
        return path

    return write


@given(st.lists(st.integers(20, 60), min_size=1, max_size=4), st.integers(2, 5), st.integers(0, 99))
def test_every_fold_holds_an_equal_part_of_each_corpus(sizes, k, seed):
    corpora = np.repeat([f"c{n}" for n in range(len(sizes))], sizes)
    folds = partition(np.arange(len(corpora)), k, seed, grouped=False, corpora=corpora).folds
    assert sorted(np.concatenate([f.held_out for f in folds])) == list(range(len(corpora)))
    for name in np.unique(corpora):
        parts = [int((corpora[fold.held_out] == name).sum()) for fold in folds]
        assert max(parts) - min(parts) <= 1
    totals = [len(fold.held_out) for fold in folds]
    assert max(totals) - min(totals) <= 1


def test_one_corpus_draws_the_folds_that_no_corpus_draws():
    units = np.repeat(np.arange(50), 2)
    plain = partition(units, 5, 3, grouped=True)
    named = partition(units, 5, 3, grouped=True, corpora=np.full(100, "konvid"))
    for a, b in zip(plain.folds, named.folds, strict=True):
        assert (a.held_out == b.held_out).all()


def test_a_head_is_accepted_where_each_of_its_corpora_passes(tmp_path, write_corpus):
    good, poor = write_corpus("good", rows=360), write_corpus("poor", rows=60, noise=0.75, seed=1)
    done = subprocess.run(
        [sys.executable, "-m", "moshead", "train", "--features", f"ugc-a={good}",
         "--features", f"ugc-b={poor}", "--feature-schema", "konvid-v1", "--model-id", "two",
         "--recipe", "ridge", "--seeds", "2", "--other-partitions", "0", "--baselines", "simple",
         "--out-onnx", "two.onnx", "--out-oof", "oof.parquet", "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    manifest = json.loads(done.stdout)
    _check(manifest)
    assert manifest["training_recipe"]["n_rows"] == 420, "equal keys are clips of two corpora"
    a, b = manifest["corpora"]
    assert (a["name"], a["passed"], a["rows"]) == ("ugc-a", True, 360)
    assert (b["name"], b["passed"], b["rows"]) == ("ugc-b", False, 60)
    gate = manifest["gate"]
    assert gate["mean_plcc"] > 0.85
    assert (gate["status"], gate["passed"]) == ("Proposed", False)
    assert "the corpus ugc-b of 2 misses the gate" in gate["sentence"]
    assert "All rows together would meet it" in gate["sentence"]
    assert "ugc-a of" not in gate["sentence"]
    # Every figure follows from the published out-of-fold predictions.
    table = pq.read_table(tmp_path / "oof.parquet")
    oof = {n: table.column(n).to_numpy(zero_copy_only=False) for n in table.column_names}
    for each in (a, b):
        of_corpus = oof["corpus"] == each["name"]
        cells = [
            (oof["mos"][own], oof["mos_pred"][own])
            for fold in range(5)
            for seed in np.unique(oof["seed"])
            if (own := of_corpus & (oof["fold"] == fold) & (oof["seed"] == seed)).any()
        ]
        plcc = np.mean([stats.pearsonr(*cell)[0] for cell in cells])
        bias = np.mean([(predicted - rated).mean() for rated, predicted in cells])
        assert each["plcc"] == pytest.approx(plcc, abs=1e-6)
        assert each["bias"] == pytest.approx(bias, abs=1e-6)
        assert {n["name"] for n in each["baselines"]} >= {"ridge"}
        assert each["coverage"]["alpha"] == 0.1
    assert a["coverage"]["covered"] > b["coverage"]["covered"], "one width cannot fit both"
    card = (tmp_path / "two_card.md").read_text()
    assert "## By corpus" in card
    assert "| ugc-b | 60 |" in card
    assert "](two_card_corpora.png)" in card
    assert (tmp_path / "two_card_corpora.png").read_bytes()[:4] == b"\x89PNG"
    assert "By corpus" in done.stderr or "By corpus" not in done.stdout
    # A later comparison on these folds has the figures of each corpus too.
    compared = moshead.compare(
        [f"ugc-a={good}", f"ugc-b={poor}"], scores=["adm2"], seeds=1
    ).document
    assert [each["name"] for each in compared["corpora"]] == ["ugc-a", "ugc-b"]


def test_the_column_corpus_names_corpora_and_the_table_name_wins(write_corpus, tmp_path):
    names = ["first"] * 60 + ["second"] * 60
    path = write_corpus("mixed", corpus=names)
    training = moshead.TrainingOptions(recipe="ridge", seeds=2, other_partitions=0)
    where = moshead.Destinations(onnx=tmp_path / "h.onnx")
    by_column = moshead.train([path], "konvid-v1", "h", training=training, destinations=where)
    assert [each["name"] for each in by_column["corpora"]] == ["first", "second"]
    by_name = moshead.train(
        [f"whole={path}"], "konvid-v1", "h", training=training, destinations=where
    )
    assert [each["name"] for each in by_name["corpora"]] == ["whole"]
    assert by_name["gate"]["status"] == "Accepted"
    assert by_name["corpora"][0]["plcc"] == by_name["gate"]["mean_plcc"]


def test_a_validation_judges_each_corpus(accepted_head, write_corpus, tmp_path):
    like, shifted = write_corpus("like", seed=5), write_corpus("far", seed=6, shift=0.2)
    like, shifted = (path.rename(tmp_path / f"new_{path.name}") for path in (like, shifted))
    report = None
    try:
        report = moshead.validate(
            accepted_head / "head.onnx",
            [f"like={like}", f"far={shifted}"],
            out_json=tmp_path / "v.json",
            out_md=tmp_path / "v.md",
            key_normalize="raw",
        )
    except moshead.predict.HeldOutMissError as miss:
        report = dict(miss.document or {})
    assert report is not None
    _check(report)
    far, near = report["corpora"]
    assert (near["name"], near["passed"]) == ("like", True)
    assert (far["name"], far["passed"]) == ("far", False)
    assert report["gate"]["status"] == "Proposed"
    assert "the corpus far of 2 misses" in report["gate"]["sentence"]
    assert "| far | 120 |" in (tmp_path / "v.md").read_text()


def test_a_file_with_an_equals_sign_in_its_name_is_no_corpus(write_corpus, tmp_path):
    path = write_corpus("a=b")
    training = moshead.TrainingOptions(recipe="ridge", seeds=2, other_partitions=0)
    where = moshead.Destinations(onnx=tmp_path / "h.onnx", export=False)
    manifest = moshead.train([path.name], "konvid-v1", "h", training=training, destinations=where)
    assert manifest["corpora"] == []


def test_coverage_of_each_row_comes_from_the_other_folds():
    rng = np.random.default_rng(0)
    residuals, folds = np.abs(rng.normal(size=4000)), np.arange(4000) % 5
    covered, _ = out_of_fold_coverage(residuals, folds)
    assert covered.mean() == pytest.approx(0.9, abs=0.015)
    # One fold far off hardly moves its own interval, which the others make.
    residuals[folds == 0] += 10
    covered, _ = out_of_fold_coverage(residuals, folds)
    assert covered[folds == 0].mean() == 0
    scale = np.where(folds == 0, 20.0, 1.0)
    scaled, _ = out_of_fold_coverage(residuals, folds, scale)
    assert scaled[folds == 0].mean() == 1


def test_a_corpus_too_small_to_judge_cannot_pass():
    mos = np.linspace(1, 5, 110)
    rng = np.random.default_rng(1)
    cells = [
        Cell(f, s, np.arange(f, 110, 5), mos[f::5] + 0.05 * rng.normal(size=22))
        for f in range(5)
        for s in range(2)
    ]
    corpora = np.where(np.arange(110) < 100, "large", "small")
    gate = judge(mos, cells)
    assert gate.passed
    verdicts = judge_corpora(mos, cells, corpora, np.arange(110))
    final = require_every_corpus(gate, verdicts)
    assert final.status == "Proposed"
    assert any("small" in miss and "too few to judge" in miss for miss in final.misses)
