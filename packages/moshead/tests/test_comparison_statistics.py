"""The statistics behind comparisons, against SciPy, scikit-learn and worked examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moshead.baselines.agreement import (
    measure_agreement,
    outlier_ratio,
    rating_half_width,
    rmse_star,
)
from moshead.baselines.mapping import fit_mapping
from moshead.baselines.pairing import (
    bootstrap_difference,
    fisher_interval,
    holm,
    zou_interval,
)
from moshead.baselines.regressors import REGRESSORS
from moshead.baselines.ridge import PENALTIES, Scaling, fit_ridge, inner_folds
from moshead.gate.resampling import resampled_plcc
from scipy import stats


def test_zou_gives_the_interval_of_the_papers_example():
    low, high = zou_interval(0.396, 0.179, 0.088, 66)
    assert (round(low, 3), round(high, 3)) == (-0.093, 0.517)
    # Swapping the predictors turns the interval round.
    assert zou_interval(0.179, 0.396, 0.088, 66) == pytest.approx((-high, -low))


def test_fishers_interval_is_scipys():
    rng = np.random.default_rng(1)
    x = rng.normal(size=50)
    y = x + rng.normal(size=50)
    reference = stats.pearsonr(x, y)
    ends = reference.confidence_interval(0.95)
    assert fisher_interval(reference.statistic, 50) == pytest.approx((ends.low, ends.high))


def test_zou_covers_the_true_difference():
    """Two predictors of one truth on 60 clips: the 95 % interval holds 93 to 97 % of the time."""
    rng = np.random.default_rng(7)
    covariance = np.array([[1, 0.8, 0.7], [0.8, 1, 0.75], [0.7, 0.75, 1]])
    inside = 0
    for _ in range(1500):
        truth, one, other = rng.multivariate_normal(np.zeros(3), covariance, 60).T
        r = np.corrcoef([truth, one, other])
        low, high = zou_interval(r[0, 1], r[0, 2], r[1, 2], 60)
        inside += low <= 0.1 <= high
    assert 0.93 <= inside / 1500 <= 0.97


@pytest.mark.parametrize("r12", [-0.99, 0.0, 0.999999])
def test_zou_survives_extreme_correlations(r12):
    low, high = zou_interval(0.9, 0.9, r12, 30)
    assert low <= 0 <= high
    assert zou_interval(1.0, 0.5, 0.5, 30) == (0.5, 0.5)
    assert all(map(math.isnan, zou_interval(0.5, 0.4, 0.1, 3)))


def test_holms_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_order_and_stays_between_raw_and_bonferroni(p):
    adjusted = holm(p)
    for raw, own in zip(p, adjusted, strict=True):
        assert raw - 1e-12 <= own <= min(1, raw * len(p)) + 1e-12
    order = np.argsort(p, kind="stable")
    assert (np.diff(np.asarray(adjusted)[order]) >= -1e-12).all()


def test_holm_leaves_out_what_has_no_p_value():
    adjusted = holm([0.01, math.nan, 0.02])
    assert adjusted[0] == pytest.approx(0.02)
    assert adjusted[2] == pytest.approx(0.02)
    assert math.isnan(adjusted[1])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1.0, -1.0]), st.floats(0.05, 3))
def test_a_mapping_never_reverses_nor_merges(seed, sign, noise):
    rng = np.random.default_rng(seed)
    scores = rng.normal(40, 12, 60)
    truth = np.clip(3 + sign * (scores - 40) / 15 + noise * rng.normal(size=60), 1, 5)
    mapping = fit_mapping(truth, scores)
    grid = np.linspace(scores.min(), scores.max(), 200)
    steps = np.diff(mapping(grid)) * mapping.direction
    assert (steps > 0).all()
    assert np.sign(stats.spearmanr(truth, scores).statistic) in (mapping.direction, 0)
    # A direction that the rows contradict is kept all the same.
    forced = fit_mapping(truth, scores, direction=-mapping.direction)
    assert (np.diff(forced(grid)) * forced.direction > 0).all()


def test_a_mapping_finds_the_logistic_that_made_the_labels():
    rng = np.random.default_rng(0)
    scores = rng.uniform(0, 100, 400)
    truth = 1.2 + 3.4 / (1 + np.exp(-(scores - 55) / 9))
    mapping = fit_mapping(truth, scores)
    assert mapping(scores) == pytest.approx(truth, abs=1e-4)
    assert mapping.low == pytest.approx(1.2, abs=1e-3)
    assert mapping.width == pytest.approx(9, abs=0.01)


def test_a_reversed_score_is_turned_round_by_training_rows_alone():
    rng = np.random.default_rng(3)
    truth = rng.uniform(1, 5, 80)
    scores = -truth + 0.1 * rng.normal(size=80)
    mapping = fit_mapping(truth[:40], scores[:40])
    assert np.corrcoef(mapping(scores[40:]), truth[40:])[0, 1] > 0.99
    # Held-out rows that contradict the training rows are not turned round.
    assert np.corrcoef(mapping(-scores[40:]), truth[40:])[0, 1] < -0.9


def test_a_constant_score_is_mapped_to_the_mean():
    assert fit_mapping(np.array([1.0, 2, 3]), np.full(3, 7.0))(np.array([7.0, 9])) == pytest.approx(
        [2, 2]
    )


def test_rating_intervals_are_students():
    deviation, ratings = np.array([0.8, 0.5, 0.7]), np.array([5.0, 1.0, np.nan])
    width = rating_half_width(deviation / np.sqrt(ratings), ratings)
    votes = np.array([1, 2, 3, 2, 2.0])
    votes = 3 + (votes - votes.mean()) * 0.8 / votes.std(ddof=1)
    ends = stats.ttest_1samp(votes, 0).confidence_interval(0.95)
    assert width[0] == pytest.approx((ends.high - ends.low) / 2)
    assert np.isnan(width[1:]).all()


def test_rmse_star_and_outlier_ratio_by_hand():
    truth, predicted = np.array([3.0, 3, 3, 3]), np.array([3.1, 3.6, 2.0, 3.0])
    width = np.array([0.2, 0.2, 0.4, np.nan])
    assert outlier_ratio(truth, predicted, width) == pytest.approx(2 / 3)
    assert rmse_star(truth, predicted, width) == pytest.approx(math.sqrt((0.4**2 + 0.6**2) / 3))
    assert rmse_star(truth, predicted, width, 1) == pytest.approx(math.sqrt((0.16 + 0.36) / 2))
    assert math.isnan(rmse_star(truth, predicted, np.full(4, np.nan)))


def test_agreement_equals_scipy():
    rng = np.random.default_rng(2)
    truth = np.round(rng.uniform(1, 5, 60), 1)
    predicted = truth + rng.normal(size=60)
    found = measure_agreement(truth, predicted, np.full(60, np.nan))
    assert found.plcc == pytest.approx(stats.pearsonr(truth, predicted).statistic)
    assert found.srocc == pytest.approx(stats.spearmanr(truth, predicted).statistic)
    assert found.krocc == pytest.approx(stats.kendalltau(truth, predicted).statistic)
    assert math.isnan(found.rmse_star)
    assert math.isnan(found.outlier_ratio)


def test_weighted_correlations_are_those_of_the_repeated_rows():
    rng = np.random.default_rng(4)
    truth, predicted = rng.normal(size=20), rng.normal(size=(3, 20))
    counts = rng.integers(0, 3, (5, 20)).astype(float)
    found = resampled_plcc(truth, predicted, counts)
    for place, row in enumerate(counts.astype(int)):
        for number, own in enumerate(predicted):
            expected = stats.pearsonr(np.repeat(truth, row), np.repeat(own, row)).statistic
            assert found[number, place] == pytest.approx(expected)


def test_a_paired_difference_has_interval_and_p_value():
    rng = np.random.default_rng(5)
    shared = rng.normal(size=999)
    found = bootstrap_difference(0.8, 0.7, 0.8 + 0.1 * shared, 0.7 + 0.1 * shared)
    assert found.low == pytest.approx(0.1)
    assert found.above_zero
    assert found.p == pytest.approx(2 / 1000)
    equal = bootstrap_difference(0.8, 0.8, rng.normal(size=999), rng.normal(size=999))
    assert equal.p > 0.5
    assert not equal.above_zero
    assert math.isnan(bootstrap_difference(0.8, 0.7, np.full(10, np.nan), np.zeros(10)).low)


def test_ridge_is_scikit_learns_at_the_penalty_it_chose():
    linear_model = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(6)
    features = rng.normal(size=(90, 7)) * [1, 10, 100, 1, 1, 1, 1]
    features[3, 2] = np.nan
    mos = 3 + features[:, 0] / 3 + 0.2 * rng.normal(size=90)
    predicted, penalty = fit_ridge(features[:60], mos[:60], np.arange(60), features[60:], 0)
    scaling = Scaling.fit(features[:60])
    reference = linear_model.Ridge(alpha=penalty).fit(scaling(features[:60]), mos[:60])
    assert predicted == pytest.approx(reference.predict(scaling(features[60:])), abs=1e-8)
    assert penalty in PENALTIES


def test_inner_folds_keep_clips_together():
    units = np.repeat(np.arange(13), 4)
    folds = inner_folds(units, 5, 1)
    assert all(len(set(folds[units == unit])) == 1 for unit in range(13))
    assert len(set(folds)) == 5


@pytest.mark.parametrize("regressor", REGRESSORS, ids=lambda each: each.name)
def test_regressors_learn_what_can_be_learned(regressor):
    if not regressor.installed:
        pytest.skip("moskit-moshead[baselines] is not installed")
    rng = np.random.default_rng(8)
    features = rng.normal(size=(160, 4))
    features[5, 0] = np.nan
    mos = 3 + 0.5 * np.nan_to_num(features[:, 0]) + 0.1 * rng.normal(size=160)
    predicted = regressor.fit(features[:120], mos[:120], np.arange(120), features[120:], 3)
    assert np.corrcoef(predicted, mos[120:])[0, 1] > 0.8
    again = regressor.fit(features[:120], mos[:120], np.arange(120), features[120:], 3)
    assert np.array_equal(predicted, again)
