"""Head families: what they fit, what they choose it by, and what an exported head contains."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import moshead
import numpy as np
import onnx
import onnxruntime
import pytest
from moshead.export.onnxfile import read_onnx
from moshead.export.operators import check_operators
from moshead.heads.closed_form.additive import CentreTerm, link, unlink
from moshead.heads.closed_form.centres import cluster_means
from moshead.heads.closed_form.transforms import Inputs, MissingValues
from moshead.heads.families import family_names, load_family
from moshead.heads.graph import head_graph
from moshead.heads.protocol import FitOptions, Plan, TrainingRows
from provenance.toolkit import InputError

CLOSED_FORM = ("ridge", "kernel", "blend")


def table(rows=150, width=6, seed=0, missing=0.0):
    """Features and MOS with a linear, a curved and a product part."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, width))
    signal = x[:, 0] + 0.7 * np.tanh(2 * x[:, 1]) + 0.5 * x[:, 0] * x[:, 2]
    mos = np.clip(3 + 0.6 * signal + 0.3 * rng.normal(size=rows), 1, 5)
    features = x * rng.uniform(0.01, 100, width) + rng.normal(0, 50, width)
    features[rng.random(x.shape) < missing] = np.nan
    return features, mos


def fit(recipe, features, mos, units=None, rows=None):
    units = np.arange(len(mos)) if units is None else units
    rows = np.arange(len(mos)) if rows is None else rows
    family = load_family(recipe)
    return family.fit(TrainingRows(features, mos, units), [Plan(rows, (1,))], FitOptions())[0]


def exported(head, width):
    columns = tuple(f"f{n}" for n in range(width))
    schema = moshead.features.FeatureSchema("test-v1", columns, columns)
    imputation = dict(zip(columns, map(float, head.imputation), strict=True))
    return head_graph(moshead.heads.Head((head,), schema, imputation))


def run(data, rows):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    feed = {
        "features": np.asarray(rows, np.float32),
        "encoder_onehot": np.ones((len(rows), 1), np.float32),
    }
    return session, feed


def test_the_link_spans_the_scale_and_returns():
    mos = np.linspace(1, 5, 9)
    np.testing.assert_allclose(unlink(link(mos)), mos, atol=1e-12)
    assert unlink(np.array([-50.0, 50.0])).tolist() == [1, 5]


@pytest.mark.parametrize("recipe", CLOSED_FORM)
@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_the_graph_is_the_head(recipe, missing):
    features, mos = table(missing=missing)
    head = fit(recipe, features, mos)
    data = exported(head, features.shape[1])
    check_operators(read_onnx(data, "head"), "head")
    imputed = np.where(np.isnan(features), head.imputation, features)
    rows = np.concatenate([imputed, imputed[:3] * 1e6, imputed[:3] * -1e6]).astype(np.float32)
    session, feed = run(data, rows)
    found = session.run(None, feed)[0]
    expected = head.predict(rows.astype(np.float64), np.ones((len(rows), 1)))
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)
    assert ((found >= 1) & (found <= 5)).all()
    extreme = np.full((2, features.shape[1]), np.inf, np.float32)
    extreme[1] = -np.inf
    assert np.isfinite(
        session.run(
            None, feed | {"features": extreme, "encoder_onehot": np.ones((2, 1), np.float32)}
        )[0]
    ).all()


@pytest.mark.parametrize("recipe", [*CLOSED_FORM, "mlp"])
def test_families_learn_what_a_line_cannot(recipe):
    features, mos = table(400)
    features.setflags(write=False)  # as those of Arrow tables are
    mos.setflags(write=False)
    family = load_family(recipe)
    train = np.arange(300)
    fitted = family.fit(
        TrainingRows(features, mos, np.arange(400)), [Plan(train, (1,))], FitOptions()
    )[0]
    found = fitted.predict(features[300:], np.ones((100, 1)))
    correlation = np.corrcoef(found, mos[300:])[0, 1]
    assert correlation > (0.7 if recipe == "ridge" else 0.85)
    assert family.deterministic == (recipe != "mlp")
    facts = fitted.describe()
    assert facts["family"] == recipe
    assert "no training row is stored" in facts["stored_rows"]
    json.dumps(facts)


@pytest.mark.parametrize("recipe", CLOSED_FORM)
def test_rows_that_judge_play_no_part(recipe):
    features, mos = table(120)
    train = np.arange(0, 120, 2)
    first = exported(fit(recipe, features, mos, rows=train), features.shape[1])
    other_features, other_mos = features.copy(), mos.copy()
    other_features[1::2] += 1e3
    other_mos[1::2] = 1.0
    second = exported(fit(recipe, other_features, other_mos, rows=train), features.shape[1])
    assert first == second


def test_units_are_left_out_together():
    """Frames of a clip are nearly equal: left out one by one, noise would look predictable."""
    rng = np.random.default_rng(5)
    clips = np.repeat(np.arange(40), 8)
    features = rng.normal(size=(40, 5))[clips] + 0.01 * rng.normal(size=(320, 5))
    mos = np.clip(3 + 0.7 * rng.normal(size=40), 1, 5)[clips]
    spread = {}
    for name, units in (("clips", clips), ("frames", np.arange(320))):
        head = fit("blend", features, mos, units=units)
        spread[name] = float(head.predict(features, np.ones((320, 1))).std())
    assert spread["clips"] < 0.5 * spread["frames"]


def test_no_training_row_is_a_centre():
    features, mos = table(200)
    features[:60] = features[60:120]  # clips with equal features
    head = fit("kernel", *table(200, 3, seed=2))
    blend = fit("blend", features, mos)
    centres = [
        (name, term) for name, term in (*blend.terms, *head.terms) if isinstance(term, CentreTerm)
    ]
    assert centres
    for name, term in (pair for pair in blend.terms if isinstance(pair[1], CentreTerm)):
        rows = blend.inputs.scores(features)[name]
        gaps = np.abs(rows[:, None] - term.centres[None]).max(axis=2)
        assert gaps.min() > 1e-6


def test_a_cluster_of_one_clip_gives_no_centre():
    rng = np.random.default_rng(6)
    far = np.concatenate([rng.normal(size=(40, 2)), [[100.0, 100.0], [100.1, 100.0]]])
    units = np.append(np.arange(40), [40, 40])
    means = cluster_means(far, 12, units)
    assert len(means)
    assert means.max() < 100


def test_a_missing_value_is_an_input_where_many_are_missing():
    rng = np.random.default_rng(7)
    features = rng.normal(size=(300, 3))
    absent = rng.random(300) < 0.3
    mos = np.where(absent, 2.0, 4.0) + 0.1 * rng.normal(size=300)
    features[absent, 1] = np.nan
    features[:3, 2] = np.nan  # 1 %: no indicator
    missing = MissingValues.of(features)
    assert missing.indicators.tolist() == [1]
    assert missing.imputation[1] > np.nanmax(features[:, 1])
    assert missing.imputation[2] == pytest.approx(np.nanmedian(features[:, 2]), rel=1e-6)
    head = fit("ridge", features, mos)
    found = head.predict(np.where(np.isnan(features), head.imputation, features), np.ones((300, 1)))
    assert np.corrcoef(found, mos)[0, 1] > 0.95


def test_ranks_make_a_transform_monotone_and_bounded():
    rng = np.random.default_rng(8)
    features = np.exp(3 * rng.normal(size=(200, 2)))
    features[:80, 1] = 1.0  # ties
    inputs = Inputs.of(features, ["rank-normal"])
    grid = np.geomspace(1e-9, 1e9, 500)
    scores = inputs.scores(np.stack([grid, grid], axis=1))["rank-normal"]
    assert (np.diff(scores, axis=0) >= -1e-12).all()
    assert np.abs(scores).max() < 4


@pytest.mark.parametrize("recipe", CLOSED_FORM)
def test_equal_rows_give_equal_bytes(recipe):
    features, mos = table(140, 5, seed=9)
    first, second = (exported(fit(recipe, features, mos), 5) for _ in range(2))
    assert first == second


def test_a_head_of_a_thousand_rows_and_a_hundred_columns_is_small_and_quick():
    features, mos = table(1000, 100, seed=10)
    head = fit("blend", features, mos)
    data = exported(head, 100)
    assert len(data) * (1 + 5 * 4 / 3) < 4e6  # with the heads of five folds in base64
    session, feed = run(data, np.where(np.isnan(features), 0, features)[:1])
    taken = []
    for _ in range(300):
        start = time.perf_counter()
        session.run(None, feed)
        taken.append(time.perf_counter() - start)
    # The least, because other processes only ever add to it.
    assert min(taken) < 100e-6
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)


@pytest.mark.parametrize(("rows", "width"), [(60, 2000), (12, 3), (30, 1), (7, 40)])
def test_odd_shapes_are_fitted(rows, width):
    rng = np.random.default_rng(11)
    features = rng.normal(size=(rows, width))
    features[:, 0] = rng.integers(0, 2, rows)
    mos = rng.uniform(1, 5, rows)
    for recipe in CLOSED_FORM:
        head = fit(recipe, features, mos)
        data = exported(head, width)
        assert len(data) * (1 + 5 * 4 / 3) < 4e6
        session, feed = run(data, features)
        expected = head.predict(features.astype(np.float32).astype(float), np.ones((rows, 1)))
        np.testing.assert_allclose(session.run(None, feed)[0], expected, atol=1e-5)


def test_a_run_fits_a_family_without_randomness_once_a_fold(write_table, labelled_columns, quick):
    path = write_table(labelled_columns())
    document = moshead.train([path], "konvid-v1", "h", training=replace(quick, seeds=5))
    recipe = document["training_recipe"]
    assert recipe["family"] == "blend"
    assert recipe["deterministic"] is True
    assert document["gate"]["plcc_spread"] == 0
    assert any("0 by construction" in note for note in document["notes"])
    assert "--epochs" in " ".join(document["notes"])
    assert len(document["gate"]["fold_scores"]) == 25
    card = Path("model/h_card.md").read_text()
    assert "no training row is stored" in card
    assert "| member | features as | weight |" in card


def test_auto_is_blend_and_a_smoke_run_takes_ridge():
    assert load_family("auto").name == "blend"
    assert load_family("auto", smoke=True).name == "ridge"
    assert family_names() == ("blend", "kernel", "mlp", "ridge")
    with pytest.raises(InputError, match="no head family 'forest'"):
        load_family("forest")


def test_only_mlp_needs_torch(write_table, labelled_columns):
    path = write_table(labelled_columns())
    program = (
        "import sys\n"
        "class NoTorch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'torch':\n"
        "            raise ModuleNotFoundError('No module named torch', name='torch')\n"
        "sys.meta_path.insert(0, NoTorch())\n"
        "from moshead.cli.app import main\n"
        "sys.argv = ['moshead', 'train', '--features', sys.argv[1], '--feature-schema', "
        "'konvid-v1', '--model-id', sys.argv[2], '--recipe', sys.argv[2], '--quiet', "
        "'--other-partitions', '0']\n"
        "main()\n"
    )
    done = {
        recipe: subprocess.run(
            [sys.executable, "-c", program, str(path), recipe],
            capture_output=True,
            text=True,
            check=False,
        )
        for recipe in ("blend", "mlp")
    }
    assert done["blend"].returncode == 0, done["blend"].stderr
    assert done["mlp"].returncode == 2
    assert "moskit-moshead[mlp]" in done["mlp"].stderr


OUTSIDE_FAMILY = """
import numpy as np

class Constant:
    def __init__(self, rows):
        self.imputation = np.zeros(rows.features.shape[1])
        self.mos = float(np.float32(rows.mos.mean()))
        self.slope = float(np.float32(0.01))
    n_parameters = 1
    def predict(self, features, encoder_onehot):
        return np.clip(self.mos + self.slope * features[:, 0], 1, 5)
    def write(self, graph):
        op = graph.op
        first = op.Gather(graph.features, graph.constant(np.array([0])), axis=1)
        mos = op.Add(op.Mul(first, graph.constant(self.slope)), graph.constant(self.mos))
        return op.Clip(mos, graph.constant(1.0), graph.constant(5.0))
    def describe(self):
        return {"family": "constant", "architecture": "a constant",
                "stored_rows": "no training row is stored"}

class Family:
    name = "constant"
    deterministic = True
    def fit(self, rows, plans, options, progress=None):
        return [Constant(rows.take(plan.rows)) for plan in plans]

FAMILY = Family()
"""


def test_a_family_from_outside_is_one_file_and_an_entry_point(
    tmp_path, write_table, labelled_columns
):
    path = write_table(labelled_columns())
    site = tmp_path / "site"
    (site / "outside-1.0.dist-info").mkdir(parents=True)
    (site / "outside.py").write_text(OUTSIDE_FAMILY)
    (site / "outside-1.0.dist-info" / "METADATA").write_text("Name: outside\nVersion: 1.0\n")
    (site / "outside-1.0.dist-info" / "entry_points.txt").write_text(
        "[moskit.head_families]\nconstant = outside:FAMILY\n"
    )
    program = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "import moshead, json\n"
        "options = moshead.TrainingOptions(recipe='constant', other_partitions=0)\n"
        f"found = moshead.train([{str(path)!r}], 'konvid-v1', 'h', training=options)\n"
        "print(json.dumps([found['training_recipe']['family'], found['n_parameters']]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == ["constant", 1]
