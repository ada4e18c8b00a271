"""The ONNX graph of a head, written op by op with onnxscript.

A graph takes raw values: scaling and clipping are in it, imputation is not (no operator of the
allow-list of ADR-0258 can do it). It is one file, opset 17, and equal weights give equal bytes.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from onnxscript import GraphBuilder, ir

from moshead.heads.graph_names import ENCODER, FEATURES, FOLDS_OUTPUT, OUTPUT
from moshead.heads.network import LAYER_NORM_EPSILON, MOS_RANGE, Head, HeadWeights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OPSET = 17
IR_VERSION = 8
"""The ONNX IR version that came with opset 17 (onnx 1.12): older runtimes read it too."""

_LOW, _HIGH = MOS_RANGE


def head_graph(head: Head, metadata: Mapping[str, str] | None = None) -> bytes:
    """Serialise a head as an ONNX model.

    Args:
        head: The head; its nets are averaged inside the graph.
        metadata: ``metadata_props`` of the model, written in sorted order.

    Returns:
        The bytes of the model: inputs ``features`` (N, F) and ``encoder_onehot`` (N, V), float32;
        output ``mos`` (N,), float32 in [1, 5].
    """
    graph = _NetGraph(head, "mos_head")
    outputs = [graph.net(net, index) for index, net in enumerate(head.nets)]
    op = graph.op
    mos = outputs[0] if len(outputs) == 1 else op.Mean(*outputs)
    mos = op.Squeeze(mos, graph.constant("mos_axis", np.array([1])))
    return graph.serialize(OUTPUT, mos, ["N"], metadata or {})


def fold_graph(head: Head, nets: Sequence[HeadWeights]) -> bytes:
    """Serialise the nets of the folds as one ONNX model with the inputs of ``head``.

    Args:
        head: The shipped head, for its inputs.
        nets: One net per fold, each trained without that fold's rows.

    Returns:
        The bytes of the model; its output ``mos_folds`` (N, K) holds one MOS per fold.
    """
    graph = _NetGraph(head, "mos_head_folds")
    outputs = [graph.net(net, index) for index, net in enumerate(nets)]
    folds = graph.op.Concat(*outputs, axis=1)
    return graph.serialize(FOLDS_OUTPUT, folds, ["N", len(nets)], {})


class _NetGraph:
    """A graph under construction, with the two inputs of a head."""

    def __init__(self, head: Head, name: str) -> None:
        n_features, n_encoders = len(head.schema.columns), len(head.encoder_vocab)
        self.graph = ir.Graph([], [], nodes=[], opset_imports={"": OPSET}, name=name)
        self.builder = GraphBuilder(self.graph)
        self.op: Any = self.builder.op
        self.features = self.builder.input(FEATURES, ir.DataType.FLOAT, ["N", n_features])
        self.encoder = self.builder.input(ENCODER, ir.DataType.FLOAT, ["N", n_encoders])
        self._scaled: dict[bytes, ir.Value] = {}

    def constant(self, name: str, value: Any) -> ir.Value:
        """An initializer: integers as int64, all else as float32."""
        array = np.asarray(value)
        kind = np.int64 if array.dtype.kind == "i" else np.float32
        tensor = ir.tensor(array.astype(kind), name=name)
        initializer: ir.Value = self.builder.initializer(tensor, qualify=False)
        return initializer

    def scaled(self, net: HeadWeights, index: int) -> ir.Value:
        """Clipped z-scores beside the encoder, (N, F + V); nets of equal scaling share them."""
        identity = b"".join(np.asarray(a).tobytes() for a in (net.mean, net.std, net.clip))
        if identity not in self._scaled:
            op = self.op
            centred = op.Sub(self.features, self.constant(f"mean_{index}", net.mean))
            z = op.Div(centred, self.constant(f"std_{index}", net.std))
            low = self.constant(f"clip_low_{index}", -net.clip)
            high = self.constant(f"clip_high_{index}", net.clip)
            self._scaled[identity] = op.Concat(op.Clip(z, low, high), self.encoder, axis=1)
        return self._scaled[identity]

    def net(self, net: HeadWeights, index: int) -> ir.Value:
        """The MOS of one net, (N, 1)."""
        op = self.op

        def weight(name: str, value: Any) -> ir.Value:
            return self.constant(f"{name}_{index}", value)

        x = self.scaled(net, index)
        hidden = op.Gemm(x, weight("w1", net.w1), weight("b1", net.b1))
        normal = op.LayerNormalization(
            hidden,
            weight("ln_gamma", net.ln_gamma),
            weight("ln_beta", net.ln_beta),
            axis=-1,
            epsilon=LAYER_NORM_EPSILON,
        )
        bent = op.Gemm(
            op.Tanh(normal),
            weight("w2", np.reshape(net.w2, (-1, 1))),
            weight("b2", np.reshape(net.b2, (1,))),
        )
        logit = op.Add(bent, op.MatMul(x, weight("skip", np.reshape(net.skip, (-1, 1)))))
        if net.quadratic is not None:
            pairs = op.Mul(op.MatMul(x, weight("quadratic", net.quadratic)), x)
            axis = weight("quadratic_axis", np.array([1]))
            logit = op.Add(logit, op.ReduceSum(pairs, axis, keepdims=1))
        share = op.Mul(op.Sigmoid(logit), weight("mos_span", _HIGH - _LOW))
        mos: ir.Value = op.Add(share, weight("mos_low", _LOW))
        return mos

    def serialize(
        self, name: str, output: ir.Value, shape: Sequence[int | str], metadata: Mapping[str, str]
    ) -> bytes:
        """The bytes of the model whose output is ``output``, under ``name``."""
        output.dtype = ir.DataType.FLOAT
        output.shape = ir.Shape(shape)
        self.graph.outputs.append(output)
        for index, node in enumerate(self.graph):
            # onnxscript notes here which Python call made each node: not part of a head.
            node.metadata_props.clear()
            node.name = f"{node.op_type}_{index}"
            node.outputs[0].name = f"{node.name}_out"
        output.name = name
        model = ir.Model(
            self.graph,
            ir_version=IR_VERSION,
            producer_name="moskit-moshead",
            producer_version=version("moskit-moshead"),
        )
        model.metadata_props.update(sorted(metadata.items()))
        proto = ir.to_proto(model)
        return bytes(proto.SerializeToString(deterministic=True))
