"""Feature schemas: published orders never change, and custom ones say what they mean."""

from __future__ import annotations

import hashlib
import json

import moshead
import pytest
from moshead.features.schemas import FeatureSchema
from provenance.toolkit import InputError

SIX = ["adm2", "vif_scale0", "vif_scale1", "vif_scale2", "vif_scale3", "motion2"]
EXTRAS = [
    "saliency_mean",
    "saliency_var",
    "shot_count_norm",
    "shot_mean_len_norm",
    "shot_cut_density",
]
METADATA = [
    "chug_bitrate_mbps",
    "chug_orientation_portrait",
    "chug_ref",
    "distorted_width_norm",
    "distorted_height_norm",
    "reference_width_norm",
    "reference_height_norm",
    "duration_s_norm",
    "n_feature_frames_norm",
    "feature_bitdepth_norm",
]
DISPLAY = [
    "display_peak_luminance_nits_norm",
    "display_black_luminance_nits_norm",
    "display_contrast_ratio_log_norm",
    "display_ambient_lux_norm",
    "display_bt2020_coverage",
    "display_p3_coverage",
    "display_panel_oled",
    "display_panel_qled",
    "display_panel_lcd",
    "display_local_dimming",
    "display_tone_mapping_dynamic",
]
WIDE = SIX + [f"{name}_{stat}" for name in SIX for stat in ("p10", "p90", "std")] + METADATA
PUBLISHED = {
    "konvid-v1": SIX + EXTRAS,
    "chug-hdr-wide-v1": WIDE,
    "chug-hdr-display-v1": WIDE + DISPLAY,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_orders_are_pinned(name):
    schema = moshead.features.load_schema(name)
    assert list(schema.columns) == PUBLISHED[name]
    assert list(schema.required) == SIX
    assert set(schema.fill) == set(schema.columns) - set(SIX)
    assert set(schema.fill.values()) == {0.0}


def test_the_published_schemas_are_these_and_no_others():
    assert [schema.id for schema in moshead.features.built_in_schemas()] == list(PUBLISHED)
    assert [len(PUBLISHED[name]) for name in PUBLISHED] == [11, 34, 45]


def test_the_encoder_vocabulary_is_append_only():
    assert moshead.features.ENCODER_VOCAB[:1] == ("ugc-mixed",)
    assert moshead.features.ENCODER_VOCAB_VERSION >= 4


def test_a_schema_survives_json():
    schema = moshead.features.load_schema("konvid-v1")
    again = FeatureSchema.from_dict(json.loads(json.dumps(schema.to_dict())))
    assert (again.id, again.columns, again.required) == (
        schema.id,
        schema.columns,
        schema.required,
    )
    assert hashlib.sha256(repr(sorted(again.fill.items())).encode()).digest()


def custom(tmp_path, text):
    path = tmp_path / "custom.toml"
    path.write_text(text)
    return moshead.features.load_schema(path)


def test_globs_resolve_once_in_table_order(tmp_path):
    schema = custom(tmp_path, 'id = "x-v1"\ncolumns = ["b", "a_*", "b*"]\n')
    resolved = schema.resolve(["a_2", "b", "a_1", "bb"], ["name"])
    assert resolved.columns == ("b", "a_2", "a_1", "bb")
    assert resolved.required == resolved.columns


def test_filled_columns_are_not_required(tmp_path):
    schema = custom(tmp_path, 'id = "x-v1"\ncolumns = ["a", "b"]\n[fill]\nb = 0.5\n')
    assert schema.required == ("a",)
    assert schema.fill == {"b": 0.5}


@pytest.mark.parametrize(
    ("members", "required", "fill"),
    [
        ("", ("a", "b_1", "b_2"), {}),
        ("required = true", ("a", "b_1", "b_2"), {}),
        ('required = ["b_*"]', ("b_1", "b_2"), {}),
        ('fill = ["b_*"]', ("a",), {"b_1": 0.0, "b_2": 0.0}),
        ("fill = []", ("a", "b_1", "b_2"), {}),
        ('version = 1\ndescription = "x"\nfill = {"b_*" = 2}', ("a",), {"b_1": 2.0, "b_2": 2.0}),
    ],
)
def test_required_and_fill_in_all_their_spellings(tmp_path, members, required, fill):
    schema = custom(tmp_path, f'id = "x-v1"\ncolumns = ["a", "b_*"]\n{members}\n')
    resolved = schema.resolve(["b_1", "a", "b_2"])
    assert resolved.columns == ("a", "b_1", "b_2")
    assert resolved.required == required
    assert resolved.fill == fill


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("id = ", "TOML"),
        ('columns = ["a"]', "id"),
        ('id = "x"', "columns"),
        ('id = "x"\ncolumns = "a"', "list"),
        ('id = "x"\ncolumns = ["a", "a"]', "twice"),
        ('id = "x"\ncolumns = ["a"]\nrequired = ["b"]', "required"),
        ('id = "x"\ncolumns = ["a"]\n[fill]\nc = 0', "fill"),
        ('id = "x"\ncolumns = ["a"]\nrequired = ["a"]\n[fill]\na = 0', "both"),
        ('id = "x"\ncolumns = ["a"]\n[fill]\na = nan', "finite"),
        ('id = "x"\ncolumns = ["a"]\ncolour = 1', "colour"),
        ('id = "x"\ncolumn = ["a"]', "Did you mean columns"),
        ('id = "konvid-v1"\ncolumns = ["a"]', "built-in"),
    ],
)
def test_a_schema_that_means_nothing_is_refused(tmp_path, text, word):
    with pytest.raises(InputError, match=word):
        custom(tmp_path, text)


@pytest.mark.parametrize(
    "column",
    [
        "mos",
        "MOS",
        "mos_raw_0_100",
        "mos_std_dev",
        "mos_n_ratings",
        "mos_pred",
        "MOSFull",
        "predicted_mos",
        "gt_score",
        "mos_label_status",
    ],
)
def test_label_columns_are_no_features(tmp_path, column):
    with pytest.raises(InputError, match="label columns"):
        custom(tmp_path, f'id = "x-v1"\ncolumns = ["a", "{column}"]\n')


@pytest.mark.parametrize("pattern", ["*", "m*", "mos*", "*_0_100"])
def test_globs_that_reach_a_label_are_refused(tmp_path, pattern):
    schema = custom(tmp_path, f'id = "x-v1"\ncolumns = ["{pattern}"]\n')
    with pytest.raises(InputError, match="label columns"):
        schema.resolve(["mean_luma", "mos", "mos_raw_0_100"])


def test_globs_that_reach_words_are_refused(tmp_path):
    schema = custom(tmp_path, 'id = "x-v1"\ncolumns = ["second_opinion_*"]\n')
    with pytest.raises(InputError, match="no numbers"):
        schema.resolve(["second_opinion_dover_score"], ["second_opinion_dover_status"])


def test_globs_that_match_nothing_are_refused(tmp_path):
    schema = custom(tmp_path, 'id = "x-v1"\ncolumns = ["videval_*"]\n')
    with pytest.raises(InputError, match="matches no column"):
        schema.resolve(["adm2"])
