"""Batches: one manifest, many tables, one report."""

import json

import labeljoin
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import secondopinion
from provenance.toolkit import InputError
from secondopinion.joining import SCORE_BATCH
from secondopinion_outputs import CLIPS, dover_csv, fastvqa_logs, pyiqa_csv


@pytest.fixture
def manifest(tmp_path):
    """Three tables below the manifest's folder; the second lacks scores and must not."""
    data = tmp_path / "run=1"
    data.mkdir()
    pq.write_table(pa.table({"clip_id": list(CLIPS)}), data / "a.parquet")
    pq.write_table(pa.table({"clip_id": [*CLIPS, "new"]}), data / "b.parquet")
    parts = data / "parts"
    parts.mkdir()
    pq.write_table(pa.table({"clip_id": list(CLIPS[:2])}), parts / "0.parquet")
    pq.write_table(pa.table({"clip_id": list(CLIPS[2:])}), parts / "1.parquet")
    dover_csv(data / "dover.csv")
    pyiqa_csv(data / "scores.csv")
    fastvqa_logs(data / "logs")
    scores = ["run=1/dover.csv", "niqe=run=1/scores.csv", "fast=run=1/logs/*.log"]
    document = {
        "defaults": {"key_normalize": "auto", "direction": ["fast=higher"]},
        "tables": [
            {"id": "a", "features": "run=1/a.parquet", "scores": scores, "out": "out/a.parquet"},
            {
                "id": "b",
                "features": "run=1/b.parquet",
                "scores": scores,
                "out": "out/b.parquet",
                "missing": "fail",
            },
            {"id": "parts", "features": "run=1/parts", "scores": scores, "out": "out/parts"},
        ],
    }
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("jobs", [None, 2])
def test_a_failed_table_does_not_stop_the_others(manifest, tmp_path, schema, jobs):
    report_json, report_md = tmp_path / "report.json", tmp_path / "report.md"
    with pytest.raises(labeljoin.BatchError, match="1 of 3 tables failed: b") as info:
        secondopinion.run_batch(manifest, report_json=report_json, report_md=report_md, jobs=jobs)
    report = json.loads(report_json.read_text())
    assert report == info.value.document
    schema("second-opinion-materializer-batch-v1").validate(report)
    assert [table["status"] for table in report["tables"]] == ["ok", "failed", "ok"]
    assert report["tables"][1]["summary"]["missing_scores"] == 5
    assert not (tmp_path / "out" / "b.parquet").exists()
    table = pq.read_table(tmp_path / "out" / "a.parquet")
    assert table["second_opinion_fast_status"].to_pylist() == ["ok"] * 5
    assert "| b | failed | 6 |" in report_md.read_text()


def test_fail_fast_skips_what_has_not_begun(manifest, tmp_path):
    with pytest.raises(labeljoin.BatchError) as info:
        secondopinion.run_batch(manifest, fail_fast=True)
    assert info.value.document is not None
    statuses = [table["status"] for table in info.value.document["tables"]]
    assert statuses == ["ok", "failed", "skipped"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"missing": "ignore"}, "ignore"),
        ({"misssing": "drop"}, "did you mean 'missing'"),
        ({"out": "out/b.parquet"}, "both write"),
        ({"id": "b"}, "one id"),
        ({"format": "dover"}, "dover-csv"),
        ({"direction": ["niqe"]}, "--direction"),
        ({"scores": []}, "is empty"),
        ({"score_key_regex": "("}, "does not compile"),
    ],
)
def test_a_bad_manifest_runs_nothing(manifest, tmp_path, change, complaint):
    document = json.loads(manifest.read_text())
    document["tables"][0].update(change)
    manifest.write_text(json.dumps(document))
    with pytest.raises(InputError, match=complaint):
        secondopinion.run_batch(manifest)
    assert not (tmp_path / "out").exists()


def test_the_manifest_schema_is_the_published_one(manifest, schema):
    published = schema("second-opinion-manifest-v1")
    published.validate(json.loads(manifest.read_text()))
    built = labeljoin.batch.manifest_schema(SCORE_BATCH)
    members = ("$id", "type", "properties", "required", "additionalProperties")
    assert {name: published.schema[name] for name in members} == {
        name: built[name] for name in members
    }
