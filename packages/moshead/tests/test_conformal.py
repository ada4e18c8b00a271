"""CV+ intervals against their definition, and against the coverage that is promised."""

from __future__ import annotations

import math

import moshead
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moshead.heads import conformal as module
from provenance.toolkit import InputError


def by_definition(residuals, folds, mos_folds, alpha):
    """Barber et al. 2021, equation for CV+, one row at a time."""
    n = len(residuals)
    k = math.ceil(round((1 - alpha) * (n + 1), 9))
    if k > n:
        return 1.0, 5.0
    centres = mos_folds[folds]
    low = np.sort(centres - residuals)[::-1][k - 1]
    high = np.sort(centres + residuals)[k - 1]
    return max(1.0, low), min(5.0, high)


@settings(max_examples=150, deadline=None)
@given(
    n=st.integers(5, 120),
    n_folds=st.integers(1, 5),
    alpha=st.sampled_from([0.01, 0.05, 0.1, 0.2, 0.25, 0.4]),
    seed=st.integers(0, 2**20),
    small=st.sampled_from([0, 50_000]),
)
def test_intervals_are_the_definition_rounded_outwards(n, n_folds, alpha, seed, small):
    rng = np.random.default_rng(seed)
    folds = np.arange(n) % n_folds
    residuals = np.abs(rng.normal(0, 0.3, n)).clip(0, 4)
    mos_folds = rng.uniform(1, 5, (7, n_folds)).astype(np.float32)
    mos = mos_folds.astype(np.float64).mean(axis=1)
    before, module._SMALL = module._SMALL, small
    try:
        crossed = moshead.heads.CrossConformal.from_residuals(residuals, folds)
        low, high = crossed.interval(mos, mos_folds, alpha)
    finally:
        module._SMALL = before
    for row in range(len(mos)):
        exact_low, exact_high = by_definition(
            residuals, folds, mos_folds[row].astype(np.float64), alpha
        )
        exact_low, exact_high = min(exact_low, mos[row]), max(exact_high, mos[row])
        assert exact_low - 0.00201 <= low[row] <= exact_low + 1e-9
        assert exact_high - 1e-9 <= high[row] <= exact_high + 0.00201


def test_intervals_cover_new_clips_at_least_as_often_as_guaranteed():
    rng = np.random.default_rng(0)
    alpha, covered = 0.1, []
    for _ in range(40):
        x, y = rng.normal(size=150), None
        y = np.clip(3 + 0.8 * x + rng.normal(0, 0.3, 150), 1, 5)
        folds = np.arange(100) % 5
        lines = [np.polyfit(x[:100][folds != f], y[:100][folds != f], 1) for f in range(5)]
        predicted = np.stack([np.polyval(line, x) for line in lines], axis=1)
        residuals = np.abs(y[:100] - predicted[np.arange(100), folds])
        crossed = moshead.heads.CrossConformal.from_residuals(residuals, folds)
        low, high = crossed.interval(predicted[100:].mean(axis=1), predicted[100:], alpha)
        covered.append(np.mean((low <= y[100:]) & (y[100:] <= high)))
    assert np.mean(covered) >= crossed.guarantee(alpha)
    assert 0.87 <= np.mean(covered) <= 0.95


@pytest.mark.parametrize(
    ("n", "k", "alpha", "wanted"),
    [
        # 1 - 2 alpha - min(2 (1 - 1/K) / (n/K + 1), (1 - K/n) / (K + 1))
        (1200, 5, 0.1, 0.8 - 1.6 / 241),
        (20, 5, 0.1, 0.8 - 0.75 / 6),
        (20, 20, 0.1, 0.8),
        (100, 1, 0.1, 0.9),
    ],
)
def test_the_guarantee_is_theorem_4(n, k, alpha, wanted):
    crossed = moshead.heads.CrossConformal.from_residuals(np.zeros(n), np.arange(n) % k)
    assert crossed.guarantee(alpha) == pytest.approx(wanted, abs=1e-12)


def test_too_few_residuals_give_the_whole_scale():
    crossed = moshead.heads.CrossConformal.from_residuals(np.full(5, 0.1), np.arange(5))
    low, high = crossed.interval(np.array([3.0]), np.full((1, 5), 3.0, np.float32), 0.1)
    assert (low[0], high[0]) == (1.0, 5.0)


def test_a_smaller_alpha_never_narrows_an_interval():
    rng = np.random.default_rng(4)
    crossed = moshead.heads.CrossConformal.from_residuals(
        np.abs(rng.normal(0, 0.3, 300)), np.arange(300) % 5
    )
    mos_folds = rng.uniform(1, 5, (50, 5)).astype(np.float32)
    mos = mos_folds.mean(axis=1).astype(np.float64)
    widths = [
        np.diff(crossed.interval(mos, mos_folds, alpha), axis=0) for alpha in (0.05, 0.1, 0.3)
    ]
    assert (widths[0] >= widths[1]).all()
    assert (widths[1] >= widths[2]).all()


@pytest.mark.parametrize("alpha", [0, 0.5, 1, -0.1, math.nan])
def test_levels_without_a_promise_are_refused(alpha):
    crossed = moshead.heads.CrossConformal.from_residuals(np.zeros(10), np.arange(10) % 2)
    with pytest.raises(InputError, match="alpha"):
        crossed.interval(np.array([3.0]), np.full((1, 2), 3.0, np.float32), alpha)


def test_residuals_survive_the_file():
    rng = np.random.default_rng(1)
    crossed = moshead.heads.CrossConformal.from_residuals(rng.uniform(0, 4, 77), np.arange(77) % 3)
    again = moshead.heads.CrossConformal.from_dict(crossed.to_dict())
    assert again.n_residuals == 77
    for one, other in zip(crossed.residual_steps, again.residual_steps, strict=True):
        np.testing.assert_array_equal(one, other)
