"""Every way that we know to get a plausible head without human ratings ends with exit code 2.

Each of these leaves nothing on disk.
"""

from __future__ import annotations

import json
from pathlib import Path

import moshead
import numpy as np
import pytest
from moshead.corpus import NoLabelsError
from moshead.training import GateMissedError
from provenance.toolkit import InputError


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def refused(tmp_path, write_table, quick):
    """Train on these columns; it must be refused without a trace. Returns the error's words."""

    def train(columns, schema="konvid-v1", **options):
        table = write_table(columns)
        before = files(tmp_path)
        with pytest.raises(InputError) as caught:
            moshead.train([table], schema, "head", training=quick, **options)
        assert caught.value.exit_code == 2
        assert caught.value.fix
        assert files(tmp_path) == before
        return str(caught.value)

    return train


def custom(tmp_path, columns):
    path = tmp_path / "custom.toml"
    path.write_text(f'id = "custom-v1"\ncolumns = {json.dumps(columns)}\n')
    return path


def test_the_same_rows_with_labels_train(write_table, labelled_columns, quick):
    document = moshead.train([write_table(labelled_columns())], "konvid-v1", "h", training=quick)
    assert Path("model/h.onnx").is_file()
    assert document["training_recipe"]["n_rows"] == 120


def test_no_label_column(refused, labelled_columns):
    columns = labelled_columns()
    del columns["mos"]
    assert "none of 120 rows has a MOS" in refused(columns)


def test_all_labels_null(refused, labelled_columns):
    columns = labelled_columns() | {"mos": [None] * 120}
    del columns["mos_label_status"]
    assert "120 no MOS" in refused(columns)


def test_labels_of_rows_that_the_join_left_unlabelled(refused, labelled_columns):
    columns = labelled_columns() | {"mos_label_status": ["missing-label"] * 120}
    assert "missing-label" in refused(columns)


def test_constant_labels(refused, labelled_columns):
    assert "all 120 MOS are 3" in refused(labelled_columns() | {"mos": [3.0] * 120})


def test_labels_that_are_mostly_a_default(refused, labelled_columns):
    columns = labelled_columns()
    columns["mos"][:70] = [3.0] * 70
    assert "70 of 120 MOS are 3" in refused(columns)


def test_labels_that_are_a_rounded_prediction(refused, labelled_columns):
    columns = labelled_columns()
    columns["second_opinion_x_score"] = [20 * (value - 1) for value in columns["mos"]]
    columns["mos"] = [round(value, 2) for value in columns["mos"]]
    assert "copy of the column" in refused(columns)


def test_labels_on_the_test_split_only(refused, labelled_columns):
    assert "split train" in refused(labelled_columns() | {"split": ["test"] * 120})


def test_labels_on_0_to_100(refused, labelled_columns):
    # Some of the worst clips fall into [1, 5] by chance and would train a head of their own.
    rng = np.random.default_rng(1)
    assert "another scale" in refused(labelled_columns() | {"mos": rng.uniform(0, 100, 120)})


def test_labels_on_0_to_1(refused, labelled_columns):
    rng = np.random.default_rng(1)
    assert "another scale" in refused(labelled_columns() | {"mos": rng.uniform(0, 1, 120)})


def test_five_point_labels_named_raw(refused, labelled_columns):
    columns = labelled_columns()
    columns["mos_raw_0_100"] = columns.pop("mos")
    assert "not the [0, 100] scale" in refused(columns)


def test_true_and_false(refused, labelled_columns):
    assert "true and false" in refused(labelled_columns() | {"mos": [True, False] * 60})


def test_words_instead_of_labels(refused, labelled_columns):
    assert "120 MOS is not a number" in refused(labelled_columns() | {"mos": ["good"] * 120})


@pytest.mark.parametrize(
    "copy", [lambda x: x, lambda x: 1 + x, lambda x: 5 - 2 * x, lambda x: 1 + x**3 / 2]
)
def test_labels_copied_from_a_feature(refused, labelled_columns, copy):
    columns = labelled_columns()
    values = np.array(columns["adm2"])
    columns["adm2"] = 1 + (values - values.min()) / np.ptp(values)
    message = refused(columns | {"mos": copy(columns["adm2"])})
    assert "copy of the column adm2" in message


@pytest.mark.parametrize("name", ["mos_pred", "second_opinion_dover_score", "predicted_vmaf"])
def test_labels_copied_from_a_prediction_beside_them(refused, labelled_columns, name):
    columns = labelled_columns()
    columns[name] = [value * 20 for value in columns["mos"]]
    assert f"copy of the column {name}" in refused(columns)


def test_labels_computed_from_features(refused, labelled_columns):
    columns = labelled_columns()
    formula = 1 + 2 * np.array(columns["adm2"]) + np.array(columns["motion2"])
    assert "formula" in refused(columns | {"mos": formula.tolist()})


@pytest.mark.parametrize("column", ["mos_raw_0_100", "mos_std_dev", "mos_pred"])
def test_the_answer_among_the_features(refused, labelled_columns, tmp_path, column):
    columns = labelled_columns()
    columns[column] = [25 * (value - 1) for value in columns["mos"]]
    message = refused(columns, custom(tmp_path, ["adm2", column]))
    assert "label columns as features" in message
    message = refused(columns, custom(tmp_path, ["adm2", column[:4] + "*"]))
    assert "label columns as features" in message


def test_the_answer_under_another_name(refused, labelled_columns, tmp_path):
    columns = labelled_columns()
    columns["quality"] = [value / 5 for value in columns["mos"]]
    message = refused(columns, custom(tmp_path, ["adm2", "quality"]))
    assert "copy of the column quality" in message


def test_synthetic_rows_that_come_back_as_real_ones(refused, labelled_columns):
    columns = labelled_columns() | {"corpus": ["synthetic"] * 120}
    assert "synthetic" in refused(columns)


def test_out_of_fold_predictions_of_a_smoke_run_are_no_labels(tmp_path, quick):
    places = moshead.Destinations(oof=tmp_path / "oof.parquet")
    moshead.train_konvid(smoke=True, training=quick, destinations=places)
    schema = tmp_path / "s.toml"
    schema.write_text('id = "s-v1"\ncolumns = ["fold"]\n')
    with pytest.raises(InputError, match="synthetic"):
        moshead.train([tmp_path / "oof.parquet"], schema, "head", training=quick)


def test_features_that_do_not_vary(refused, labelled_columns):
    columns = labelled_columns()
    still = {name: [0.5] * 120 for name in columns if name not in ("clip_id", "mos")}
    message = refused(columns | still | {"mos_label_status": ["ok"] * 120})
    assert "no required feature column varies" in message
    assert "against themselves" in message
    assert ".." not in message


def test_features_beyond_float32(refused, labelled_columns):
    columns = labelled_columns()
    columns["motion2"] = [1e300 * value for value in columns["motion2"]]
    assert "beyond float32, which a head reads: motion2" in refused(columns)


def test_a_missing_feature_column(refused, labelled_columns):
    columns = labelled_columns()
    del columns["motion2"]
    assert "motion2" in refused(columns)


def test_one_clip_a_hundred_times(refused, labelled_columns):
    rows = {name: values * 40 for name, values in labelled_columns(3).items()}
    rows["clip_id"] = [f"clip{row}" for row in range(120)]
    assert "120 clips have only 3 distinct rows" in refused(rows)


def test_an_empty_table(refused, labelled_columns):
    assert "none of 0 rows" in refused({name: [] for name in labelled_columns()})


def test_no_table_at_all(quick, tmp_path):
    for train in (moshead.train_konvid, moshead.train_chug_hdr):
        with pytest.raises(NoLabelsError, match="no rows"):
            train(training=quick)
    assert not files(tmp_path)


def test_konvid_rows_beside_the_chug_shards_are_not_read(tmp_path, labelled_columns, quick):
    folder = Path(".corpus/chug/training/fr_canonical_shards/output")
    folder.mkdir(parents=True)
    columns = labelled_columns()
    lines = [json.dumps({n: v[row] for n, v in columns.items()}) for row in range(120)]
    (folder / "konvid_1k.jsonl").write_text("\n".join(lines))
    home = Path.home() / ".workingdir2" / "konvid-1k"
    home.mkdir(parents=True)
    (home / "konvid_1k.jsonl").write_text("\n".join(lines))
    with pytest.raises(NoLabelsError):
        moshead.train_chug_hdr(training=quick)
    # Nor where they lie under a shard's name, or are named outright.
    (folder / "shard_00.features.jsonl").write_text("\n".join(lines))
    with pytest.raises(InputError, match="CHUG"):
        moshead.train_chug_hdr(training=quick)
    with pytest.raises(InputError, match="CHUG"):
        moshead.train_chug_hdr(feature_jsonl=[home / "konvid_1k.jsonl"], training=quick)
    assert not list(tmp_path.rglob("*.onnx"))


def test_rows_that_name_konvid_are_refused_by_the_hdr_trainer(write_table, labelled_columns, quick):
    columns = labelled_columns() | {"corpus": ["konvid-1k"] * 120, "chug_ref": [0] * 120}
    with pytest.raises(InputError, match="konvid-1k"):
        moshead.train_chug_hdr(feature_parquet=[write_table(columns)], training=quick)


def test_chug_rows_are_refused_by_the_konvid_trainer(write_table, labelled_columns, quick):
    columns = labelled_columns() | {"corpus": ["chug"] * 120}
    with pytest.raises(InputError, match="CHUG"):
        moshead.train_konvid(feature_parquet=[write_table(columns)], training=quick)


def test_a_smoke_run_stays_proposed_under_its_own_name(quick):
    document = moshead.train_konvid(smoke=True, training=quick)
    assert document["gate"]["status"] == "Proposed"
    assert document["training_recipe"]["smoke"] is True
    assert Path("model/konvid_mos_head_v1_smoke.onnx").is_file()
    assert not Path("model/konvid_mos_head_v1.onnx").exists()
    assert "Proposed" in Path("model/konvid_mos_head_v1_smoke_card.md").read_text()


def test_the_fallback_warns_and_marks_what_it_writes(write_table, labelled_columns, quick):
    table = write_table(labelled_columns() | {"mos": [None] * 120})
    with pytest.warns(moshead.training.SyntheticRowsWarning):
        document = moshead.train_konvid(
            feature_parquet=[table], allow_synthetic_fallback=True, training=quick
        )
    assert document["gate"]["status"] == "Proposed"
    assert document["corpus"]["kind"] == "synthetic-fallback"
    assert "ynthetic" in Path("model/konvid_mos_head_v1_card.md").read_text()


def test_the_fallback_leaves_labelled_rows_alone(write_table, labelled_columns, quick):
    document = moshead.train_konvid(
        feature_parquet=[write_table(labelled_columns())],
        allow_synthetic_fallback=True,
        training=quick,
    )
    assert document["corpus"]["kind"] == "real"


def test_shuffled_labels_miss_the_gate(write_table, labelled_columns, quick):
    columns = labelled_columns(300)
    np.random.default_rng(0).shuffle(columns["mos"])
    places = moshead.Destinations(require_gate=True)
    with pytest.raises(GateMissedError) as caught:
        moshead.train([write_table(columns)], "konvid-v1", "h", training=quick, destinations=places)
    assert caught.value.document is not None
    assert abs(caught.value.document["gate"]["mean_plcc"]) < 0.2
    assert caught.value.exit_code == 1
    assert not Path("model/h.onnx").exists()
    assert Path("model/h_verdict.json").is_file()


def test_one_labelled_row_is_said_to_be_one(refused, labelled_columns):
    assert "only one row has a MOS" in refused(labelled_columns(1))
