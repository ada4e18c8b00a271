"""``train-chug-hdr`` says what a table lacks, and groups by content."""

from __future__ import annotations

import moshead
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from provenance.toolkit import InputError

SIX = ("adm2", "vif_scale0", "vif_scale1", "vif_scale2", "vif_scale3", "motion2")


def test_the_label_file_and_other_features_are_explained():
    pa.csv.write_csv(
        pa.table({"Video": ["a" * 32], "mos_j": [50.0], "content_name": ["x"]}), "chug.csv"
    )
    with pytest.raises(InputError, match="label file: it has ratings, and no features") as caught:
        moshead.train_chug_hdr(feature_parquet=["chug.csv"])
    assert "labeljoin manifest chug" in str(caught.value)
    pq.write_table(pa.table({"chug_video_id": ["a"], "mos": [3.0], "niqe": [4.0]}), "other.parquet")
    with pytest.raises(InputError, match="none of VMAF's features") as caught:
        moshead.train_chug_hdr(feature_parquet=["other.parquet"])
    assert "--group-column content_name" in str(caught.value)


@pytest.mark.parametrize("column", ["chug_content_name", "content_name", None])
def test_contents_are_kept_together_and_the_notes_name_the_column(column, tmp_path):
    rng = np.random.default_rng(0)
    quality = rng.uniform(-1, 1, 140)
    table: dict[str, object] = {"chug_video_id": [f"{n:032x}" for n in range(140)]}
    for name in SIX:
        table[name] = 0.7 + 0.1 * quality + 0.01 * rng.normal(size=140)
    table["mos"] = 3 + quality + 0.1 * rng.normal(size=140)
    if column:
        table[column] = [f"content{n % 35}" for n in range(140)]
    pq.write_table(pa.table(table), "chug.parquet")
    manifest = moshead.train_chug_hdr(
        feature_parquet=["chug.parquet"],
        training=moshead.TrainingOptions(recipe="ridge", seeds=2, other_partitions=0),
        destinations=moshead.Destinations(onnx=tmp_path / "h.onnx", export=False),
        baselines="simple",
    )
    said = " ".join(manifest["notes"])
    if column is None:
        assert manifest["corpus"]["groups"] is None
        assert "do not name their content" in said
    else:
        assert manifest["corpus"]["groups"] == 35
        assert manifest["folds"]["kind"] == "group-k-fold"
        assert f"grouped by {column}" in said
