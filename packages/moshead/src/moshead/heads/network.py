"""The head: its weights, and what it computes, in numpy.

One net maps the F raw feature values ``f`` and the V-wide encoder one-hot ``e`` of a clip to a MOS:

    x = [clip((f - mean) / std, -c, c), e]
    y = 1 + 4 * sigmoid(w2 . tanh(LayerNorm(x w1 + b1)) + b2 + x . skip + x Q x)

LayerNorm is that of Ba, Kiros and Hinton 2016 (arXiv:1607.06450), over the H hidden units. A head
is one net, or several whose MOS are averaged. Training (``moshead.heads.nets``) and the ONNX graph
(``moshead.heads.graph``) are held to this definition by tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from moshead.features.domain import ENCODER_VOCAB, MOS_RANGE, Array, CorpusKind

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from moshead.domain import Domain
    from moshead.features.schemas import FeatureSchema
    from moshead.gate.report import GateReport
    from moshead.heads.protocol import GraphWriter, Net

LAYER_NORM_EPSILON = 1e-5


@dataclass(frozen=True)
class HeadWeights:
    """The parameters of one net, float64 arrays whose values are all exact in float32.

    Attributes:
        mean: Training mean of each feature, (F,).
        std: Training standard deviation of each feature, (F,), 1 where the feature is constant.
        clip: Bound of the z-scores, in standard deviations.
        w1: Hidden weights, (F + V, H).
        b1: Hidden bias, (H,).
        ln_gamma: LayerNorm scale, (H,).
        ln_beta: LayerNorm shift, (H,).
        w2: Output weights, (H,).
        b2: Output bias, ().
        skip: Linear weights from the inputs to the output logit, (F + V,).
        quadratic: Q, how pairs of inputs bend the output logit, (F + V, F + V), symmetric; None
            where a net has none.
    """

    mean: Array
    std: Array
    clip: float
    w1: Array
    b1: Array
    ln_gamma: Array
    ln_beta: Array
    w2: Array
    b2: Array
    skip: Array
    quadratic: Array | None = None

    @property
    def n_parameters(self) -> int:
        """Fitted numbers; the scaling is measured and not counted, nor Q's mirrored half."""
        trained = (self.w1, self.b1, self.ln_gamma, self.ln_beta, self.w2, self.b2, self.skip)
        width = 0 if self.quadratic is None else len(self.skip)
        return sum(int(np.size(array)) for array in trained) + width * (width + 1) // 2

    def predict(self, features: Array, encoder_onehot: Array) -> Array:
        """Predict MOS, (N,), from finite features (N, F) and encoders (N, V)."""
        return net_forward(self, features, encoder_onehot)

    def write(self, graph: GraphWriter) -> Any:
        """Nodes for :meth:`predict`, (N, 1)."""
        op, constant = graph.op, graph.constant

        def scaled() -> Any:
            z = op.Div(op.Sub(graph.features, constant(self.mean)), constant(self.std))
            z = op.Clip(z, constant(-self.clip), constant(self.clip))
            return op.Concat(z, graph.encoder, axis=1)

        identity = b"".join(np.asarray(a).tobytes() for a in (self.mean, self.std, self.clip))
        x = graph.shared(identity, scaled)
        hidden = op.Gemm(x, constant(self.w1), constant(self.b1))
        normal = op.LayerNormalization(
            hidden,
            constant(self.ln_gamma),
            constant(self.ln_beta),
            axis=-1,
            epsilon=LAYER_NORM_EPSILON,
        )
        bent = op.Gemm(
            op.Tanh(normal),
            constant(np.reshape(self.w2, (-1, 1))),
            constant(np.reshape(self.b2, (1,))),
        )
        logit = op.Add(bent, op.MatMul(x, constant(np.reshape(self.skip, (-1, 1)))))
        if self.quadratic is not None:
            pairs = op.Mul(op.MatMul(x, constant(self.quadratic)), x)
            logit = op.Add(logit, op.ReduceSum(pairs, constant(np.array([1])), keepdims=1))
        low, high = MOS_RANGE
        return op.Add(op.Mul(op.Sigmoid(logit), constant(high - low)), constant(low))


@dataclass(frozen=True)
class Head:
    """A trained head.

    Attributes:
        nets: The fitted heads whose MOS are averaged, at least one.
        schema: The feature columns, in input order.
        imputation: Training median of each feature, put in place of non-finite values before
            the graph.
        encoder_vocab: Meaning of the V slots of the encoder one-hot.
    """

    nets: tuple[Net, ...]
    schema: FeatureSchema
    imputation: dict[str, float]
    encoder_vocab: tuple[str, ...] = ENCODER_VOCAB

    @property
    def n_parameters(self) -> int:
        """Trained numbers of all nets."""
        return sum(net.n_parameters for net in self.nets)


@dataclass(frozen=True)
class TrainingResult:
    """What a training run hands to the writers of its artefacts.

    Attributes:
        model_id: Name of the head, e.g. ``konvid_mos_head_v1``.
        head: The head trained on all training rows; what is shipped.
        corpus_kind: ``real``, or what kind of synthetic rows these were; only ``real`` can be
            ``Accepted``.
        gate: The verdict, with every number that it rests on.
        oof: Out-of-fold predictions, columns ``key, fold, seed, mos, mos_pred`` (and ``group``
            if there are groups): one row per evaluated clip row and seed.
        fold_nets: The fitted heads of the folds, for CV+ intervals: ``fold_nets[fold]`` holds
            those of the first seed first, ``--ensemble`` of them for each seed.
        fold_of_row: Fold that evaluated each training row, (N,), -1 where none did.
        residuals: Absolute out-of-fold residual of each training row, averaged over seeds
            first, (N,), NaN where no fold evaluated the row.
        features: Imputed feature values of the training rows, (N, F).
        feature_mean: Mean of each feature over the rows that the head was fitted to, medians for
            missing values, (F,).
        feature_std: Its standard deviation, (F,); 1 where it is constant.
        mos: Labels of the training rows, (N,).
        keys: Clip keys of the training rows, (N,).
        folds: Fold description: ``{"k", "kind", "seed", "sizes"}``.
        seeds: Seeds of the weights and the shuffling.
        recipe: Everything that shapes training, as the manifest's ``training_recipe``.
        corpus: Counts for the manifest: ``clips, groups, rows, labels_dropped, sources, ...``.
        fill: Share of rows filled, by column, for the columns that the schema allows to fill.
        notes: Sentences that card and manifest must carry (constant columns, HDR, and the like).
        training_rows: Fingerprints of what the training rows hold, as text.
        alignment: Maps from the common scale of several corpora to their own: ``kind, reference,
            maps, doubts``; None where none were aligned.
        common_mos: Labels on the common scale, (N,), each under the maps of the fold that held
            it out; None where none were aligned.
        away: The head of all other corpora on each corpus.
        domain: What the training rows look like; None where nothing describes them.
        scales: Factor of each row's interval under the fold that held it out, (N,).
    """

    model_id: str
    head: Head
    corpus_kind: CorpusKind
    gate: GateReport
    oof: pa.Table
    fold_nets: tuple[tuple[Net, ...], ...]
    fold_of_row: NDArray[np.int64]
    residuals: Array
    features: Array
    feature_mean: Array
    feature_std: Array
    mos: Array
    keys: tuple[str, ...]
    folds: dict[str, Any]
    seeds: tuple[int, ...]
    recipe: dict[str, Any]
    corpus: dict[str, Any]
    fill: dict[str, float]
    notes: tuple[str, ...] = field(default=())
    training_rows: str = ""
    alignment: dict[str, Any] | None = None
    common_mos: Array | None = None
    away: tuple[dict[str, Any], ...] = ()
    domain: Domain | None = None
    scales: Array | None = None


def forward(head: Head, features: Array, encoder_onehot: Array) -> Array:
    """Predict MOS with a head.

    Args:
        head: The head.
        features: Raw feature values, (N, F), finite (see ``Head.imputation``).
        encoder_onehot: Encoder of each row, (N, V).

    Returns:
        MOS in [1, 5], (N,).
    """
    outputs = [net.predict(features, encoder_onehot) for net in head.nets]
    return np.asarray(np.mean(outputs, axis=0))


def net_forward(net: HeadWeights, features: Array, encoder_onehot: Array) -> Array:
    """Predict MOS with one net; arguments and result as in :func:`forward`."""
    z = np.clip((features - net.mean) / net.std, -net.clip, net.clip)
    x = np.concatenate([z, encoder_onehot], axis=1)
    hidden = x @ net.w1 + net.b1
    centred = hidden - hidden.mean(axis=1, keepdims=True)
    variance = np.mean(centred**2, axis=1, keepdims=True)
    normal = centred / np.sqrt(variance + LAYER_NORM_EPSILON) * net.ln_gamma + net.ln_beta
    logit = np.tanh(normal) @ net.w2 + net.b2 + x @ net.skip
    if net.quadratic is not None:
        logit = logit + np.einsum("ni,ni->n", x @ net.quadratic, x)
    low, high = MOS_RANGE
    # tanh form of the sigmoid: no overflow at extreme logits.
    return np.asarray(low + (high - low) * 0.5 * (1.0 + np.tanh(0.5 * logit)))
