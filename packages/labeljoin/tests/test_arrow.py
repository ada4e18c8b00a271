"""Arrow IPC and Feather tables: read by labeljoin, written with more columns, read by others."""

import json

import duckdb
import labeljoin
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from labeljoin import attach, open_table
from labeljoin.formats import format_named
from labeljoin_lookup import Lookup, embedded, expected
from provenance.toolkit import InputError
from pyarrow import feather

ROWS = 1_000


@pytest.fixture
def rows():
    return pa.table(
        {
            "key": pa.array([f"v/{row % 70}.mp4" for row in range(ROWS)]),
            "scene": pa.array([f"s{row % 3}" for row in range(ROWS)]).dictionary_encode(),
            "x": pa.array([row / 7 for row in range(ROWS)]),
            "motion": pa.array([[row, row + 1] for row in range(ROWS)]),
        },
        metadata={"unit": "none"},
    )


def written(path, rows, codec=None, batch_rows=300):
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with pa.ipc.new_file(str(path), rows.schema, options=options) as file:
        for number, batch in enumerate(rows.to_batches(max_chunksize=batch_rows)):
            file.write_batch(batch, custom_metadata={"batch": str(number)})
    return path


def read(path):
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


@pytest.mark.parametrize("codec", [None, "lz4", "zstd"])
def test_columns_are_added_behind_the_others(tmp_path, rows, codec):
    source, out = written(tmp_path / "in.arrow", rows, codec), tmp_path / "out.arrow"
    report = attach(source, out, "key", Lookup(encoded=True), embed=embedded)
    assert report.engine == ("arrow-rewrite" if codec else "arrow-copy")
    got = read(out)
    assert got.equals(expected(rows))
    assert got.schema.metadata[b"unit"] == b"none"
    assert pa.types.is_dictionary(got.schema.field("scene").type)
    assert [chunk.num_rows for chunk in got.to_batches()] == [300, 300, 300, 100]
    with pa.memory_map(str(out)) as file:
        reader = pa.ipc.open_file(file)
        assert reader.get_batch_with_custom_metadata(1)[1] == {b"batch": b"1"}
    assert report.parts[0].digest == labeljoin.formats.digest_of(out)
    small = out.stat().st_size < 1.2 * source.stat().st_size + 40 * ROWS
    assert small


def test_the_buffers_of_an_uncompressed_file_are_copied_as_they_are(tmp_path, rows):
    source, out = written(tmp_path / "in.arrow", rows), tmp_path / "out.arrow"
    attach(source, out, "key", Lookup())
    data = out.read_bytes()
    for batch in read(source).to_batches():
        for column in batch.columns:
            for buffer in column.buffers():
                assert buffer is None or buffer.to_pybytes() in data


@pytest.mark.parametrize("codec", [None, "zstd"])
def test_columns_are_replaced_and_rows_dropped(tmp_path, rows, codec):
    source, out = written(tmp_path / "in.arrow", rows, codec), tmp_path / "out.arrow"
    attach(
        source,
        out,
        "key",
        Lookup(names=("x", "status", "frames")),
        replace=["x"],
        keep=lambda values: pa.array([value.as_py().endswith("1.mp4") for value in values]),
    )
    got = read(out)
    kept = [key for key in rows["key"].to_pylist() if key.endswith("1.mp4")]
    assert got.column_names == ["key", "scene", "motion", "x", "status", "frames"]
    assert got["key"].to_pylist() == kept
    assert got["x"].to_pylist() == [len(key) + 0.5 for key in kept]


def test_a_table_reads_as_what_it_is(tmp_path, rows):
    table = open_table(written(tmp_path / "in.feather", rows, "lz4"))
    assert table.format == "arrow"
    assert table.column_names == rows.column_names
    assert table.row_count() == ROWS
    assert table.read(["x", "key"]).equals(rows.select(["x", "key"]))
    assert pa.Table.from_batches(table.batches(["key"])).equals(rows.select(["key"]))


def test_features_and_labels_are_joined(here, command):
    features = pd.DataFrame({"path": [f"v/{clip}.mp4" for clip in range(9)], "x": range(9)})
    features.to_feather("features.feather")
    labels = pa.table(
        {"key": [str(clip) for clip in range(9)], "mos": [1 + clip / 4 for clip in range(9)]}
    )
    feather.write_feather(labels, "labels.arrow", compression="uncompressed")
    done = command(
        *("join", "--features", "features.feather", "--labels", "labels.arrow"),
        *("--out", "labelled.feather", "--json"),
    )
    audit = json.loads(done.out)
    assert audit["engine"] == "arrow-rewrite"
    mos = [1 + clip / 4 for clip in range(9)]
    assert read("labelled.feather")["mos"].to_pylist() == mos
    assert feather.read_feather("labelled.feather")["mos"].tolist() == mos
    assert pl.read_ipc("labelled.feather")["mos"].to_list() == mos
    rows = duckdb.from_arrow(read("labelled.feather")).order("x").project("mos")
    assert rows.fetchall() == [(one,) for one in mos]
    # The table remembers its key and carries its record.
    assert labeljoin.clip_key(open_table("labelled.feather")).decided_by == "table"
    record = format_named("arrow").read_record(here / "labelled.feather")
    assert record is not None
    assert json.loads(record)["distribution"] == "moskit-labeljoin"


def test_the_output_of_polars_is_read(tmp_path):
    frame = pl.DataFrame({"key": ["a", "b", None], "x": [1, 2, 3]})
    frame.write_ipc(tmp_path / "in.arrow", compression="zstd")
    report = attach(tmp_path / "in.arrow", tmp_path / "out.arrow", "key", Lookup())
    assert report.rows_out == 3
    got = pl.read_ipc(tmp_path / "out.arrow")
    assert got.select("key", "x").equals(frame)
    assert got["status"].to_list() == ["ok a", "ok b", "missing-label"]


@pytest.mark.parametrize("damage", ["cut", "garbage"])
def test_a_damaged_file_is_named(tmp_path, rows, damage):
    source = written(tmp_path / "in.arrow", rows)
    data = source.read_bytes()
    source.write_bytes(
        data[:-40] if damage == "cut" else data[:200] + b"\xff" * 64 + data[264:-60] + bytes(60)
    )
    with pytest.raises(InputError, match=r"in\.arrow"):
        attach(source, tmp_path / "out.arrow", "key", Lookup())
    assert not (tmp_path / "out.arrow").exists()


def test_feather_of_version_1_is_refused(tmp_path, rows):
    path = tmp_path / "old.feather"
    path.write_bytes(b"FEA1" + bytes(40) + b"FEA1")
    with pytest.raises(InputError, match=r"version 1.*version 2"):
        open_table(path)


def test_a_new_table_can_be_written(tmp_path, rows):
    plain = rows.select(["key", "x"])
    for name in ("arrow", "parquet", "csv", "jsonl"):
        path = tmp_path / f"new.{name}"
        with format_named(name).writer(path, plain.schema) as file:
            file.write(plain[:400])
            file.write(plain[400:])
        table = open_table(path)
        assert table.format == name
        assert table.read().to_pylist() == plain.to_pylist()
    with pytest.raises(InputError, match="json"):
        format_named("json").writer(tmp_path / "new.json", plain.schema)
