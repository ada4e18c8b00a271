"""A head that is a weighted sum of closed-form terms: what ridge, kernel and blend fit.

    MOS = clip(low + span * sigmoid(intercept + sum of weight * term), 1, 5)

The sigmoid runs from 0.5 to 5.5, a little beyond the scale, so that the logit of every label is
finite and labels at the ends do not dominate the fit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from scipy.special import expit, logit

from moshead.features.domain import MOS_RANGE
from moshead.heads.closed_form.centres import squared_distances
from moshead.heads.closed_form.transforms import float32
from moshead.heads.rounding import round_to_float32

if TYPE_CHECKING:
    from moshead.features.domain import Array
    from moshead.heads.closed_form.transforms import Inputs, TransformName
    from moshead.heads.protocol import GraphWriter

LINK_LOW, LINK_HIGH = MOS_RANGE[0] - 0.5, MOS_RANGE[1] + 0.5
_CHUNK = 8192
SMOOTHING = 0.05
"""Rounds the cusp of the Laplace kernel, so that float32 distances suffice."""


def link(mos: Array) -> Array:
    """The scale on which terms are fitted: logit of the MOS within [0.5, 5.5]."""
    return np.asarray(logit((mos - LINK_LOW) / (LINK_HIGH - LINK_LOW)))


def unlink(values: Array) -> Array:
    """MOS in [1, 5] from values on the scale of :func:`link`."""
    return np.asarray(np.clip(LINK_LOW + (LINK_HIGH - LINK_LOW) * expit(values), *MOS_RANGE))


class Term(Protocol):
    """One summand of a head."""

    @property
    def n_parameters(self) -> int:
        """Fitted numbers."""

    def values(self, inputs: Array) -> Array:
        """Its values, (N,), from transformed inputs, (N, D)."""

    def write(self, graph: GraphWriter, inputs: Any) -> Any:
        """Nodes for its values, (N, 1)."""

    def scaled(self, factor: float) -> Term:
        """The term times a number."""

    def rounded(self) -> Term:
        """The term in numbers that float32 holds."""


@dataclass(frozen=True)
class LinearTerm:
    """x . weights.

    Attributes:
        weights: (D,).
    """

    weights: Array

    @property
    def n_parameters(self) -> int:
        """Fitted numbers."""
        return len(self.weights)

    def values(self, inputs: Array) -> Array:
        """Its values, (N,)."""
        return np.asarray(inputs @ self.weights)

    def write(self, graph: GraphWriter, inputs: Any) -> Any:
        """Nodes for its values, (N, 1)."""
        return graph.op.MatMul(inputs, graph.constant(self.weights[:, None]))

    def scaled(self, factor: float) -> LinearTerm:
        """The term times a number."""
        return LinearTerm(self.weights * factor)

    def rounded(self) -> LinearTerm:
        """The term in numbers that float32 holds."""
        return LinearTerm(round_to_float32(self.weights))


@dataclass(frozen=True)
class QuadraticTerm:
    """x . linear + x Q x.

    Attributes:
        linear: (D,).
        matrix: Q, (D, D), symmetric.
    """

    linear: Array
    matrix: Array

    @property
    def n_parameters(self) -> int:
        """Fitted numbers; Q's mirrored half does not count."""
        width = len(self.linear)
        return width + width * (width + 1) // 2

    def values(self, inputs: Array) -> Array:
        """Its values, (N,)."""
        return np.asarray(np.einsum("ni,ni->n", inputs @ self.matrix + self.linear, inputs))

    def write(self, graph: GraphWriter, inputs: Any) -> Any:
        """Nodes for its values, (N, 1)."""
        op = graph.op
        slope = op.Gemm(inputs, graph.constant(self.matrix), graph.constant(self.linear))
        return op.ReduceSum(op.Mul(slope, inputs), graph.constant(np.array([1])), keepdims=1)

    def scaled(self, factor: float) -> QuadraticTerm:
        """The term times a number."""
        return QuadraticTerm(self.linear * factor, self.matrix * factor)

    def rounded(self) -> QuadraticTerm:
        """The term in numbers that float32 holds."""
        return QuadraticTerm(float32(self.linear), float32(self.matrix))


CentreKernel = Literal["rbf", "laplace"]


def centre_kernel(kind: CentreKernel, squared: Array) -> Array:
    """Kernel values from squared distances in units of the kernel's width.

    ``rbf``: exp(-r^2 / 2). ``laplace``: exp(-r), with its cusp rounded: exp(s - sqrt(r^2 + s^2)).
    """
    if kind == "rbf":
        return np.asarray(np.exp(-0.5 * squared))
    return np.asarray(np.exp(SMOOTHING - np.sqrt(squared + SMOOTHING**2)))


@dataclass(frozen=True)
class CentreTerm:
    """A kernel expansion around learned centres: sum of coefficient * k(x, centre).

    Attributes:
        kind: The kernel.
        width: Its width; distances are divided by it.
        axes: Orthonormal axes that inputs are projected on, (D, P); None without projection.
        centres: Centres among the projected inputs, (M, P).
        coefficients: (M,).
    """

    kind: CentreKernel
    width: float
    axes: Array | None
    centres: Array
    coefficients: Array

    @property
    def n_parameters(self) -> int:
        """Fitted numbers."""
        return self.centres.size + len(self.coefficients)

    def values(self, inputs: Array) -> Array:
        """Its values, (N,)."""
        result = np.empty(len(inputs))
        for start in range(0, len(inputs), _CHUNK):
            rows = slice(start, start + _CHUNK)
            squared = squared_distances(project(inputs[rows], self.axes), self.centres)
            kernel = centre_kernel(self.kind, squared / self.width**2)
            result[rows] = kernel @ self.coefficients
        return result

    def write(self, graph: GraphWriter, inputs: Any) -> Any:
        """Nodes for its values, (N, 1)."""
        op = graph.op

        def distances() -> Any:
            x = inputs if self.axes is None else op.MatMul(inputs, graph.constant(self.axes))
            own = op.ReduceSum(op.Mul(x, x), graph.constant(np.array([1])), keepdims=1)
            lengths = np.einsum("ij,ij->i", self.centres, self.centres)
            cross = op.Gemm(x, graph.constant(-2 * self.centres.T), graph.constant(lengths))
            return op.Relu(op.Add(cross, own))

        # Kernels around the same centres of one fit share their distances.
        squared = graph.shared(b"distances" + self.centres.tobytes(), distances)
        squared = op.Mul(squared, graph.constant(1 / self.width**2))
        if self.kind == "rbf":
            kernel = op.Exp(op.Mul(squared, graph.constant(-0.5)))
        else:
            root = op.Sqrt(op.Add(squared, graph.constant(SMOOTHING**2)))
            kernel = op.Exp(op.Sub(graph.constant(SMOOTHING), root))
        return op.MatMul(kernel, graph.constant(self.coefficients[:, None]))

    def scaled(self, factor: float) -> CentreTerm:
        """The term times a number."""
        return replace(self, coefficients=self.coefficients * factor)

    def rounded(self) -> CentreTerm:
        """The term in numbers that float32 holds."""
        return replace(
            self,
            axes=None if self.axes is None else float32(self.axes),
            centres=float32(self.centres),
            coefficients=float32(self.coefficients),
        )


def project(inputs: Array, axes: Array | None) -> Array:
    """Inputs on the axes of a centre term."""
    return inputs if axes is None else inputs @ axes


@dataclass(frozen=True)
class AdditiveHead:
    """A weighted sum of terms behind a logistic link.

    Attributes:
        inputs: The feature transforms.
        terms: Transform and term of each summand; weights are already in them.
        intercept: The constant.
        facts: What :meth:`describe` tells beside the parameters.
    """

    inputs: Inputs
    terms: tuple[tuple[TransformName, Term], ...]
    intercept: float
    facts: dict[str, Any]

    @property
    def imputation(self) -> Array:
        """Value that takes the place of a missing one, (F,)."""
        return self.inputs.missing.imputation

    @property
    def n_parameters(self) -> int:
        """Fitted numbers."""
        return 1 + sum(term.n_parameters for _, term in self.terms)

    def predict(self, features: Array, encoder_onehot: Array) -> Array:
        """Predict MOS, (N,), from features, (N, F); the encoder plays no part."""
        result = np.empty(len(features))
        for start in range(0, len(features), _CHUNK):
            rows = slice(start, start + _CHUNK)
            scores = self.inputs.scores(features[rows])
            logits = np.full(len(features[rows]), self.intercept)
            for name, term in self.terms:
                logits += term.values(scores[name])
            result[rows] = unlink(logits)
        return result

    def write(self, graph: GraphWriter) -> Any:
        """Nodes for :meth:`predict`, (N, 1)."""
        op = graph.op
        inputs = self.inputs.write(graph)
        parts = [term.write(graph, inputs[name]) for name, term in self.terms]
        logits = parts[0] if len(parts) == 1 else op.Sum(*parts)
        share = op.Sigmoid(op.Add(logits, graph.constant(self.intercept)))
        mos = op.Add(op.Mul(share, graph.constant(LINK_HIGH - LINK_LOW)), graph.constant(LINK_LOW))
        low, high = MOS_RANGE
        return op.Clip(mos, graph.constant(low), graph.constant(high))

    def describe(self) -> dict[str, Any]:
        """What was chosen, as JSON."""
        return self.facts
