"""MOS from ratings: each method against its recommendation, SciPy, sureal, and known truth."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import labeljoin
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from labeljoin.ratings import RatingOptions
from rating_designs import simulate
from scipy import stats

WIDE = "-20:30"
"""A scale that no simulated vote leaves."""

REAL = os.environ.get("MOSKIT_REALDATA", "")

SUREAL = """
import contextlib, io, json, sys, types
import numpy as np
from sureal.dataset_reader import RawDatasetReader
from sureal.subjective_model import (
    BiasremvSubjrejMosModel, MosModel, SubjectMLEModelProjectionSolver2, SubjrejMosModel,
)
models = {"mean": MosModel, "bt500": SubjrejMosModel, "p913": BiasremvSubjrejMosModel,
          "p910": SubjectMLEModelProjectionSolver2}
answers = []
for matrix in json.load(sys.stdin):
    found = {}
    for name, model in models.items():
        dataset = types.SimpleNamespace(
            ref_videos=[{"content_id": 0, "path": "r"}],
            dis_videos=[{"content_id": 0, "asset_id": n, "path": str(n), "os": row}
                        for n, row in enumerate(np.array(matrix, dtype=float).tolist())])
        with contextlib.redirect_stdout(io.StringIO()):
            result = model(RawDatasetReader(dataset)).run_modeling()
        found[name] = {key: np.asarray(result[key]).tolist() for key in (
            "quality_scores", "quality_scores_std", "observer_bias", "observer_inconsistency",
            "observer_rejected") if key in result}
    answers.append(found)
json.dump(answers, sys.stdout)
"""


def rate(table, method="p910", **options):
    return labeljoin.ratings.rate_in_memory(table, RatingOptions(method=method, **options))


def long_table(matrix):
    clips, raters = matrix.shape
    return pa.table(
        {
            "clip": np.repeat([f"{n:03d}" for n in range(clips)], raters),
            "rater": np.tile([f"{n:03d}" for n in range(raters)], clips),
            "score": pa.array(matrix.ravel(), from_pandas=True),
        }
    )


def votes_matrix(seed, clips=40, raters=18, gaps=0.0):
    random = np.random.default_rng(seed)
    quality = random.uniform(1, 5, clips)[:, None]
    scatter = random.uniform(0.4, 1.2, raters) * random.normal(size=(clips, raters))
    matrix = np.clip(np.rint(quality + random.normal(0, 0.4, raters) + scatter), 1, 5)
    matrix[random.random(matrix.shape) < gaps] = np.nan
    return matrix


@pytest.mark.skipif(find_spec("sureal") is None, reason="sureal is not installed")
def test_results_equal_sureal():
    """With gaps BT.500 is not compared: here a rater's own votes count, there all clips do."""
    matrices = [votes_matrix(3), votes_matrix(3, gaps=0.2)]
    # In a process of its own: its import chooses how this one would start others.
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SUREAL],
        input=json.dumps([[[None if v != v else v for v in r] for r in m] for m in matrices]),
        capture_output=True,
        text=True,
        check=True,
    )
    full, gaps = json.loads(done.stdout)
    for method in ("mean", "bt500", "p913", "p910"):
        compare(rate(long_table(matrices[0]), method), full[method])
    for method in ("mean", "p910"):
        compare(rate(long_table(matrices[1]), method), gaps[method])


def compare(rated, expected):
    mos = rated.clips["mos"].to_numpy()
    np.testing.assert_allclose(mos, expected["quality_scores"], atol=1e-6)
    n = rated.clips["mos_n_ratings"].to_numpy()
    error = rated.clips["mos_std_dev"].to_numpy() / np.sqrt(n)
    if rated.audit.method == "p910":  # sureal divides by n there, and by n - 1 elsewhere
        error *= np.sqrt((n - 1) / n)
    np.testing.assert_allclose(error, expected["quality_scores_std"], atol=1e-6)
    for name in ("bias", "inconsistency", "rejected"):
        if f"observer_{name}" in expected and rated.audit.method != "bt500":
            values = rated.raters[name].to_numpy()
            np.testing.assert_allclose(values, expected[f"observer_{name}"], atol=1e-6)


@pytest.mark.skipif(not REAL, reason="MOSKIT_REALDATA is not set")
@pytest.mark.parametrize("method", ["mean", "bt500", "p913", "p910"])
def test_the_public_netflix_ratings(method):
    folder = Path(REAL) / "nflx_ratings"
    recorded = json.loads((folder / "sureal.json").read_text("utf-8"))
    expected = recorded["mos" if method == "mean" else method]
    rated = rate(pacsv.read_csv(folder / "ratings.csv"), method)
    order = pa.compute.index_in(pa.array(recorded["clips"]), value_set=rated.clips["clip"])
    people = [f"s{n}" for n in range(26)]
    raters = pa.compute.index_in(pa.array(people), value_set=rated.raters["rater"])
    rated = labeljoin.ratings.RatedClips(
        **{**vars(rated), "clips": rated.clips.take(order), "raters": rated.raters.take(raters)}
    )
    compare(rated, expected)


def test_the_mean_has_students_interval():
    matrix = votes_matrix(1, clips=5, raters=8, gaps=0.2)
    rated = rate(long_table(matrix), "mean")
    for row, votes in zip(rated.clips.to_pylist(), matrix, strict=True):
        votes = votes[~np.isnan(votes)]
        low, high = stats.t.interval(0.95, len(votes) - 1, votes.mean(), stats.sem(votes))
        assert row["mos"] == pytest.approx(votes.mean())
        assert row["mos_std_dev"] == pytest.approx(votes.std(ddof=1))
        assert row["mos_n_ratings"] == len(votes)
        assert (row["mos_ci_low"], row["mos_ci_high"]) == (pytest.approx(low), pytest.approx(high))


def test_bt500_rejects_as_the_recommendation_says():
    matrix = votes_matrix(5, clips=60, raters=20)
    random = np.random.default_rng(1)
    matrix[:, 7] = random.integers(1, 6, 60)  # one who votes at random
    above, below = np.zeros(20), np.zeros(20)
    for votes in matrix:
        if np.ptp(votes) == 0:
            continue
        normal = 2 <= stats.kurtosis(votes, fisher=False) <= 4
        limit = (2 if normal else np.sqrt(20)) * votes.std() * (1 - 1e-9)
        above += votes - votes.mean() >= limit
        below += votes.mean() - votes >= limit
    beyond = (above + below) / 60
    with np.errstate(invalid="ignore"):
        expected = (beyond > 0.05) & (np.abs(above - below) / (above + below) < 0.3)
    rated = rate(long_table(matrix), "bt500")
    assert expected[7]
    assert rated.raters["rejected"].to_pylist() == expected.tolist()
    reason = rated.raters["reason"][7].as_py()
    assert reason.startswith(f"{100 * beyond[7]:.1f} % of the votes are beyond")
    kept = matrix[:, ~expected]
    np.testing.assert_allclose(rated.clips["mos"].to_numpy(), kept.mean(axis=1))


def test_one_of_five_votes_is_beyond_the_limit_exactly():
    """Four equal votes and another: it is exactly two standard deviations away."""
    rows = [
        (f"c{n}", f"r{r}", 5 if r == n % 5 and n % 2 else 3) for n in range(20) for r in range(5)
    ]
    rows += [
        (f"d{n}", f"r{r}", 1 if r == n % 5 and n % 2 else 3) for n in range(20) for r in range(5)
    ]
    clip, rater, score = zip(*rows, strict=True)
    rated = rate(pa.table({"clip": clip, "rater": rater, "score": score}), "bt500", scale="1-5")
    # Each rater is beyond in a tenth of its votes, half of them above: all would go, so none does.
    assert not any(rated.raters["rejected"].to_pylist())
    np.testing.assert_allclose(rated.estimate.beyond, 0.1)


@pytest.mark.parametrize(
    "design", [{"clips": 150, "raters": 20}, {"clips": 1500, "raters": 100, "per_clip": 5}]
)
def test_the_rater_model_beats_the_mean_and_its_intervals_hold(design):
    cover, gain = [], []
    for seed in range(4):
        made = simulate(**design, seed=seed)
        rated = rate(made.table, scale=WIDE)
        off = rated.clips["mos"].to_numpy() - made.quality
        off -= off.mean()  # where zero bias lies is a convention
        reach = (rated.clips["mos_ci_high"].to_numpy() - rated.clips["mos_ci_low"].to_numpy()) / 2
        cover.append(np.mean(np.abs(off) <= reach))
        mean = rate(made.table, "mean", scale=WIDE).clips["mos"].to_numpy()
        truth = [np.corrcoef(made.quality, mos)[0, 1] for mos in (off + made.quality, mean)]
        gain.append(truth[0] - truth[1])
        assert rated.audit.model.converged
    assert 0.93 <= np.mean(cover) <= 0.97
    assert min(gain) > 0.005


@pytest.mark.parametrize("method", ["p910", "p913", "mean"])
@pytest.mark.parametrize(
    "design",
    [
        {"clips": 3000, "raters": 150, "per_clip": 5, "bias": 0.0, "unequal": 0.0},
        {"clips": 3000, "raters": 150, "per_clip": 5, "bias": 0.4},
        {"clips": 2000, "raters": 6, "bias": 0.5, "unequal": 0.2},
        {"clips": 3000, "raters": 150, "per_clip": 6, "quantised": True, "unequal": 0.2},
    ],
    ids=["independent", "sparse with bias", "crossed with bias", "quantised"],
)
def test_the_ceiling_is_what_a_perfect_predictor_reaches(method, design):
    apart = []
    for seed in range(4):
        made = simulate(**design, seed=seed)
        rated = rate(made.table, method, scale="1-5" if design.get("quantised") else WIDE)
        reached = np.corrcoef(made.quality, rated.clips["mos"].to_numpy())[0, 1]
        ceiling = rated.audit.noise_ceiling
        assert ceiling.low < ceiling.plcc < ceiling.high
        apart.append(ceiling.plcc - reached)
    assert abs(np.mean(apart)) < 0.005


def test_a_rater_of_one_vote_does_not_take_over():
    made = simulate(clips=60, raters=20)
    rated = rate(made.table, scale=WIDE)
    alone = pa.table({"clip": ["clip00000"], "rater": ["stray"], "score": [-9.0]})
    more = rate(pa.concat_tables([made.table, alone]), scale=WIDE)
    assert more.audit.model.pooled_raters.sample == ["stray"]
    change = np.abs(more.clips["mos"].to_numpy() - rated.clips["mos"].to_numpy())
    assert change[0] < 1.0
    assert change[1:].max() < 0.1
    reason = more.raters["reason"].to_pylist()
    assert [r for r in reason if r] == ["fewer than 4 votes: inconsistency pooled"]


def test_a_rater_who_always_meets_the_mean_is_floored():
    made = simulate(clips=60, raters=12, unequal=0.1)
    mean = made.table.group_by("clip").aggregate([("score", "mean")]).sort_by("clip")
    echo = pa.table({"clip": mean["clip"], "rater": ["echo"] * 60, "score": mean["score_mean"]})
    rated = rate(pa.concat_tables([made.table, echo]), scale=WIDE)
    assert rated.audit.model.floored_raters.sample == ["echo"]
    assert np.isfinite(rated.clips["mos_standard_error"].to_numpy()).all()


def test_a_fit_on_rater_free_data():
    """All votes equal: no spread, no ceiling, and no division by zero."""
    rows = {"clip": ["a", "a", "b", "b"], "rater": ["x", "y", "x", "y"], "score": [3, 3, 3, 3]}
    for method in ("p910", "p913", "bt500", "mean"):
        rated = rate(pa.table(rows), method, scale="1-5")
        assert rated.clips["mos"].to_pylist() == [3.0, 3.0]
        assert rated.audit.noise_ceiling is None
        assert rated.audit.clips_without_spread.count == 2


def test_one_vote_a_clip_has_a_mos_and_no_interval():
    rows = {"clip": ["a", "b", "c"], "rater": ["x", "y", "x"], "score": [1, 3, 5]}
    for method in ("p910", "mean"):
        rated = rate(pa.table(rows), method)
        assert rated.clips["mos_ci_low"].null_count == 3
        assert rated.clips["mos_std_dev"].null_count == 3
        assert rated.audit.clips_with_one_vote.count == 3


def test_sos_parameter_is_found():
    random = np.random.default_rng(0)
    mean = random.uniform(1.3, 4.7, 800)
    room = (mean - 1) * (5 - mean)
    share = (mean - 1) / 4
    # Beta votes on the scale, whose variance is a (mos - 1)(5 - mos).
    size = 1 / 0.2 - 1
    votes = 1 + 4 * random.beta(share[:, None] * size, (1 - share[:, None]) * size, (800, 5))
    assert np.mean(votes.var(axis=1, ddof=1) / room) == pytest.approx(0.2, abs=0.02)
    sos = rate(long_table(votes), "mean", scale="1-5").audit.sos
    assert sos.low < 0.2 < sos.high
    assert sos.high - sos.low < 0.03


def test_correlation_is_with_the_others_on_the_same_clips():
    matrix = votes_matrix(2, clips=12, raters=5, gaps=0.15)
    rated = rate(long_table(matrix), "mean")
    for place, found in enumerate(rated.raters["correlation"].to_pylist()):
        others = np.nanmean(np.delete(matrix, place, axis=1), axis=1)
        both = ~np.isnan(matrix[:, place]) & ~np.isnan(others)
        expected = stats.pearsonr(matrix[both, place], others[both]).statistic
        assert found == pytest.approx(expected)


def test_differential_votes_are_taken_rater_by_rater():
    table = pa.table(
        {
            "clip": ["ref", "ref", "bad", "bad", "bad", "good", "lost"],
            "rater": ["x", "y", "x", "y", "z", "x", "x"],
            "score": [5, 4, 2, 3, 1, 5, 3],
            "reference": ["ref", "ref", "ref", "ref", "ref", "ref", None],
        }
    )
    rated = rate(table, "mean", scale="1-5", reference_column="reference")
    assert rated.clips["clip"].to_pylist() == ["bad", "good"]
    assert rated.clips["mos"].to_pylist() == [((2 - 5 + 5) + (3 - 4 + 5)) / 2, 5 - 5 + 5]
    found = rated.audit.differential
    assert found.clips_without_reference.sample == ["lost"]
    assert (found.votes_without_reference.count, found.votes_without_reference.sample) == (
        1,
        ["bad"],
    )


def test_references_may_be_marked_within_their_content():
    table = pa.table(
        {
            "clip": ["a0", "a1", "b0", "b1"],
            "rater": ["x"] * 4,
            "score": [80, 20, 70, 40],
            "ref": [1, 0, 1, 0],
            "content_name": ["a", "a", "b", "b"],
        }
    )
    rated = rate(table, "mean", scale="0-100", reference_column="ref")
    assert dict(zip(*rated.clips.select(["clip", "mos"]).to_pydict().values(), strict=True)) == {
        "a1": 40.0,
        "b1": 70.0,
    }
