"""Card, picture and manifest: complete, truthful and the same everywhere."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import jsonschema
import moshead
import numpy as np
import pyarrow.parquet as pq
import pytest
import referencing
from moshead.cli import verdict
from moshead.export.plots import predicted_against_mos

SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas"


def check(document):
    """Hold a document to its published schema."""
    contents = [json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")]
    resources = [(c["$id"], referencing.Resource.from_contents(c)) for c in contents]
    registry = referencing.Registry().with_resources(resources)
    schema = next(c for c in contents if c["$id"] == f"{document['schema']}.json")
    jsonschema.Draft202012Validator(schema, registry=registry).validate(document)


def front_matter(card):
    # Every value is JSON, which is YAML too.
    lines = card.read_text().split("---\n")[1].splitlines()
    return {name: json.loads(value) for name, value in (line.split(": ", 1) for line in lines)}


@pytest.mark.parametrize("folder", ["accepted_head", "smoke_head"])
def test_what_is_written_is_what_is_published(request, folder, tmp_path):
    folder = request.getfixturevalue(folder)
    manifest = json.loads((folder / "head.json").read_text())
    check(manifest)
    assert manifest["n_parameters"] > 0
    assert manifest["mos_range"] == [1, 5]
    assert moshead.export.load_manifest(folder / "head.json") == manifest


def test_people_are_told_where_everything_lies(accepted_head):
    manifest = json.loads((accepted_head / "head.json").read_text())
    told = [str(each) for each in verdict.renderables(manifest, Path("model/sdr/head.json"))]
    assert told[-3:] == [
        "head: model/sdr/head.onnx",
        "model card: model/sdr/head_card.md",
        "manifest: model/sdr/head.json",
    ]
    told = [str(each) for each in verdict.renderables(manifest | {"onnx": None}, Path("v.json"))]
    assert told[-2:] == ["model card: head_card.md", "manifest: v.json"]


@pytest.mark.filterwarnings("ignore::moshead.predict.predictor.ProposedHeadWarning")
def test_all_other_documents_fit_their_schemas(accepted_head, head, smoke_head, tmp_path):
    check(moshead.register(head / "registry.json", head / "head.json"))
    table = head / "labelled.parquet"
    check(moshead.predict_file(head / "head.onnx", table, tmp_path / "p.csv"))
    check(moshead.predict_file(smoke_head / "head.onnx", table, tmp_path / "s.csv"))
    with pytest.raises(moshead.predict.HeldOutMissError) as caught:
        moshead.validate(smoke_head / "head.onnx", table, out_json=tmp_path / "v.json")
    check(caught.value.document)


def test_the_front_matter_is_a_model_card_of_the_hub(accepted_head, smoke_head):
    matter = front_matter(accepted_head / "head_card.md")
    gate = json.loads((accepted_head / "head.json").read_text())["gate"]
    (entry,) = matter["model-index"]
    metrics = {m["type"]: m["value"] for m in entry["results"][0]["metrics"]}
    assert entry["name"] == "clean_head_v1"
    assert metrics["pearsonr"] == gate["mean_plcc"]
    assert metrics["rmse"] == gate["mean_rmse"]
    assert "status:accepted" in matter["tags"]
    assert "status:proposed" in front_matter(smoke_head / "head_card.md")["tags"]


def test_a_sceptic_finds_every_answer_on_the_card(accepted_head):
    card = (accepted_head / "head_card.md").read_text()
    manifest = json.loads((accepted_head / "head.json").read_text())
    for heading in ("Data", "Features", "Gate", "Predicted against MOS", "Each fold and seed",
                    "Prediction intervals", "Limits", "Lineage", "How to reproduce",
                    "Every feature"):  # fmt: skip
        assert f"\n## {heading}\n" in card
    assert "**Status: Accepted.**" in card
    assert f"| {manifest['gate']['mean_plcc']:.4f} |" in card
    assert manifest["sha256"] in card
    for entry in manifest["run_provenance"]["inputs"]["features"]:
        assert entry["sha256"] in card
    assert "`saliency_mean` (100 % of rows)" in card
    assert "It learned nothing from `saliency_mean`" in card
    assert "moshead train --features" in card
    for seed in manifest["seeds"]:
        assert f"PLCC, seed {seed}" in card
    assert "](head_card.png)" in card
    png = (accepted_head / "head_card.png").read_bytes()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", png[16:24]) == (1500, 675)


def test_every_file_of_a_smoke_head_names_it_one(smoke_head):
    card = (smoke_head / "head_card.md").read_text()
    manifest = json.loads((smoke_head / "head.json").read_text())
    assert "**Status: Proposed.**" in card
    assert "Trained on synthetic rows" in card
    assert manifest["gate"]["status"] == "Proposed"
    assert manifest["training_recipe"]["smoke"] is True
    assert manifest["corpus"]["kind"] == "smoke"


def test_card_and_picture_are_the_same_bytes_again(accepted_head, tmp_path, monkeypatch):
    monkeypatch.setenv("MATPLOTLIBRC", str(tmp_path / "matplotlibrc"))
    (tmp_path / "matplotlibrc").write_text("figure.facecolor: red\nfont.size: 30\n")
    moshead.train(
        [accepted_head / "labelled.parquet"],
        "konvid-v1",
        "clean_head_v1",
        training=moshead.TrainingOptions(epochs=8, seeds=2, other_partitions=0),
        destinations=moshead.Destinations(onnx="again/head.onnx"),
    )
    for name in ("head.onnx", "head_card.png"):
        assert (tmp_path / "again" / name).read_bytes() == (accepted_head / name).read_bytes()


def test_large_corpora_get_a_density_and_not_a_blot():
    rng = np.random.default_rng(0)
    mos = rng.uniform(1, 5, 20_000)
    png = predicted_against_mos(mos, mos, title="x")
    assert 10_000 < len(png) < 300_000


def test_every_gated_number_can_be_worked_out_from_the_predictions(accepted_head, tmp_path):
    manifest = moshead.train(
        [accepted_head / "labelled.parquet"],
        "konvid-v1",
        "clean_head_v1",
        training=moshead.TrainingOptions(epochs=2, seeds=2, other_partitions=0),
        destinations=moshead.Destinations(onnx="h.onnx", oof="oof.parquet"),
    )
    oof = pq.read_table("oof.parquet")
    fold, seed, mos, predicted = (
        oof.column(name).to_numpy() for name in ("fold", "seed", "mos", "mos_pred")
    )
    plcc = np.array(
        [
            [
                np.corrcoef(mos[(fold == f) & (seed == s)], predicted[(fold == f) & (seed == s)])[
                    0, 1
                ]
                for f in np.unique(fold)
            ]
            for s in np.unique(seed)
        ]
    )
    assert manifest["gate"]["mean_plcc"] == pytest.approx(plcc.mean(), abs=1e-6)
    assert manifest["gate"]["plcc_spread"] == pytest.approx(np.ptp(plcc.mean(axis=1)), abs=2e-6)


def test_without_export_there_is_a_verdict_and_no_head(accepted_head, tmp_path):
    manifest = moshead.train(
        [accepted_head / "labelled.parquet"],
        "konvid-v1",
        "clean_head_v1",
        training=moshead.TrainingOptions(epochs=2, seeds=2, other_partitions=0),
        destinations=moshead.Destinations(export=False),
    )
    check(manifest)
    assert manifest["onnx"] is None
    assert manifest["sha256"] is None
    assert not list(tmp_path.rglob("*.onnx"))
    cards = list(tmp_path.rglob("*.md"))
    assert len(cards) == 1
    assert "exported no ONNX file" in cards[0].read_text()
