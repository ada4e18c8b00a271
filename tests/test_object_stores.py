"""The whole job on one bucket: label, score, audit, and verify."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import labeljoin
import object_server
import provenance
import pyarrow.parquet as pq
import pytest
import secondopinion
import signalaudit
from object_server import BUCKET
from provenance.run.staging import write_atomically
from provenance.stores import registry, shadow
from provenance.toolkit import InputError

BASE = f"s3://{BUCKET}/job"


@pytest.fixture
def bucket(
    workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[object_server.Server]:
    """A bucket that holds the sample tables and the scores of a scorer for its clips."""
    with object_server.served() as server:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL": server.url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        registry._storage.cache_clear()
        shadow._shadows_of.cache_clear()
        server.client = boto3.client("s3", region_name="us-east-1")
        server.client.create_bucket(Bucket=BUCKET)
        tables = workplace / "konvid1k"
        for name in ("features.parquet", "labels.csv"):
            server.client.upload_file(str(tables / name), BUCKET, f"job/{name}")
        keys = labeljoin.open_table(tables / "features.parquet").read()
        clips = list(dict.fromkeys(keys[labeljoin.clip_key(keys).column].to_pylist()))
        rows = [{"key": str(c), "scorer": "niqe", "score": n % 9} for n, c in enumerate(clips)]
        body = "".join(json.dumps(row) + "\n" for row in rows)
        server.client.put_object(Bucket=BUCKET, Key="job/niqe.jsonl", Body=body.encode())
        yield server
        registry._storage.cache_clear()


def test_a_job_in_a_bucket(bucket: object_server.Server, tmp_path: Path) -> None:
    labeljoin.join_file(f"{BASE}/features.parquet", f"{BASE}/labels.csv", f"{BASE}/l.parquet")
    secondopinion.join_file(f"{BASE}/l.parquet", [f"{BASE}/niqe.jsonl"], f"{BASE}/s.parquet")
    report = signalaudit.write_report({"all": f"{BASE}/s.parquet"}, out_json=f"{BASE}/report.json")
    assert [table["path"] for table in report["tables"]] == [f"{BASE}/s.parquet"]
    bucket.client.download_file(BUCKET, "job/s.parquet", str(tmp_path / "s.parquet"))
    columns = pq.read_schema(tmp_path / "s.parquet").names
    assert {"mos", "second_opinion_niqe_score"} <= set(columns)
    assert not Path("s3:").exists()

    for name in ("l.parquet", "s.parquet", "report.json"):
        verified = provenance.verify(f"{BASE}/{name}")
        assert verified.ok, verified.problems()
    bucket.client.put_object(Bucket=BUCKET, Key="job/l.parquet", Body=b"another")
    problems = provenance.verify(f"{BASE}/s.parquet.audit.json").problems()
    assert [(item.name, item.status) for item in problems] == [("features", "changed")]
    with pytest.raises(InputError, match="this machine only") as failure:
        write_atomically(f"{BASE}/prov.json", b"{}")
    assert failure.value.code == "output.local-only"
