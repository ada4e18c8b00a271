"""Feature values: derived, filled, counted."""

from __future__ import annotations

import json
import math

import moshead
import numpy as np
import pyarrow as pa
import pytest
from moshead.features.derivations import bitrate_mbps
from moshead.features.matrix import feature_matrix
from provenance.toolkit import InputError

SIX = ("adm2", "vif_scale0", "vif_scale1", "vif_scale2", "vif_scale3", "motion2")


def chug_row(**members):
    row = dict.fromkeys(SIX, 0.5) | {
        "chug_bitrate_label": "0.5M",
        "chug_orientation": "portrait",
        "chug_ref": 0,
        "width": 1920,
        "height": 1080,
        "feature_width": 3840,
        "feature_height": 2160,
        "duration_s": 30.0,
        "n_feature_frames": 900,
        "feature_bitdepth": 10,
    }
    return row | members


def values(schema, *rows, **options):
    names = dict.fromkeys(name for row in rows for name in row)
    table = pa.table({name: [row.get(name) for row in rows] for name in names})
    matrix = feature_matrix(moshead.features.load_schema(schema), table, **options)
    columns = moshead.features.load_schema(schema).columns
    return [dict(zip(columns, row, strict=True)) for row in matrix.values.tolist()], matrix


def test_chug_metadata_is_scaled():
    (row,), _ = values("chug-hdr-wide-v1", chug_row())
    assert row["chug_bitrate_mbps"] == 0.5
    assert row["chug_orientation_portrait"] == 1.0
    assert row["distorted_width_norm"] == 0.5
    assert row["distorted_height_norm"] == 0.5
    assert row["reference_width_norm"] == 1.0
    assert row["reference_height_norm"] == 1.0
    assert row["duration_s_norm"] == 0.5
    assert row["n_feature_frames_norm"] == 0.5
    assert row["feature_bitdepth_norm"] == 0.5


@pytest.mark.parametrize(
    ("label", "mbps"), [("0.5M", 0.5), ("500K", 0.5), ("2mbps", 2.0), ("3", 3.0)]
)
def test_bitrate_labels(label, mbps):
    assert bitrate_mbps(label) == pytest.approx(mbps)


def test_a_word_is_no_bitrate():
    assert math.isnan(bitrate_mbps("fast"))


def test_means_stand_in_for_absent_and_null_bare_names():
    rows: list[dict[str, float | None]] = [
        {"adm2": 0.9, "adm2_mean": 0.1},
        {"adm2": None, "adm2_mean": 0.2},
    ]
    rest: dict[str, float | None] = {f"{name}_mean": 0.3 for name in SIX[1:]}
    rows.append({"adm2": None, "adm2_mean": -0.1})
    found, _ = values("konvid-v1", *(row | rest for row in rows))
    assert [row["adm2"] for row in found] == [0.9, 0.2, -0.1]
    assert found[0]["motion2"] == 0.3


def test_fill_is_counted_and_absent_columns_are_named():
    six: dict[str, float | None] = dict.fromkeys(SIX, 0.5)
    rows = [six | {"saliency_mean": value} for value in (0.1, None, 0.2, 0.3)]
    found, matrix = values("konvid-v1", *rows)
    assert [row["saliency_mean"] for row in found] == [0.1, 0.0, 0.2, 0.3]
    assert matrix.fill["saliency_mean"] == 0.25
    assert matrix.fill["shot_cut_density"] == 1.0
    assert set(matrix.absent) == {
        "saliency_var",
        "shot_count_norm",
        "shot_mean_len_norm",
        "shot_cut_density",
    }


def test_values_that_are_not_finite_are_left_to_the_medians():
    six: dict[str, float | None] = dict.fromkeys(SIX, 0.5)
    rows = [
        six | {"motion2": value, "saliency_mean": float("nan")}
        for value in (1.0, float("inf"), float("nan"), None)
    ]
    _, matrix = values("konvid-v1", *rows)
    assert matrix.imputed == {"motion2": 3, "saliency_mean": 4}
    assert matrix.fill["saliency_mean"] == 0.0


def test_a_required_column_that_is_absent_is_an_error():
    with pytest.raises(InputError, match="vif_scale3, motion2"):
        values("konvid-v1", dict.fromkeys(SIX[:4], 0.5))


def test_words_are_no_features():
    with pytest.raises(InputError, match="not numbers"):
        values("konvid-v1", dict.fromkeys(SIX, 0.5) | {"motion2": "fast"})


PROFILE = {
    "peak_nits": 1000,
    "black_nits": 0.005,
    "ambient_lux": 25,
    "bt2020_coverage": 72,
    "p3_coverage": 0.95,
    "panel_type": "OLED",
    "local_dimming": False,
    "tone_mapping": "HDR10+",
}


@pytest.mark.parametrize("wrap", [True, False])
def test_a_display_profile_fills_what_rows_lack(tmp_path, wrap):
    path = tmp_path / "display.json"
    path.write_text(json.dumps({"display": PROFILE} if wrap else PROFILE))
    profile = moshead.features.read_display_profile(path)
    own = chug_row(display_ambient_lux=500, display_panel_type="QLED LCD")
    (row, other), matrix = values("chug-hdr-display-v1", chug_row(), own, display=profile)
    assert row["display_peak_luminance_nits_norm"] == pytest.approx(0.1)
    assert row["display_black_luminance_nits_norm"] == pytest.approx(0.005)
    assert row["display_contrast_ratio_log_norm"] == pytest.approx(math.log10(200_000) / 7)
    assert row["display_ambient_lux_norm"] == pytest.approx(0.025)
    assert row["display_bt2020_coverage"] == pytest.approx(0.72)
    assert row["display_p3_coverage"] == pytest.approx(0.95)
    panels = ("display_panel_oled", "display_panel_qled", "display_panel_lcd")
    assert [row[name] for name in panels] == [1, 0, 0]
    assert [other[name] for name in panels] == [0, 1, 1]
    assert row["display_local_dimming"] == 0
    assert row["display_tone_mapping_dynamic"] == 1
    assert other["display_ambient_lux_norm"] == pytest.approx(0.5)
    assert matrix.fill["display_p3_coverage"] == 0.0


@pytest.mark.parametrize(("word", "dynamic"), [("HDR10", 0), ("Dolby Vision", 1), ("HLG", 0)])
def test_dynamic_tone_mapping(tmp_path, word, dynamic):
    path = tmp_path / "display.json"
    path.write_text(json.dumps({"tone_mapping": word}))
    assert moshead.features.read_display_profile(path)["display_tone_mapping_dynamic"] == dynamic


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"colour": 1}', '{"display": 3}'])
def test_a_profile_without_a_display_is_refused(tmp_path, text):
    path = tmp_path / "display.json"
    path.write_text(text)
    with pytest.raises(InputError):
        moshead.features.read_display_profile(path)


def test_medians_ignore_what_is_missing():
    from moshead.features.matrix import column_medians, impute

    values = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan], [10.0, np.nan]])
    medians = column_medians(values)
    assert medians.tolist() == [3.0, 0.0]
    assert impute(values, medians)[2].tolist() == [3.0, 0.0]
