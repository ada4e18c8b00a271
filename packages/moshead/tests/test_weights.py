"""Weights of rows: what they compute, what they are worth, and how a run reports them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import moshead
import numpy as np
import pytest
import torch
from moshead.heads.closed_form.additive import link
from moshead.heads.closed_form.assembly import prepare
from moshead.heads.closed_form.label_weights import (
    LEAST_SHARE,
    label_error_weights,
    residual_variance,
)
from moshead.heads.closed_form.leave_out import LeastSquares, Units, fit_gram
from moshead.heads.closed_form.members import nonlinear_members
from moshead.heads.closed_form.quadratic import quadratic_member
from moshead.heads.closed_form.whole import on_all_rows
from moshead.heads.families import load_family
from moshead.heads.neural.recipe import Recipe
from moshead.heads.neural.starts import NetPlan, closed_form_start, starts_of
from moshead.heads.neural.training import _Batch
from moshead.heads.protocol import FitOptions, Plan, TrainingRows
from provenance.toolkit import InputError
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge


def weights_of(rows, seed=0):
    weights = np.random.default_rng(seed).uniform(0.2, 3, rows)
    return weights / weights.mean()


def noisy(rows=300, seed=0, width=5, low=0.05, high=1.0):
    """Features, true quality, labels with noise of known and unequal size, and that size."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, width))
    truth = 3 + 0.45 * x[:, 0] - 0.3 * x[:, 1] + 0.2 * x[:, 2] * x[:, 3]
    error = np.where(rng.random(rows) < 0.5, low, high)
    return x, truth, np.clip(truth + error * rng.normal(size=rows), 1, 5), error


@pytest.mark.parametrize("sizes", [[1] * 30, [3] * 10, [1, 2, 7, 20], [2, 2, 26]])
@pytest.mark.parametrize("width", [4, 40])
def test_leaving_a_unit_out_by_formula_is_fitting_weighted_rows_without_it(sizes, width):
    rng = np.random.default_rng(len(sizes))
    units = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    phi, weights = rng.normal(size=(30, width)), weights_of(30)
    target = rng.normal(size=30) + phi[:, 0]
    penalty = np.array([0.05])
    fitted = LeastSquares.from_features(phi, weights).fit(target, Units(units), penalty)
    by_gram = LeastSquares.from_gram(phi @ phi.T, weights).fit(target, Units(units), penalty)
    at_once = fit_gram(phi @ phi.T, fitted.penalty, target, Units(units), weights)
    for unit in np.unique(units):
        kept = units != unit
        reference = Ridge(alpha=fitted.penalty)
        reference.fit(phi[kept], target[kept], sample_weight=weights[kept])
        expected = reference.predict(phi[~kept])
        np.testing.assert_allclose(fitted.leave_out[~kept], expected, atol=1e-7)
        np.testing.assert_allclose(by_gram.leave_out[~kept], expected, atol=1e-7)
        np.testing.assert_allclose(at_once.leave_out[~kept], expected, atol=1e-7)
    np.testing.assert_allclose(phi.T @ at_once.weights, phi.T @ by_gram.weights, atol=1e-7)
    assert at_once.error == pytest.approx(by_gram.error)
    whole = Ridge(alpha=fitted.penalty).fit(phi, target, sample_weight=weights)
    np.testing.assert_allclose(fitted.weights, whole.coef_, atol=1e-8)
    assert fitted.intercept == pytest.approx(whole.intercept_, abs=1e-8)
    np.testing.assert_allclose(phi.T @ by_gram.weights, whole.coef_, atol=1e-7)
    assert by_gram.weights.sum() == pytest.approx(0, abs=1e-8)
    assert fitted.error == pytest.approx(
        np.average((fitted.leave_out - target) ** 2, weights=weights)
    )


def test_many_weighted_rows_give_the_fit_of_few():
    rng = np.random.default_rng(4)
    phi, target, weights = rng.normal(size=(9_000, 3)), rng.normal(size=9_000), weights_of(9_000)
    units = Units(np.arange(9_000))
    blocks = LeastSquares.from_map(lambda rows: phi[rows], 9_000, 3, weights).fit(target, units)
    without = np.arange(9_000) != 17
    reference = Ridge(alpha=blocks.penalty)
    reference.fit(phi[without], target[without], sample_weight=weights[without])
    assert blocks.leave_out[17] == pytest.approx(reference.predict(phi[[17]])[0], abs=1e-5)


@pytest.mark.parametrize(("rows", "width"), [(150, 4), (60, 30)])
def test_members_are_fitted_to_weighted_rows(rows, width):
    """The quadratic in monomials and in rows, and kernels around centres."""
    x, _, mos, _ = noisy(rows, width=width)
    weights = weights_of(rows)
    _, fitting = prepare(TrainingRows(x, mos, np.arange(rows), weights), 480_000)
    member = quadratic_member(fitting, "z-narrow")
    assert member is not None
    inputs = fitting.inputs["z-narrow"]
    first, second = np.triu_indices(width)
    pair = np.where(first == second, 1.0, np.sqrt(2)) / (5 * width)
    phi = np.hstack(
        [inputs * np.sqrt(2 / (5 * width)), inputs[:, first] * inputs[:, second] * pair]
    )
    peer = Ridge(alpha=member.chosen["penalty"], solver="svd")
    expected = peer.fit(phi, link(mos), sample_weight=weights).predict(phi)
    found = member.intercept + member.term.values(inputs)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    for each in nonlinear_members(fitting):
        assert np.isfinite(each.leave_out).all()
        fitted = each.intercept + each.term.values(fitting.inputs[each.transform])
        assert np.average(fitted - link(mos), weights=weights) == pytest.approx(0, abs=1e-6)
        again = on_all_rows(fitting, each)
        refitted = again.intercept + again.term.values(fitting.inputs[each.transform])
        np.testing.assert_allclose(refitted, fitted, atol=1e-5)


def test_the_weighted_gradient_is_that_of_autograd():
    x, _, mos, _ = noisy(80, width=6)
    recipe = Recipe(hidden=7, batch=16, plcc_weight=0.5)
    plans = [NetPlan(np.arange(80), (seed,), weights_of(80, seed)) for seed in range(3)]
    starts = starts_of(x, mos, plans, recipe)
    batch = _Batch(x, mos, plans, starts, recipe, torch.device("cpu"))
    batch.theta += 0.1 * torch.randn(batch.theta.shape, dtype=torch.float64)
    order = batch._epoch_order()[0]
    inputs, labels = batch.inputs_of(order), batch.mos[order]
    bend = batch.bend[batch.numbers, order]
    assert batch.row_weights is not None
    weights = batch.row_weights[batch.numbers, order]
    batch.compute_gradient(inputs, bend, labels, weights)
    theta = batch.theta.clone().requires_grad_()
    p = batch._views(theta)
    hidden = torch.nn.functional.layer_norm(torch.bmm(inputs, p["w1"]), [7], eps=1e-5)
    t = torch.tanh(hidden * p["ln_gamma"] + p["ln_beta"])
    logit = (torch.bmm(t, p["w2"]) + torch.bmm(inputs, p["skip"])).squeeze(-1) + bend
    predicted = 1 + 4 * torch.sigmoid(logit)
    loss = (weights * (predicted - labels) ** 2).mean(dim=1) / batch.variance[:, 0]
    for net in range(3):
        pair = torch.stack([predicted[net], labels[net]])
        covariance = torch.cov(pair, correction=0, aweights=weights[net].detach())
        r = covariance[0, 1] / (covariance[0, 0] * covariance[1, 1]).sqrt()
        loss[net] = loss[net] + 0.5 * (1 - r)
    loss.sum().backward()
    assert theta.grad is not None
    assert torch.allclose(batch.gradient, theta.grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rows", [20, 200])
def test_the_weighted_start_is_scikit_learns(rows):
    z, _, mos, _ = noisy(rows, width=6)
    weights = weights_of(rows)
    share = np.clip((mos - 1) / 4, 0.01, 0.99)
    target = np.log(share / (1 - share))
    mean = np.average(target, weights=weights)
    start = closed_form_start(z, mos, 50.0, 5, weights)
    peer = KernelRidge(alpha=2 * 50 / 30, kernel="poly", degree=2, gamma=1 / 30, coef0=1)
    expected = peer.fit(z, target - mean, sample_weight=weights).predict(z) + mean
    assert start.quadratic is not None
    bend = np.einsum("ni,ij,nj->n", z, start.quadratic, z)
    np.testing.assert_allclose(start.intercept + z @ start.linear + bend, expected, atol=1e-8)
    line = closed_form_start(z, mos, 50.0, 0, weights)
    ridge = Ridge(alpha=50.0).fit(z, target, sample_weight=weights)
    np.testing.assert_allclose(line.linear, ridge.coef_, atol=1e-8)
    assert line.intercept == pytest.approx(ridge.intercept_)


def test_the_residual_variance_is_what_label_noise_leaves():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6_000, 2))
    error = rng.uniform(0.05, 0.5, 6_000)
    mos = 3 + 0.3 * x[:, 0] + 0.2 * rng.normal(size=6_000) + error * rng.normal(size=6_000)
    rows = TrainingRows(x, np.clip(mos, 1, 5), np.arange(6_000))
    assert residual_variance(rows, error**2) == pytest.approx(0.04, rel=0.15)
    # Standard errors that claim more than all noise leave a floor, and weights stay bounded.
    whole = residual_variance(rows, np.zeros(6_000))
    assert residual_variance(rows, np.full(6_000, 9.0)) == pytest.approx(
        LEAST_SHARE * whole, rel=0.01
    )
    error[:10] = np.nan
    weights = label_error_weights(rows, error)
    assert weights is not None
    assert weights.mean() == pytest.approx(1)
    assert np.ptp(weights[:10]) == 0
    assert (np.diff(weights[10:][np.argsort(error[10:])]) <= 0).all()
    assert label_error_weights(rows, np.full(6_000, np.nan)) is None


@pytest.mark.parametrize("recipe", ["ridge", "blend", "mlp"])
def test_weights_bring_heads_closer_to_the_truth(recipe):
    gains = []
    for seed in range(8):
        x, truth, mos, error = noisy(260, seed=seed)
        train, unseen = np.arange(120), np.arange(120, 260)
        rows = TrainingRows(x, mos, np.arange(260))
        weights = label_error_weights(rows.take(train), error[train])
        plans = [Plan(train, (1,), weights), Plan(train, (1,))]
        family = load_family(recipe)
        heads = [head for plan in plans for head in family.fit(rows, [plan], FitOptions())]
        found = [
            np.corrcoef(head.predict(x[unseen], np.ones((140, 1))), truth[unseen])[0, 1]
            for head in heads
        ]
        gains.append(found[0] - found[1])
    # The gain, with its standard error over the draws, is above 0.
    assert np.mean(gains) > 0.01
    assert np.mean(gains) > 2 * np.std(gains, ddof=1) / np.sqrt(len(gains))


def with_errors(columns, seed=0):
    """Labels whose standard errors are known, differ, and are true."""
    rng = np.random.default_rng(seed)
    rows = len(columns["mos"])
    error = np.where(rng.random(rows) < 0.5, 0.05, 0.8)
    mos = np.asarray(columns["mos"]) + error * rng.normal(size=rows)
    return columns | {
        "mos": np.clip(mos, 1, 5).tolist(),
        "mos_standard_error": error.tolist(),
        "mos_n_ratings": [10] * rows,
    }


def test_a_run_weights_by_default_and_says_whether_it_paid(write_table, labelled_columns, quick):
    quick = replace(quick, recipe="ridge")
    path = write_table(with_errors(labelled_columns(240, noise=0.1)))
    document = moshead.train([path], "konvid-v1", "h", training=quick, baselines="simple")
    weights = document["training_recipe"]["weights"]
    assert weights["kind"] == "label-error"
    assert weights["default"] is True
    low, high = weights["range"]
    assert low < 1 < high
    paid = weights["paid"]
    assert paid["difference"] == pytest.approx(
        paid["plcc_weighted"] - paid["plcc_unweighted"], abs=2e-6
    )
    assert paid["low"] < paid["difference"] < paid["high"]
    first = [s["plcc"] for s in document["gate"]["fold_scores"] if s["seed"] == quick.seed]
    assert paid["plcc_weighted"] == pytest.approx(np.mean(first), abs=1e-5)
    note = next(note for note in document["notes"] if "--weights label-error" in note)
    assert "the default, because standard errors of the labels are known and differ" in note
    assert "On the same folds with the first seed weights" in note
    assert note in Path("model/h_card.md").read_text()

    plain = moshead.train(
        [path], "konvid-v1", "p", training=replace(quick, weights="none"), baselines="simple"
    )
    other = plain["training_recipe"]["weights"]
    assert other["kind"] == "none"
    assert other["range"] is None
    assert other["paid"] == paid
    assert plain["gate"]["mean_plcc"] == pytest.approx(paid["plcc_unweighted"], abs=1e-5)
    assert any("All rows count alike (--weights none)" in note for note in plain["notes"])


def test_without_differing_errors_nothing_is_weighted(write_table, labelled_columns, quick):
    quick = replace(quick, recipe="ridge")
    columns = labelled_columns()
    path = write_table(columns)
    document = moshead.train([path], "konvid-v1", "h", training=quick, baselines="simple")
    nothing = {"kind": "none", "default": True, "range": None, "paid": None}
    assert document["training_recipe"]["weights"] == nothing
    assert not any("--weights" in note for note in document["notes"])
    with pytest.raises(InputError, match="no row has one"):
        moshead.train([path], "konvid-v1", "h", training=replace(quick, weights="label-error"))
    equal = write_table(columns | {"mos_standard_error": [0.2] * 120}, "equal.parquet")
    document = moshead.train([equal], "konvid-v1", "h", training=quick, baselines="simple")
    assert document["training_recipe"]["weights"] == nothing


def test_rows_that_judge_say_nothing_about_weights():
    x, _, mos, error = noisy(100)
    train = np.arange(0, 100, 2)
    rows = TrainingRows(x, mos, np.arange(100))
    first = label_error_weights(rows.take(train), error[train])
    x[1::2], mos[1::2], error[1::2] = 1e3, 1.0, 4.0
    second = label_error_weights(rows.take(train), error[train])
    np.testing.assert_array_equal(first, second)


def test_the_terminal_says_it(write_table, labelled_columns):
    path = write_table(with_errors(labelled_columns()))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "moshead", "train", "--features", str(path)),
            *("--feature-schema", "konvid-v1", "--model-id", "h", "--recipe", "ridge"),
            *("--other-partitions", "0", "--weights", "label-error", "--baselines", "simple"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "weighted by what their labels are worth" in " ".join(
        (done.stdout + done.stderr).split()
    )
