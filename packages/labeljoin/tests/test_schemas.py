"""Every document that labeljoin writes or prints is as its published schema says."""

import json
from pathlib import Path

import jsonschema
import labeljoin
import pyarrow as pa
import pytest
from referencing import Registry, Resource

SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas"

if not SCHEMAS.is_dir():
    pytest.skip("the published schemas are in the workspace", allow_module_level=True)


def validate(document):
    resources = [
        (path.name, Resource.from_contents(json.loads(path.read_text("utf-8"))))
        for path in SCHEMAS.glob("*.json")
    ]
    schema = json.loads((SCHEMAS / f"{document['schema']}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema, registry=Registry().with_resources(resources)).validate(
        document
    )


@pytest.fixture
def tables(here):
    (here / "f.csv").write_text("path,x\na/1.mp4,1\na/2.mp4,2\n,3\n")
    (here / "l.csv").write_text("flickr_id,mos,stddev\n1,3,0.5\n2,4,0.5\n2,4,0.5\n7,,\n")
    (here / "m.jsonl").write_text('{"video_id":"9","mos_j":70}\n')
    return here


JOIN = ("join", "--features", "f.csv", "--labels", "l.csv", "--out", "o.csv")


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        ((), 1),
        (("--max-keyless-rate", "0.5"), 0),
        (("--max-keyless-rate", "0.5", "--labels", "m.jsonl", "--extras", "none"), 0),
        (("--key-normalize", "raw"), 1),
        (("--feature-key-regex", "[0-9]", "--min-match-rate", "0"), 1),
    ],
)
def test_audits(tables, command, flags, code):
    command(*JOIN, *flags, code=code)
    audit = json.loads(Path("o.csv.audit.json").read_text("utf-8"))
    validate(audit)
    assert "run_provenance" in audit


def test_audits_of_joins_in_memory():
    joined = labeljoin.join(pa.table({"key": ["1"]}), pa.table({"key": ["1"], "mos": [2.0]}))
    validate(joined.audit)


@pytest.mark.parametrize("flags", [(), ("--key-normalize", "raw"), ("--labels", "m.jsonl")])
def test_inspections(tables, command, flags):
    done = command("inspect", "--features", "f.csv", "--labels", "l.csv", *flags, "--json")
    validate(json.loads(done.out))


def test_batch_reports(tables, command):
    entry = {"features": "f.csv", "labels": ["l.csv"], "max_keyless_rate": 0.5}
    manifest = {
        "schema": "mos-label-manifest-v1",
        "tables": [
            {**entry, "id": "good", "out": "o.csv", "extras": ["mos_std_dev"]},
            {**entry, "id": "bad", "out": "p.csv", "key_normalize": "raw"},
            {**entry, "id": "lost", "out": "q.csv", "features": "none.csv"},
        ],
    }
    validate(manifest)
    Path("manifest.json").write_text(json.dumps(manifest))
    command("batch", "--manifest", "manifest.json", "--report-json", "r.json", code=1)
    validate(json.loads(Path("r.json").read_text("utf-8")))


@pytest.mark.parametrize("corpus", labeljoin.batch.CORPORA)
def test_ready_manifests(corpus):
    validate(labeljoin.batch.corpus_manifest(corpus))


def test_the_published_manifest_schema_is_the_one_in_use():
    published = json.loads((SCHEMAS / "mos-label-manifest-v1.json").read_text("utf-8"))
    assert published == labeljoin.batch.manifest_schema(labeljoin.batch.LABEL_BATCH)
