"""Records of older versions stay readable; the files in ``frozen`` are never regenerated."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from provenance import export, load_record, trace, verify

FROZEN = Path(__file__).parent / "frozen"


@pytest.fixture
def moskit(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FROZEN / "moskit-0.1.0", tmp_path / "moved"))


@pytest.fixture
def adr(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FROZEN / "adr-0661", tmp_path / "repository"))


def test_records_of_0_1_0_verify_wherever_they_are_copied_to(moskit: Path):
    outcome = verify([moskit / "head.onnx", moskit / "out.tbl"])
    assert outcome.ok
    assert {f.status for record in outcome.records for f in record.files} == {"same"}
    assert {c.status for record in outcome.records for c in record.claims} == {"same"}


def test_records_of_0_1_0_are_still_checked(moskit: Path):
    record = moskit / "head.json"
    record.write_bytes(record.read_bytes().replace(b"0.9026", b"0.9926"))
    assert not verify(moskit / "head.onnx").ok


def test_lineage_of_0_1_0(moskit: Path):
    lineage = trace(moskit / "head.onnx")
    assert lineage.ok
    assert {item.path.name for item in lineage.raw_files() if item.path} == {
        "features.tbl",
        "labels.csv",
    }


def test_exports_of_0_1_0(moskit: Path):
    for form in ("in-toto", "prov-json", "openlineage"):
        assert export(moskit / "head.onnx", format=form)


def test_adr_0661_record_is_read(adr: Path):
    record = load_record(adr / "model/head.onnx")
    assert record.entrypoint == "scripts/train_head.py"
    assert record.content_sha256 is None
    assert not record.faults
    corpus, gone, labels = record.input_entries()
    assert labels.path == adr / "corpus/labels.csv"
    assert corpus.directory
    assert gone.digest is None
    assert record.inputs["profile"] is None


def test_adr_0661_record_is_verified_as_far_as_it_says(adr: Path):
    outcome = verify(adr / "model/head.json")
    assert outcome.ok
    found = {finding.name: finding.status for finding in outcome.records[0].files}
    assert found["labels"] == found["model"] == "same"
    assert found["record"] == found["card"] == found["gone"] == "unrecorded"
    (adr / "corpus/labels.csv").write_bytes(b"clip,mos\n1,5\n")
    assert not verify(adr / "model/head.json").ok


def test_adr_0661_record_connects(adr: Path):
    lineage = trace(adr / "model/head.onnx")
    assert [item.path.name for item in lineage.raw_files() if item.path] == ["labels.csv"]


def test_adr_0661_record_is_shown_and_exported(adr: Path, provenance):
    done = provenance("show", adr / "model/head.onnx")
    assert done.returncode == 0
    assert "scripts/train_head.py" in done.stderr
    done = provenance("export", adr / "model/head.onnx", "--format", "openlineage")
    assert json.loads(done.stdout)[1]["outputs"]
