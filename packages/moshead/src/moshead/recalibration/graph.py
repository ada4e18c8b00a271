"""ONNX graphs with a monotone map: at the end of a head's own graph, or on a column alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from moshead.features.domain import MOS_RANGE
from moshead.heads.graph_names import FOLDS_OUTPUT, OUTPUT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from moshead.features.domain import Array
    from moshead.heads.protocol import GraphWriter
    from moshead.scales.mapping import MonotoneMap


def write_map(op: Any, constant: Callable[[Any], Any], column: Any, mapping: MonotoneMap) -> Any:
    """Write nodes that map a column, (N, 1) to (N, 1), cut to the MOS range.

    ``y(x) = y0 + s0 (x - x0) + sum of (s_j - s_(j-1)) relu(x - x_j)`` over the inner knots.
    """
    slopes = mapping.slopes
    shifted = op.Sub(column, constant(mapping.x[:1].reshape(1, 1)))
    mapped = op.Add(
        op.Mul(shifted, constant(slopes[:1].reshape(1, 1))),
        constant(mapping.y[:1].reshape(1, 1)),
    )
    if len(slopes) > 1:
        inner = op.Relu(op.Sub(column, constant(mapping.x[1:-1].reshape(1, -1))))
        mapped = op.Add(mapped, op.MatMul(inner, constant(np.diff(slopes).reshape(-1, 1))))
    low, high = MOS_RANGE
    return op.Clip(mapped, constant(np.float32(low)), constant(np.float32(high)))


@dataclass(frozen=True)
class ScoreNet:
    """A head that maps one score column; the only column of its schema."""

    mapping: MonotoneMap

    @property
    def n_parameters(self) -> int:
        """Values at the knots."""
        return len(self.mapping.y)

    def predict(self, features: Array, encoder_onehot: Array) -> Array:
        """See :class:`moshead.heads.protocol.Net`."""
        return self.mapping(features[:, 0])

    def write(self, graph: GraphWriter) -> Any:
        """See :class:`moshead.heads.protocol.Net`."""
        return write_map(graph.op, graph.constant, graph.features, self.mapping)


def mapped_graph(data: bytes, maps: Sequence[MonotoneMap], metadata: Mapping[str, str]) -> bytes:
    """Return a head's model with maps after its output.

    Args:
        data: The model of a head.
        maps: One map: the output stays ``mos``, (N,). Several: one column each, ``mos_folds``,
            (N, K).
        metadata: ``metadata_props`` of the new model.
    """
    return _extended(data, maps, metadata, several=False)


def mapped_folds(data: bytes, maps: Sequence[MonotoneMap]) -> bytes:
    """Return a head's model with the map of each fold after its output, ``mos_folds``, (N, K)."""
    return _extended(data, maps, {}, several=True)


def _extended(
    data: bytes, maps: Sequence[MonotoneMap], metadata: Mapping[str, str], *, several: bool
) -> bytes:
    import onnx
    from onnxscript import GraphBuilder, ir

    model = ir.from_proto(onnx.load_model_from_string(data))
    graph = model.graph
    head = graph.outputs[0]
    head.name = "mos_before"
    graph.outputs.clear()
    builder = GraphBuilder(graph)
    op = builder.op
    made: dict[bytes, Any] = {}

    def constant(value: Any) -> Any:
        array: NDArray[Any] = np.asarray(value)
        array = array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
        identity = repr((array.dtype.str, array.shape, array.tobytes())).encode()
        if identity not in made:
            tensor = ir.tensor(array, name=f"recalibration_{len(made)}")
            made[identity] = builder.initializer(tensor, qualify=False)
        return made[identity]

    column = op.Unsqueeze(head, constant(np.array([1])))
    mapped = [write_map(op, constant, column, each) for each in maps]
    if several:
        output = op.Concat(*mapped, axis=1)
        output.shape = ir.Shape(["N", len(maps)])
    else:
        output = op.Squeeze(mapped[0], constant(np.array([1])))
        output.shape = ir.Shape(["N"])
    output.dtype = ir.DataType.FLOAT
    graph.outputs.append(output)
    for index, node in enumerate(graph):
        node.metadata_props.clear()
        node.name = f"{node.op_type}_{index}"
        if node.outputs[0] is not head:
            node.outputs[0].name = f"{node.name}_out"
    output.name = FOLDS_OUTPUT if several else OUTPUT
    model.metadata_props.clear()
    model.metadata_props.update(sorted(metadata.items()))
    return bytes(ir.to_proto(model).SerializeToString(deterministic=True))
