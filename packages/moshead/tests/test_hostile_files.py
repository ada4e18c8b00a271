"""Heads and documents that somebody has made to break their reader: one sentence, exit 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import moshead
import numpy as np
import onnx
import pyarrow.parquet as pq
import pytest
from moshead.export.plots import predicted_against_mos
from onnx import helper, numpy_helper
from provenance.toolkit import InputError

DEEP = "[" * 200_000 + "]" * 200_000


def constant(name: str, values: list, kind: type) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, dtype=kind), name)


def huge_constant(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(constant("shape", [1 << 40], np.int64))
    model.graph.node.append(helper.make_node("ConstantOfShape", ["shape"], ["huge"]))


def huge_expansion(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(constant("shape", [1 << 20, 1 << 20], np.int64))
    model.graph.initializer.append(constant("one", [1], np.float32))
    model.graph.node.append(helper.make_node("Expand", ["one", "shape"], ["huge"]))


def with_metadata(name: str, value: str):
    def change(model: onnx.ModelProto) -> None:
        [member] = [item for item in model.metadata_props if item.key == f"moskit.{name}"]
        member.value = value

    return change


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (huge_constant, "head.cannot-run"),
        (huge_expansion, "head.cannot-run"),
        (with_metadata("encoder_vocab", DEEP), "document.too-deep"),
        (with_metadata("run_provenance", DEEP), "document.too-deep"),
        (with_metadata("gate", DEEP), "document.too-deep"),
        (with_metadata("imputation", "9" * 5_000), "document.long-number"),
        (with_metadata("status", "\x1b[2JAccepted"), "head.metadata-damaged"),
        (with_metadata("status", ""), "head.metadata-damaged"),
    ],
)
def test_hostile_heads_are_refused(accepted_head, tmp_path, change, code):
    model = onnx.load(accepted_head / "head.onnx")
    change(model)
    (tmp_path / "evil.onnx").write_bytes(model.SerializeToString())
    row = pq.read_table(accepted_head / "labelled.parquet").drop(["mos", "clip_id"])
    with pytest.raises(InputError) as caught:
        moshead.Predictor(tmp_path / "evil.onnx").predict_mos(row.slice(0, 1).to_pylist()[0])
    assert caught.value.code == code
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("deep.json", DEEP),
        ("deep.toml", f'id = "x"\ncolumns = {"[" * 5_000}{"]" * 5_000}\n'),
        ("binary.toml", "\udcff\udcfe"),
        ("/dev/zero", None),
    ],
)
def test_every_reader_of_a_document_has_bounds(accepted_head, name, text):
    if text is not None:
        Path(name).write_text(text, "utf-8", "surrogateescape")
    elif not Path(name).exists():
        pytest.skip("there is no such device here")
    readers = [
        lambda: moshead.features.load_schema(Path(name)),
        lambda: moshead.export.load_manifest(Path(name)),
        lambda: moshead.Predictor.from_registry(Path(name), "x"),
        lambda: moshead.Predictor(Path(name), strict=True),
        lambda: moshead.Predictor(accepted_head / "head.onnx", manifest=Path(name)),
    ]
    for read in readers:
        with pytest.raises(InputError) as caught:
            read()
        assert len(str(caught.value)) < 1_000


def test_seeds_that_json_cannot_hold_are_refused():
    moshead.TrainingOptions(seed=2**52 - 1).check()
    with pytest.raises(InputError, match="too large"):
        moshead.TrainingOptions(seed=2**70).check()


def test_a_window_system_that_nobody_knows_draws_the_picture(monkeypatch):
    mos = np.linspace(1, 5, 50)
    script = (
        "import sys, numpy as np; from moshead.export.plots import predicted_against_mos; "
        "mos = np.linspace(1, 5, 50); "
        "sys.stdout.buffer.write(predicted_against_mos(mos, mos, title='t'))"
    )
    environment = {**os.environ, "MPLBACKEND": "junk"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, check=True
    )
    assert done.stdout == predicted_against_mos(mos, mos, title="t")


def test_a_manifest_with_a_deep_member_is_refused(accepted_head, tmp_path):
    manifest = json.loads((accepted_head / "head.json").read_bytes())
    raw = json.dumps(manifest | {"gate": "X"}).replace('"X"', DEEP)
    (tmp_path / "head.json").write_text(raw)
    with pytest.raises(InputError, match="levels of nesting"):
        moshead.export.load_manifest(tmp_path / "head.json")
