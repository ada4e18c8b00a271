"""Training: the gradient, the start, and what a net makes of odd columns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from moshead.heads.network import forward, net_forward
from moshead.heads.neural.recipe import Recipe, recipe_for
from moshead.heads.neural.starts import NetPlan, closed_form_start, starts_of
from moshead.heads.neural.training import _Batch, train_nets
from moshead.heads.rounding import round_to_float32
from provenance.toolkit import InputError
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge


def rows(n=80, width=6, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, width)) * rng.uniform(0.1, 10, width) + rng.normal(size=width)
    mos = np.clip(3 + 0.2 * (features / features.std(axis=0)).sum(axis=1), 1.1, 4.9)
    return features, mos


def test_the_gradient_is_that_of_autograd():
    features, mos = rows()
    recipe = Recipe(hidden=7, batch=16, plcc_weight=0.5)
    plans = [NetPlan(np.arange(80), (seed,)) for seed in range(3)]
    starts = starts_of(features, mos, plans, recipe)
    batch = _Batch(features, mos, plans, starts, recipe, torch.device("cpu"))
    batch.theta += 0.1 * torch.randn(batch.theta.shape, dtype=torch.float64)
    order = batch._epoch_order()[0]
    x, labels = batch.inputs_of(order), batch.mos[order]
    bend = batch.bend[batch.numbers, order]
    assert bend.abs().max() > 0
    batch.compute_gradient(x, bend, labels)
    theta = batch.theta.clone().requires_grad_()
    p = batch._views(theta)
    hidden = torch.nn.functional.layer_norm(torch.bmm(x, p["w1"]), [7], eps=1e-5)
    t = torch.tanh(hidden * p["ln_gamma"] + p["ln_beta"])
    logit = (torch.bmm(t, p["w2"]) + torch.bmm(x, p["skip"])).squeeze(-1) + bend
    predicted = 1 + 4 * torch.sigmoid(logit)
    mse = ((predicted - labels) ** 2).mean(dim=1) / batch.variance[:, 0]
    stacked = torch.stack([predicted, labels], dim=1)
    r = torch.stack([torch.corrcoef(pair)[0, 1] for pair in stacked])
    (mse + 0.5 * (1 - r)).sum().backward()
    assert theta.grad is not None
    assert torch.allclose(batch.gradient, theta.grad, rtol=1e-9, atol=1e-12)


def logits(mos):
    share = np.clip((mos - 1) / 4, 0.01, 0.99)
    return np.log(share / (1 - share))


def test_the_linear_start_is_scikit_learns_ridge():
    features, mos = rows()
    z = (features - features.mean(axis=0)) / features.std(axis=0)
    start = closed_form_start(z, mos, 50.0, reach=0)
    expected = Ridge(alpha=50.0).fit(z, logits(mos))
    assert start.linear == pytest.approx(expected.coef_)
    assert start.intercept == pytest.approx(expected.intercept_)
    assert start.quadratic is None


@pytest.mark.parametrize("n", [20, 200])
def test_the_start_is_scikit_learns_kernel_ridge_in_rows_and_in_monomials(n):
    features, mos = rows(n)
    z = (features - features.mean(axis=0)) / features.std(axis=0)
    start = closed_form_start(z, mos, 50.0, reach=5)
    target = logits(mos)
    peer = KernelRidge(alpha=2 * 50 / 30, kernel="poly", degree=2, gamma=1 / 30, coef0=1)
    expected = peer.fit(z, target - target.mean()).predict(z) + target.mean()
    assert start.quadratic is not None
    bend = np.einsum("ni,ij,nj->n", z, start.quadratic, z)
    assert start.intercept + z @ start.linear + bend == pytest.approx(expected)
    assert start.quadratic == pytest.approx(start.quadratic.T)
    assert start.quadratic.any()


def test_the_numpy_net_is_the_torch_net():
    features, mos = rows()
    net = train_nets(features, mos, [NetPlan(np.arange(80), (1,))], Recipe(hidden=9))[0]
    extreme = np.concatenate([features, 1e6 * features[:3], -1e6 * features[:3]])
    z = torch.from_numpy((extreme - net.mean) / net.std).clamp(-net.clip, net.clip)
    x = torch.cat([z, torch.ones(len(z), 1, dtype=torch.float64)], dim=1)
    weights = {
        name: torch.from_numpy(np.asarray(getattr(net, name)))
        for name in ("w1", "b1", "ln_gamma", "ln_beta", "w2", "b2", "skip", "quadratic")
    }
    hidden = torch.nn.functional.layer_norm(
        x @ weights["w1"] + weights["b1"], [9], weights["ln_gamma"], weights["ln_beta"]
    )
    logit = torch.tanh(hidden) @ weights["w2"] + weights["b2"] + x @ weights["skip"]
    logit = logit + torch.einsum("ni,ij,nj->n", x, weights["quadratic"], x)
    expected = (1 + 4 * torch.sigmoid(logit)).numpy()
    predicted = net_forward(net, extreme, np.ones((len(extreme), 1)))
    assert predicted == pytest.approx(expected, abs=1e-9)
    assert ((predicted >= 1) & (predicted <= 5)).all()


def test_weights_are_exact_in_float32():
    features, mos = rows()
    net = train_nets(features, mos, [NetPlan(np.arange(80), (1,))], Recipe(hidden=9))[0]
    for name in ("mean", "std", "w1", "b1", "ln_gamma", "w2", "b2", "skip", "quadratic"):
        values = np.asarray(getattr(net, name))
        assert (values.astype(np.float32).astype(np.float64) == values).all(), name


def test_rounding_hides_what_instruction_sets_disagree_on():
    values = np.random.default_rng(0).normal(size=100_000)
    disagreement = values * (1 + 3e-15)
    assert (round_to_float32(values) == round_to_float32(disagreement)).mean() > 0.99999
    assert round_to_float32(values) == pytest.approx(values, rel=2.0**-18)
    assert round_to_float32(np.array([0.0, 1.0, -2.5])).tolist() == [0.0, 1.0, -2.5]


def test_a_constant_column_has_no_influence():
    features, mos = rows()
    features[:, 2] = 7.0
    net = train_nets(features, mos, [NetPlan(np.arange(80), (1,))], Recipe(hidden=9))[0]
    moved = features.copy()
    moved[:, 2] = 1e9
    ones = np.ones((80, 1))
    assert (net_forward(net, moved, ones) == net_forward(net, features, ones)).all()


def test_missing_values_count_as_the_medians_of_the_nets_own_rows():
    features, mos = rows()
    holes = features.copy()
    holes[5, 1] = np.nan
    training = np.arange(60)
    filled = features.copy()
    filled[5, 1] = np.nanmedian(holes[training, 1])
    plan = [NetPlan(training, (1,))]
    with_holes = train_nets(holes, mos, plan, Recipe(hidden=9))[0]
    without = train_nets(filled, mos, plan, Recipe(hidden=9))[0]
    assert (with_holes.w1 == without.w1).all()
    assert (with_holes.skip == without.skip).all()


def test_rows_that_a_net_may_not_see_do_not_change_it():
    features, mos = rows()
    training = np.arange(60)
    other_features, other_mos = features.copy(), mos.copy()
    other_features[60:] *= 100
    other_mos[60:] = 1.0
    plan = [NetPlan(training, (1,))]
    first = train_nets(features, mos, plan, Recipe(hidden=9))[0]
    second = train_nets(other_features, other_mos, plan, Recipe(hidden=9))[0]
    assert (first.w1 == second.w1).all()
    assert (first.mean == second.mean).all()


def test_an_ensemble_is_the_mean_of_its_nets():
    from moshead.features import load_schema
    from moshead.heads import Head

    features, mos = rows(width=11)
    plans = [NetPlan(np.arange(80), (seed,)) for seed in range(3)]
    nets = train_nets(features, mos, plans, Recipe(hidden=5))
    ones = np.ones((80, 1))
    head = Head(tuple(nets), load_schema("konvid-v1"), {})
    expected = np.mean([net_forward(net, features, ones) for net in nets], axis=0)
    assert forward(head, features, ones) == pytest.approx(expected)
    assert len({net.w1.tobytes() for net in nets}) == 3


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_refused():
    features, mos = rows()
    with pytest.raises(InputError, match="cuda"):
        train_nets(features, mos, [NetPlan(np.arange(80), (1,))], Recipe(), device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_trains_the_same_head_but_for_rounding():
    features, mos = rows()
    plan = [NetPlan(np.arange(80), (1,))]
    cpu = train_nets(features, mos, plan, Recipe(hidden=9))[0]
    cuda = train_nets(features, mos, plan, Recipe(hidden=9), device="cuda")[0]
    assert cuda.w1 == pytest.approx(cpu.w1, abs=1e-4)


def test_recipes_grow_with_the_corpus():
    small, large = recipe_for(960, 99), recipe_for(120_000, 11)
    assert small.hidden > large.hidden
    assert small.batch < large.batch
    assert recipe_for(960, 99, epochs=3).epochs == 3
