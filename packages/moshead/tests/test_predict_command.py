"""``moshead predict``: feature tables in, predictions by clip key out."""

from __future__ import annotations

import json
import subprocess
import sys

import moshead
import numpy as np
import provenance
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.feather as feather
import pyarrow.json as pj
import pyarrow.parquet as pq
import pytest
from provenance.toolkit import InputError

COLUMNS = ["mos_pred", "mos_pred_lo", "mos_pred_hi", "source", "in_domain", "distance"]


def run(*words):
    return subprocess.run(
        [sys.executable, "-m", "moshead", *map(str, words)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def features(accepted_head):
    return accepted_head / "labelled.parquet"


@pytest.mark.parametrize(
    ("suffix", "read"),
    [("parquet", pq.read_table), ("csv", pc.read_csv), ("jsonl", pj.read_json),
     ("ndjson", pj.read_json), ("feather", feather.read_table)],
)  # fmt: skip
def test_predictions_come_back_by_clip_key(accepted_head, features, tmp_path, suffix, read):
    out = tmp_path / f"predictions.{suffix}"
    document = moshead.predict_file(accepted_head / "head.onnx", features, out)
    table, source = read(out), pq.read_table(features)
    assert table.column_names == ["clip_id", *COLUMNS]
    assert table.column("clip_id").to_pylist() == source.column("clip_id").to_pylist()
    assert set(table.column("source").to_pylist()) == {"head"}
    wanted = moshead.Predictor(accepted_head / "head.onnx").predict_mos(source)
    np.testing.assert_allclose(table.column("mos_pred").to_numpy(), wanted.mos, atol=1e-6)
    np.testing.assert_allclose(table.column("mos_pred_lo").to_numpy(), wanted.lo, atol=1e-6)
    assert document["rows"] == 300
    assert document["key_column"] == "clip_id"
    assert document["intervals"]["alpha"] == 0.1
    assert json.loads((tmp_path / f"predictions.{suffix}.audit.json").read_text()) == document


def test_the_record_stands_and_shows_one_flipped_byte(accepted_head, features, tmp_path):
    out = tmp_path / "predictions.parquet"
    moshead.predict_file(accepted_head / "head.onnx", features, out)
    assert provenance.verify(out).ok
    data = bytearray(out.read_bytes())
    data[len(data) // 2] ^= 1
    out.write_bytes(data)
    assert not provenance.verify(out).ok


def test_equal_inputs_give_equal_bytes_wherever_they_lie(head, tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        moshead.predict_file(
            head / "head.onnx", head / "labelled.parquet", tmp_path / folder / "p.parquet"
        )
    one, two = ((tmp_path / folder / "p.parquet").read_bytes() for folder in ("one", "two"))
    assert one == two


def test_keys_keep_their_zeros_and_their_type(accepted_head, features, tmp_path):
    table = pq.read_table(features).slice(0, 3).drop(["clip_id"])
    pc.write_csv(table.append_column("vid", pa.array(["007", "08", "9"])), tmp_path / "f.csv")
    moshead.predict_file(accepted_head / "head.onnx", tmp_path / "f.csv", tmp_path / "p.csv")
    lines = (tmp_path / "p.csv").read_text().splitlines()
    assert [line.split(",")[0].strip('"') for line in lines] == ["vid", "007", "08", "9"]
    numbered = table.append_column("flickr_id", pa.array([3339962845, 2, 3]))
    pq.write_table(numbered, tmp_path / "n.parquet")
    moshead.predict_file(accepted_head / "head.onnx", tmp_path / "n.parquet", tmp_path / "n.jsonl")
    first = json.loads((tmp_path / "n.jsonl").read_text().splitlines()[0])
    assert first["flickr_id"] == 3339962845


def test_a_directory_of_parts_gives_one_file_in_order(accepted_head, features, tmp_path):
    table = pq.read_table(features)
    (tmp_path / "parts").mkdir()
    pq.write_table(table.slice(0, 100), tmp_path / "parts" / "a.parquet")
    pq.write_table(table.slice(100), tmp_path / "parts" / "b.parquet")
    out = tmp_path / "p.parquet"
    moshead.predict_file(accepted_head / "head.onnx", tmp_path / "parts", out)
    assert pq.read_table(out).column("clip_id").to_pylist() == table.column("clip_id").to_pylist()


def test_gaps_are_imputed_counted_and_named(accepted_head, features, tmp_path):
    table = pq.read_table(features)
    gaps = pa.array([None, float("nan"), *table.column("adm2").to_pylist()[2:]])
    pq.write_table(table.set_column(1, "adm2", gaps), tmp_path / "gaps.parquet")
    document = moshead.predict_file(
        accepted_head / "head.onnx", tmp_path / "gaps.parquet", tmp_path / "p.parquet"
    )
    assert document["imputed"] == {"adm2": 2}
    assert document["filled"]["saliency_mean"] == 300


def test_the_fallback_is_in_every_row_the_record_and_a_warning(tmp_path):
    pq.write_table(
        pa.table({"clip": ["a", "b"], "predicted_vmaf": [72.0, 93.0]}), tmp_path / "f.parquet"
    )
    with pytest.warns(moshead.predict.VmafFallbackWarning) as caught:
        document = moshead.predict_file(
            tmp_path / "gone.onnx", tmp_path / "f.parquet", tmp_path / "p.csv", key_column="clip"
        )
    assert len(caught) == 1
    assert document["source"] == "vmaf-linear"
    assert document["head"] is None
    assert document["intervals"] is None
    assert "the head does not exist" in document["warnings"][0]
    rows = pc.read_csv(tmp_path / "p.csv").to_pylist()
    assert [row["mos_pred"] for row in rows] == [3.0, 4.5]
    assert {row["source"] for row in rows} == {"vmaf-linear"}
    assert {row["mos_pred_lo"] for row in rows} == {None}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "p.xlsx"], "'.xlsx' does not say how to write"),
        (["--key-column", "nope"], "there is no column 'nope'"),
        (["--onnx", "gone.onnx"], "the head does not exist, and there is no VMAF"),
        (["--onnx", "gone.onnx", "--strict"], "The head is not there"),
        (["--alpha", "0.9"], "alpha is 0.9"),
        (["--codec", "h264"], "'h264' is not in the head's encoder vocabulary"),
        (["--features", "gone.parquet"], "no such file"),
    ],
)
def test_bad_invocations_end_with_one_sentence_and_no_file(
    accepted_head, features, tmp_path, words, message
):
    options = {"--onnx": accepted_head / "head.onnx", "--features": features, "--out": "p.csv"}
    options |= dict(zip(words[::2], words[1::2], strict=False))
    flags = ["--strict"] if "--strict" in words else []
    options.pop("--strict", None)
    before = sorted(tmp_path.rglob("*"))
    done = run("predict", *(w for pair in options.items() for w in pair), *flags)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_table_that_lacks_a_feature_is_refused(accepted_head, features, tmp_path):
    pq.write_table(pq.read_table(features).drop(["motion2"]), tmp_path / "f.parquet")
    with pytest.raises(InputError, match=r"f\.parquet.*needs: motion2"):
        moshead.predict_file(accepted_head / "head.onnx", tmp_path / "f.parquet", "p.csv")
    assert not (tmp_path / "p.csv").exists()


def test_a_key_column_that_is_a_feature_is_refused(accepted_head, features, tmp_path):
    with pytest.raises(InputError, match="key column 'motion2' is a column that the prediction"):
        moshead.predict_file(
            accepted_head / "head.onnx", features, tmp_path / "p.csv", key_column="motion2"
        )


def test_the_command_prints_json_or_words(accepted_head, smoke_head, features, tmp_path):
    base = ["predict", "--features", features, "--out", tmp_path / "p.parquet", "--onnx"]
    as_json = run(*base, accepted_head / "head.onnx", "--json")
    assert json.loads(as_json.stdout)["schema"] == "mos-predictions-v1"
    assert as_json.stderr == ""
    in_words = run(*base, smoke_head / "head.onnx")
    assert in_words.stdout == ""
    assert "300 predictions (head)" in in_words.stderr
    assert "warning:" in in_words.stderr
    assert "is Proposed: synthetic rows trained it" in in_words.stderr
    strict = run(*base, smoke_head / "head.onnx", "--strict")
    assert (strict.returncode, "the head is Proposed" in strict.stderr) == (2, True)
