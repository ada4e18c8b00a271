"""The whole job by command line, on sample tables and, if available, on real ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import provenance
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pipeline import Pipeline, join_labels, join_scores, run_pipeline, train
from polars.testing import assert_frame_equal
from scipy import stats
from workspace import run_command


@pytest.fixture(scope="module", params=["sample", "real"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    tables = request.getfixturevalue(f"{request.param}_tables")
    return run_pipeline(tables, tmp_path_factory.mktemp(request.param))


@pytest.fixture
def is_real(run: Pipeline, request: pytest.FixtureRequest) -> bool:
    return "real" in request.node.name


def test_join_matches_every_key_it_can(run: Pipeline, is_real: bool) -> None:
    audit = run.document("labelled.parquet.audit.json")
    assert audit["status"] == "ok"
    assert audit["feature_key_column"] == "clip_path"
    assert audit["label_key_column"] == "flickr_id"
    assert audit["feature_key_regex"] is None
    assert audit["label_key_regex"] is None
    expected = (1200, 1200) if is_real else (1000, 991)
    assert (audit["total_feature_keys"], audit["matched_feature_keys"]) == expected
    assert audit["output_rows"] == expected[0]
    assert audit["stale_label_keys"]["count"] == (0 if is_real else 14)
    assert audit["duplicate_labels_collapsed"] == (0 if is_real else 1)


def test_joined_bytes_are_the_features_own(run: Pipeline) -> None:
    source = run.tables / "features.parquet"
    wanted = pl.read_parquet(source)
    assert_frame_equal(
        pl.read_parquet(run.scored, columns=wanted.columns), wanted, check_exact=True
    )
    # Each table made from the source starts with all bytes before the source's footer.
    data = source.read_bytes()
    prefix = data[: len(data) - 8 - int.from_bytes(data[-8:-4], "little")]
    for made in (run.labelled, run.scored):
        assert made.read_bytes()[: len(prefix)] == prefix


def test_peers_read_the_table(run: Pipeline) -> None:
    ours = pq.read_table(run.scored)
    column = "second_opinion_dover_score"
    mean = np.nanmean(ours[column].to_numpy())
    assert pl.read_parquet(run.scored)[column].mean() == pytest.approx(mean)
    [[answer]] = duckdb.sql(f"select avg({column}) from '{run.scored}'").fetchall()
    assert answer == pytest.approx(mean)


def test_labels_are_those_of_the_file(run: Pipeline) -> None:
    labels = pl.read_csv(run.tables / "labels.csv", schema_overrides={"flickr_id": pl.String})
    labels = labels.unique("flickr_id").rename({"mos": "wanted"})
    table = pl.read_parquet(run.labelled).with_columns(
        flickr_id=pl.col("clip_path").str.extract(r"(\d+)\.mp4$")
    )
    both = table.join(labels.select("flickr_id", "wanted"), on="flickr_id", how="left")
    assert both["mos"].equals(both["wanted"])
    assert both.filter(pl.col("mos").is_null())["mos_label_status"].unique().to_list() in (
        [],
        ["missing-label"],
    )


def test_second_opinions_are_joined(run: Pipeline, is_real: bool) -> None:
    table = pl.read_parquet(run.scored)
    for scorer in ("dover", "dover_aesthetic", "dover_technical", "niqe"):
        counts = dict(table[f"second_opinion_{scorer}_status"].value_counts().iter_rows())
        scored = table[f"second_opinion_{scorer}_score"].is_not_null().sum()
        assert counts["ok"] == scored
        faults = {} if is_real else {"bad": 1} if scorer == "niqe" else {"missing": 4}
        assert counts == {"ok": len(table) - sum(faults.values()), **faults}
    assert "second_opinion_dover_branch_technical_score" in table.columns
    direction = pq.read_schema(run.scored).field("second_opinion_niqe_score").metadata
    assert direction[b"moskit.direction"] == b"lower"


def test_audit_counts_second_opinions_as_a_family(run: Pipeline) -> None:
    document = run.document("audit.json")
    [table] = document["tables"]
    family = table["families"]["no_reference_ugc"]
    assert family["status"] == "covered"
    assert {"second_opinion_dover_score", "second_opinion_niqe_score"} <= set(
        family["matched_columns"]
    )
    strongest = table["target_correlations"][0]
    assert "dover" in strongest["column"]
    frame = pl.read_parquet(run.scored).filter(pl.col("mos").is_not_null())
    frame = frame.filter(pl.col(strongest["column"]).is_not_null())
    expected = stats.pearsonr(frame[strongest["column"]], frame["mos"]).statistic
    assert strongest["pearson"] == pytest.approx(expected)


def test_head_passes_the_gate(run: Pipeline, is_real: bool) -> None:
    manifest = run.document("head.json")
    gate = manifest["gate"]
    assert manifest["training_recipe"]["smoke"] is False
    assert manifest["folds"]["k"] == 5
    assert len(manifest["seeds"]) == 5
    assert gate["passed"] is True
    assert gate["mean_plcc"] >= (0.89 if is_real else 0.85)
    assert gate["mean_srocc"] >= 0.82
    assert gate["mean_rmse"] <= 0.45
    assert gate["plcc_spread"] <= 0.005
    assert "Accepted" in (run.folder / "card.md").read_text("utf-8")


def test_gated_numbers_follow_from_out_of_fold_predictions(run: Pipeline) -> None:
    gate = run.document("head.json")["gate"]
    oof = pl.read_parquet(run.folder / "oof.parquet")
    parts = [
        (seed, stats.pearsonr(part["mos"], part["mos_pred"]).statistic)
        for (seed, _fold), part in oof.group_by("seed", "fold")
    ]
    assert len(parts) == 25
    assert np.mean([plcc for _, plcc in parts]) == pytest.approx(gate["mean_plcc"], abs=1e-6)
    per_seed = [
        np.mean([plcc for other, plcc in parts if other == seed]) for seed in {s for s, _ in parts}
    ]
    assert np.ptp(per_seed) == pytest.approx(gate["plcc_spread"], abs=2e-6)


def test_predictions_come_back_by_clip_key(run: Pipeline) -> None:
    table = pl.read_parquet(run.scored)
    predicted = pl.read_parquet(run.predictions)
    figures = ["mos_pred", "mos_pred_lo", "mos_pred_hi"]
    assert predicted.columns == ["clip_path", *figures, "source", "in_domain", "distance"]
    assert predicted["clip_path"].sort().equals(table["clip_path"].sort())
    both = table.join(predicted, on="clip_path").filter(pl.col("mos").is_not_null())
    both = both.filter(pl.col("mos_pred").is_not_null())
    assert stats.pearsonr(both["mos"], both["mos_pred"]).statistic > 0.88
    assert (both["mos_pred_lo"] <= both["mos_pred"]).all()
    assert (both["mos_pred"] <= both["mos_pred_hi"]).all()


def test_verify_accepts_every_artefact_through_its_record(run: Pipeline) -> None:
    paths = [path for pair in run.records.items() for path in (pair[0], *pair[1])]
    run_command("provenance", "verify", *paths)
    assert [path for path in paths if not accepts(path)] == []


def test_verify_rejects_one_flipped_byte_anywhere(run: Pipeline, tmp_path: Path) -> None:
    """Flip a byte at both ends and in the middle of each file; use the command for a head."""
    folder = tmp_path / "copy"
    shutil.copytree(run.folder, folder)
    for record, artefacts in run.records.items():
        for original in (record, *artefacts):
            copy = folder / original.name
            data = copy.read_bytes()
            for position in (0, len(data) - 1, len(data) // 2):
                copy.write_bytes(flipped(data, position))
                for asked in (copy, folder / record.name):
                    assert not accepts(asked), f"{copy.name} at {position}, asked by {asked.name}"
            if run.onnx in artefacts:
                run_command("provenance", "verify", copy, expect=1)
            copy.write_bytes(data)
    assert accepts(folder / "head.onnx"), "the bytes that were put back are accepted again"


def flipped(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


def accepts(path: Path) -> bool:
    try:
        return provenance.verify([path]).ok
    except provenance.MoskitError:
        return False


def test_trace_leads_from_the_head_to_the_raw_labels(run: Pipeline) -> None:
    shown = run_command("provenance", "trace", run.onnx, "--format", "tree").stdout
    for name in ("scored.parquet", "labelled.parquet", "features.parquet", "labels.csv"):
        assert name in shown


def test_shuffled_mos_misses_the_gate(run: Pipeline, tmp_path: Path) -> None:
    table = pq.read_table(run.scored)
    shuffled = table["mos"].take(pa.array(np.random.default_rng(1).permutation(len(table))))
    index = table.column_names.index("mos")
    pq.write_table(
        table.set_column(index, "mos", shuffled).drop_columns("mos_raw_0_100"),
        tmp_path / "shuffled.parquet",
    )
    gate = train(tmp_path / "shuffled.parquet", tmp_path, "--other-partitions", "0")["gate"]
    assert gate["passed"] is False
    assert abs(gate["mean_plcc"]) < 0.15


def test_equal_runs_write_equal_tables(run: Pipeline, tmp_path: Path) -> None:
    """Tables depend on neither the folder nor the time."""
    join_labels(run.tables, tmp_path / "elsewhere.parquet")
    assert (tmp_path / "elsewhere.parquet").read_bytes() == run.labelled.read_bytes()


def test_no_labels_no_head(run: Pipeline, tmp_path: Path) -> None:
    """Without MOS-labelled rows, the exit code is 2 and no file is written."""
    join_scores(run.tables / "features.parquet", run.tables, tmp_path / "unlabelled.parquet")
    schema = run.folder / "schema.toml"
    before = sorted(tmp_path.iterdir())
    done = run_command(
        *("moshead", "train", "--features", tmp_path / "unlabelled.parquet"),
        *("--feature-schema", schema, "--model-id", "none"),
        *("--out-onnx", tmp_path / "none.onnx"),
        expect=2,
    )
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.iterdir()) == before
