"""Closed-form fits, against scikit-learn and against fitting again."""

from __future__ import annotations

import numpy as np
import pytest
from moshead.heads.closed_form import fitting as fittings
from moshead.heads.closed_form.additive import CentreTerm, centre_kernel, link
from moshead.heads.closed_form.assembly import prepare
from moshead.heads.closed_form.centres import squared_distances
from moshead.heads.closed_form.leave_out import LeastSquares, Units, fit_gram
from moshead.heads.closed_form.members import linear_member, nonlinear_members
from moshead.heads.closed_form.quadratic import quadratic_member
from moshead.heads.closed_form.whole import on_all_rows
from moshead.heads.families import load_family
from moshead.heads.protocol import FitOptions, Plan, TrainingRows
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge


def table(rows, width):
    """Features and MOS with a linear, a curved and a product part."""
    x = np.random.default_rng(0).normal(size=(rows, width))
    signal = x[:, 0] + 0.7 * np.tanh(2 * x[:, 1]) + 0.5 * x[:, 0] * x[:, 2]
    noise = np.random.default_rng(1).normal(size=rows)
    return 20 * x + 50, np.clip(3 + 0.6 * signal + 0.3 * noise, 1, 5)


@pytest.mark.parametrize("sizes", [[1] * 30, [3] * 10, [1, 2, 7, 20], [2, 2, 26]])
@pytest.mark.parametrize("width", [4, 40])
def test_leaving_a_unit_out_by_formula_is_fitting_without_it(sizes, width):
    rng = np.random.default_rng(len(sizes))
    units = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    phi = rng.normal(size=(30, width))
    target = rng.normal(size=30) + phi[:, 0]
    penalties = np.array([0.05])
    fitted = LeastSquares.from_features(phi).fit(target, Units(units), penalties)
    by_gram = LeastSquares.from_gram(phi @ phi.T).fit(target, Units(units), penalties)
    at_once = fit_gram(phi @ phi.T, fitted.penalty, target, Units(units))
    for unit in np.unique(units):
        kept = units != unit
        reference = Ridge(alpha=fitted.penalty).fit(phi[kept], target[kept])
        expected = reference.predict(phi[~kept])
        np.testing.assert_allclose(fitted.leave_out[~kept], expected, atol=1e-7)
        np.testing.assert_allclose(by_gram.leave_out[~kept], expected, atol=1e-7)
        np.testing.assert_allclose(at_once.leave_out[~kept], expected, atol=1e-7)
    np.testing.assert_allclose(phi.T @ at_once.weights, phi.T @ by_gram.weights, atol=1e-7)
    assert at_once.intercept == pytest.approx(by_gram.intercept, abs=1e-7)
    assert at_once.error == pytest.approx(by_gram.error)
    assert at_once.relative_penalty == pytest.approx(0.05)
    whole = Ridge(alpha=fitted.penalty).fit(phi, target)
    np.testing.assert_allclose(fitted.weights, whole.coef_, atol=1e-8)
    assert fitted.intercept == pytest.approx(whole.intercept_, abs=1e-8)


def test_the_penalty_is_the_one_that_predicts_best_unseen():
    rng = np.random.default_rng(3)
    phi = rng.normal(size=(40, 30))
    target = phi[:, 0] + rng.normal(size=40)
    penalties = np.logspace(-3, 2, 6)
    problem, units = LeastSquares.from_features(phi), Units(np.arange(40) // 2)
    errors = [problem.fit(target, units, penalties[[n]]).error for n in range(6)]
    chosen = problem.fit(target, units, penalties)
    assert chosen.error == pytest.approx(min(errors))
    assert chosen.relative_penalty == penalties[int(np.argmin(errors))]


def test_many_rows_give_the_fit_of_few():
    rng = np.random.default_rng(4)
    phi, target = rng.normal(size=(20_000, 5)), rng.normal(size=20_000)
    units = Units(np.arange(20_000))
    blocks = LeastSquares.from_map(lambda rows: phi[rows], 20_000, 5).fit(target, units)
    reference = Ridge(alpha=blocks.penalty).fit(phi, target)
    np.testing.assert_allclose(blocks.weights, reference.coef_, rtol=1e-5)
    without = np.arange(20_000) != 17
    expected = Ridge(alpha=blocks.penalty).fit(phi[without], target[without]).predict(phi[[17]])
    assert blocks.leave_out[17] == pytest.approx(expected[0], abs=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_what_some_rows_chose_is_fitted_to_all_of_them(monkeypatch, weighted):
    monkeypatch.setattr(fittings, "BLENDING_ROWS", 300)
    features, mos = table(950, 4)
    weights = np.where(np.arange(950) % 2, 0.5, 1.5) if weighted else None
    _, fitting = prepare(TrainingRows(features, mos, np.arange(950), weights), 480_000)
    some = fitting.choosing()
    assert (fitting.chooses_on_some, some.chooses_on_some) == (True, False)
    assert len(some.target) == 317
    chosen = [linear_member(some, "z-wide"), *nonlinear_members(some)]
    assert {each.name for each in chosen} == {"linear", "quadratic", "rbf", "laplace"}
    for member in chosen:
        whole = on_all_rows(fitting, member)
        x, penalty = fitting.inputs[member.transform], whole.chosen["penalty"]
        fitted = whole.intercept + whole.term.values(x)
        if member.name == "linear":
            phi = x
        elif member.name == "quadratic":
            first, second = np.triu_indices(x.shape[1])
            pairs = x[:, first] * x[:, second] * np.where(first == second, 1.0, np.sqrt(2))
            scale = 5 * x.shape[1]
            phi = np.hstack([x * np.sqrt(2 / scale), pairs / scale])
        else:
            assert isinstance(whole.term, CentreTerm)
            width, centres = whole.chosen["width"], whole.term.centres

            def kernel(squared, kind=member.name, width=width):
                return centre_kernel(kind, squared / width**2)

            inner = kernel(squared_distances(centres, centres)) + 1e-2 * np.eye(len(centres))
            outer = kernel(squared_distances(x, centres))
            phi = np.linalg.solve(np.linalg.cholesky(inner), outer.T).T
        reference = Ridge(alpha=penalty).fit(phi, fitting.target, sample_weight=weights)
        np.testing.assert_allclose(fitted, reference.predict(phi), atol=1e-6)
    (head,) = load_family("blend").fit(
        TrainingRows(features, mos, np.arange(950), weights),
        [Plan(np.arange(950), (1,))],
        FitOptions(),
    )
    assert "317 evenly spaced rows" in head.describe()["chosen_by"]


@pytest.mark.parametrize(("rows", "width"), [(150, 6), (60, 30), (600, 30)])
def test_the_quadratic_member_is_kernel_ridge_of_degree_2(rows, width):
    features, mos = table(rows, width)
    inputs, fitting = prepare(TrainingRows(features, mos, np.arange(rows)), 480_000)
    member = quadratic_member(fitting, "z-narrow")
    assert member is not None
    x = inputs.scores(features)["z-narrow"]
    gram = (1 + x @ x.T / (5 * width)) ** 2
    means = gram.mean(axis=0)
    reference = KernelRidge(alpha=member.chosen["penalty"], kernel="precomputed")
    reference.fit(gram - means - means[:, None] + means.mean(), link(mos) - link(mos).mean())
    expected = link(mos).mean() + reference.predict(gram - means - means[:, None] + means.mean())
    found = member.intercept + member.term.values(x)
    np.testing.assert_allclose(found, expected, atol=1e-6)
