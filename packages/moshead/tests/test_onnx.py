"""The graph computes the head; what it carries and what it may not carry."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from importlib.metadata import entry_points

import moshead
import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moshead.export.onnxfile import read_embedded_record, read_onnx
from moshead.export.operators import check_operators
from moshead.heads.graph import fold_graph, head_graph
from moshead.heads.network import forward, net_forward
from onnx import TensorProto, helper
from provenance.record import EMBEDDED_KEY
from provenance.toolkit import InputError


def float32(values):
    return np.asarray(values, dtype=np.float32).astype(np.float64)


def make_head(n_features, hidden, nets, seed, *, quadratic=False):
    columns = tuple(f"f{n}" for n in range(n_features))
    schema = moshead.features.FeatureSchema("test-v1", columns, columns)

    def net(number):
        rng = np.random.default_rng([seed, number])
        inputs = n_features + len(moshead.features.ENCODER_VOCAB)
        bend = rng.normal(0, 0.02, (inputs, inputs))
        return moshead.heads.HeadWeights(
            mean=float32(rng.normal(0, 5, n_features)),
            std=float32(rng.uniform(0.1, 4, n_features)),
            clip=2.5,
            w1=float32(rng.normal(0, 0.3, (inputs, hidden))),
            b1=float32(rng.normal(0, 0.3, hidden)),
            ln_gamma=float32(rng.normal(1, 0.2, hidden)),
            ln_beta=float32(rng.normal(0, 0.2, hidden)),
            w2=float32(rng.normal(0, 0.3, hidden)),
            b2=float32(rng.normal(0, 0.5)),
            skip=float32(rng.normal(0, 0.1, inputs)),
            quadratic=float32(bend + bend.T) if quadratic else None,
        )

    return moshead.heads.Head(
        tuple(net(n) for n in range(nets)), schema, dict.fromkeys(columns, 0.0)
    )


def run(data, rows, output=None):
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    feed = {
        "features": np.asarray(rows, dtype=np.float32),
        "encoder_onehot": np.ones((len(rows), 1), dtype=np.float32),
    }
    return session.run(None, feed)[0]


@settings(max_examples=25, deadline=None)
@given(
    n_features=st.integers(1, 40),
    # Of two units that nearly agree, LayerNorm makes float32's rounding hundreds of times larger.
    hidden=st.sampled_from([4, 16, 128]),
    nets=st.integers(1, 3),
    seed=st.integers(0, 2**20),
    spread=st.sampled_from([0.0, 1.0, 100.0, 1e9, 3e38]),
    quadratic=st.booleans(),
)
def test_the_graph_computes_the_head_on_random_and_extreme_rows(
    n_features, hidden, nets, seed, spread, quadratic
):
    head = make_head(n_features, hidden, nets, seed, quadratic=quadratic)
    rng = np.random.default_rng(seed)
    rows = float32(np.clip(rng.normal(0, 1, (17, n_features)) * spread, -3e38, 3e38))
    mos = run(head_graph(head), rows)
    assert mos.shape == (17,)
    np.testing.assert_allclose(mos, forward(head, rows, np.ones((17, 1))), atol=1e-5, rtol=0)
    assert ((mos >= 1) & (mos <= 5)).all()


def test_infinite_features_stay_inside_the_mos_range():
    head = make_head(3, 8, 1, 0)
    mos = run(head_graph(head), [[np.inf, -np.inf, 0], [-np.inf] * 3])
    assert ((mos >= 1) & (mos <= 5)).all()


def test_saturated_nets_average_to_the_ends_of_the_scale():
    head = make_head(2, 4, 3, 1)
    for sign, end in ((1.0, 5.0), (-1.0, 1.0)):
        nets = tuple(
            moshead.heads.HeadWeights(**{**vars(net), "b2": np.float64(sign * 1e4)})
            for net in head.nets
        )
        saturated = moshead.heads.Head(nets, head.schema, head.imputation)
        assert run(head_graph(saturated), np.zeros((4, 2))).tolist() == [end] * 4


def test_the_fold_graph_gives_one_mos_for_each_fold():
    head = make_head(5, 16, 1, 3)
    nets = [make_head(5, 16, 1, 10 + fold).nets[0] for fold in range(4)]
    rows = float32(np.random.default_rng(0).normal(size=(6, 5)) * 10)
    found = run(fold_graph(head, nets), rows)
    wanted = np.stack([net_forward(net, rows, np.ones((6, 1))) for net in nets], axis=1)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_the_file_is_valid_onnx_of_opset_17_with_the_promised_interface(accepted_head):
    model = onnx.load(accepted_head / "head.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
    shapes = {
        value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {"features": ["N", 11], "encoder_onehot": ["N", 1], "mos": ["N"]}
    assert {v.type.tensor_type.elem_type for v in model.graph.input} == {TensorProto.FLOAT}
    assert not any(t.data_location == TensorProto.EXTERNAL for t in model.graph.initializer)
    assert {node.op_type for node in model.graph.node} <= moshead.export.allowed_operators()


def test_the_file_says_what_made_it_and_how_to_feed_it(accepted_head):
    props = {p.key: p.value for p in onnx.load(accepted_head / "head.onnx").metadata_props}
    manifest = json.loads((accepted_head / "head.json").read_text())
    assert props["moskit.feature_schema"] == "konvid-v1"
    assert json.loads(props["moskit.feature_order"]) == manifest["feature_order"]
    assert json.loads(props["moskit.imputation"]) == manifest["imputation"]
    assert json.loads(props["moskit.gate"])["status"] == props["moskit.status"] == "Accepted"
    assert json.loads(props["moskit.encoder_vocab"]) == ["ugc-mixed"]
    record = json.loads(props[EMBEDDED_KEY])
    features = manifest["run_provenance"]["inputs"]["features"]
    assert record["inputs"]["features"] == [entry["sha256"] for entry in features]
    everything = json.dumps(props)
    assert str(accepted_head) not in everything
    assert "videos/clip" not in everything


def test_equal_weights_give_equal_bytes_and_metadata_is_sorted():
    head = make_head(4, 8, 2, 5)
    one = head_graph(head, {"b": "1", "a": "2"})
    assert one == head_graph(make_head(4, 8, 2, 5), {"a": "2", "b": "1"})
    assert [p.key for p in onnx.load_from_string(one).metadata_props] == ["a", "b"]


def test_the_wire_reader_agrees_with_onnx(accepted_head):
    data = (accepted_head / "head.onnx").read_bytes()
    model = onnx.load_from_string(data)
    facts = read_onnx(data, "head.onnx")
    assert facts.metadata == {p.key: p.value for p in model.metadata_props}
    assert facts.operators == {node.op_type for node in model.graph.node}
    assert facts.opsets == {"": 17}
    record = read_embedded_record(accepted_head / "head.onnx")
    assert record == facts.metadata[EMBEDDED_KEY].encode()


@settings(max_examples=60, deadline=None)
@given(junk=st.binary(max_size=200), cut=st.integers(0, 2000))
def test_junk_and_cut_files_are_refused_and_nothing_worse(junk, cut):
    data = head_graph(make_head(2, 2, 1, 0))[:cut] + junk
    # Some are models by chance (nothing was cut); all others end in the one error for it.
    with contextlib.suppress(InputError):
        read_onnx(data, "junk.onnx")


def graph_with(node, extra_inputs=()):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    return helper.make_graph([node], "g", [x, *extra_inputs], [y])


def model_of(graph, **options):
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, **options
    ).SerializeToString()


def branch(operator, name):
    out = helper.make_tensor_value_info(name, TensorProto.FLOAT, [1])
    node = helper.make_node(operator, ["x"], [name])
    return helper.make_graph([node], f"{name}_body", [], [out])


def if_graph(then_operator, else_operator):
    condition = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
    node = helper.make_node(
        "If",
        ["c"],
        ["y"],
        then_branch=branch(then_operator, "a"),
        else_branch=branch(else_operator, "b"),
    )
    return graph_with(node, [condition])


def test_the_bodies_of_if_must_pass_too():
    check_operators(read_onnx(model_of(if_graph("Relu", "Tanh")), "m"), "m")
    with pytest.raises(InputError, match=r"head\.onnx: the graph uses Sin,"):
        check_operators(read_onnx(model_of(if_graph("Relu", "Sin")), "m"), "head.onnx")


def test_the_body_of_a_loop_inside_an_if_must_pass_too():
    def scalar(name, kind):
        return helper.make_tensor_value_info(name, kind, [])

    body = helper.make_graph(
        [
            helper.make_node("Identity", ["cond"], ["cond_out"]),
            helper.make_node("Cos", ["v"], ["v_out"]),
        ],
        "body",
        [scalar("i", TensorProto.INT64), scalar("cond", TensorProto.BOOL),
         scalar("v", TensorProto.FLOAT)],
        [scalar("cond_out", TensorProto.BOOL), scalar("v_out", TensorProto.FLOAT)],
    )  # fmt: skip
    loop = helper.make_node("Loop", ["n", "c", "x"], ["a"], body=body)
    out = helper.make_tensor_value_info("a", TensorProto.FLOAT, None)
    then = helper.make_graph([loop], "then", [], [out])
    node = helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=branch("Relu", "b"))
    facts = read_onnx(model_of(graph_with(node)), "m")
    assert facts.operators == {"If", "Loop", "Identity", "Cos", "Relu"}
    with pytest.raises(InputError, match="Cos"):
        check_operators(facts, "m")


def test_operators_of_other_domains_and_functions_are_refused():
    node = helper.make_node("Relu", ["x"], ["y"], domain="com.example")
    with pytest.raises(InputError, match=r"com\.example::Relu"):
        check_operators(read_onnx(model_of(graph_with(node)), "m"), "m")
    inner = helper.make_node("Sin", ["p"], ["q"])
    function = helper.make_function(
        "local", "Harmless", ["p"], ["q"], [inner], [helper.make_opsetid("", 17)]
    )
    call = helper.make_node("Harmless", ["x"], ["y"], domain="local")
    facts = read_onnx(model_of(graph_with(call), functions=[function]), "m")
    assert facts.operators == {"local::Harmless", "Sin"}


def test_the_list_is_that_of_the_record():
    operators = moshead.export.allowed_operators()
    assert {"Loop", "If", "Gemm", "LayerNormalization", "Clip", "Sigmoid", "Gelu"} <= operators
    assert len(operators) == 70
    assert not {"Sin", "Where", "IsNaN", "TopK", "Scan"} & operators


def test_provenance_reads_and_compares_heads_through_entry_points(
    accepted_head, smoke_head, tmp_path
):
    (embedded,) = entry_points(group="provenance.embedded", name="onnx")
    assert json.loads(embedded.load()(accepted_head / "head.onnx"))["distribution"] == (
        "moskit-moshead"
    )
    (difference,) = entry_points(group="provenance.differences", name="onnx")
    largest = difference.load()
    assert largest(accepted_head / "head.onnx", accepted_head / "head.onnx") == 0
    assert 0 < largest(accepted_head / "head.onnx", smoke_head / "head.onnx") <= 4
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"junk")
    assert embedded.load()(junk) is None


def test_a_head_keeps_the_display_that_it_was_trained_for(accepted_head):
    data = (accepted_head / "head.onnx").read_bytes()
    metadata = moshead.export.HeadMetadata.from_props(read_onnx(data, "h").metadata, "h")
    assert metadata.display == {}
    shown = dataclasses.replace(metadata, display={"display_panel_oled": 1.0})
    again = moshead.export.HeadMetadata.from_props(shown.to_props(), "h")
    assert again.display == {"display_panel_oled": 1.0}
