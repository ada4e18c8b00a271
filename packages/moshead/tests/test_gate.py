"""The gate: what passes, what does not, and whose fault it is."""

from __future__ import annotations

import json

import moshead
import numpy as np
import pytest
from moshead.gate.report import Cell
from moshead.gate.thresholds import PRODUCTION, bounds_of


def cells(mos, noise, folds=5, seeds=5, seed_noise=0.0, seed=0):
    """Out-of-fold predictions with this much error."""
    rng = np.random.default_rng(seed)
    rows = np.array_split(rng.permutation(len(mos)), folds)
    shared = mos + noise * rng.normal(size=len(mos))
    made = []
    for fold, held_out in enumerate(rows):
        for number in range(seeds):
            error = seed_noise * number * rng.normal(size=len(held_out))
            made.append(Cell(fold, number, held_out, shared[held_out] + error))
    return made


@pytest.fixture
def mos():
    return np.random.default_rng(1).uniform(1.5, 4.5, 1000)


def test_thresholds_are_the_forks():
    assert bounds_of(PRODUCTION) == {
        "mean_plcc_min": 0.85,
        "mean_srocc_min": 0.82,
        "mean_rmse_max": 0.45,
        "plcc_spread_max": 0.005,
    }


def test_good_predictions_of_real_rows_are_accepted(mos):
    report = moshead.gate.judge(mos, cells(mos, 0.3))
    assert report.passed
    assert report.status == "Accepted"
    low, high = report.ci["mean_plcc"]
    assert low < report.mean_plcc < high


@pytest.mark.parametrize("kind", ["smoke", "synthetic-fallback"])
def test_synthetic_rows_are_never_accepted(mos, kind):
    report = moshead.gate.judge(mos, cells(mos, 0.01), corpus_kind=kind)
    assert report.passed
    assert report.status == "Proposed"
    assert report.kind == "smoke-surrogate"


def test_predictions_that_order_well_but_sit_elsewhere_miss_by_rmse(mos):
    made = [Cell(c.fold, c.seed, c.rows, c.predicted + 0.6) for c in cells(mos, 0.2)]
    report = moshead.gate.judge(mos, made)
    assert not report.passed
    assert [miss.split(" 0")[0] for miss in report.misses] == ["mean RMSE"]


def test_seeds_that_disagree_miss_by_spread(mos):
    report = moshead.gate.judge(mos, cells(mos, 0.2, seed_noise=0.1))
    assert report.mean_plcc > 0.9
    assert not report.passed
    assert "spread" in report.misses[0]
    assert "model's" in report.sentence


def test_a_fold_without_a_plcc_misses(mos):
    made = cells(mos, 0.1)
    made[3] = Cell(made[3].fold, made[3].seed, made[3].rows, np.full(len(made[3].rows), 3.0))
    report = moshead.gate.judge(mos, made)
    assert not report.passed
    assert report.status == "Proposed"
    assert np.isnan(report.mean_plcc)
    assert report.to_dict()["mean_plcc"] is None
    json.dumps(report.to_dict(), allow_nan=False)


def test_the_means_and_spreads_can_be_recomputed_from_the_fold_scores(mos):
    report = moshead.gate.judge(mos, cells(mos, 0.4, seed_noise=0.05))
    table = np.array([(s.fold, s.seed, s.plcc, s.srocc, s.rmse) for s in report.fold_scores])
    by_seed = [table[table[:, 1] == seed, 2].mean() for seed in range(5)]
    by_fold = [table[table[:, 0] == fold, 2].mean() for fold in range(5)]
    assert report.mean_plcc == pytest.approx(table[:, 2].mean())
    assert report.mean_srocc == pytest.approx(table[:, 3].mean())
    assert report.mean_rmse == pytest.approx(table[:, 4].mean())
    assert report.plcc_spread == pytest.approx(max(by_seed) - min(by_seed))
    assert report.fold_plcc_spread == pytest.approx(max(by_fold) - min(by_fold))


def test_noisy_labels_take_the_blame():
    rng = np.random.default_rng(5)
    true = rng.normal(3, 0.55, 2000)
    error = np.full(2000, 0.7 / np.sqrt(5))
    measured = np.clip(true + error * rng.normal(size=2000), 1, 5)
    made = [
        Cell(fold, seed, rows, true[rows] + 0.25 * rng.normal(size=len(rows)))
        for fold, rows in enumerate(np.array_split(np.arange(2000), 5))
        for seed in range(3)
    ]
    report = moshead.gate.judge(measured, made, standard_error=error)
    assert not report.passed
    assert report.label_noise_ceiling == pytest.approx(0.87, abs=0.02)
    assert "The miss is the labels'" in report.sentence
    assert report.extras["outlier_ratio"] > 0
    low, high = report.extras["label_noise_ceiling_ci"]
    reached = np.corrcoef(true, measured)[0, 1]
    assert low < reached < high
    assert high - low < 0.03


def test_a_weak_model_on_clean_labels_takes_the_blame(mos):
    report = moshead.gate.judge(mos, cells(mos, 1.0), standard_error=np.full(len(mos), 0.05))
    assert not report.passed
    assert "The miss is the model's" in report.sentence


def test_without_ratings_nobody_is_blamed(mos):
    report = moshead.gate.judge(mos, cells(mos, 1.0))
    assert report.label_noise_ceiling is None
    assert "cannot be told" in report.sentence


def test_intervals_over_groups_are_wider_than_over_their_copies():
    rng = np.random.default_rng(7)
    groups = np.repeat(np.arange(100), 10)
    mos = np.repeat(rng.uniform(1.5, 4.5, 100), 10) + 0.01 * rng.normal(size=1000)
    predicted = mos + np.repeat(0.4 * rng.normal(size=100), 10)
    one = [Cell(0, seed, np.arange(1000), predicted) for seed in range(2)]
    rows = moshead.gate.judge(mos, one)
    grouped = moshead.gate.judge(mos, one, units=groups, unit_name="groups")
    width = {
        name: np.ptp(report.ci["mean_plcc"])
        for name, report in (("rows", rows), ("groups", grouped))
    }
    assert width["groups"] > 2 * width["rows"]
    assert grouped.extras["ci_unit"] == "groups"


def test_held_out_rows_are_judged_without_a_spread(mos):
    rng = np.random.default_rng(2)
    report = moshead.gate.judge_rows(mos, mos + 0.2 * rng.normal(size=len(mos)))
    assert report.passed
    assert report.plcc_spread is None
    assert "plcc_spread_max" not in report.thresholds
    assert not moshead.gate.judge_rows(mos, np.full(len(mos), 3.0)).passed


@pytest.mark.parametrize(("units", "folds"), [(3, 1), (3, 3), (15, 5), (19, 1), (18, 6)])
def test_too_few_clips_have_no_interval_and_no_pass(units, folds):
    rng = np.random.default_rng(3)
    clip = np.repeat(np.arange(units), 10)
    truth = rng.uniform(1.5, 4.5, units)[clip]
    made = [
        Cell(fold, seed, rows, truth[rows] + 0.01 * rng.normal(size=len(rows)))
        for fold, rows in enumerate(
            np.flatnonzero(np.isin(clip, part)) for part in np.array_split(np.arange(units), folds)
        )
        for seed in range(2)
    ]
    report = moshead.gate.judge(truth, made, units=clip)
    assert all(np.isnan(ends).all() for ends in report.ci.values())
    assert not report.passed
    assert f"{units} clips are too few" in report.sentence
    assert "The gate is met" not in report.sentence


def test_the_ceiling_is_that_of_the_rows_whose_errors_are_known():
    rng = np.random.default_rng(4)
    narrow, wide = rng.normal(3, 0.2, 300), rng.uniform(1, 5, 200)
    truth = np.concatenate([narrow, wide])
    error = np.concatenate([np.full(300, 0.19), np.full(200, np.nan)])
    report = moshead.gate.judge(truth, cells(truth, 0.1), standard_error=error)
    expected = np.sqrt(1 - 0.19**2 / narrow.var())
    assert report.label_noise_ceiling == pytest.approx(expected, abs=1e-9)


def test_the_spread_over_partitions_includes_the_main_one(mos):
    made = cells(mos, 0.3)
    first = np.mean([s.plcc for s in moshead.gate.judge(mos, made).fold_scores if s.seed == 0])
    report = moshead.gate.judge(mos, made, partitions={1: float(first) - 0.02})
    assert report.extras["partition_plcc_spread"] == pytest.approx(0.02)
    assert moshead.gate.judge(mos, made).extras["partition_plcc_spread"] is None


def test_acceptance_is_compared_with_its_interval_in_words():
    truth = np.random.default_rng(1).uniform(1.5, 4.5, 400)
    close = moshead.gate.judge(truth, cells(truth, 0.44, seeds=2, folds=2))
    assert close.passed
    low, _ = close.ci["mean_plcc"]
    _, high = close.ci["mean_rmse"]
    assert low > 0.85
    assert high > 0.45
    assert f"mean RMSE up to {high:.3f} (threshold 0.45)" in close.sentence
    clear = moshead.gate.judge(truth, cells(truth, 0.2))
    assert clear.sentence == "The gate is met."


def test_rmse_is_compared_with_the_spread_of_the_mos():
    truth = 3 + 0.4 * np.random.default_rng(5).normal(size=500)
    report = moshead.gate.judge(truth, cells(truth, 0.3))
    spread = np.mean([truth[c.rows].std() for c in cells(truth, 0.3)])
    assert report.extras["rmse_over_mos_sd"] == pytest.approx(report.mean_rmse / spread)
    assert "predicted for every clip, would have an RMSE of 0.383" in report.sentence


def test_intervals_of_rank_correlations_are_centred_on_what_was_measured():
    shifts = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        truth = rng.normal(size=46)
        predicted = truth + 0.5 * rng.normal(size=46)
        report = moshead.gate.judge_rows(truth, predicted, seed=seed)
        z = np.arctanh([*report.ci["mean_srocc"], report.mean_srocc])
        shifts.append((z[0] + z[1]) / 2 - z[2])
    assert abs(np.mean(shifts)) < 0.02
