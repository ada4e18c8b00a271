"""Which columns serve which family, and which are no signals at all."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from provenance.toolkit import InputError
from signalaudit import load_families
from signalaudit.tables.columns import plan_columns

FAMILIES = load_families()


@pytest.mark.parametrize(
    ("column", "family"),
    [
        ("adm2", "canonical_fr"),
        ("integer_adm2", "canonical_fr"),
        ("vif_scale3_p10", "canonical_fr"),
        ("integer_vif_scale0", "canonical_fr"),
        ("motion2_mean", "canonical_fr"),
        ("vmaf_neg", "canonical_fr"),
        ("float_psnr", "error_energy"),
        ("psnr_y", "error_energy"),
        ("xpsnr", "error_energy"),
        ("float_ms_ssim", "structural_similarity"),
        ("SSIM", "structural_similarity"),
        ("ssimulacra2", "texture_deep_perceptual"),
        ("lpips_alex", "texture_deep_perceptual"),
        ("ciede2000", "color_chroma"),
        ("psnr_cb", "color_chroma"),
        ("cambi", "banding_tone_mapping"),
        ("clipping_ratio", "banding_tone_mapping"),
        ("motion2", "temporal_flicker"),
        ("shot_cut_density", "temporal_flicker"),
        ("adm2_std", "temporal_flicker"),
        ("saliency_mean", "saliency_roi"),
        ("display_peak_luminance_nits_norm", "hdr_display_panel"),
        ("bitdepth", "hdr_display_panel"),
        ("feature_bitdepth_norm", "hdr_display_panel"),
        ("width", "source_geometry_content"),
        ("reference_height", "source_geometry_content"),
        ("framerate", "source_geometry_content"),
        ("bitrate", "codec_encoder"),
        ("chug_bitrate_mbps", "codec_encoder"),
        ("crf", "codec_encoder"),
        ("second_opinion_my_scorer_score", "no_reference_ugc"),
        ("dover_technical", "no_reference_ugc"),
        ("q_align", "no_reference_ugc"),
        ("QAlign", "no_reference_ugc"),
        ("fast_vqa", "no_reference_ugc"),
        ("fastvqa_score", "no_reference_ugc"),
        ("musiq", "no_reference_ugc"),
        ("clip_iqa", "no_reference_ugc"),
        ("clipiqa_plus", "no_reference_ugc"),
        ("maniqa", "no_reference_ugc"),
        ("niqe", "no_reference_ugc"),
        ("brisque_17", "no_reference_ugc"),
        ("videval_00", "no_reference_ugc"),
        ("noise_variance", "noise_grain_blur"),
        ("laplacian_var", "noise_grain_blur"),
    ],
)
def test_family_of_a_column(column: str, family: str) -> None:
    assert family in FAMILIES.keys_for(column)
    assert FAMILIES.why_excluded(column) is None


@pytest.mark.parametrize(
    ("column", "family"),
    [
        ("clip_iqa", "banding_tone_mapping"),
        ("bandwidth", "banding_tone_mapping"),
        ("ssimulacra2", "structural_similarity"),
        ("unitless", "hdr_display_panel"),
        ("preamble", "codec_encoder"),
        ("protein", "saliency_roi"),
        ("knowledge", "noise_grain_blur"),
        ("domino", "no_reference_ugc"),
        ("fortune", "codec_encoder"),
        ("crazy", "color_chroma"),
    ],
)
def test_names_that_only_look_alike(column: str, family: str) -> None:
    assert family not in FAMILIES.keys_for(column)


@pytest.mark.parametrize(
    "column",
    [
        *("clip_id", "content_id", "flickr_id", "video_id", "clip_path", "file_name", "src_sha256"),
        *("mos_std_dev", "mos_n_ratings", "mos_label_status", "mos_j", "raw_mos", "mos_pred"),
        *("dover_status", "dover_runtime_ms", "runtime_total_ms", "nb_frames", "frame_count"),
        *("split", "fold", "corpus_version", "ingested_at_utc", "__index_level_0__", "gt_score"),
    ],
)
def test_names_that_are_no_signals(column: str) -> None:
    assert FAMILIES.why_excluded(column) is not None


def test_thirteen_families_of_adr_0650() -> None:
    assert [family.key for family in FAMILIES.families] == [
        *("canonical_fr", "error_energy", "structural_similarity", "texture_deep_perceptual"),
        *("color_chroma", "banding_tone_mapping", "temporal_flicker", "saliency_roi"),
        *("hdr_display_panel", "source_geometry_content", "codec_encoder", "no_reference_ugc"),
        "noise_grain_blur",
    ]
    assert all(f.question and f.candidates and f.recommendation for f in FAMILIES.families)


def plan(target: str | None = None, **kinds: pa.DataType) -> dict[str, str]:
    columns = plan_columns(pa.schema(list(kinds.items())), FAMILIES, target=target).columns
    return {column.name: column.role for column in columns}


def test_ratings_are_the_target_before_vmaf_which_is_then_a_signal() -> None:
    number = pa.float64()
    assert plan(score=number, VMAF=number, mos=number, adm2=number) == {
        "score": "other_target",
        "VMAF": "signal",
        "mos": "target",
        "adm2": "signal",
    }
    assert plan("vmaf", mos=number, vmaf=number) == {"mos": "other_target", "vmaf": "target"}
    assert plan(score=number, vmaf_score=number, vmaf=number) == {
        "score": "other_target",
        "vmaf_score": "signal",
        "vmaf": "target",
    }
    assert plan(mos_raw_0_100=number, mos=number)["mos"] == "target"


def test_two_columns_of_one_name_are_refused() -> None:
    schema = pa.schema([("mos", pa.float64()), ("mos", pa.float64())])
    with pytest.raises(InputError, match="2 columns named 'mos'"):
        plan_columns(schema, FAMILIES)


def test_text_counts_as_category_where_a_family_wants_it() -> None:
    roles = plan(codec=pa.string(), remark=pa.string(), adm2=pa.int32(), bt2020=pa.bool_())
    assert roles == {
        "codec": "category",
        "remark": "excluded",
        "adm2": "signal",
        "bt2020": "signal",
    }


def test_text_in_place_of_numbers_is_no_signal_and_said() -> None:
    schema = pa.schema([("adm2", pa.string()), ("codec", pa.string()), ("remark", pa.string())])
    planned = plan_columns(schema, load_families())
    assert [column.role for column in planned.columns] == ["excluded", "category", "excluded"]
    [warning] = planned.warnings
    assert "'adm2' holds text" in warning


def test_score_columns_keep_their_scorer_and_direction() -> None:
    field = pa.field(
        "so_x_score",
        pa.float64(),
        metadata={
            "moskit.scorer": "x",
            "moskit.kind": "score",
            "moskit.direction": "lower",
        },
    )
    [column] = plan_columns(pa.schema([field]), FAMILIES).columns
    assert (column.role, column.scorer, column.metadata_direction) == ("signal", "x", "lower")
    assert "no_reference_ugc" in column.families


def test_extension_adds_to_a_family_and_makes_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_text(
        """
[[family]]
key = "no_reference_ugc"
patterns = ['house_iq\\w*']

[[family]]
key = "audio"
name = "Audio"
question = "Does it sound right?"
patterns = ['visqol']

[[excluded]]
reason = "our shard number"
patterns = ['shard']
""",
        encoding="utf-8",
    )
    families = load_families(path)
    assert families.keys_for("house_iq_v2") == ["no_reference_ugc"]
    assert families.keys_for("niqe") == ["no_reference_ugc"]
    assert families.keys_for("visqol") == ["audio"]
    assert families.why_excluded("shard") == "our shard number"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[family", "not TOML"),
        ("[other]\nx = 1", "the table [other]"),
        ("family = 3", "not a list of tables"),
        ("[[family]]\nkey = 'Bad Key'", "has the key"),
        ("[[family]]\nkey = 'new'\npatterns = ['x']", "lacks name, question"),
        ("[[family]]\nkey = 'color_chroma'\npatterns = ['(']", "not a regular expression"),
        ("[[family]]\nkey = 'color_chroma'\npatterns = 'x'", "not a list of texts"),
        ("[[family]]\nkey = 'color_chroma'\ncolour = 'x'", "unknown member colour"),
        ("[[family]]\nkey = 'color_chroma'\nname = 3", "is not text"),
        ("[[family]]\nkey = 'color_chroma'\nneeds = 'luck'", "needs = 'luck'"),
        ("[[excluded]]\nreason = 'x'", "no patterns"),
    ],
)
def test_a_bad_families_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_families(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_families_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="families file is not there"):
        load_families(tmp_path / "none.toml")
