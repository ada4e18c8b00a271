"""What an audit says about a table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq
import pytest
import signalaudit
from provenance.toolkit import InputError

Write = Callable[..., Path]
Columns = dict[str, Any]


def audit(*inputs: object, **options: Any) -> dict[str, Any]:
    [table] = signalaudit.audit([str(each) for each in inputs], **options)["tables"]
    return dict(table)


def by_block(table: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["block"]: row for row in table["gain"]}


def test_coverage(write_table: Write, ugc: Columns) -> None:
    table = audit(write_table(**ugc))
    families = table["families"]
    assert families["no_reference_ugc"]["status"] == "covered"
    assert "second_opinion_dover_score" in families["no_reference_ugc"]["healthy_columns"]
    assert families["source_geometry_content"] == {
        "status": "weak",
        "matched_columns": ["width"],
        "healthy_columns": [],
    }
    assert families["codec_encoder"]["status"] == "covered"
    assert families["saliency_roi"]["status"] == "missing"
    assert table["target"] == "mos"
    assert "mos_raw_0_100" not in table["signal_columns"]
    for kind in ("status", "runtime_ms", "frames"):
        assert f"second_opinion_dover_{kind}" in table["excluded_columns"]


def test_vmaf_beside_mos_is_a_signal_and_covers_the_vmaf_family(
    write_table: Write, ugc: Columns
) -> None:
    ugc["vmaf"] = np.asarray(ugc["mos"]) * 20 + np.random.default_rng(0).normal(size=400)
    table = audit(write_table(**ugc))
    assert table["target"] == "mos"
    assert "vmaf" in table["signal_columns"]
    assert table["families"]["canonical_fr"] == {
        "status": "covered",
        "matched_columns": ["vmaf"],
        "healthy_columns": ["vmaf"],
    }
    assert table["target_correlations"][0]["column"] == "vmaf"
    assert by_block(table)["canonical_fr"]["columns"] == ["vmaf"]
    assert {row["column"] for row in table["saturation"]} >= {"vmaf"}


def test_vmaf_is_the_target_of_a_table_without_ratings(write_table: Write) -> None:
    table = audit(write_table(vmaf=np.arange(60.0), adm2=np.arange(60.0) ** 2))
    assert table["target"] == "vmaf"
    assert table["signal_columns"] == ["adm2"]


def test_health(write_table: Write) -> None:
    table = audit(
        write_table(
            good=np.arange(100.0),
            constant=np.ones(100),
            flat=np.r_[np.zeros(99), 1.0],
            sparse=np.r_[np.full(30, np.nan), np.arange(70.0)],
            infinite=np.r_[np.full(30, np.inf), np.arange(70.0)],
            huge=np.arange(100.0) * 1e300,
        )
    )
    health = {name: stats["health"] for name, stats in table["column_stats"].items()}
    assert health == {
        "good": "healthy",
        "constant": "constant",
        "flat": "flat",
        "sparse": "mostly_non_finite",
        "infinite": "mostly_non_finite",
        "huge": "healthy",
    }
    good = table["column_stats"]["good"]
    assert good["mean"] == pytest.approx(49.5)
    assert good["std"] == pytest.approx(np.arange(100.0).std())
    assert (good["min"], good["median"], good["max"]) == (0, 49.5, 99)
    assert table["column_stats"]["sparse"]["finite_ratio"] == 0.7


def test_target_is_chosen_and_a_missing_one_is_no_error(write_table: Write, ugc: Columns) -> None:
    path = write_table(**ugc)
    assert audit(path, target="mos_raw_0_100")["target"] == "mos_raw_0_100"
    assert audit(path)["target"] == "mos"
    table = audit(path, target="nonsense")
    assert table["target"] is None
    assert table["target_correlations"] == table["gain"] == table["saturation"] == []
    assert "no column 'nonsense'" in table["warnings"][0]
    assert table["next_steps"][0]["rule"] == "no-target"
    assert table["redundant_pairs"]
    assert audit(path, target="clip_path")["target"] is None


def test_directions_come_from_the_first_source_that_knows(write_table: Write, ugc: Columns) -> None:
    ugc["second_opinion_house_score"] = 10 - np.asarray(ugc["second_opinion_dover_score"])
    table = audit(
        write_table(**ugc), directions=["second_opinion_house_score=lower", "brisque_00=lower"]
    )
    directions = table["directions"]
    assert directions["second_opinion_niqe_score"] == {
        "direction": "lower",
        "source": "registry",
        "disagrees": [],
    }
    assert directions["second_opinion_dover_score"]["source"] == "registry"
    assert directions["second_opinion_house_score"]["source"] == "option"
    assert directions["brisque_01"] == {
        "direction": "higher",
        "source": "correlation",
        "disagrees": [],
    }
    assert directions["brisque_00"]["disagrees"] == ["correlation"]
    assert directions["bitrate"]["source"] == "undetermined"
    assert any("brisque_00" in warning for warning in table["warnings"])


def test_niqe_does_not_rank_backwards(write_table: Write, ugc: Columns) -> None:
    table = audit(write_table(**ugc))
    [row] = [
        each
        for each in table["disagreement"]
        if each["left"] == "second_opinion_niqe_score" and each["kind"] == "second_opinion_people"
    ]
    assert row["spearman"] > 0.5


def test_metadata_gives_the_direction(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    mos = generator.uniform(1, 5, 100)
    schema = pa.schema(
        [
            pa.field("sharpness", pa.float64(), metadata={"moskit.direction": "lower"}),
            pa.field("mos", pa.float64()),
        ]
    )
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"sharpness": -mos, "mos": mos}, schema), path)
    assert audit(path)["directions"]["sharpness"] == {
        "direction": "lower",
        "source": "metadata",
        "disagrees": [],
    }


@pytest.mark.parametrize("wrong", ["niqe", "niqe=down", "=higher"])
def test_a_bad_direction_is_refused(write_table: Write, wrong: str) -> None:
    with pytest.raises(InputError, match="COLUMN=higher or COLUMN=lower"):
        audit(write_table(a=[1.0]), directions=[wrong])


def test_a_column_has_one_direction(write_table: Write) -> None:
    with pytest.raises(InputError, match="names a twice, once as higher and once as lower"):
        audit(write_table(a=[1.0]), directions=["a=lower", "a=higher"])


@pytest.mark.parametrize("sign", [1, -1])
def test_columns_tell_which_way_a_dmos_points(write_table: Write, ugc: Columns, sign: int) -> None:
    """DMOS is written both ways; DOVER and NIQE say which one this is."""
    ugc["dmos"] = sign * np.asarray(ugc["mos"])
    directions = audit(write_table(**ugc), target="dmos")["directions"]
    assert directions["brisque_00"]["source"] == "correlation"
    assert directions["brisque_00"]["direction"] == "higher"


def test_redundancy_groups_and_its_representative(write_table: Write) -> None:
    generator = np.random.default_rng(0)
    mos = generator.uniform(1, 5, 300)
    base = mos + generator.normal(size=300)
    outliers = generator.normal(size=(2, 300))
    outliers[:, :2] = 1e6  # two wild rows make r = 1 of two unrelated columns
    table = audit(
        write_table(
            first=base + 0.2 * generator.normal(size=300),
            second=base,
            third=np.exp(base),
            other=generator.normal(size=300),
            wild=outliers[0],
            wilder=outliers[1],
            mos=mos,
        )
    )
    [cluster] = table["clusters"]
    assert set(cluster["columns"]) == {"first", "second", "third"}
    assert cluster["representative"] in {"second", "third"}
    assert cluster["weakest_pair"] > 0.95
    pairs = {frozenset((pair["left"], pair["right"])) for pair in table["redundant_pairs"]}
    assert frozenset(("second", "third")) in pairs  # the same ranks, another shape
    assert frozenset(("wild", "wilder")) not in pairs
    assert table["redundant_pairs_total"] == len(pairs)


def test_complementary_pairs_have_the_multiple_correlation(write_table: Write) -> None:
    generator = np.random.default_rng(0)
    one, two = generator.normal(size=(2, 500))
    mos = one + two + generator.normal(size=500)
    table = audit(write_table(adm2=one, niqe=two, noise_level=generator.normal(size=500), mos=mos))
    [pair] = table["complementary_pairs"]
    assert {pair["left"], pair["right"]} == {"adm2", "niqe"}
    design = np.column_stack([np.ones(500), one, two])
    fitted = design @ np.linalg.lstsq(design, mos, rcond=None)[0]
    assert pair["joint_r"] == pytest.approx(np.corrcoef(fitted, mos)[0, 1], abs=1e-10)


def test_saturation_at_the_ceiling(write_table: Write) -> None:
    generator = np.random.default_rng(0)
    mos = generator.uniform(1, 5, 1000)
    vmaf = np.minimum(100, 40 * mos + generator.normal(size=1000))
    table = audit(write_table(vmaf=vmaf, ssim=0.5 + mos / 10, mos=mos), target="mos")
    ends = {(each["column"], each["end"]): each for each in table["saturation"]}
    ceiling = ends["vmaf", "ceiling"]
    inside = vmaf >= ceiling["edge"]
    assert ceiling["saturated"]
    assert ceiling["share"] == pytest.approx(inside.mean())
    assert ceiling["target_std_inside"] == pytest.approx(mos[inside].std())
    assert ceiling["spread_ratio"] == pytest.approx(mos[inside].std() / mos.std())
    assert not ends["vmaf", "floor"]["saturated"]
    assert not ends["ssim", "ceiling"]["saturated"]
    assert any(step["rule"] == "saturated" for step in table["next_steps"])


def test_clips_compared_with_themselves_are_found(write_table: Write) -> None:
    mos = np.linspace(1, 5, 50)
    table = audit(
        write_table(adm2=np.ones(50), vif_scale0=np.ones(50), vif_scale1=np.ones(50), mos=mos)
    )
    assert table["next_steps"][0]["rule"] == "self-reference"
    assert {each["column"] for each in table["saturation"] if each["saturated"]} == {
        "adm2",
        "vif_scale0",
        "vif_scale1",
    }


def test_disagreement_names_the_clips(write_table: Write, ugc: Columns) -> None:
    mos = np.asarray(ugc["mos"])
    vmaf = 20 * mos
    vmaf[17] = 0.0 if mos[17] > 3 else 100.0
    ugc |= {"vmaf": vmaf, "codec": ["av1", "hevc"] * 200}
    table = audit(write_table(**ugc), target="mos", group_column="codec")
    comparisons = {(row["left"], row["right"]): row for row in table["disagreement"]}
    row = comparisons["vmaf", "mos"]
    assert row["kind"] == "full_reference_people"
    assert row["clips"][0]["key"] == "17"
    assert len(row["clips"]) == 20
    gaps = [abs(clip["gap"]) for clip in row["clips"]]
    assert gaps == sorted(gaps, reverse=True)
    assert [group["group"] for group in row["groups"]] == ["av1", "hevc"]
    assert sum(group["rows"] for group in row["groups"]) == 400
    kinds = {row["kind"] for row in table["disagreement"]}
    assert kinds == {
        *("full_reference_people", "full_reference_second_opinion", "second_opinion_people"),
        *("second_opinions", "table_people"),
    }


def test_scorers_that_rank_alike_are_compared_once(write_table: Write, ugc: Columns) -> None:
    table = audit(write_table(**ugc))
    rankings = {row["left"] for row in table["disagreement"]}
    assert "second_opinion_dover_technical_score" not in rankings


def test_gain_of_second_opinions(write_table: Write, ugc: Columns) -> None:
    table = audit(write_table(**ugc))
    blocks = by_block(table)
    opinions = blocks["second_opinions"]
    assert opinions["kind"] == "second_opinions"
    assert opinions["confirmed"]
    assert opinions["all_plcc"] - opinions["rest_plcc"] == pytest.approx(opinions["added_plcc"])
    assert opinions["ci"][0] < opinions["added_plcc"] < opinions["ci"][1]
    # A copy of DOVER is there, so DOVER alone adds nothing, and that is not held against it.
    assert abs(blocks["dover"]["added_plcc"]) < 0.005
    assert blocks["dover"]["alone_plcc"] > 0.85
    assert blocks["brisque"]["kind"] == "feature_set"
    assert blocks["redundant_columns"]["kind"] == "redundant"
    steps = table["next_steps"]
    [step] = [step for step in steps if step["rule"] == "another-opinion"]
    assert "2 independent scorers" in step["why"]
    assert table["label_noise_ceiling"]["rows"] == 400


def test_the_ceiling_takes_the_errors_of_the_method_that_made_the_labels(
    write_table: Write, ugc: Columns
) -> None:
    known = audit(write_table(**ugc, mos_standard_error=[0.2] * len(ugc["mos"])))
    ceiling = known["label_noise_ceiling"]
    expected = np.sqrt(1 - 0.04 / np.var(np.asarray(ugc["mos"], dtype=float)))
    assert ceiling["plcc"] == pytest.approx(expected)
    assert ceiling["low"] < ceiling["plcc"] < ceiling["high"]
    assert ceiling["basis"] == "mos_standard_error, by the method that made the MOS"
    assert "mos_standard_error" not in known["signal_columns"]


def test_label_noise_ceiling_is_that_of_design(write_table: Write, ugc: Columns) -> None:
    ceiling = audit(write_table(**ugc))["label_noise_ceiling"]["plcc"]
    error = np.asarray(ugc["mos_std_dev"]) ** 2 / np.asarray(ugc["mos_n_ratings"])
    assert ceiling == pytest.approx(np.sqrt(1 - error.mean() / np.asarray(ugc["mos"]).var()))


@pytest.mark.parametrize("ddof", [0, 1])
def test_the_ceiling_is_what_a_perfect_predictor_reaches(write_table: Write, ddof: int) -> None:
    """Five votes of raters that are others for every clip; deviations divided by n or n - 1."""
    random = np.random.default_rng(5)
    truth = random.normal(3, 0.64, 20_000)
    votes = truth[:, None] + random.normal(0, 0.7, (20_000, 5))
    columns = {
        "clip_id": [f"c{n}" for n in range(20_000)],
        "mos": votes.mean(axis=1),
        "mos_std_dev": votes.std(axis=1, ddof=ddof),
        "mos_n_ratings": [5] * 20_000,
        "blur": random.normal(size=20_000),
    }
    table = write_table(**columns)
    ceiling = audit(table, rating_sd_ddof=ddof)["label_noise_ceiling"]
    reached = np.corrcoef(truth, votes.mean(axis=1))[0, 1]
    assert ceiling["plcc"] == pytest.approx(reached, abs=0.005)
    assert ceiling["low"] < reached < ceiling["high"]
    assert f"divided by {('n', 'n - 1')[ddof]} (--rating-sd-ddof)" in ceiling["basis"]


def test_a_copy_of_the_target_takes_no_part(write_table: Write, ugc: Columns) -> None:
    ugc["leaked"] = 3 * np.asarray(ugc["mos"]) + 1
    table = audit(write_table(**ugc))
    assert table["leak_suspects"] == ["leaked"]
    assert table["next_steps"][0]["rule"] == "copied-target"
    assert table["gain_method"]["all_plcc"] < 0.99


def test_first_advice_without_any_second_opinion(write_table: Write, ugc: Columns) -> None:
    plain = {name: values for name, values in ugc.items() if "second_opinion" not in name}
    steps = audit(write_table(**plain))["next_steps"]
    assert steps[0]["rule"] == "first-opinion"


def test_same_seed_same_audit(write_table: Write, ugc: Columns) -> None:
    path = write_table(**ugc)
    assert audit(path) == audit(path)


def test_every_format_gives_the_same_numbers(tmp_path: Path, ugc: Columns) -> None:
    whole = pa.table(ugc)
    rows = whole.to_pylist()
    pq.write_table(whole, tmp_path / "t.parquet")
    pyarrow.csv.write_csv(whole, tmp_path / "t.csv")
    (tmp_path / "t.json").write_text(json.dumps({"rows": rows}))
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    parts = tmp_path / "parts"
    parts.mkdir()
    pq.write_table(whole.slice(0, 150), parts / "a.parquet")
    pq.write_table(whole.slice(150), parts / "b.parquet")
    inputs = {name: tmp_path / f"t.{name}" for name in ("parquet", "csv", "json", "jsonl")}
    tables = signalaudit.audit(inputs | {"parts": parts})["tables"]
    assert [table["label"] for table in tables] == [*inputs, "parts"]
    for table in tables:
        assert table["rows"] == 400
        assert table["gain_method"]["all_plcc"] == pytest.approx(
            tables[0]["gain_method"]["all_plcc"], abs=1e-9
        )
        assert table["families"] == tables[0]["families"]


def test_only_needed_columns_are_read(
    write_table: Write, ugc: Columns, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = pq.ParquetFile.iter_batches

    def watch(self: Any, *arguments: Any, columns: list[str], **options: Any) -> Any:
        read.extend(columns)
        return real(self, *arguments, columns=columns, **options)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", watch)
    audit(write_table(**ugc, remark=["long text"] * 400))
    assert "brisque_00" in read
    assert "clip_path" in read
    assert not {"remark", "second_opinion_dover_status"} & set(read)


def test_long_tables_are_sampled_with_a_warning(write_table: Write, ugc: Columns) -> None:
    path = write_table(**ugc)
    table = audit(path, max_rows=150)
    assert (table["rows"], table["rows_read"]) == (400, 150)
    assert table["sampling"]["method"] == "sample"
    assert any("sample of 150 of 400 rows" in warning for warning in table["warnings"])
    assert audit(path, max_rows=150) == table
    other = audit(path, max_rows=150, seed=1)
    assert other["column_stats"]["bitrate"] != table["column_stats"]["bitrate"]


def test_a_wide_table(write_table: Write) -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=(300, 600))
    mos = values[:, :3].sum(axis=1)
    table = audit(write_table(**{f"f{i}x": values[:, i] for i in range(600)}, mos=mos))
    assert len(table["signal_columns"]) == 600
    assert {row["column"] for row in table["target_correlations"][:3]} == {"f0x", "f1x", "f2x"}


def test_types_that_are_numbers(write_table: Write) -> None:
    table = audit(
        write_table(
            flag=pa.array([True, False, None] * 20),
            small=pa.array([1, None, 3] * 20, pa.int8()),
            price=pa.array([1, 2, 3] * 20, pa.int64()).cast(pa.decimal128(30, 2)),
            kind=pa.array(["a", "b", "a"] * 20).dictionary_encode(),
            words=[["a"]] * 60,
            mos=pa.array([1.0, 2.0, 3.0] * 20, pa.float32()),
        )
    )
    assert table["signal_columns"] == ["flag", "small", "price"]
    assert table["column_stats"]["flag"]["finite_ratio"] == pytest.approx(2 / 3)
    assert table["excluded_columns"] == {"kind": "not a number", "words": "not a number"}


def test_a_table_of_one_row_or_no_numbers_is_still_described(write_table: Write) -> None:
    one = audit(write_table("one.parquet", adm2=[0.5], mos=[3.0]))
    assert one["families"]["canonical_fr"]["status"] == "weak"
    assert "omitted" in one["gain_method"]
    words = audit(write_table("words.parquet", clip_id=["a", "b"]))
    assert words["signal_columns"] == []


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ([], "No input"),
        (["missing.parquet"], "missing.parquet"),
        (["a=x.parquet", "a=y.parquet"], "labelled 'a'"),
    ],
)
def test_unusable_inputs(inputs: list[str], said: str) -> None:
    with pytest.raises(InputError) as caught:
        signalaudit.audit(inputs)
    assert said in str(caught.value)


def test_direction_of_a_column_of_no_table_is_refused(write_table: Write) -> None:
    path = write_table(sharpness=[1.0, 2.0])
    with pytest.raises(InputError, match=r"'sharpnes', but no table has.*Use sharpness"):
        audit(path, directions=["sharpnes=lower"])


def test_unusable_options(write_table: Write) -> None:
    path = write_table(adm2=[1.0, 2.0])
    for options in (
        {"redundancy_threshold": 1.5},
        {"min_finite_ratio": -1},
        {"group_column": "none"},
        {"key_column": "none"},
        {"max_rows": 0},
        {"seed": -1},
    ):
        with pytest.raises(InputError):
            audit(path, **options)
    empty = write_table("empty.parquet", adm2=pa.array([], pa.float64()))
    with pytest.raises(InputError, match="no rows"):
        audit(empty)


def test_the_real_table(konvid: Path, tmp_path: Path) -> None:
    import labeljoin
    import secondopinion

    labelled, scored = tmp_path / "labelled.parquet", tmp_path / "scored.parquet"
    labeljoin.join_file(konvid / "features.parquet", [konvid / "labels.csv"], labelled)
    secondopinion.join_file(
        labelled,
        [
            f"dover={konvid / 'scores/dover.csv'}",
            f"niqe={konvid / 'scores/niqe.csv'}",
            str(konvid / "scores/dover_branches.jsonl"),
        ],
        scored,
    )
    table = audit(scored)
    covered = table["families"]["no_reference_ugc"]
    assert covered["status"] == "covered"
    assert {"second_opinion_dover_score", "second_opinion_niqe_score", "brisque_00"} <= set(
        covered["healthy_columns"]
    )
    assert "videval_00" in covered["healthy_columns"]
    assert table["directions"]["second_opinion_niqe_score"]["direction"] == "lower"
    opinions = by_block(table)["second_opinions"]
    assert opinions["rest_plcc"] == pytest.approx(0.77, abs=0.02)
    assert opinions["all_plcc"] == pytest.approx(0.90, abs=0.01)
    assert opinions["confirmed"]
    assert table["families"]["source_geometry_content"]["matched_columns"] == [
        *("width", "height", "framerate")
    ]
    assert table["families"]["codec_encoder"]["matched_columns"] == ["bitrate"]
