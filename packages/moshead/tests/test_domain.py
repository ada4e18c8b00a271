"""Foreign rows: a head tells them, and its intervals grow with their distance."""

from __future__ import annotations

import json
import subprocess
import sys

import moshead
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moshead.domain import Description, Domain
from moshead.domain.domain import LIMIT
from moshead.heads import CrossConformal

SIX = ("adm2", "vif_scale0", "vif_scale1", "vif_scale2", "vif_scale3", "motion2")


def rows(count, *, seed=3, shift=0.0):
    rng = np.random.default_rng(seed)
    quality = rng.uniform(-1, 1, count)
    table = {"clip_id": [f"other{n}" for n in range(count)]}
    for name in SIX:
        table[name] = 0.7 + shift + 0.1 * quality + 0.01 * rng.normal(size=count)
    return table


def test_rows_like_the_training_rows_are_in_the_domain_and_others_are_not(accepted_head):
    predictor = moshead.Predictor(accepted_head / "head.onnx")
    like = predictor.predict_mos(pa.table(rows(400)))
    far = predictor.predict_mos(pa.table(rows(400, shift=0.2)))
    assert like.in_domain.mean() > 0.9
    assert far.in_domain.mean() < 0.1
    assert far.foreign.to_dict()["rows_outside"] == int((~far.in_domain).sum())
    # One row tells the same as the table that it stands in.
    row = {name: float(rows(400, shift=0.2)[name][7]) for name in SIX}
    alone = predictor.predict_mos(row)
    assert alone.distance == pytest.approx(far.distance[7], rel=1e-5)
    assert alone.in_domain is False
    assert (alone.lo, alone.hi) == (far.lo[7], far.hi[7])


def test_a_row_without_its_important_columns_is_foreign(accepted_head):
    table = rows(100)
    for name in SIX[:3]:
        table[name] = np.full(100, np.nan)
    found = moshead.Predictor(accepted_head / "head.onnx").predict_mos(pa.table(table))
    assert not found.in_domain.any()
    named = found.foreign.to_dict()["columns"]
    assert {each["name"] for each in named} == set(SIX[:3])
    assert all(each["missing"] == 100 for each in named)


def test_a_column_that_training_often_lacked_makes_no_row_foreign():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(500, 4))
    features[::5, 0] = np.nan
    known = Description.of(features, features[:, 1] + 3)
    row = np.zeros((1, 4))
    often, never = np.eye(4, dtype=bool)[:1], np.eye(4, dtype=bool)[1:2]
    assert known.deviations(row, often) <= known.deviations(row)
    assert known.deviations(row, never) > known.edge


def test_intervals_grow_with_the_distance(accepted_head):
    predictor = moshead.Predictor(accepted_head / "head.onnx")
    table = pa.table(rows(300, shift=0.13))
    found = predictor.predict_mos(table)
    low, high = found.interval(0.2)
    far = found.distance > 1.3
    near = found.distance < 0.9
    assert far.sum() > 10
    cut = (low <= 1.0) | (high >= 5.0)
    width = high - low
    assert width[far & ~cut].mean() > 1.2 * width[near & ~cut].mean()


@given(
    st.integers(2, 4),
    st.integers(8, 60),
    st.floats(0.05, 0.45),
    st.integers(0, 2**31),
)
@settings(max_examples=40)
def test_scaled_intervals_are_those_of_the_definition(k, n, alpha, seed):
    rng = np.random.default_rng(seed)
    fold = np.arange(n) % k
    own = rng.uniform(1, 3, n)
    residuals = np.abs(rng.normal(size=n)) * 0.4
    conformal = CrossConformal.from_residuals(residuals / own, fold)
    mos_folds = np.round(rng.uniform(2.5, 3.5, (5, k)), 3).astype(np.float32)
    scales = np.maximum(1, rng.uniform(0.5, 2.5, (5, k)))
    mos = mos_folds.mean(axis=1).astype(np.float64)
    low, high = conformal.interval(mos, mos_folds, alpha, scales)
    rank = conformal.rank(alpha)
    for row in range(5):
        if rank > n:
            assert (low[row], high[row]) == (1, 5)
            continue
        half = np.ceil(residuals / own * 1000) / 1000 * scales[row, fold]
        upper = np.sort(mos_folds[row, fold] + half)[rank - 1]
        lower = np.sort(mos_folds[row, fold] - half)[::-1][rank - 1]
        wanted = np.clip([min(lower, mos[row]), max(upper, mos[row])], 1, 5)
        # Rounded outwards, by two steps at most.
        assert wanted[0] - 0.0025 <= low[row] <= wanted[0] + 1e-6
        assert wanted[1] - 1e-6 <= high[row] <= wanted[1] + 0.0025


def test_exchangeable_rows_stay_covered():
    """Normalised CV+ on rows drawn alike, whose noise grows with their distance."""
    rng = np.random.default_rng(5)
    held = []
    for _ in range(12):
        x = rng.standard_t(3, size=(400, 3))
        y = 3 + 0.2 * x[:, 0] + (0.1 + 0.05 * np.abs(x).mean(axis=1)) * rng.normal(size=400)
        new = np.arange(400) >= 300
        fold = np.where(new, -1, np.arange(400) % 5)
        trained = np.flatnonzero(~new)
        domain = Domain.of(x[trained], y[trained], fold[trained], np.arange(len(trained)))
        scales = domain.held_out_scales(x[trained], fold[trained])
        residuals = np.abs(y - 3 - 0.2 * x[:, 0])
        conformal = CrossConformal.from_residuals(residuals[trained] / scales, fold[trained])
        mos = 3 + 0.2 * x[new, 0]
        folds = np.repeat(mos[:, None], 5, axis=1)
        low, high = conformal.interval(mos, folds, 0.1, domain.scales(x[new]))
        held.append(np.mean((low <= y[new]) & (y[new] <= high)))
    assert np.mean(held) > 0.88


def test_the_description_is_small_and_holds_no_training_row():
    rng = np.random.default_rng(1)
    for columns, folds in ((3000, 5), (100, 20)):
        features = rng.normal(size=(80, columns))
        domain = Domain.of(features, features[:, 0] + 3, np.arange(80) % folds, np.arange(80))
        text = json.dumps(domain.to_dict())
        assert len(text) < LIMIT
        back = Domain.from_dict(json.loads(text))
        assert np.allclose(back.distances(features), domain.distances(features))
        stored = np.stack([back.rows.location, back.rows.spread, back.rows.weights])
        kept = features[:, back.rows.columns]
        assert not any(np.allclose(row, own) for row in kept for own in stored)


def test_predict_marks_foreign_rows_and_promises_nothing_for_them(head, tmp_path):
    table = rows(60)
    far = rows(40, seed=4, shift=0.2)
    pq.write_table(
        pa.table({k: np.concatenate([table[k], far[k]]) for k in table}), "mixed.parquet"
    )
    done = subprocess.run(
        [sys.executable, "-m", "moshead", "predict", "--onnx", head / "head.onnx",
         "--features", "mixed.parquet", "--out", "p.parquet"],
        capture_output=True, text=True, check=True, env={"COLUMNS": "400", "PATH": ""},
    )  # fmt: skip
    audit = json.loads((tmp_path / "p.parquet.audit.json").read_text())
    found = pq.read_table("p.parquet")
    outside = ~found.column("in_domain").to_numpy(zero_copy_only=False)
    assert audit["domain"]["rows_outside"] == int(outside.sum())
    assert audit["domain"]["share"] == pytest.approx(outside.mean())
    assert audit["domain"]["threshold"] == 1.0
    assert ((found.column("distance").to_numpy() > 1.0) == outside).all()
    text = " ".join((done.stdout + done.stderr).split())
    inside = 100 - int(outside.sum())
    assert f"usually about 90 %; {inside} of 100 rows are like them" in text
    assert "are foreign" in text
    assert "mean z-score" in text
    # Where every row is foreign, no share is named at all.
    pq.write_table(pa.table(rows(30, shift=0.3)), "far.parquet")
    done = subprocess.run(
        [sys.executable, "-m", "moshead", "predict", "--onnx", head / "head.onnx",
         "--features", "far.parquet", "--out", "q.parquet"],
        capture_output=True, text=True, check=True, env={"COLUMNS": "400", "PATH": ""},
    )  # fmt: skip
    assert "usually" not in done.stdout + done.stderr
    assert "nothing is promised" in " ".join((done.stdout + done.stderr).split())
