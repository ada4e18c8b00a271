"""The registry: entered with a verdict, checked on load, changed by verdicts only."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from typing import Any

import moshead
import numpy as np
import provenance
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from provenance.toolkit import InputError, content_digest, document_bytes


@pytest.fixture
def registry(head):
    moshead.register(head / "registry.json", head / "head.json")
    return head / "registry.json"


def tamper(path, change, *, resign=True):
    document = json.loads(path.read_text())
    change(document)
    if resign:
        document["content_sha256"] = content_digest(document)
    path.write_bytes(document_bytes(document))


def test_a_head_is_entered_with_what_its_manifest_says(registry, head):
    (entry,) = moshead.export.Registry.load(registry).entries
    manifest = json.loads((head / "head.json").read_text())
    assert (entry.id, entry.version, entry.status) == ("clean_head_v1", 1, "Accepted")
    assert (entry.onnx, entry.manifest) == ("head.onnx", "head.json")
    assert (entry.sha256, entry.schema) == (manifest["sha256"], "konvid-v1")
    assert provenance.verify(registry).ok


def test_the_command_says_what_the_registry_lists(head):
    command = [sys.executable, "-m", "moshead", "register", "--registry", head / "registry.json"]
    done = subprocess.run(
        [*command, "--manifest", head / "head.json"], capture_output=True, text=True, check=True
    )
    assert "clean_head_v1" in done.stderr
    assert "Accepted" in done.stderr
    done = subprocess.run(
        [*command, "--manifest", head / "no.json"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "no.json" in done.stderr


def test_a_head_is_found_by_its_name(registry, head):
    found = moshead.Predictor.from_registry(registry, "clean_head_v1")
    table = pq.read_table(head / "labelled.parquet")
    here = moshead.Predictor(head / "head.onnx").predict_mos(table)
    np.testing.assert_array_equal(found.predict_mos(table).mos, here.mos)
    with pytest.raises(InputError, match=r"lists no other_v1.*It lists clean_head_v1 version 1"):
        moshead.Predictor.from_registry(registry, "other_v1")
    with pytest.raises(InputError, match="version 7"):
        moshead.Predictor.from_registry(registry, "clean_head_v1", version=7)


def test_a_registry_moves_with_its_heads(registry, head, tmp_path):
    shutil.move(head, tmp_path / "moved")
    path = tmp_path / "moved" / "registry.json"
    assert moshead.Predictor.from_registry(path, "clean_head_v1").status == "Accepted"


def test_registering_again_changes_nothing_and_another_head_is_the_next_version(
    registry, head, smoke_head
):
    moshead.register(registry, head / "head.json")
    assert [e.version for e in moshead.export.Registry.load(registry).entries] == [1]
    moshead.register(registry, smoke_head / "head.json")
    listed = moshead.export.Registry.load(registry)
    assert [(e.id, e.status) for e in listed.entries] == [
        ("clean_head_v1", "Accepted"),
        ("konvid_mos_head_v1", "Proposed"),
    ]
    with pytest.warns(moshead.predict.ProposedHeadWarning):
        moshead.Predictor.from_registry(registry, "konvid_mos_head_v1")


def test_files_that_changed_since_are_refused(registry, head):
    (head / "head.onnx").write_bytes((head / "head.onnx").read_bytes() + b"\0")
    with pytest.raises(
        moshead.export.HeadMismatchError, match="the digest of the ONNX file differs"
    ):
        moshead.Predictor.from_registry(registry, "clean_head_v1")
    (head / "head.onnx").unlink()
    with pytest.raises(InputError, match="no such file"):
        moshead.Predictor.from_registry(registry, "clean_head_v1")


def test_a_head_that_does_not_match_its_manifest_is_not_entered(head):
    (head / "head.onnx").write_bytes((head / "head.onnx").read_bytes() + b"\0")
    with pytest.raises(moshead.export.HeadMismatchError):
        moshead.register(head / "registry.json", head / "head.json")
    assert not (head / "registry.json").exists()


def test_a_status_edited_by_hand_is_noticed(registry, smoke_head):
    moshead.register(registry, smoke_head / "head.json")

    def promote(document):
        document["heads"][1]["status"] = "Accepted"

    tamper(registry, promote, resign=False)
    with pytest.raises(InputError, match="changed by hand"):
        moshead.export.Registry.load(registry)
    tamper(registry, promote)
    # Even with a digest that fits, the manifest's verdict is what counts.
    with pytest.raises(moshead.export.HeadMismatchError, match="status differs"):
        moshead.Predictor.from_registry(registry, "konvid_mos_head_v1")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["heads"][0].pop("sha256"), "head 1 has no sha256"),
        (lambda d: d["heads"].append(d["heads"][0]), "listed twice"),
        (lambda d: d["heads"][0].update(status="Splendid"), "status 'Splendid'"),
        (lambda d: d["heads"][0]["verdict"].update(passed=False), "Accepted without a verdict"),
        (lambda d: d.update(heads={}), "no list of heads"),
        (lambda d: d.update(schema="x"), "it is not a mos-head-registry-v1"),
    ],
)
def test_a_registry_that_is_not_sound_is_refused(registry, change, words):
    tamper(registry, change)
    with pytest.raises(InputError, match=words):
        moshead.export.Registry.load(registry)


def test_verdicts_take_acceptance_away_and_give_it_back(registry, head, tmp_path):
    def validate(noise, name):
        rng = np.random.default_rng(5)
        quality = rng.uniform(-1, 1, 120)
        columns: dict[str, Any] = {"clip_id": [f"{name}{n}" for n in range(120)]}
        for feature in ("adm2", "vif_scale0", "vif_scale1", "vif_scale2", "vif_scale3", "motion2"):
            columns[feature] = 0.7 + 0.1 * quality + 0.01 * rng.normal(size=120)
        columns["mos"] = np.clip(3 + 1.2 * quality + noise * rng.normal(size=120), 1, 5)
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
        report = tmp_path / f"{name}.json"
        with contextlib.suppress(moshead.predict.HeldOutMissError):
            moshead.validate(head / "head.onnx", tmp_path / f"{name}.parquet", out_json=report)
        moshead.register(registry, head / "head.json", verdict=report)
        return moshead.export.Registry.load(registry).entries[0]

    bad = validate(2.0, "noisy")
    assert (bad.status, bad.verdict["kind"], bad.verdict["passed"]) == (
        "Proposed", "validation", False,
    )  # fmt: skip
    with pytest.warns(moshead.predict.ProposedHeadWarning, match="registry lists it as Proposed"):
        moshead.Predictor.from_registry(registry, "clean_head_v1")
    with pytest.raises(InputError, match="Proposed"):
        moshead.Predictor.from_registry(registry, "clean_head_v1", strict=True)
    # Registering the head again is not a new verdict.
    moshead.register(registry, head / "head.json")
    assert moshead.export.Registry.load(registry).entries[0].status == "Proposed"
    assert validate(0.1, "clean").status == "Accepted"


def test_a_verdict_on_another_head_is_refused(registry, head, tmp_path):
    report = {"schema": "mos-head-validation-v1", "sha256": "0" * 64, "gate": {"passed": True}}
    report["content_sha256"] = content_digest(report)
    (tmp_path / "v.json").write_bytes(document_bytes(report))
    with pytest.raises(moshead.export.HeadMismatchError, match="another head"):
        moshead.register(registry, head / "head.json", verdict=tmp_path / "v.json")
    (tmp_path / "v.json").write_bytes(document_bytes(report | {"sha256": "1" * 64}))
    with pytest.raises(InputError, match="changed after it was written"):
        moshead.register(registry, head / "head.json", verdict=tmp_path / "v.json")
