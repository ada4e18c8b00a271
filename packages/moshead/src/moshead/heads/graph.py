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

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from moshead.heads.network import Head
    from moshead.heads.protocol import Net

OPSET = 17
IR_VERSION = 8
"""The ONNX IR version that came with opset 17 (onnx 1.12): older runtimes read it too."""


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
    outputs = [net.write(graph) for net in head.nets]
    op = graph.op
    mos = outputs[0] if len(outputs) == 1 else op.Mean(*outputs)
    mos = op.Squeeze(mos, graph.constant(np.array([1])))
    return graph.serialize(OUTPUT, mos, ["N"], metadata or {})


def fold_graph(head: Head, nets: Sequence[Net]) -> bytes:
    """Serialise the nets of the folds as one ONNX model with the inputs of ``head``.

    Args:
        head: The shipped head, for its inputs.
        nets: One net per fold, each trained without that fold's rows.

    Returns:
        The bytes of the model; its output ``mos_folds`` (N, K) holds one MOS per fold.
    """
    graph = _NetGraph(head, "mos_head_folds")
    outputs = [net.write(graph) for net in nets]
    folds = graph.op.Concat(*outputs, axis=1)
    return graph.serialize(FOLDS_OUTPUT, folds, ["N", len(nets)], {})


class _NetGraph:
    """A graph under construction, with the two inputs of a head; a ``GraphWriter``."""

    def __init__(self, head: Head, name: str) -> None:
        n_features, n_encoders = len(head.schema.columns), len(head.encoder_vocab)
        self.graph = ir.Graph([], [], nodes=[], opset_imports={"": OPSET}, name=name)
        self.builder = GraphBuilder(self.graph)
        self.op: Any = self.builder.op
        self.features = self.builder.input(FEATURES, ir.DataType.FLOAT, ["N", n_features])
        self.encoder = self.builder.input(ENCODER, ir.DataType.FLOAT, ["N", n_encoders])
        self._constants: dict[tuple[str, tuple[int, ...], bytes], ir.Value] = {}
        self._shared: dict[bytes, Any] = {}

    def constant(self, value: Any) -> ir.Value:
        """An initializer: integers become int64, all else float32; equal ones are shared."""
        array = np.asarray(value)
        array = np.ascontiguousarray(array, np.int64 if array.dtype.kind == "i" else np.float32)
        array = array.reshape(np.shape(value))  # ascontiguousarray makes vectors of scalars
        identity = (array.dtype.str, array.shape, array.tobytes())
        if identity not in self._constants:
            tensor = ir.tensor(array, name=f"constant_{len(self._constants)}")
            self._constants[identity] = self.builder.initializer(tensor, qualify=False)
        return self._constants[identity]

    def shared(self, identity: bytes, make: Callable[[], Any]) -> Any:
        """What ``make`` returns, made once for equal identities."""
        if identity not in self._shared:
            self._shared[identity] = make()
        return self._shared[identity]

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
