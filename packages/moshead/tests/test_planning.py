"""Gate planning."""

from __future__ import annotations

import moshead
import numpy as np
import pytest
from provenance.toolkit import InputError


def test_the_plan_answers_in_ratings_and_clips(write_table, labelled_columns):
    """The noise is what the method that made the labels says, not the deviation."""
    columns = labelled_columns() | {
        "mos_std_dev": [9.0] * 120,
        "mos_n_ratings": [5] * 120,
        "mos_standard_error": [0.3] * 120,
    }
    spread = np.std(columns["mos"])
    plan = moshead.plan_gate(plcc=0.90, features=write_table(columns))
    assert plan["ceiling"] == pytest.approx(np.sqrt(1 - 0.09 / spread**2), abs=1e-6)
    few = moshead.plan_gate(plcc=0.90, ratings=5, rating_sd=0.7, mos_sd=0.64)
    assert few["more_ratings_per_clip"] == few["ratings_needed"] - 5
    sure = moshead.plan_gate(plcc=0.90, clips=120)
    enough = sure["clips_for_verdict"]
    for clips, above in ((enough, True), (enough - 1, False)):
        again = moshead.plan_gate(plcc=0.90, clips=clips)
        assert (0.90 - 1.96 * (1 - 0.81) / np.sqrt(clips) >= 0.85) == above
        assert again["clips_for_verdict"] == enough


def test_five_ratings_cannot_pass_and_more_can():
    plan = moshead.plan_gate(plcc=0.90, ratings=5, rating_sd=0.7, mos_sd=0.64)
    assert plan["ceiling"] == pytest.approx(0.872, abs=1e-3)
    assert plan["measured_plcc"] == pytest.approx(0.785, abs=1e-3)
    assert not plan["can_pass"]
    enough = plan["ratings_needed"]
    # More ratings also shrink the variance of the measured MOS.
    true = 0.64**2 - 0.7**2 / 5
    for ratings, passes in ((enough, True), (enough - 1, False)):
        mos_sd = (true + 0.7**2 / ratings) ** 0.5
        again = moshead.plan_gate(plcc=0.90, ratings=ratings, rating_sd=0.7, mos_sd=mos_sd)
        assert again["can_pass"] is passes


def test_a_head_below_the_threshold_cannot_pass_anywhere():
    plan = moshead.plan_gate(plcc=0.80)
    assert not plan["can_pass"]
    assert any("any corpus" in sentence for sentence in plan["sentences"])


def test_clips_say_how_well_they_measure():
    plan = moshead.plan_gate(plcc=0.90, clips=1200)
    assert plan["expected_fold_spread"] == pytest.approx(0.0285, abs=1e-3)
    assert plan["clips_per_fold_needed"] == pytest.approx(7_800, rel=0.01)


def test_numbers_come_from_a_labelled_table(write_table, labelled_columns):
    columns = labelled_columns() | {"mos_std_dev": [0.7] * 120, "mos_n_ratings": [5] * 120}
    plan = moshead.plan_gate(features=write_table(columns))
    assert plan["clips"] == 120
    assert 0 < plan["ceiling"] < 1


@pytest.mark.parametrize(
    "options",
    [
        {"plcc": 1.0},
        {"plcc": 0.0},
        {"k_folds": 1},
        {"clips": 5},
        {"ratings": 5},
        {"ratings": 0, "rating_sd": 0.7, "mos_sd": 0.6},
    ],
)
def test_impossible_numbers_are_refused(options):
    with pytest.raises(InputError):
        moshead.plan_gate(**options)
