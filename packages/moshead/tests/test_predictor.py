"""Predicting from the ONNX file alone: rows, tables, what is refused and what is warned of."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import warnings

import moshead
import numpy as np
import onnx
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moshead.predict.blocks import BLOCK_ROWS
from provenance.toolkit import InputError, content_digest, document_bytes


@pytest.fixture
def predictor(accepted_head):
    return moshead.Predictor(accepted_head / "head.onnx")


@pytest.fixture(scope="session")
def table(accepted_head):
    return pq.read_table(accepted_head / "labelled.parquet").drop(["mos"])


@pytest.fixture(scope="session")
def row(table):
    return table.drop(["clip_id"]).slice(3, 1).to_pylist()[0]


def rewrite(path, change):
    """Change the model in a file."""
    model = onnx.load(path)
    change(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def rewrite_manifest(path, **members):
    """Change a manifest and give it a digest that fits."""
    document = json.loads(path.read_text()) | members
    document["content_sha256"] = content_digest(document)
    path.write_bytes(document_bytes(document))


# What comes out


def test_predictions_follow_the_labels_and_stay_on_the_scale(predictor, accepted_head, table):
    labels = pq.read_table(accepted_head / "labelled.parquet").column("mos").to_numpy()
    found = predictor.predict_mos(table)
    assert np.corrcoef(found.mos, labels)[0, 1] > 0.97
    assert found.source == "head"
    assert len(found) == table.num_rows
    assert ((found.mos >= 1) & (found.mos <= 5)).all()
    assert (found.lo <= found.mos).all()
    assert (found.mos <= found.hi).all()
    assert np.mean((found.lo <= labels) & (labels <= found.hi)) > 0.85


def test_every_way_to_give_a_row_gives_the_same_mos(predictor, table, row):
    wanted = predictor.predict_mos(table).mos[3]
    schema = predictor.schema
    full = row | dict.fromkeys(set(schema.columns) - set(row), 0.0)
    in_order = [full[name] for name in schema.columns]
    ways = [
        row,
        full,
        in_order,
        np.array(in_order),
        np.array(in_order, dtype=np.float32),
        {name: np.float64(value) for name, value in full.items()},
    ]
    for way in ways:
        found = predictor.predict_mos(way)
        assert isinstance(found, moshead.predict.Prediction)
        assert float(found) == pytest.approx(wanted, abs=1e-6)
        assert found.source == "head"
        assert found.lo is not None
        assert found.hi is not None
        assert found.lo <= found.mos <= found.hi


def test_every_way_to_give_a_table_gives_the_same_mos(predictor, table):
    wanted = predictor.predict_mos(table)

    class Frame:
        """Any other library's table."""

        def __arrow_c_stream__(self, requested_schema=None):
            return table.__arrow_c_stream__(requested_schema)

    shuffled = table.select(table.column_names[::-1])
    in_parts = pa.concat_tables([table.slice(0, 7), table.slice(7)])
    as_integers = table.drop(["clip_id"]).append_column("shot_count_norm", pa.nulls(300))
    for way in (Frame(), shuffled, in_parts, as_integers, table.to_batches()[0]):
        np.testing.assert_array_equal(predictor.predict_mos(way).mos, wanted.mos)
    np.testing.assert_array_equal(np.asarray(wanted), wanted.mos)


def test_a_table_of_many_blocks_equals_its_rows(predictor):
    rng = np.random.default_rng(0)
    values = rng.normal(0.7, 0.2, (3 * BLOCK_ROWS + 17, 11))
    columns = predictor.schema.columns
    found = predictor.predict_mos(values)
    by_name = predictor.predict_mos(
        pa.table({name: values[:, n] for n, name in enumerate(columns)})
    )
    np.testing.assert_array_equal(found.mos, by_name.mos)
    np.testing.assert_array_equal(found.lo, by_name.lo)
    for place in (0, BLOCK_ROWS - 1, BLOCK_ROWS, len(values) - 1):
        one = predictor.predict_mos(values[place])
        assert one.mos == pytest.approx(found.mos[place], abs=1e-6)
        assert one.interval(0.2)[1] == pytest.approx(found.interval(0.2)[1][place], abs=0.0021)


def test_an_empty_table_has_no_predictions(predictor, table):
    found = predictor.predict_mos(table.slice(0, 0))
    assert len(found) == 0
    assert len(found.lo) == 0
    assert found.to_table().num_rows == 0


def test_values_that_are_not_finite_take_the_training_median(predictor, accepted_head, row):
    medians = json.loads((accepted_head / "head.json").read_text())["imputation"]
    wanted = predictor.predict_mos(row | {"vif_scale1": medians["vif_scale1"]})
    for gap in (None, float("nan"), float("inf"), -float("inf")):
        found = predictor.predict_mos(row | {"vif_scale1": gap})
        assert found.mos == wanted.mos
        assert found.imputed == ("vif_scale1",)
    in_table = predictor.predict_mos(
        pa.Table.from_pylist([row, row | {"vif_scale1": None}, row | {"vif_scale1": np.nan}])
    )
    assert in_table.imputed == {"vif_scale1": 2}
    assert in_table.filled == {"saliency_mean": 3, "saliency_var": 3, "shot_count_norm": 3,
                               "shot_mean_len_norm": 3, "shot_cut_density": 3}  # fmt: skip
    # A block of rows sums in another order than one row does: compare with a block.
    with_median = row | {"vif_scale1": medians["vif_scale1"]}
    in_block = predictor.predict_mos(pa.Table.from_pylist([row, with_median, with_median]))
    np.testing.assert_array_equal(in_table.mos, in_block.mos)


def test_values_beyond_float32_are_large_values_and_no_gaps(predictor, row):
    huge, large = (
        predictor.predict_mos(row | {"adm2": 1e300}),
        predictor.predict_mos(row | {"adm2": 1e30}),
    )
    assert huge.mos == large.mos
    assert huge.imputed == ()
    in_table = predictor.predict_mos(pa.Table.from_pylist([row | {"adm2": 1e300}]))
    assert in_table.mos[0] == large.mos
    in_array = [row.get(n, 0.0) for n in predictor.schema.columns]
    in_array[0] = 1e300
    assert predictor.predict_mos([in_array]).mos[0] == large.mos


def test_aliases_and_the_fill_policy_are_those_of_training(predictor, row):
    renamed = {f"{name}_mean": value for name, value in row.items()}
    assert predictor.predict_mos(renamed).mos == predictor.predict_mos(row).mos
    filled = predictor.predict_mos(row | {"saliency_var": None, "shot_cut_density": 0.0})
    assert filled.mos == predictor.predict_mos(row).mos


def test_the_codec_picks_a_slot_and_nothing_else_is_guessed(predictor, table, row):
    assert predictor.predict_mos(row, "ugc-mixed").mos == predictor.predict_mos(row).mos
    codecs = ["ugc-mixed"] * table.num_rows
    np.testing.assert_array_equal(
        predictor.predict_mos(table, codecs).mos, predictor.predict_mos(table).mos
    )
    with pytest.raises(InputError, match="'h264' is not in the head's encoder vocabulary"):
        predictor.predict_mos(row, "h264")
    with pytest.raises(InputError, match="'vp9' is not"):
        predictor.predict_mos(table, [*codecs[1:], "vp9"])
    with pytest.raises(InputError, match="2 codecs were given for 300 rows"):
        predictor.predict_mos(table, ["ugc-mixed"] * 2)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"adm2": 0.9}, "lacks columns that schema konvid-v1 needs: vif_scale0"),
        ({}, "needs: adm2"),
        ([1.0, 2.0], r"shape \(2,\), and the head reads 11"),
        (np.zeros((2, 3, 4)), "reads 11 values a row"),
        (["a"] * 11, "not numbers"),
        (pa.table({"adm2": [1.0]}), "needs: vif_scale0"),
        (pa.table({"clip": ["a"]}), "needs: adm2"),
    ],
)
def test_rows_that_are_not_the_schema_are_refused(predictor, features, message):
    with pytest.raises(InputError, match=message):
        predictor.predict_mos(features)


def test_words_among_the_numbers_are_refused(predictor, row):
    with pytest.raises(InputError, match="adm2"):
        predictor.predict_mos(row | {"adm2": "high"})


def test_intervals_of_any_level_come_from_the_file(predictor, table):
    found = predictor.predict_mos(table)
    low, high = found.interval(0.05)
    assert (low <= found.lo).all()
    assert (found.hi <= high).all()
    assert moshead.Predictor(predictor.path, alpha=0.05).predict_mos(table).hi.tolist() == (
        high.tolist()
    )
    with pytest.raises(InputError, match="alpha"):
        found.interval(0.7)


# Without a head


def test_a_missing_head_is_replaced_by_vmaf_and_said_to_be(tmp_path):
    predictor = moshead.Predictor(tmp_path / "gone.onnx")
    with pytest.warns(
        moshead.predict.VmafFallbackWarning, match=r"gone\.onnx: the head does not exist"
    ):
        one = predictor.predict_mos({"predicted_vmaf": 72.0})
    assert (one.mos, one.source) == (3.0, "vmaf-linear")
    assert (one.lo, one.hi) == (None, None)
    with pytest.warns(moshead.predict.VmafFallbackWarning):
        many = predictor.predict_mos(pa.table({"predicted_vmaf": [0, 44, 72, 100, 200]}))
    assert many.mos.tolist() == [1.0, 1.0, 3.0, 5.0, 5.0]
    assert many.source == "vmaf-linear"
    assert many.to_table().column("mos_pred_lo").null_count == 5
    with pytest.warns(moshead.predict.VmafFallbackWarning):
        assert predictor.predict_mos([0.1] * 11, predicted_vmaf=58).mos == 2.0


@pytest.mark.parametrize(
    "features",
    [{"adm2": 1.0}, {"predicted_vmaf": None}, {"predicted_vmaf": float("nan")}, [1.0] * 11,
     pa.table({"adm2": [1.0]}), pa.table({"predicted_vmaf": [72.0, None]})],
)  # fmt: skip
def test_a_missing_head_without_a_vmaf_is_an_error(tmp_path, features):
    predictor = moshead.Predictor(tmp_path / "gone.onnx")
    with pytest.raises(InputError, match="the head does not exist, and there is no VMAF"):
        predictor.predict_mos(features)


def test_strict_refuses_a_missing_head(tmp_path):
    with pytest.raises(InputError, match="is not there"):
        moshead.Predictor(tmp_path / "gone.onnx", strict=True)


@pytest.mark.parametrize("manifest", [None, "null", "[]", "{}"])
def test_strict_needs_the_manifest(head, manifest):
    if manifest is None:
        (head / "head.json").unlink()
    else:
        (head / "head.json").write_text(manifest, encoding="utf-8")
    with pytest.raises(InputError, match="no manifest stands beside the head"):
        moshead.Predictor(head / "head.onnx", strict=True)


def test_a_head_whose_weights_are_not_numbers_is_refused(head):
    model = onnx.load(head / "head.onnx")
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            broken = np.full(tuple(tensor.dims), np.nan, np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(broken, tensor.name))
    onnx.save(model, head / "head.onnx")
    (head / "head.json").unlink()
    with pytest.raises(InputError, match="predicts no number"):
        moshead.Predictor(head / "head.onnx")


def test_a_head_that_is_there_never_falls_back(head):
    (head / "head.onnx").write_bytes(b"not a model")
    (head / "head.json").unlink()
    with pytest.raises(InputError, match="not an ONNX model"):
        moshead.Predictor(head / "head.onnx")


def test_proposed_heads_warn_and_strict_refuses_them(smoke_head):
    with pytest.warns(moshead.predict.ProposedHeadWarning, match="synthetic rows trained it"):
        predictor = moshead.Predictor(smoke_head / "head.onnx")
    assert predictor.status == "Proposed"
    with pytest.raises(InputError, match="the head is Proposed"):
        moshead.Predictor(smoke_head / "head.onnx", strict=True)


def test_accepted_heads_do_not_warn(accepted_head):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert moshead.Predictor(accepted_head / "head.onnx").status == "Accepted"


# Heads that are refused


def test_the_onnx_file_alone_suffices(head, table, predictor):
    (head / "head.json").unlink()
    alone = moshead.Predictor(head / "head.onnx").predict_mos(table)
    np.testing.assert_array_equal(alone.mos, predictor.predict_mos(table).mos)
    np.testing.assert_array_equal(alone.lo, predictor.predict_mos(table).lo)


def test_one_flipped_byte_anywhere_is_refused(head):
    path = head / "head.onnx"
    data = path.read_bytes()
    for place in (10, 500, len(data) // 2, len(data) - 5):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(InputError):
            moshead.Predictor(path)


def test_other_weights_under_the_same_manifest_are_refused(head):
    def change(model):
        weights = model.graph.initializer[0]
        weights.raw_data = bytes(len(weights.raw_data))

    rewrite(head / "head.onnx", change)
    with pytest.raises(
        moshead.export.HeadMismatchError, match="its digest does not match the manifest"
    ):
        moshead.Predictor(head / "head.onnx")


@pytest.mark.parametrize(
    ("members", "word"),
    [
        ({"feature_schema": "konvid-v2"}, "feature schema"),
        ({"feature_order": ["adm2"]}, "feature order"),
        ({"operators": ["Gemm"]}, "operator list"),
        ({"encoder_vocab": ["x264"]}, "encoder vocabulary"),
        ({"id": "other"}, "id"),
    ],
)
def test_a_manifest_that_says_otherwise_is_refused(head, members, word):
    rewrite_manifest(head / "head.json", **members)
    with pytest.raises(moshead.export.HeadMismatchError, match=f"its {word} does not match"):
        moshead.Predictor(head / "head.onnx")


def test_an_edited_manifest_is_refused(head):
    path = head / "head.json"
    path.write_text(path.read_text().replace('"Accepted"', '"Proposed"'))
    with pytest.raises(moshead.export.HeadMismatchError, match="content_sha256 does not match"):
        moshead.Predictor(head / "head.onnx")


def with_manifest_that_fits(head):
    path = head / "head.onnx"
    model = onnx.load_from_string(path.read_bytes())
    rewrite_manifest(
        head / "head.json",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        operators=sorted({node.op_type for node in model.graph.node}),
    )


def test_operators_off_the_list_are_refused_even_where_the_manifest_agrees(head):
    def change(model):
        node = model.graph.node.add(op_type="Sin", input=["features"], output=["unused"])
        node.name = "extra"

    rewrite(head / "head.onnx", change)
    with_manifest_that_fits(head)
    with pytest.raises(InputError, match="uses Sin, which the operator list of ADR-0258"):
        moshead.Predictor(head / "head.onnx")


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("../weights.bin", "outside its own folder"),
        ("/etc/passwd", "outside its own folder"),
        ("C:\\weights.bin", "outside its own folder"),
        ("..\\weights.bin", "outside its own folder"),
        ("weights.bin", "its digest does not cover"),
    ],
)
def test_weights_in_another_file_are_refused(head, location, words):
    def change(model):
        weights = model.graph.initializer[0]
        weights.ClearField("raw_data")
        weights.data_location = onnx.TensorProto.EXTERNAL
        weights.external_data.add(key="location", value=location)

    rewrite(head / "head.onnx", change)
    with_manifest_that_fits(head)
    with pytest.raises(InputError, match="it keeps weights in another file") as caught:
        moshead.Predictor(head / "head.onnx")
    assert words in str(caught.value)


def test_models_of_other_programs_are_refused(head):
    def change(model):
        del model.metadata_props[:]

    (head / "head.json").unlink()
    rewrite(head / "head.onnx", change)
    with pytest.raises(InputError, match="carries no moshead metadata"):
        moshead.Predictor(head / "head.onnx")


@pytest.mark.parametrize("name", ["moskit.imputation", "moskit.feature_order", "moskit.gate"])
def test_damaged_metadata_is_refused(head, name):
    def change(model):
        next(p for p in model.metadata_props if p.key == name).value = "{oops"

    (head / "head.json").unlink()
    rewrite(head / "head.onnx", change)
    with pytest.raises(InputError, match=r"metadata .* is not JSON"):
        moshead.Predictor(head / "head.onnx")


def test_the_nets_of_the_folds_are_judged_like_the_head(head, row):
    import base64

    def change(model):
        prop = next(p for p in model.metadata_props if p.key == "moskit.interval_models")
        folds = onnx.load_from_string(base64.b64decode(prop.value))
        folds.graph.node.add(op_type="Sin", input=["features"], output=["unused"], name="extra")
        prop.value = base64.b64encode(folds.SerializeToString()).decode()

    (head / "head.json").unlink()
    rewrite(head / "head.onnx", change)
    found = moshead.Predictor(head / "head.onnx").predict_mos(row)
    with pytest.raises(InputError, match="nets of its folds: the graph uses Sin"):
        found.interval()


def test_a_json_file_of_something_else_beside_the_head_is_left_alone(head):
    (head / "head.json").write_text('{"schema": "shopping-list-v1"}')
    found = moshead.Predictor(head / "head.onnx").head
    assert found is not None
    assert found.manifest is None


# What it needs


def test_predicting_reports_to_nobody_and_leaves_the_home_folder_alone(accepted_head, tmp_path):
    home = tmp_path / "empty_home"
    home.mkdir()
    path = accepted_head / "head.onnx"
    code = f"import moshead; moshead.Predictor(r'{path}').predict_mos([0.7] * 11)"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ORT_")}
    subprocess.run([sys.executable, "-c", code], env=environment | {"HOME": str(home)}, check=True)
    assert list(home.rglob("*")) == []


def test_predicting_imports_neither_torch_nor_pandas_nor_onnx(accepted_head, tmp_path):
    code = f"""
import sys, moshead
heavy = {{"torch", "pandas", "onnx", "onnxscript", "matplotlib", "sklearn", "polars"}}
loaded = lambda: {{name.split(".")[0] for name in sys.modules}}
assert not loaded() & (heavy | {{"numpy", "pyarrow", "onnxruntime"}}), loaded()
import moshead.cli.app
assert not loaded() & (heavy | {{"numpy", "pyarrow", "onnxruntime"}}), loaded()
sys.argv = ["moshead", "predict", "--onnx", r"{accepted_head / "head.onnx"}", "--features",
            r"{accepted_head / "labelled.parquet"}", "--out", r"{tmp_path / "out.parquet"}"]
try:
    moshead.cli.app.main()
except SystemExit as stop:
    assert stop.code == 0, stop.code
assert "onnxruntime" in loaded()
assert not loaded() & heavy, loaded() & heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_predictor_runs_the_graph_and_nothing_else(predictor, accepted_head, table):
    session = onnxruntime.InferenceSession(
        accepted_head / "head.onnx", providers=["CPUExecutionProvider"]
    )
    columns = predictor.schema.columns
    values = np.zeros((table.num_rows, len(columns)), dtype=np.float32)
    for place, name in enumerate(columns):
        if name in table.column_names:
            values[:, place] = table.column(name).to_numpy()
    feed = {"features": values, "encoder_onehot": np.ones((table.num_rows, 1), np.float32)}
    np.testing.assert_allclose(
        predictor.predict_mos(table).mos, session.run(None, feed)[0], atol=1e-6
    )
