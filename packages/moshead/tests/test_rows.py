"""Rows of a corpus: what is read, what is dropped and counted, what must stay together."""

from __future__ import annotations

import json

import labeljoin
import moshead
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moshead.corpus.rows import RowOptions
from provenance.toolkit import InputError


@pytest.fixture
def load(write_table):
    def load(columns, **options):
        schema = moshead.features.load_schema("konvid-v1")
        return moshead.corpus.load_corpus([write_table(columns)], schema, RowOptions(**options))

    return load


def test_rows_are_dropped_by_reason(load, labelled_columns):
    columns = labelled_columns(40)
    columns["mos"][0] = None
    columns["mos"][1] = float("nan")
    columns["mos"][2] = 7.5
    columns["mos_label_status"][3] = "missing-label"
    for name, values in columns.items():
        columns[name] = [*values, values[10]]
    corpus = load(columns)
    assert corpus.rows_read == 41
    assert corpus.dropped == {
        "MOS outside [1, 5]": 1,
        "label status missing-label": 1,
        "no MOS": 2,
        "repeated row": 1,
    }
    assert len(corpus.mos) == 36
    assert sum(corpus.dropped.values()) + len(corpus.mos) == corpus.rows_read


def test_bad_lines_are_counted_and_bare_nan_is_not_bad(tmp_path, labelled_columns):
    columns = labelled_columns(30)
    path = tmp_path / "drop.jsonl"
    lines = [
        json.dumps({name: values[row] for name, values in columns.items()}) for row in range(30)
    ]
    lines[3] = json.dumps(json.loads(lines[3]) | {"motion2": float("nan")})
    lines[5] = '{"clip_id": "cut off'
    lines[6] = "[1, 2]"
    path.write_text("\n".join([*lines, "", ""]))
    corpus = moshead.corpus.load_corpus([path], moshead.features.load_schema("konvid-v1"))
    assert corpus.dropped == {"bad line": 2}
    assert corpus.imputed == {"motion2": 1}
    assert len(corpus.mos) == 28


def test_raw_labels_are_put_on_the_five_point_scale(load, labelled_columns):
    columns = labelled_columns(40)
    mos = columns.pop("mos")
    columns["mos_raw_0_100"] = [25 * (value - 1) for value in mos]
    assert load(columns).mos == pytest.approx(np.array(mos))


def test_labels_that_contradict_each_other_are_refused(load, labelled_columns):
    columns = labelled_columns(40)
    columns["mos_raw_0_100"] = [25 * (value - 1) for value in columns["mos"]]
    columns["mos_raw_0_100"][7] += 1
    with pytest.raises(InputError, match="row 8"):
        load(columns)


def test_a_clip_with_two_labels_is_refused(load, labelled_columns):
    columns = labelled_columns(40)
    columns["clip_id"][1] = columns["clip_id"][0]
    with pytest.raises(InputError, match="two MOS"):
        load(columns)


def test_frames_of_a_clip_stay_together(load, labelled_columns):
    columns = labelled_columns(60)
    columns["clip_id"] = [f"clip{row // 3}" for row in range(60)]
    columns["mos"] = [columns["mos"][row - row % 3] for row in range(60)]
    corpus = load(columns)
    assert corpus.clips == 20
    assert len(set(corpus.units)) == 20


def test_equal_rows_of_other_clips_are_reported_and_join_nothing(load, labelled_columns):
    columns = labelled_columns(40)
    for name, values in columns.items():
        if name != "clip_id":
            columns[name] = [*values, values[4]]
    columns["clip_id"].append("the_same_clip_again.mp4")
    corpus = load(columns)
    assert len(set(corpus.units)) == 41
    assert corpus.equal_rows == 2
    assert any("2 of 41 rows have the same feature values" in note for note in corpus.notes)


def test_coarse_features_do_not_chain_clips_together(load, labelled_columns):
    columns = labelled_columns(120)
    for name in ("adm2", "vif_scale0", "vif_scale1", "vif_scale2", "vif_scale3", "motion2"):
        columns[name] = np.round(columns[name], 1).tolist()
    corpus = load(columns)
    assert corpus.equal_rows > 20
    assert len(set(corpus.units)) == 120


def frames_of(columns, frames):
    """Rows of several frames a clip, of columns of one row a clip."""
    rows = [row for row in range(len(columns["mos"])) for _ in range(frames)]
    repeated = {name: [values[row] for row in rows] for name, values in columns.items()}
    repeated["motion2"] = [value + n * 1e-3 for n, value in enumerate(repeated["motion2"])]
    return repeated


def test_a_row_is_never_taken_for_a_clip(load, labelled_columns):
    columns = frames_of(labelled_columns(30), 4)
    columns["which"] = columns.pop("clip_id")
    with pytest.raises(InputError) as error:
        load(columns)
    assert "which" in error.value.what
    assert "--key-column" in (error.value.fix or "")
    corpus = load(columns, key_column="which")
    assert (corpus.clips, len(corpus.mos)) == (30, 120)


def test_rows_without_a_clip_key_are_dropped_and_counted(load, labelled_columns):
    columns = labelled_columns(60)
    columns["clip_id"][3] = None
    columns["clip_id"][4] = "  "
    corpus = load(columns)
    assert corpus.dropped == {"no clip key": 2}
    assert len(corpus.mos) == corpus.clips == 58
    columns["clip_id"][5:8] = [None] * 3
    with pytest.raises(InputError, match="5 of 60 labelled rows have no clip key"):
        load(columns)
    assert load(columns, max_keyless_rate=0.1).dropped == {"no clip key": 5}


def test_training_follows_the_key_that_the_labelled_table_remembers(
    tmp_path, labelled_columns, load
):
    columns = frames_of(labelled_columns(30), 4)
    frames = [f"{key[:-4]}_frame{row % 4}.png" for row, key in enumerate(columns.pop("clip_id"))]
    columns["which"] = frames
    columns["name"] = ["all of one camera"] * 120
    labels = {"key": [f"clip{n:04d}" for n in range(30)], "mos": columns.pop("mos")[::4]}
    del columns["mos_label_status"]
    for suffix in ("parquet", "jsonl"):
        features, out = tmp_path / f"features.{suffix}", tmp_path / f"labelled.{suffix}"
        if suffix == "parquet":
            pq.write_table(pa.table(columns), features)
        else:
            rows = pa.table(columns).to_pylist()
            features.write_text("".join(json.dumps(row) + "\n" for row in rows))
        pq.write_table(pa.table(labels), tmp_path / "labels.parquet")
        labeljoin.join_file(
            features,
            tmp_path / "labels.parquet",
            out,
            options=labeljoin.JoinOptions(key_column="which", feature_key_regex=r"(.+)_frame"),
        )
        corpus = moshead.corpus.load_corpus([out], moshead.features.load_schema("konvid-v1"))
        assert (corpus.clips, len(set(corpus.units)), len(corpus.mos)) == (30, 30, 120)
        assert corpus.key_sources[0]["decided_by"] == "table"
        assert corpus.keys[0] == frames[0]


def test_groups_stay_together(load, labelled_columns):
    columns = labelled_columns(40) | {"content": [f"c{row % 8}" for row in range(40)]}
    corpus = load(columns, group_column="content")
    assert len(set(corpus.units)) == 8


def test_a_column_that_does_not_exist_is_refused(load, labelled_columns):
    for option in ("group_column", "key_column"):
        with pytest.raises(InputError, match="nowhere"):
            load(labelled_columns(40), **{option: "nowhere"})


def test_a_group_on_both_sides_of_a_split_is_refused(load, labelled_columns):
    columns = labelled_columns(40) | {
        "content": [f"c{row % 8}" for row in range(40)],
        "split": ["train" if row < 30 else "val" for row in range(40)],
    }
    with pytest.raises(InputError, match="train and val"):
        load(columns, group_column="content")


def test_split_names_are_understood_and_unknown_ones_refused(load, labelled_columns):
    columns = labelled_columns(40)
    columns["split"] = ["Train"] * 30 + ["validation"] * 6 + ["test"] * 3 + [""]
    corpus = load(columns)
    assert corpus.dropped == {"no split": 1}
    assert corpus.splits.tolist().count("val") == 6
    columns["split"][0] = "holdout"
    with pytest.raises(InputError, match="holdout"):
        load(columns)


def test_constant_and_filled_columns_are_named(load, labelled_columns):
    columns = labelled_columns(40) | {"vif_scale0": [0.5] * 40}
    corpus = load(columns)
    assert "vif_scale0" in corpus.constant
    assert any("vif_scale0" in note for note in corpus.notes)
    assert any("saliency_mean" in note for note in corpus.notes)
    assert corpus.fill["saliency_mean"] == 1.0


def test_rows_kept_for_validation_count_for_nothing(load, labelled_columns):
    columns = labelled_columns(40)
    columns["split"] = ["train"] * 20 + ["val"] * 10 + ["test"] * 10
    columns["vif_scale0"] = [0.5] * 30 + columns["vif_scale0"][30:]
    columns["saliency_mean"] = [0.1] * 15 + [None] * 15 + [0.1] * 10
    corpus = load(columns)
    assert "vif_scale0" in corpus.constant
    assert "Filled in some rows: saliency_mean (50 %)." in corpus.notes
    assert corpus.take(np.flatnonzero(corpus.splits != "test")).fill["saliency_mean"] == 0.5
    for name in moshead.features.load_schema("konvid-v1").required:
        columns[name] = [0.5] * 30 + columns[name][30:]
    with pytest.raises(InputError, match="no required feature column varies"):
        load(columns)


def test_clips_scored_against_themselves_are_pointed_out(load, labelled_columns):
    still = {f"vif_scale{n}": [1.0] * 40 for n in range(4)} | {"adm2": [1.0] * 40}
    corpus = load(labelled_columns(40) | still)
    assert any("against themselves" in note for note in corpus.notes)


def test_label_errors_come_from_ratings(load, labelled_columns):
    columns = labelled_columns(40) | {
        "mos_std_dev": [0.8] * 40,
        "mos_n_ratings": [16] * 39 + [1],
    }
    error = load(columns).standard_error
    assert error[:39] == pytest.approx(0.2)
    assert np.isnan(error[39])


def test_the_method_that_made_the_labels_knows_their_errors_best(load, labelled_columns):
    columns = labelled_columns(40) | {
        "mos_std_dev": [0.8] * 40,
        "mos_n_ratings": [16] * 40,
        "mos_standard_error": [0.1] * 30 + [None] * 10,
    }
    corpus = load(columns)
    assert corpus.standard_error == pytest.approx([0.1] * 30 + [0.2] * 10)
    assert "by the method that made the MOS; elsewhere mos_std_dev" in corpus.error_basis
    assert "mos_standard_error" not in corpus.scores


def test_deviations_may_be_divided_by_n(load, labelled_columns):
    columns = labelled_columns(40) | {"mos_std_dev": [0.8] * 40, "mos_n_ratings": [5] * 40}
    corpus = load(columns, rating_sd_ddof=0)
    assert corpus.standard_error == pytest.approx([0.4] * 40)
    assert "divided by n (--rating-sd-ddof)" in corpus.error_basis


def test_infinite_features_are_refused(load, labelled_columns):
    columns = labelled_columns(40)
    columns["motion2"][3] = float("inf")
    with pytest.raises(InputError, match=r"infinite values: motion2 \(1\)"):
        load(columns)


def test_a_column_without_a_value_is_refused(load, labelled_columns):
    columns = labelled_columns(40) | {"vif_scale0": [None] * 40}
    with pytest.raises(InputError, match="no value in any labelled row: vif_scale0"):
        load(columns)
