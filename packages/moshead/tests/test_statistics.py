"""Statistics against SciPy, ties included, and the laws that they must follow."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moshead.gate import statistics
from moshead.gate.resampling import resample_counts, resampled_scores
from scipy import stats

few_values = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=60).map(
    lambda pairs: np.asarray(pairs, dtype=np.float64).T
)


@settings(deadline=None)
@given(few_values)
def test_correlations_are_scipys_with_ties(pair):
    truth, predicted = pair
    if np.ptp(truth) == 0 or np.ptp(predicted) == 0:
        assert math.isnan(statistics.plcc(truth, predicted))
        assert math.isnan(statistics.srocc(truth, predicted))
        assert math.isnan(statistics.krocc(truth, predicted))
        return
    assert statistics.plcc(truth, predicted) == pytest.approx(
        stats.pearsonr(truth, predicted).statistic, abs=1e-12
    )
    assert statistics.srocc(truth, predicted) == pytest.approx(
        stats.spearmanr(truth, predicted).statistic, abs=1e-12
    )
    assert statistics.krocc(truth, predicted) == pytest.approx(
        stats.kendalltau(truth, predicted).statistic, abs=1e-12
    )


def test_a_constant_that_was_computed_is_constant():
    truth = np.linspace(1, 5, 50)
    predicted = np.full(50, 0.1) + np.full(50, 0.2) + 1e-17 * np.arange(50)
    assert math.isnan(statistics.plcc(truth, predicted))


def test_numbers_that_are_not_finite_have_no_score():
    truth = np.array([1.0, 2.0, 3.0, 4.0])
    assert math.isnan(statistics.plcc(truth, np.array([1.0, np.nan, 3.0, 4.0])))
    assert math.isnan(statistics.rmse(truth, np.array([1.0, np.inf, 3.0, 4.0])))
    assert math.isnan(statistics.plcc(truth[:2], truth[:2]))


def test_rmse_is_in_mos():
    truth = np.array([1.0, 2.0, 3.0])
    assert statistics.rmse(truth, truth + 0.5) == pytest.approx(0.5)


def test_the_logistic_mapping_undoes_a_logistic_distortion():
    rng = np.random.default_rng(1)
    truth = rng.uniform(1, 5, 400)
    distorted = np.log((truth - 0.9) / (5.1 - truth))
    assert statistics.plcc(truth, distorted) < 0.99
    assert statistics.mapped_plcc(truth, distorted) > 0.9999


def test_the_logistic_mapping_never_fits_worse_than_a_line_that_does_not_fall():
    rng = np.random.default_rng(2)
    truth = rng.uniform(1, 5, 100)
    for predicted in (truth + rng.normal(size=100), rng.normal(size=100), -truth):
        mapped = statistics.logistic_map(truth, predicted)
        slope = max(0.0, np.polyfit(predicted, truth, 1)[0])
        line = slope * (predicted - predicted.mean()) + truth.mean()
        assert statistics.rmse(truth, mapped) <= statistics.rmse(truth, line) + 1e-12


@given(st.integers(0, 2**32 - 1), st.integers(5, 60), st.floats(0.0, 2.0))
def test_the_logistic_mapping_never_falls(seed, rows, noise):
    rng = np.random.default_rng(seed)
    truth = rng.uniform(1, 5, rows)
    predicted = truth * rng.choice([-1, 1]) + noise * rng.normal(size=rows)
    mapped = statistics.logistic_map(truth, predicted)
    assert (np.diff(mapped[np.argsort(predicted)]) >= -1e-9).all()


def test_a_reversed_head_keeps_its_sign_after_mapping():
    rng = np.random.default_rng(3)
    truth = rng.uniform(1, 5, 200)
    reversed_ = -truth + 0.6 * rng.normal(size=200)
    raw = stats.pearsonr(truth, reversed_)[0]
    assert raw < -0.8
    assert statistics.mapped_plcc(truth, reversed_) == pytest.approx(raw)


def test_mapping_noise_finds_no_correlation_in_it():
    rng = np.random.default_rng(4)
    pairs = [(rng.uniform(1, 5, 46), rng.normal(size=46)) for _ in range(300)]
    mapped = np.mean([statistics.mapped_plcc(truth, noise) for truth, noise in pairs])
    assert abs(mapped) < 0.03


def test_the_outlier_ratio_counts_misses_of_the_95_percent_interval():
    truth = np.array([3.0, 3.0, 3.0, 3.0])
    predicted = np.array([3.0, 3.19, 3.2, 2.5])
    error = np.array([0.1, 0.1, 0.1, np.nan])
    assert statistics.outlier_ratio(truth, predicted, error) == pytest.approx(1 / 3)
    assert math.isnan(statistics.outlier_ratio(truth, predicted, np.full(4, np.nan)))


def test_the_ceiling_is_what_perfect_predictions_measure():
    rng = np.random.default_rng(3)
    true = rng.normal(3, 0.5, 100_000)
    error = rng.uniform(0.1, 0.5, true.size)
    measured = true + error * rng.normal(size=true.size)
    ceiling = statistics.label_noise_ceiling(measured.var(), float(np.mean(error**2)))
    assert ceiling == pytest.approx(statistics.plcc(measured, true), abs=0.005)


def test_the_ceiling_of_five_ratings():
    # Rating sd 0.7, MOS sd 0.64, five ratings: reliability .761, ceiling .872.
    assert statistics.label_noise_ceiling(0.64**2, 0.7**2 / 5) == pytest.approx(0.872, abs=5e-4)


def test_sampling_alone_needs_thousands_of_clips_a_fold():
    assert statistics.clips_for_spread(0.90, 0.005) == pytest.approx(7_800, rel=0.01)
    assert statistics.clips_for_spread(0.88, 0.005) == pytest.approx(11_000, rel=0.02)


@settings(deadline=None, max_examples=40)
@given(few_values, st.integers(0, 2**32 - 1))
def test_resampled_scores_are_those_of_the_resampled_rows(pair, seed):
    truth, predicted = pair
    rng = np.random.default_rng(seed)
    counts = resample_counts(rng, np.arange(len(truth)), 5)
    assert (counts.sum(axis=1) == len(truth)).all()
    plcc, srocc, rmse = resampled_scores(truth, predicted[None], counts)[:, 0]
    for draw, weights in enumerate(counts.astype(int)):
        rows = np.repeat(np.arange(len(truth)), weights)
        assert rmse[draw] == pytest.approx(statistics.rmse(truth[rows], predicted[rows]))
        if np.ptp(truth[rows]) == 0 or np.ptp(predicted[rows]) == 0:
            assert math.isnan(plcc[draw])
            assert math.isnan(srocc[draw])
        else:
            assert plcc[draw] == pytest.approx(
                stats.pearsonr(truth[rows], predicted[rows]).statistic, abs=1e-9
            )
            assert srocc[draw] == pytest.approx(
                stats.spearmanr(truth[rows], predicted[rows]).statistic, abs=1e-9
            )


def test_groups_are_drawn_whole():
    groups = np.array([0, 0, 1, 2, 2, 2])
    counts = resample_counts(np.random.default_rng(0), groups, 50)
    assert (counts[:, 0] == counts[:, 1]).all()
    assert (counts[:, 3] == counts[:, 5]).all()
