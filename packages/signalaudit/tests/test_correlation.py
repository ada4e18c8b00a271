"""Correlations agree with SciPy on the rows that both columns have."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from signalaudit.statistics import correlate, fisher_interval, pearson, spearman, spearman_interval
from signalaudit.statistics.correlation import average_ranks

TOLERANCE = 1e-10


def scipy_pair(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if x.size < 2 or x.min() == x.max() or y.min() == y.max():
        return math.nan, math.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(stats.pearsonr(x, y)[0]), float(stats.spearmanr(x, y)[0])


def assert_agrees(columns: np.ndarray) -> None:
    found = correlate(np.asfortranarray(columns))
    for i in range(columns.shape[1]):
        for j in range(columns.shape[1]):
            r, rho = scipy_pair(columns[:, i], columns[:, j])
            assert found.pearson[i, j] == pytest.approx(r, abs=TOLERANCE, nan_ok=True)
            assert found.spearman[i, j] == pytest.approx(rho, abs=TOLERANCE, nan_ok=True)
            both = np.isfinite(columns[:, i]) & np.isfinite(columns[:, j])
            assert found.counts[i, j] == both.sum()


@pytest.fixture
def columns() -> np.ndarray:
    generator = np.random.default_rng(3)
    values = generator.normal(size=(500, 7))
    values[:, 1] = 0.9 * values[:, 0] + 0.1 * values[:, 1]
    values[:, 2] = np.round(values[:, 2], 1)  # ties
    values[:, 3] = 1e9 + values[:, 3]  # a mean far above the spread
    values[:, 4] *= 1e180
    return values


def test_complete_columns(columns: np.ndarray) -> None:
    assert_agrees(columns)


def test_missing_values_are_left_out_pair_by_pair(columns: np.ndarray) -> None:
    columns[5:60, 0] = np.nan
    columns[40:90, 2] = np.nan
    columns[7, 3] = np.inf
    columns[8, 4] = -np.inf
    columns[:, 5][::3] = np.nan
    assert_agrees(columns)


def test_outliers_in_rows_that_the_partner_lacks(columns: np.ndarray) -> None:
    columns[:4, 0] = np.nan
    columns[:4, 1] = 1e15
    columns[:4, 5] = 1e9
    assert_agrees(columns)


def test_constant_and_empty_columns_have_no_correlation(columns: np.ndarray) -> None:
    columns[:, 0] = 4.0
    columns[:, 1] = np.nan
    columns[1:, 2] = np.nan
    columns[50:, 5] = 3.0
    columns[:50, 6] = np.nan  # column 5 is constant where column 6 is there
    assert_agrees(columns)


@settings(deadline=None, max_examples=150)
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(2, 12), st.integers(2, 4)),
        elements=st.one_of(
            st.integers(-3, 3).map(float),
            st.floats(-1e6, 1e6, width=32),
            st.sampled_from([math.nan, math.inf, -math.inf]),
        ),
    )
)
def test_any_small_table(columns: np.ndarray) -> None:
    found = correlate(np.asfortranarray(columns))
    for i in range(columns.shape[1]):
        for j in range(i):
            one, other = columns[:, i], columns[:, j]
            assert found.pearson[i, j] == pytest.approx(pearson(one, other), abs=1e-9, nan_ok=True)
            expected = spearman(one, other)
            assert found.spearman[i, j] == pytest.approx(expected, abs=TOLERANCE, nan_ok=True)
            assert not abs(found.pearson[i, j]) > 1
            r, rho = scipy_pair(one, other)
            assert spearman(one, other) == pytest.approx(rho, abs=TOLERANCE, nan_ok=True)
            assert pearson(one, other) == pytest.approx(r, abs=1e-9, nan_ok=True)


@given(hnp.arrays(np.float64, st.integers(1, 40), elements=st.integers(-5, 5).map(float)))
def test_average_ranks(values: np.ndarray) -> None:
    assert np.array_equal(average_ranks(values), stats.rankdata(values))


def test_many_rows_are_handled_in_blocks() -> None:
    generator = np.random.default_rng(0)
    values = np.asfortranarray(generator.normal(size=(60_000, 60)))
    values[:, 1] += values[:, 0]
    values[:100, 2] = np.nan
    found = correlate(values)
    expected = scipy_pair(values[:, 0], values[:, 1])
    assert (found.pearson[0, 1], found.spearman[0, 1]) == pytest.approx(expected, abs=TOLERANCE)
    expected = scipy_pair(values[:, 2], values[:, 1])
    assert (found.pearson[2, 1], found.spearman[2, 1]) == pytest.approx(expected, abs=TOLERANCE)


def test_fisher_interval_is_scipys() -> None:
    generator = np.random.default_rng(1)
    x = generator.normal(size=80)
    y = x + generator.normal(size=80)
    result = stats.pearsonr(x, y)
    low, high = fisher_interval(result.statistic, 80)
    expected = result.confidence_interval(0.95)
    assert (float(low), float(high)) == pytest.approx((expected.low, expected.high), abs=TOLERANCE)


def test_interval_of_ranks_is_wider_and_needs_four_rows() -> None:
    low, high = fisher_interval(0.6, 50)
    wide_low, wide_high = spearman_interval(0.6, 50)
    assert wide_low < low < high < wide_high
    assert np.isnan(fisher_interval(0.6, 3)).all()
