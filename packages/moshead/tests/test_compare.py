"""Comparisons: ``moshead.compare`` on files and data frames, and the command by real processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import jsonschema
import moshead
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from provenance.toolkit import InputError
from referencing import Registry, Resource
from scipy import stats

SCHEMAS = Path(__file__).resolve().parents[3] / "docs" / "schemas"
SCHEMA = """
id = "three-v1"
columns = ["a", "b", "second_opinion_dover_score"]
"""


def table(rows=160, seed=0, **more):
    """Two features, a good second opinion on 0-100, and a lower-is-better one."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=rows)
    columns = {
        "clip_id": [f"clip{n:03d}.mp4" for n in range(rows)],
        "a": quality + rng.normal(size=rows),
        "b": quality + rng.normal(size=rows),
        "second_opinion_dover_score": 50 + 15 * quality + 5 * rng.normal(size=rows),
        "second_opinion_niqe_score": 5 - quality + 1.5 * rng.normal(size=rows),
        "mos": np.clip(3 + 0.6 * quality + 0.15 * rng.normal(size=rows), 1, 5),
        **more,
    }
    return pa.table(columns)


@pytest.fixture
def labelled(tmp_path):
    path = tmp_path / "labelled.parquet"
    pq.write_table(table(), path)
    (tmp_path / "three.toml").write_text(SCHEMA)
    return path


SCORES = ["second_opinion_dover_score", "second_opinion_niqe_score"]


def command(*words):
    return subprocess.run(
        [sys.executable, "-m", "moshead", "compare", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def valid(document):
    files = [json.loads(path.read_text("utf-8")) for path in SCHEMAS.glob("*.json")]
    registry = Registry().with_resources([(f["$id"], Resource.from_contents(f)) for f in files])
    schema = json.loads((SCHEMAS / "mos-comparison-v1.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema, registry=registry).validate(document)


def test_every_output_is_written_and_says_the_same(tmp_path, labelled):
    outputs = {
        flag: tmp_path / f"out.{suffix}"
        for flag, suffix in (
            ("--out-json", "json"), ("--out-md", "md"), ("--out-tex", "tex"),
            ("--out-html", "html"), ("--out-oof", "parquet"),
        )
    }  # fmt: skip
    done = command(
        "--features", labelled, "--scores", SCORES[0], "--scores", SCORES[1], "--seed", "4",
        "--require-better", SCORES[1], "--json", *[w for pair in outputs.items() for w in pair],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document == json.loads(outputs["--out-json"].read_text("utf-8"))
    valid(document)
    dover, niqe = document["candidates"]
    (pair,) = document["pairs"]
    assert dover["plcc"] > niqe["plcc"] > 0.2, "a score that is better when lower is turned round"
    assert pair["plcc"]["low"] > 0
    assert pair["plcc"]["difference"] == pytest.approx(dover["plcc"] - niqe["plcc"], abs=2e-6)
    assert pair["zou"]["low"] > 0
    assert document["requirement"]["passed"]
    rows = pq.read_table(outputs["--out-oof"]).to_pylist()
    own = [row for row in rows if row["candidate"] == SCORES[0]]
    folds = {row["fold"] for row in own}
    each = [
        stats.pearsonr(
            [r["mos"] for r in own if r["fold"] == fold],
            [r["mos_pred"] for r in own if r["fold"] == fold],
        ).statistic
        for fold in folds
    ]
    assert dover["plcc"] == pytest.approx(np.mean(each), abs=1e-6)
    assert f"{dover['plcc']:.4f}" in outputs["--out-md"].read_text("utf-8")
    assert r"second\_opinion\_dover\_score" in outputs["--out-tex"].read_text("utf-8")
    page = outputs["--out-html"].read_text("utf-8")
    assert page.count("<svg") >= 4
    assert "http" not in page.replace("http-equiv", "")


def test_a_candidate_that_is_not_better_ends_with_1_and_the_reports(tmp_path, labelled):
    done = command(
        "--features", labelled, "--scores", SCORES[1], "--scores", SCORES[0],
        "--require-better", SCORES[0], "--out-json", tmp_path / "c.json",
    )  # fmt: skip
    assert done.returncode == 1
    assert "is worse than" in done.stderr
    assert not json.loads((tmp_path / "c.json").read_text())["requirement"]["passed"]


def test_a_head_and_its_earlier_run_are_judged_on_the_same_folds(tmp_path, labelled, quick):
    manifest = moshead.train(
        [labelled],
        tmp_path / "three.toml",
        "head",
        training=quick,
        baselines="simple",
        destinations=moshead.Destinations(onnx=tmp_path / "h.onnx", oof=tmp_path / "oof.parquet"),
    )
    compared = moshead.compare(
        labelled, oof={"earlier": tmp_path / "oof.parquet"}, scores=[SCORES[0]]
    ).document
    assert compared["protocol"]["source"] == "the 5 folds of earlier"
    earlier, dover = compared["candidates"]
    assert earlier["plcc"] == pytest.approx(manifest["gate"]["mean_plcc"], abs=1e-6)
    # The baselines of training are those of a comparison on the same folds.
    beside = next(b for b in manifest["baselines"] if b["name"] == "dover")
    assert beside["plcc"] == pytest.approx(dover["plcc"], abs=1e-6)
    assert beside["difference"]["plcc"] == pytest.approx(
        compared["pairs"][0]["plcc"]["difference"], abs=2e-6
    )


def test_a_model_predicts_what_training_predicts_label_weights_included(tmp_path, quick):
    noisy = np.where(np.arange(160) % 2, 1.5, 0.2)
    rated = table(mos_std_dev=noisy, mos_n_ratings=np.full(160, 5))
    pq.write_table(rated, tmp_path / "rated.parquet")
    (tmp_path / "three.toml").write_text(SCHEMA)
    manifest = moshead.train(
        [tmp_path / "rated.parquet"],
        tmp_path / "three.toml",
        "head",
        training=quick,
        baselines="simple",
        destinations=moshead.Destinations(export=False, oof=tmp_path / "oof.parquet"),
    )
    assert manifest["training_recipe"]["weights"]["kind"] == "label-error"
    compared = moshead.compare(rated, models={"three": tmp_path / "three.toml"}).predictions
    trained = pq.read_table(tmp_path / "oof.parquet").to_pylist()
    expected = {row["key"]: row["mos_pred"] for row in trained}
    for row in compared.to_pylist():
        assert row["mos_pred"] == pytest.approx(expected[row["key"]], abs=1e-9)


def test_models_are_trained_on_the_columns_of_their_schemas(tmp_path, labelled):
    found = moshead.compare(
        labelled, models=[f"three={tmp_path / 'three.toml'}"], scores=[SCORES[1]], seeds=2
    ).document
    assert [each["kind"] for each in found["candidates"]] == ["model", "column"]
    assert found["candidates"][0]["plcc"] > 0.85
    assert found["candidates"][0]["columns"] == ["a", "b", "second_opinion_dover_score"]
    assert found["protocol"]["seeds"] == [20260508, 20260509]


def test_random_splits_take_the_median_and_never_part_groups():
    groups = [f"content{n // 4}" for n in range(160)]
    found = moshead.compare(
        table(content=groups), scores=SCORES, protocol="splits", splits=12, group_column="content"
    )
    protocol = found.document["protocol"]
    assert (protocol["statistic"], protocol["splits"], protocol["unit"]) == ("median", 12, "groups")
    assert protocol["mapping"] == "held-out"
    assert found.document["pairs"][0]["zou"] is None, "rows of one content are not independent"
    rows = [r for r in found.predictions.to_pylist() if r["candidate"] == SCORES[0]]
    for split in range(12):
        judged = Counter(row["group"] for row in rows if row["fold"] == split)
        assert len(judged) == 8
        assert set(judged.values()) == {4}


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_any_data_frame_will_do(kind):
    frame = table(60)
    if kind != "arrow":
        library = pytest.importorskip(kind)
        frame = frame.to_pandas() if kind == "pandas" else library.from_arrow(frame)
        assert isinstance(frame, library.DataFrame)
    found = moshead.compare(frame, scores=SCORES)
    assert found.document["feature_tables"] == ["data frame"]
    assert found.markdown.startswith("# Comparison")
    assert "dover" in repr(found)


def test_rating_counts_give_rmse_star_and_the_outlier_ratio():
    without = moshead.compare(table(), scores=[SCORES[0]]).document
    assert without["candidates"][0]["rmse_star"] is None
    assert any("mos_std_dev" in note for note in without["notes"])
    rated = table(mos_std_dev=np.full(160, 0.12), mos_n_ratings=np.full(160, 5))
    (found,) = moshead.compare(rated, scores=[SCORES[0]]).document["candidates"]
    assert 0 < found["rmse_star"] < found["rmse"]
    assert 0 < found["outlier_ratio"] < 1


def test_each_corpus_has_figures_of_its_own():
    corpora = ["one"] * 100 + ["two"] * 60
    found = moshead.compare(table(corpus=corpora), scores=SCORES).document
    assert found["corpora_judged"] == ["one", "two"]
    assert [(each["name"], each["rows"]) for each in found["corpora"]] == [
        ("one", 100),
        ("two", 60),
    ]
    assert found["corpora"][1]["candidates"][0]["plcc"] is not None


def test_a_scorer_that_was_trained_on_the_judged_corpus_is_marked(tmp_path, labelled):
    found = moshead.compare(
        labelled,
        models=[f"three={tmp_path / 'three.toml'}"],
        scores=SCORES,
        seeds=1,
        corpus="KoNViD-1k",
        trained_on=["dover=konvid_1k", "niqe=none"],
    )
    model, dover, niqe = found.document["candidates"]
    assert dover["contamination"]["status"] == "contaminated"
    assert model["contaminated_columns"] == ["second_opinion_dover_score"]
    assert niqe["contamination"]["status"] == "clean"
    assert "trained on this corpus" in found.html
    assert "†" in found.markdown


def test_few_clips_give_no_interval_and_no_win():
    found = moshead.compare(table(15), scores=SCORES, k_folds=3).document
    pair = found["pairs"][0]["plcc"]
    assert (pair["low"], pair["high"], pair["p"]) == (None, None, None)
    assert any("too few for intervals" in note for note in found["notes"])
    with pytest.raises(moshead.comparison.NotBetterError):
        moshead.compare(table(15), scores=SCORES, k_folds=3, require_better=SCORES[1])


def test_hostile_names_are_escaped_everywhere():
    name = "<b>|x\\y_&%</b>"
    frame = table(60).rename_columns(
        [name if n == SCORES[1] else n for n in table(60).column_names]
    )
    found = moshead.compare(frame, scores=[SCORES[0], name])
    assert "<b>|x" not in found.html
    assert "\\<b\\>\\|x" in found.markdown
    assert r"\textbackslash{}y\_\&\%" in found.latex
    assert found.latex.endswith("}\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "nothing to compare"),
        ({"scores": ["nope"]}, "no column 'nope'"),
        ({"scores": SCORES, "reference": "x"}, "'x', which is no candidate"),
        ({"scores": SCORES, "require_better": SCORES[0]}, "the first candidate itself"),
        ({"scores": [SCORES[0], SCORES[0]]}, "two candidates are named"),
        ({"scores": SCORES, "k_folds": 1}, "--k-folds 1 is too small"),
        ({"scores": SCORES, "k_folds": 99}, "cannot fill 99 folds"),
        ({"scores": SCORES, "trained_on": ["dover"]}, "not of the form SCORER=CORPUS"),
        ({"scores": SCORES, "protocol": "best"}, "no protocol 'best'"),
    ],
)
def test_unusable_options_are_one_sentence(options, words):
    with pytest.raises(InputError, match=words):
        moshead.compare(table(60), **options)


def test_out_of_fold_files_of_other_labels_are_refused(tmp_path):
    frame = table(60)
    moshead.compare(frame, scores=[SCORES[0]], out_oof=tmp_path / "oof.csv")
    again = moshead.compare(frame, oof={SCORES[0]: tmp_path / "oof.csv"}).document
    assert again["candidates"][0]["plcc"] is not None
    shifted = frame.set_column(
        frame.column_names.index("mos"), "mos", pa.array(frame["mos"].to_numpy() * 0.9 + 0.2)
    )
    with pytest.raises(InputError, match="made from other labels"):
        moshead.compare(shifted, oof={SCORES[0]: tmp_path / "oof.csv"})
    with pytest.raises(InputError, match="has no candidate 'mine'"):
        moshead.compare(frame, oof={"mine": tmp_path / "oof.csv"})


def test_a_missing_extra_is_one_sentence(tmp_path, labelled):
    """In a process where scikit-learn and LightGBM cannot be found."""
    script = (
        "import sys, importlib.util as u\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda n, *a: None if n in ('sklearn', 'lightgbm') else find(n, *a)\n"
        "sys.argv = ['moshead', *sys.argv[1:]]\n"
        "from moshead.cli.app import main; main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "compare", "--features", labelled, "--baselines"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: --baselines needs lightgbm and scikit-learn")
    assert "moskit-moshead[baselines]" in done.stderr


@pytest.mark.parametrize("gained", [True, False])
def test_a_gain_can_be_required(tmp_path, labelled, quick, gained):
    """Two noisy columns together beat each alone; a noisy one beside DOVER does not."""
    columns = '["a", "b"]' if gained else '["second_opinion_niqe_score"]'
    (tmp_path / "own.toml").write_text(f'id = "own-v1"\ncolumns = {columns}\n')
    path = labelled
    if gained:
        path = tmp_path / "bare.parquet"
        pq.write_table(table(400).drop_columns(SCORES), path)
    places = moshead.Destinations(onnx=tmp_path / "h.onnx", require_gain=True)
    options = {"training": quick, "baselines": "simple", "destinations": places}
    if gained:
        manifest = moshead.train([path], tmp_path / "own.toml", "h", **options)
        assert manifest["worth"]["gained"]
        assert manifest["gate"]["sentence"].startswith("Beats ")
        assert (tmp_path / "h.onnx").exists()
        return
    with pytest.raises(moshead.training.GateMissedError, match="ship dover") as missed:
        moshead.train([path], tmp_path / "own.toml", "h", **options)
    assert missed.value.document is not None
    assert missed.value.document["gate"]["status"] == "Proposed"
    assert not (tmp_path / "h.onnx").exists()
    assert "ship dover" in (tmp_path / "h_verdict_card.md").read_text("utf-8")
