"""Ridge, folds and intervals behind the gain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import signalaudit
from scipy import stats
from signalaudit.findings.gain import _folds
from signalaudit.statistics.bootstrap import WeightedRanks, weighted_pearson
from signalaudit.statistics.ridge import CLIP, PENALTIES, Ridge, Standardiser


@pytest.fixture
def problem() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    z = generator.normal(size=(120, 15))
    z[:, 1] = z[:, 0] + 0.01 * generator.normal(size=120)
    y = z[:, 0] + 0.5 * z[:, 5] + generator.normal(size=120) + 3
    return z, y


def test_ridge_is_scikit_learns(problem: tuple[np.ndarray, np.ndarray]) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    z, y = problem
    own = Ridge.fit(z, y)
    theirs = linear_model.Ridge(alpha=own.penalty).fit(z, y)
    predicted = own.level + (z - own.centre) @ own.weights
    assert predicted == pytest.approx(theirs.predict(z), abs=1e-9)


def test_the_penalty_minimises_generalised_cross_validation(
    problem: tuple[np.ndarray, np.ndarray],
) -> None:
    z, y = problem
    z, y = z - z.mean(axis=0), y - y.mean()
    scores = []
    for penalty in PENALTIES:
        hat = z @ np.linalg.solve(z.T @ z + penalty * np.eye(15), z.T)
        scores.append(((y - hat @ y) ** 2).sum() / (len(y) - 1 - np.trace(hat)) ** 2)
    assert Ridge.fit(z, y).penalty == PENALTIES[int(np.argmin(scores))]


def test_taking_a_block_out_is_a_new_fit(problem: tuple[np.ndarray, np.ndarray]) -> None:
    z, y = problem
    own = Ridge.fit(z, y)
    block = np.array([0, 3, 4])
    kept = np.setdiff1d(np.arange(15), block)
    centred = z[:, kept] - z[:, kept].mean(axis=0)
    expected = np.linalg.solve(
        centred.T @ centred + own.penalty * np.eye(kept.size), centred.T @ (y - y.mean())
    )
    weights = own.without(block)
    assert weights[kept] == pytest.approx(expected, abs=1e-10)
    assert not weights[block].any()


def test_more_columns_than_rows() -> None:
    generator = np.random.default_rng(1)
    z = generator.normal(size=(20, 50))
    own = Ridge.fit(z, z[:, 0])
    assert np.isfinite(own.weights).all()
    assert np.isfinite(own.without(np.arange(10))).all()


def test_missing_values_become_the_training_mean() -> None:
    rows = np.array([[1.0, 5.0], [3.0, 5.0], [np.nan, 5.0], [np.inf, 5.0]])
    standard = Standardiser.fit(rows)
    assert standard.mean.tolist() == [2.0, 5.0]
    z = standard.apply(np.array([[np.nan, 5.0], [1000.0, 6.0]]))
    assert z[0].tolist() == [0.0, 0.0]
    assert z[1, 0] == CLIP


def test_weighted_statistics_are_those_of_repeated_rows() -> None:
    generator = np.random.default_rng(2)
    x, y = np.round(generator.normal(size=(2, 60)), 1)  # ties
    weights = generator.poisson(1.0, (5, 60)).astype(float)
    ranked = WeightedRanks(y, weights).correlation(x)
    linear = weighted_pearson(x, y, weights)
    for draw, counts in enumerate(weights.astype(int)):
        a, b = np.repeat(x, counts), np.repeat(y, counts)
        assert linear[draw] == pytest.approx(stats.pearsonr(a, b)[0], abs=1e-10)
        assert ranked[draw] == pytest.approx(stats.spearmanr(a, b)[0], abs=1e-10)


def test_folds_keep_groups_together_and_even() -> None:
    generator = np.random.default_rng(0)
    units = generator.integers(0, 40, 1000)
    units = np.unique(units, return_inverse=True)[1]
    folds = _folds(units, generator)
    for unit in range(40):
        assert np.unique(folds[units == unit]).size == 1
    sizes = np.bincount(folds)
    assert sizes.size == 5
    assert sizes.max() - sizes.min() < 60


def grouped_table(write: Callable[..., Path], **more: Any) -> Path:
    """Columns that identify a group of ten clips whose MOS are equal, and know nothing else."""
    generator = np.random.default_rng(4)
    group = np.repeat(np.arange(40), 10)
    mos = generator.normal(size=40)[group]
    codes = generator.normal(size=(40, 30))[group]
    columns = {f"x{i}y": codes[:, i] for i in range(30)}
    return write(**columns, mos=mos, **more(group) if callable(more) else more)


def all_plcc(table: Mapping[str, Any]) -> float:
    """The PLCC of all columns of an audited table."""
    found = table["gain_method"]["all_plcc"]
    assert isinstance(found, float)
    return found


def test_memorised_groups_gain_nothing(write_table: Callable[..., Path]) -> None:
    content = [f"content {number // 10}" for number in range(400)]
    path = grouped_table(write_table, content=content)
    [plain] = signalaudit.audit([str(path)])["tables"]
    [grouped] = signalaudit.audit([str(path)], group_column="content")["tables"]
    assert plain["gain_method"]["grouped_by"] == "row"
    assert all_plcc(plain) > 0.7
    assert grouped["gain_method"]["grouped_by"] == "group column"
    assert grouped["gain_method"]["groups"] == 40
    assert all_plcc(grouped) < 0.4


def test_rows_of_one_clip_key_stay_together(write_table: Callable[..., Path]) -> None:
    keys = [f"{number // 10}.mp4" for number in range(400)]
    [table] = signalaudit.audit([str(grouped_table(write_table, clip_id=keys))])["tables"]
    assert table["gain_method"]["grouped_by"] == "clip key"
    assert all_plcc(table) < 0.4


def test_noise_is_not_confirmed(write_table: Callable[..., Path]) -> None:
    generator = np.random.default_rng(5)
    mos = generator.normal(size=400)
    path = write_table(
        adm2=mos + generator.normal(size=400),
        noise_level=generator.normal(size=400),
        mos=mos,
    )
    [table] = signalaudit.audit([str(path)])["tables"]
    blocks = {row["block"]: row for row in table["gain"]}
    assert blocks["canonical_fr"]["confirmed"]
    assert not blocks["noise_grain_blur"]["confirmed"]
    assert blocks["canonical_fr"]["alone_plcc"] == pytest.approx(0.7, abs=0.06)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"adm2": np.arange(20.0), "mos": np.arange(20.0) % 7}, "20 rows have a target"),
        ({"adm2": np.arange(60.0), "mos": np.ones(60)}, "constant"),
        ({"adm2": np.ones(60), "mos": np.arange(60.0)}, "no healthy signal"),
        ({"adm2": np.arange(60.0)}, "no target"),
    ],
)
def test_why_there_is_no_gain(
    write_table: Callable[..., Path], columns: dict[str, Any], said: str
) -> None:
    [table] = signalaudit.audit([str(write_table(**columns))])["tables"]
    assert table["gain"] == []
    assert said in table["gain_method"]["omitted"]
