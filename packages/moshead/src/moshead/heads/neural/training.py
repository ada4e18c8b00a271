"""Training: all nets at once, batched over folds and seeds, bit-identical on any x86-64 CPU.

Reductions in float64 differ between instruction sets and thread counts by a few 1e-16. Nothing
here amplifies that much (smooth activations, a closed-form start), and the finished weights are
rounded to 18 bits (``moshead.heads.rounding``), which float32 holds exactly: a difference survives
only where it straddles a rounding border, about once in 1e9 weights. So weights come from numpy's
generator (torch's float32 draws depend on the instruction set), all arithmetic is float64, and
the rounding comes last.

The gradient is written out rather than left to autograd, because at these sizes bookkeeping costs
more than arithmetic; a test holds it to autograd.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from provenance.toolkit import InputError

from moshead.features.domain import ENCODER_VOCAB, MOS_RANGE, Array
from moshead.heads.network import LAYER_NORM_EPSILON, HeadWeights
from moshead.heads.neural.starts import ClosedForm, NetPlan, Start, starts_of
from moshead.heads.rounding import round_to_float32

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from moshead.heads.neural.recipe import Recipe

_ADAM_BETAS = (0.9, 0.999)
_ADAM_EPSILON = 1e-8


def train_nets(
    features: Array,
    mos: Array,
    plans: Sequence[NetPlan],
    recipe: Recipe,
    *,
    device: str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> list[HeadWeights]:
    """Train one net for each plan, all together.

    Args:
        features: Feature values, (N, F); a NaN counts as the median of the net's own rows.
        mos: Labels in [1, 5], (N,).
        plans: What to train; at least one, each with varying MOS.
        recipe: How.
        device: ``cpu`` or ``cuda``; only the CPU is bit-identical.
        progress: Called after each epoch with epochs done and epochs in all.

    Returns:
        The nets, in the order of ``plans``.

    Raises:
        InputError: The device does not exist here.
    """
    starts = starts_of(features, mos, plans, recipe)
    if device != "cpu":
        if not torch.cuda.is_available():
            raise InputError(
                f"the device {device!r} is not available here",
                fix="Train with --device cpu",
                code="training.no-such-device",
            )
        batches = [_Batch(features, mos, plans, starts, recipe, torch.device(device))]
        workers = 1
    else:
        workers = min(torch.get_num_threads(), len(plans))
        size = math.ceil(len(plans) / workers)
        batches = [
            _Batch(features, mos, plans[share], starts[share], recipe, torch.device("cpu"))
            for share in (slice(at, at + size) for at in range(0, len(plans), size))
        ]
    with _one_thread_each(), ThreadPoolExecutor(workers) as pool:
        try:
            for epoch in range(recipe.epochs):
                # A worker per share of the nets, rather than threads inside each operation: at
                # these sizes those would spend their time waiting for each other.
                list(pool.map(_Batch.run_epoch, batches))
                if progress is not None:
                    progress(epoch + 1, recipe.epochs)
        except BaseException:
            for batch in batches:
                batch.stopped = True
            raise
    return [net for batch in batches for net in batch.nets()]


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Keep torch's operations to the thread that calls them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class _Batch:
    """The nets in training: their parameters side by side, (M, P), and their optimiser."""

    def __init__(
        self,
        features: Array,
        mos: Array,
        plans: Sequence[NetPlan],
        starts: Sequence[Start],
        recipe: Recipe,
        device: torch.device,
    ) -> None:
        self.recipe, self.plans, self.device = recipe, plans, device
        self.inputs = features.shape[1] + len(ENCODER_VOCAB)
        # Copies, since torch warns of arrays that it could not write to, as those of Arrow are.
        self.features = torch.from_numpy(np.array(features, order="C")).to(device)
        self.mos = torch.from_numpy(np.array(mos)).to(device)
        self.mean = self._stack([start.mean for start in starts])
        self.inverse = self._stack([np.where(s.constant, 0.0, 1.0 / s.std) for s in starts])
        self.missing = bool(np.isnan(features).any())
        self.medians = self._stack([start.median_scores for start in starts])
        self.bend = self._stack([start.bend for start in starts])
        self.row_weights: torch.Tensor | None = None
        if any(plan.row_weights is not None for plan in plans):
            self.row_weights = self._stack([_everywhere(plan, len(mos)) for plan in plans])
        self.numbers = torch.arange(len(plans), device=device)[:, None]
        self.variance = self._stack([[mos[plan.rows].var()] for plan in plans])
        self.draws = [np.random.Generator(np.random.PCG64(list(plan.seed))) for plan in plans]
        self.starts = starts
        self.theta = self._stack(
            [self._initial(*each) for each in zip(starts, self.draws, strict=True)]
        )
        self.gradient = torch.zeros_like(self.theta)
        self.first = torch.zeros_like(self.theta)
        self.second = torch.zeros_like(self.theta)
        self.parameters = self._views(self.theta)
        self.gradients = self._views(self.gradient)
        skip = self.theta.shape[1] - self.inputs - 1
        self.shares = ((slice(0, skip), 1.0), (slice(skip, None), recipe.skip_rate))
        longest = max(len(plan.rows) for plan in plans)
        self.batch = min(recipe.batch, longest)
        self.steps_per_epoch = max(1, round(longest / self.batch))
        self.step = 0
        self.stopped = False

    def _stack(self, arrays: Sequence[Any]) -> torch.Tensor:
        return torch.from_numpy(np.stack([np.asarray(a, dtype=np.float64) for a in arrays])).to(
            self.device
        )

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        inputs, hidden = self.inputs, self.recipe.hidden
        # Biases ride along as the last row of the matrix that they belong to.
        return {
            "w1": (inputs + 1, hidden),
            "ln_gamma": (1, hidden),
            "ln_beta": (1, hidden),
            "w2": (hidden, 1),
            "skip": (inputs + 1, 1),
        }

    def _views(self, flat: torch.Tensor) -> dict[str, torch.Tensor]:
        views, offset = {}, 0
        for name, shape in self._shapes().items():
            size = math.prod(shape)
            views[name] = flat[:, offset : offset + size].view(len(self.plans), *shape)
            offset += size
        return views

    def _initial(self, start: Start, draw: np.random.Generator) -> Array:
        """Hidden weights uniform within 1 / sqrt(fan in), and the closed form as the rest.

        The hidden units start with no say in the output: a net that starts elsewhere spends its
        few steps unlearning the difference, and ends where its seed took it.
        """
        hidden = self.recipe.hidden
        bound = 1 / math.sqrt(self.inputs)
        w1 = draw.uniform(-bound, bound, (self.inputs + 1, hidden))
        w1[: len(start.constant)][start.constant] = 0.0
        form = start.form
        skip = np.concatenate([form.linear, np.zeros(len(ENCODER_VOCAB)), [form.intercept]])
        return np.concatenate([w1.ravel(), np.ones(hidden), np.zeros(2 * hidden), skip])

    def _epoch_order(self) -> torch.Tensor:
        """Rows of each step, (steps, M, B): a fresh permutation for each net, wrapped to fill."""
        needed = self.steps_per_epoch * self.batch
        orders = [
            np.resize(draw.permutation(plan.rows), needed)
            for plan, draw in zip(self.plans, self.draws, strict=True)
        ]
        order = np.stack(orders).reshape(len(self.plans), self.steps_per_epoch, self.batch)
        return torch.from_numpy(np.ascontiguousarray(order.swapaxes(0, 1))).to(self.device)

    @torch.no_grad()
    def run_epoch(self) -> None:
        """One pass over the rows."""
        for rows in self._epoch_order():
            if self.stopped:
                return
            self.compute_gradient(
                self.inputs_of(rows),
                self.bend[self.numbers, rows],
                self.mos[rows],
                None if self.row_weights is None else self.row_weights[self.numbers, rows],
            )
            self._update()

    def inputs_of(self, rows: torch.Tensor) -> torch.Tensor:
        """Scaled and clipped inputs with the encoder slots and a 1 for the bias, (M, B, D + 1)."""
        nets, batch = rows.shape
        x = torch.ones((nets, batch, self.inputs + 1), dtype=torch.float64, device=self.device)
        z = (self.features[rows] - self.mean[:, None]) * self.inverse[:, None]
        if self.missing:
            z = torch.where(z.isnan(), self.medians[:, None], z)
        x[..., : z.shape[-1]] = z.clamp_(-self.recipe.clip, self.recipe.clip)
        return x

    def compute_gradient(
        self,
        x: torch.Tensor,
        bend: torch.Tensor,
        mos: torch.Tensor,
        row_weights: torch.Tensor | None = None,
    ) -> None:
        """Fill ``gradient`` for one batch: inputs (M, B, D + 1); x Q x, labels, weights (M, B)."""
        p, g = self.parameters, self.gradients
        hidden = self.recipe.hidden
        a = torch.bmm(x, p["w1"])
        normal, mean, rstd = torch.ops.aten.native_layer_norm(
            a, [hidden], None, None, LAYER_NORM_EPSILON
        )
        t = torch.addcmul(p["ln_beta"], normal, p["ln_gamma"]).tanh_()
        logit = torch.bmm(t, p["w2"]).add_(torch.bmm(x, p["skip"])).squeeze(-1).add_(bend)
        sigmoid = torch.sigmoid(logit)
        low, high = MOS_RANGE
        predicted = low + (high - low) * sigmoid
        d_logit = self._loss_gradient(predicted, mos, row_weights)
        d_logit = d_logit * (high - low) * sigmoid * (1 - sigmoid)
        d_logit = d_logit.unsqueeze(-1)
        torch.bmm(x.transpose(1, 2), d_logit, out=g["skip"])
        torch.bmm(t.transpose(1, 2), d_logit, out=g["w2"])
        d_t = d_logit * p["w2"].transpose(1, 2)
        d_u = torch.ops.aten.tanh_backward(d_t, t)
        torch.sum(d_u, dim=1, keepdim=True, out=g["ln_beta"])
        torch.sum(d_u * normal, dim=1, keepdim=True, out=g["ln_gamma"])
        d_a, _, _ = torch.ops.aten.native_layer_norm_backward(
            d_u.mul_(p["ln_gamma"]), a, [hidden], mean, rstd, None, None, [True, False, False]
        )
        torch.bmm(x.transpose(1, 2), d_a, out=g["w1"])

    def _loss_gradient(
        self, predicted: torch.Tensor, mos: torch.Tensor, row_weights: torch.Tensor | None
    ) -> torch.Tensor:
        """d/dy of MSE / Var + w (1 - PLCC), with the batch's PLCC, (M, B)."""
        if row_weights is not None:
            return self._weighted_loss_gradient(predicted, mos, row_weights)
        error = predicted - mos
        gradient = error * (2.0 / (error.shape[1] * self.variance))
        centred = predicted - predicted.mean(dim=1, keepdim=True)
        labels = mos - mos.mean(dim=1, keepdim=True)
        # A batch may hold one MOS only; its PLCC has no gradient then.
        own = (centred * centred).sum(dim=1, keepdim=True).clamp_(min=1e-12).sqrt_()
        other = (labels * labels).sum(dim=1, keepdim=True).clamp_(min=1e-12).sqrt_()
        r = (centred * labels).sum(dim=1, keepdim=True) / (own * other)
        slope = (labels / other - r * centred / own) / own
        return gradient - self.recipe.plcc_weight * slope

    def _weighted_loss_gradient(
        self, predicted: torch.Tensor, mos: torch.Tensor, row_weights: torch.Tensor
    ) -> torch.Tensor:
        """The same where every mean, variance and covariance over rows is weighted."""
        error = predicted - mos
        gradient = row_weights * error * (2.0 / (error.shape[1] * self.variance))
        shares = row_weights / row_weights.sum(dim=1, keepdim=True)
        centred = predicted - (shares * predicted).sum(dim=1, keepdim=True)
        labels = mos - (shares * mos).sum(dim=1, keepdim=True)
        own = (shares * centred * centred).sum(dim=1, keepdim=True).clamp_(min=1e-12).sqrt_()
        other = (shares * labels * labels).sum(dim=1, keepdim=True).clamp_(min=1e-12).sqrt_()
        r = (shares * centred * labels).sum(dim=1, keepdim=True) / (own * other)
        slope = shares * (labels / other - r * centred / own) / own
        return gradient - self.recipe.plcc_weight * slope

    def _update(self) -> None:
        """One step of AdamW with a cosine from the full rate to 0."""
        recipe = self.recipe
        total = recipe.epochs * self.steps_per_epoch
        rate = recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * self.step / total))
        self.step += 1
        beta1, beta2 = _ADAM_BETAS
        self.first.lerp_(self.gradient, 1 - beta1)
        self.second.mul_(beta2).addcmul_(self.gradient, self.gradient, value=1 - beta2)
        bias1, bias2 = 1 - beta1**self.step, 1 - beta2**self.step
        scale = (self.second / bias2).sqrt_().add_(_ADAM_EPSILON)
        for part, share in self.shares:
            theta = self.theta[:, part]
            theta.mul_(1 - share * rate * recipe.weight_decay)
            theta.addcdiv_(self.first[:, part], scale[:, part], value=-share * rate / bias1)

    def nets(self) -> list[HeadWeights]:
        """The trained nets, rounded."""
        parameters = {
            name: round_to_float32(values.cpu().numpy()) for name, values in self.parameters.items()
        }
        return [
            HeadWeights(
                mean=start.mean,
                std=start.std,
                clip=self.recipe.clip,
                w1=parameters["w1"][net, :-1],
                b1=parameters["w1"][net, -1],
                ln_gamma=parameters["ln_gamma"][net, 0],
                ln_beta=parameters["ln_beta"][net, 0],
                w2=parameters["w2"][net, :, 0],
                b2=parameters["skip"][net, -1, 0],
                skip=parameters["skip"][net, :-1, 0],
                quadratic=self._quadratic(start.form),
            )
            for net, start in enumerate(self.starts)
        ]

    def _quadratic(self, form: ClosedForm) -> Array | None:
        if form.quadratic is None:
            return None
        width = len(form.quadratic)
        padded = np.zeros((self.inputs, self.inputs))
        padded[:width, :width] = round_to_float32(form.quadratic)
        return padded


def _everywhere(plan: NetPlan, rows: int) -> Array:
    """Weights of a net's rows by row of the corpus, (N,)."""
    weights = np.ones(rows)
    if plan.row_weights is not None:
        weights[plan.rows] = plan.row_weights
    return weights
