"""`labeljoin.join` in memory: whatever speaks the Arrow PyCapsule interface."""

import duckdb
import labeljoin
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from provenance.toolkit import InputError

FEATURES = {"path": ["v/1.mp4", "v/2.mp4", "v/1.mp4", None], "x": [1.0, 2.0, 3.0, 4.0]}
LABELS = {"key": [1, 2, 3], "mos": [3.0, 4.0, 5.0], "split": ["a", "b", "c"]}


def in_duckdb(columns):
    frame = pa.table(columns)
    connection = duckdb.connect()
    connection.register("frame", frame)
    return connection.sql("select * from frame")


@pytest.mark.parametrize("kind", [pa.table, pd.DataFrame, pl.DataFrame, in_duckdb])
def test_any_arrow_table_joins(kind):
    features = kind(FEATURES)
    result = labeljoin.join(
        features, kind(LABELS), options=labeljoin.JoinOptions(max_keyless_rate=0.25)
    )
    assert type(result.table) is (pa.Table if kind is in_duckdb else type(features))
    table = result.arrow
    assert table.column_names == [
        "path",
        "x",
        "mos",
        "mos_raw_0_100",
        "mos_label_status",
        "mos_label_source",
        "split",
    ]
    assert table["mos"].to_pylist() == [3.0, 4.0, 3.0, None]
    assert table["mos_label_status"].to_pylist() == ["ok", "ok", "ok", "missing-label"]
    assert table["mos_label_source"].to_pylist() == ["labels", "labels", "labels", None]
    assert table["split"].to_pylist() == ["a", "b", "a", None]
    assert "Labels cover 100 % of the clips (2 of 2)." in result._repr_html_()
    assert result.audit["engine"] == "in-memory"
    assert result.audit["stale_label_keys"] == {"count": 1, "sample": ["3"]}
    assert result.audit["keyless_rows"]["reasons"]["null"] == 1


def test_memory_and_disk_say_the_same(here):
    pq.write_table(pa.table(FEATURES), "f.parquet")
    pd.DataFrame(LABELS).to_csv("l.csv", index=False)
    options = labeljoin.JoinOptions(max_keyless_rate=0.5, key_normalize="stem")
    on_disk = labeljoin.join_file("f.parquet", "l.csv", "o.parquet", options)
    result = labeljoin.join(pa.table(FEATURES), "l.csv", options)
    assert result.table.equals(pq.read_table("o.parquet"))
    own = {"feature_table", "output", "engine", "run_provenance", "content_sha256"}
    for member in set(on_disk) - own:
        assert dict(result.audit)[member] == dict(on_disk)[member], member


def test_labels_have_names():
    frames = {"first": pa.table(LABELS), "second": pa.table({"key": ["4"], "mos": [1.5]})}
    features = pa.table({"key": ["1", "4"]})
    assert labeljoin.join(features, frames).table["mos_label_source"].to_pylist() == [
        "first",
        "second",
    ]
    unnamed = labeljoin.join(features, list(frames.values())).table
    assert unnamed["mos_label_source"].to_pylist() == ["labels[0]", "labels[1]"]


def test_a_low_coverage_raises_with_its_audit():
    with pytest.raises(labeljoin.CoverageError) as caught:
        labeljoin.join(pa.table({"key": ["9"]}), pa.table(LABELS))
    assert caught.value.document is not None
    assert caught.value.document["match_rate"] == 0
    assert caught.value.exit_code == 1


def test_existing_columns_and_overwrite():
    features = pa.table({"key": ["1"], "mos": [1.0]})
    with pytest.raises(InputError, match="'mos'"):
        labeljoin.join(features, pa.table(LABELS))
    joined = labeljoin.join(
        features, pa.table(LABELS), options=labeljoin.JoinOptions(overwrite=True)
    ).table
    assert joined.column_names[:2] == ["key", "mos"]
    assert joined["mos"].to_pylist() == [3.0]


def test_what_is_no_table_is_refused():
    with pytest.raises(InputError, match="PyCapsule"):
        labeljoin.join([1, 2], pa.table(LABELS))


def test_metadata_of_the_features_stays():
    schema = pa.schema([pa.field("key", pa.string(), metadata={"unit": "clip"})], {"a": "b"})
    joined = labeljoin.join(pa.table({"key": ["1"]}, schema=schema), pa.table(LABELS)).table
    assert joined.schema.metadata[b"a"] == b"b"
    assert joined.schema.field("key").metadata == {b"unit": b"clip"}
