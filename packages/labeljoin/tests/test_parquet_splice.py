"""Attaching columns to parquet: what was there stays, bit for bit, for every reader and writer."""

import base64
import hashlib
import json
import os
import re
import resource
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import nullcontext
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labeljoin import attach, open_table
from labeljoin.engine import first_pass
from labeljoin_lookup import ADDED, Lookup, embedded, expected
from provenance.record import read_embedded
from provenance.toolkit import InputError, OutputError


def prefix_of(path):
    """The bytes of a parquet file before its footer."""
    data = path.read_bytes()
    return data[: len(data) - len(footer_of(path)) - 8]


def footer_of(path):
    """The footer of a parquet file; its length and four letters follow it."""
    data = path.read_bytes()
    assert data[-4:] == b"PAR1"
    return data[-8 - int.from_bytes(data[-8:-4], "little") : -8]


def chunks_of(path, columns):
    metadata = pq.read_metadata(path)
    return [
        [metadata.row_group(group).column(column).to_dict() for column in range(columns)]
        for group in range(metadata.num_row_groups)
    ]


def assert_spliced(source, out, report, key="key"):
    """All that a splice promises."""
    assert (report.engine, report.reason) == ("parquet-splice", None)
    before, after = pq.read_table(source), pq.read_table(out)
    original = pq.ParquetFile(source)
    assert after.slice(0).select(before.column_names).equals(before)
    for old, new in zip(before.schema, after.schema, strict=False):
        assert old.equals(new, check_metadata=True)
    wanted = expected(before, key)
    for name in ADDED:
        assert after[name].to_pylist() == wanted[name].to_pylist()
    [part] = report.parts
    assert prefix_of(source) == out.read_bytes()[: part.prefix_size]
    assert part.prefix_sha256 == hashlib.sha256(prefix_of(source)).hexdigest()
    assert part.source_digest.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert part.digest.sha256 == hashlib.sha256(out.read_bytes()).hexdigest()
    assert part.digest.size == out.stat().st_size
    columns = original.metadata.num_columns
    assert chunks_of(source, columns) == chunks_of(out, columns)
    assert report.rows_in == report.rows_out == before.num_rows
    metadata = pq.read_metadata(out)
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        sizes = [group.column(n).total_uncompressed_size for n in range(group.num_columns)]
        added = original.metadata.row_group(number).total_byte_size + sum(sizes[columns:])
        assert group.total_byte_size == added


def assert_readers_agree(out, key="key"):
    """DuckDB, polars and pandas read what pyarrow reads."""
    table = pq.read_table(out)
    names = [name for name in [key, *ADDED] if name in table.column_names]
    rows = list(zip(*(table[name].to_pylist() for name in names), strict=True))
    quoted = ", ".join(f'"{name}"' for name in names)
    assert duckdb.sql(f"select {quoted} from read_parquet('{out}')").fetchall() == rows
    assert pl.read_parquet(out).select(names).rows() == rows
    frame = pd.read_parquet(out)
    assert len(frame) == len(rows)
    assert frame["mos"].fillna(-1).tolist() == [-1 if r[-3] is None else r[-3] for r in rows]


# Tables


KEYS = st.one_of(st.none(), st.text(max_size=12))
SCALARS = {
    "double": (pa.float64(), st.floats(allow_nan=False)),
    "float": (pa.float32(), st.floats(width=32, allow_nan=False)),
    "int": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "small": (pa.int8(), st.integers(-128, 127)),
    "bool": (pa.bool_(), st.booleans()),
    "text": (pa.string(), st.text(max_size=200)),
    "large": (pa.large_string(), st.text(max_size=8)),
    "bytes": (pa.binary(), st.binary(max_size=8)),
    "fixed": (pa.binary(3), st.binary(min_size=3, max_size=3)),
    "time": (pa.timestamp("us", "UTC"), st.integers(0, 2**40)),
    "decimal": (pa.decimal128(12, 2), st.decimals(-1000, 1000, places=2)),
    "category": (pa.dictionary(pa.int32(), pa.string()), st.sampled_from(["a", "b"])),
    "list": (pa.list_(pa.float64()), st.lists(st.floats(allow_nan=False), max_size=3)),
    "struct": (
        pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))]),
        st.fixed_dictionaries({"a": st.integers(0, 9), "b": st.lists(st.text(max_size=3))}),
    ),
}


@st.composite
def parquet_files(draw):
    """A table, and how to write it."""
    rows = draw(st.integers(0, 40))
    columns = {"key": pa.array(draw(st.lists(KEYS, min_size=rows, max_size=rows)), pa.string())}
    for name in draw(st.lists(st.sampled_from(sorted(SCALARS)), unique=True, max_size=5)):
        kind, values = SCALARS[name]
        drawn = draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
        columns[name] = pa.array(drawn, kind)
    options = {
        "row_group_size": draw(st.integers(1, 50)),
        "compression": draw(st.sampled_from(["snappy", "gzip", "brotli", "zstd", "lz4", "none"])),
        "use_dictionary": draw(st.booleans()),
        "data_page_version": draw(st.sampled_from(["1.0", "2.0"])),
        "write_page_index": draw(st.booleans()),
        "write_statistics": draw(st.booleans()),
        "store_schema": draw(st.booleans()),
        "data_page_size": draw(st.sampled_from([64, 1 << 20])),
    }
    return pa.table(columns), options


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(file=parquet_files(), encoded=st.booleans(), metadata=st.booleans(), surveyed=st.booleans())
def test_any_table_keeps_its_bits(tmp_path_factory, file, encoded, metadata, surveyed):
    folder = tmp_path_factory.mktemp("splice")
    table, options = file
    source, out = folder / "in.parquet", folder / "out.parquet"
    pq.write_table(table, source, **options)
    opened = open_table(source)
    with first_pass(opened) if surveyed else nullcontext() as survey:
        report = attach(opened, out, "key", Lookup(encoded, metadata=metadata), first_pass=survey)
    assert_spliced(source, out, report)
    assert_readers_agree(out)
    if metadata:
        assert pq.read_schema(out).field("mos").metadata == {b"moskit.direction": b"higher"}
    back = pq.read_table(out).drop_columns(ADDED)
    assert back.equals(pq.read_table(source))


ROWS = 1_000
BASE = {
    "key": [f"data/clip_{number // 4}.mp4" for number in range(ROWS)],
    "x": np.random.default_rng(0).standard_normal(ROWS),
    "count": np.arange(ROWS),
    "flag": [number % 3 == 0 for number in range(ROWS)],
    "word": [f"t{number % 9}" if number % 10 else None for number in range(ROWS)],
}


def _written_by_duckdb(path, options=""):
    base = pa.table(BASE)  # noqa: F841 - DuckDB finds it by name
    duckdb.sql(f"copy (select * from base) to '{path}' (format parquet {options})")


@pytest.fixture(
    params=[
        "duckdb",
        "duckdb-v2",
        "polars",
        "polars-sink",
        "pandas",
        "pandas-index",
        "fastparquet",
        "bloom",
    ]
)
def foreign(request, tmp_path):
    """A file of each writer that feature tables come from."""
    path = tmp_path / f"{request.param}.parquet"
    frame = pd.DataFrame(BASE)
    if request.param == "duckdb":
        _written_by_duckdb(path)
    elif request.param == "duckdb-v2":
        _written_by_duckdb(path, ", parquet_version v2, compression zstd, row_group_size 2048")
    elif request.param == "polars":
        pl.DataFrame(BASE).write_parquet(path, row_group_size=300)
    elif request.param == "polars-sink":
        pl.DataFrame(BASE).lazy().sink_parquet(path)
    elif request.param == "pandas":
        frame.to_parquet(path)
    elif request.param == "pandas-index":
        frame.set_index("word").to_parquet(path)
    elif request.param == "fastparquet":
        import fastparquet

        fastparquet.write(str(path), frame, row_group_offsets=[0, 300, 700])
    elif "bloom_filter_options" not in pq.write_table.__doc__:
        pytest.skip("this version of Arrow writes no bloom filters")
    else:
        pq.write_table(pa.table(BASE), path, bloom_filter_options={"key": {"ndv": 300}})
    return path


@pytest.mark.parametrize("encoded", [False, True])
def test_files_of_every_writer(foreign, tmp_path, encoded):
    out = tmp_path / "out.parquet"
    report = attach(foreign, out, "key", Lookup(encoded, metadata=True))
    assert_spliced(foreign, out, report)
    assert_readers_agree(out)
    assert pq.read_schema(out).field("status").metadata == {b"moskit.direction": b"higher"}
    assert pd.read_parquet(out).index.equals(pd.read_parquet(foreign).index)
    # A bloom filter that had lost its place would hide the rows.
    found = duckdb.sql(f"select count(*) from '{out}' where key = 'data/clip_7.mp4'").fetchall()
    assert found == [(4,)]


def test_empty_row_groups_stay(tmp_path):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    table = pa.table(BASE)
    with pq.ParquetWriter(source, table.schema) as writer:
        for piece in (table.slice(0, 10), table.slice(0, 0), table.slice(10, 5)):
            writer.write_table(piece)
    assert_spliced(source, out, attach(source, out, "key", Lookup()))
    metadata = pq.read_metadata(out)
    assert [metadata.row_group(n).num_rows for n in range(3)] == [10, 0, 5]


@pytest.mark.parametrize("groups", [0, 1])
def test_tables_without_rows(tmp_path, groups):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    table = pa.table(BASE)
    with pq.ParquetWriter(source, table.schema) as writer:
        for _ in range(groups):
            writer.write_table(table.slice(0, 0))
    assert_spliced(source, out, attach(source, out, "key", Lookup()))
    assert_readers_agree(out)


def test_key_columns_of_numbers_and_in_odd_encodings(tmp_path):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    table = pa.table({"key": pa.array([3339962845, None, 7])})
    pq.write_table(table, source)
    assert_spliced(source, out, attach(source, out, "key", Lookup()))
    for encoding in ("DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY", "PLAIN"):
        table = pa.table({"key": [f"clip_{number % 7}" for number in range(100)]})
        pq.write_table(table, source, use_dictionary=False, column_encoding={"key": encoding})
        assert_spliced(source, out, attach(source, out, "key", Lookup()))


class Decoded(Lookup):
    """Columns that are computed once for each distinct key, and are not dictionaries."""

    def __call__(self, values):
        batch = super().__call__(values)
        columns = [column.dictionary_decode() for column in batch.columns]
        return pa.record_batch(columns, names=batch.schema.names)


@pytest.mark.parametrize("lookup", [Lookup(encoded=True), Decoded(encoded=True)])
def test_row_groups_longer_than_one_read(tmp_path, lookup):
    """Row groups of more than 2**22 rows are read in pieces."""
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    rows = 2**22 + 7
    chosen = pa.array(np.random.default_rng(0).integers(0, 4, rows, np.int8))
    keys = pa.table({"key": ["a", "bc", None, "def"]})
    pq.write_table(keys.take(chosen), source, row_group_size=rows)
    assert pq.read_metadata(source).num_row_groups == 1
    report = attach(source, out, "key", lookup)
    assert (report.engine, report.rows_out) == ("parquet-splice", rows)
    assert pq.read_table(out).equals(expected(keys).take(chosen))
    assert out.read_bytes().startswith(prefix_of(source))
    assert chunks_of(source, 1) == chunks_of(out, 1)


def varint(number):
    """A number as Thrift's compact protocol writes it."""
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def unknown_field(number, kind, value):
    """A field of Thrift's compact protocol; its number is written in full, in zigzag code."""
    return bytes([kind]) + varint(2 * number) + value


def test_fields_of_a_newer_format_survive(tmp_path):
    """A footer with members that no reader of today knows keeps them where they were."""
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(pa.table(BASE), source, row_group_size=300)
    text = b"from the future" * 20
    unknown = unknown_field(77, 8, varint(len(text)) + text)
    nested = unknown_field(99, 12, unknown + b"\0")
    mapping = unknown_field(120, 11, bytes([1, 0x88]) + b"\1k" * 2)
    footer = footer_of(source)
    metadata = pq.read_metadata(source)
    for number in range(metadata.num_row_groups):
        # A row group ends with its offset (field 5), its compressed size (field 6), in some
        # versions of Arrow its number (field 7), and a zero.
        group = metadata.row_group(number)
        columns = [group.column(place) for place in range(group.num_columns)]
        offset = columns[0].dictionary_page_offset
        size = sum(column.total_compressed_size for column in columns)
        last = re.escape(b"\x26" + varint(2 * offset) + b"\x16" + varint(2 * size))
        [end] = re.finditer(last + rb"(\x14.)?(?=\0)", footer, re.DOTALL)
        footer = footer[: end.end()] + nested + mapping + footer[end.end() :]
    changed = footer[:-1] + unknown + b"\0"
    tail = changed + len(changed).to_bytes(4, "little") + b"PAR1"
    source.write_bytes(prefix_of(source) + tail)
    assert_spliced(source, out, attach(source, out, "key", Lookup()))
    after = footer_of(out)
    assert after.count(nested + mapping + b"\0") == metadata.num_row_groups
    assert after.count(unknown) == metadata.num_row_groups + 1
    assert after.endswith(unknown + b"\0")


def test_copies_of_the_schema_list_the_new_columns(tmp_path):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    spark = {"type": "struct", "fields": [{"name": "key", "type": "string", "nullable": True}]}
    table = pa.Table.from_pandas(pd.DataFrame(BASE).set_index("word"))
    metadata = table.schema.metadata | {
        b"org.apache.spark.sql.parquet.row.metadata": json.dumps(spark).encode(),
        b"mine": b"kept",
    }
    pq.write_table(table.replace_schema_metadata(metadata), source)
    attach(source, out, "key", Lookup(), metadata={"note": "new"})
    after = pq.read_metadata(out).metadata
    assert after[b"mine"] == b"kept"
    assert after[b"note"] == b"new"
    arrow = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(after[b"ARROW:schema"])))
    assert arrow.names[-3:] == ADDED
    columns = [entry["name"] for entry in json.loads(after[b"pandas"])["columns"]]
    assert columns == ["key", "x", "count", "flag", *ADDED, "word"]
    fields = json.loads(after[b"org.apache.spark.sql.parquet.row.metadata"])["fields"]
    assert [(field["name"], field["type"]) for field in fields[1:]] == [
        ("mos", "double"),
        ("status", "string"),
        ("frames", "long"),
    ]


class OfEveryType:
    """Columns of types that pandas has names of its own for, the same values for every key."""

    table = pa.table(
        {
            "flag8": pa.array([True], pa.bool_()),
            "small": pa.array([1], pa.int8()),
            "single": pa.array([0.5], pa.float32()),
            "when": pa.array([10**15], pa.timestamp("us")),
            "where": pa.array([10**15], pa.timestamp("ns", "UTC")),
            "day": pa.array([20_000], pa.date32()),
            "took": pa.array([90], pa.duration("s")),
            "price": pa.array([Decimal("1.50")], pa.decimal128(5, 2)),
            "raw": pa.array([b"x"], pa.binary()),
        }
    )
    schema = table.schema

    def __call__(self, values):
        return self.table.take([0] * len(values)).combine_chunks().to_batches()[0]


def test_pandas_reads_added_columns_of_every_type(tmp_path):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    frame = pd.DataFrame(BASE)
    frame.to_parquet(source)
    attach(source, out, "key", OfEveryType())
    alone = OfEveryType.table.take([0] * ROWS).to_pandas()
    pd.testing.assert_frame_equal(pd.read_parquet(out), pd.concat([frame, alone], axis=1))
    listed = json.loads(pq.read_metadata(out).metadata[b"pandas"])["columns"]
    told = {entry["name"]: (entry["pandas_type"], entry["numpy_type"]) for entry in listed}
    assert {name: told[name] for name in OfEveryType.schema.names} == {
        "flag8": ("bool", "bool"),
        "small": ("int8", "int8"),
        "single": ("float32", "float32"),
        "when": ("datetime", "datetime64[us]"),
        "where": ("datetimetz", "datetime64[ns, UTC]"),
        "day": ("date", "object"),
        "took": ("object", "timedelta64[s]"),
        "price": ("decimal", "object"),
        "raw": ("bytes", "object"),
    }


def test_attaching_twice(tmp_path):
    first, second, third = (tmp_path / f"{name}.parquet" for name in "abc")
    pq.write_table(pa.table(BASE), first, row_group_size=300)
    attach(first, second, "key", Lookup())
    report = attach(second, third, "key", Lookup(names=("m2", "s2", "f2")))
    assert report.engine == "parquet-splice"
    table = pq.read_table(third)
    assert table.column_names == [*BASE, *ADDED, "m2", "s2", "f2"]
    assert table["mos"].equals(table["m2"])


# Rewrites


@pytest.mark.parametrize("compression", ["zstd", "snappy", "none"])
def test_replaced_columns_are_rewritten_with_the_codec(tmp_path, compression):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    table = pa.table(BASE | {"mos": [9.0] * ROWS})
    pq.write_table(table, source, compression=compression, row_group_size=300)
    report = attach(source, out, "key", Lookup(), replace=["mos"])
    assert report.engine == "parquet-rewrite"
    assert "mos" in (report.reason or "")
    after = pq.read_table(out)
    assert after.equals(expected(table.drop_columns(["mos"])))
    before, now = pq.read_metadata(source).row_group(0), pq.read_metadata(out).row_group(0)
    assert now.num_rows == before.num_rows == 300
    assert now.column(1).compression == before.column(1).compression


def test_a_rewrite_updates_what_pandas_wrote(tmp_path):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    frame = pd.DataFrame(BASE | {"mos": 9, "old": 1.5}).set_index("word")
    frame.to_parquet(source)
    attach(source, out, "key", Lookup(), replace=["mos", "old"])
    after = pd.read_parquet(out)
    assert after.index.equals(frame.index)
    assert list(after.columns) == ["key", "x", "count", "flag", *ADDED]
    listed = json.loads(pq.read_metadata(out).metadata[b"pandas"])["columns"]
    assert [entry["name"] for entry in listed] == [*after.columns, "word"]


def test_dropped_rows_are_rewritten(tmp_path):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    table = pa.table(BASE)
    pq.write_table(table, source, row_group_size=300)
    wanted = {"data/clip_3.mp4", "data/clip_200.mp4"}
    report = attach(
        source, out, "key", Lookup(), keep=lambda v: pa.array([x in wanted for x in v.to_pylist()])
    )
    assert (report.engine, report.reason) == ("parquet-rewrite", "rows are dropped")
    assert (report.rows_in, report.rows_out) == (ROWS, 8)
    kept = table.filter(pa.array([key in wanted for key in table["key"].to_pylist()]))
    assert pq.read_table(out).equals(expected(kept))


# Failures


def test_collisions_are_all_listed(tmp_path):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(pa.table(BASE | {"mos": BASE["x"], "frames": BASE["x"]}), source)
    with pytest.raises(InputError, match="'mos', 'frames'"):
        attach(source, out, "key", Lookup())
    with pytest.raises(InputError, match=r"no column 'kye'.*key"):
        attach(source, out, "kye", Lookup(names=("a", "b", "c")))
    assert not out.exists()


def _encrypted(data):
    return data[:-4] + b"PARE"


@pytest.mark.parametrize(
    "spoil",
    [lambda data: data[:-20], lambda data: data[:100], _encrypted],
    ids=["no footer", "no end", "encrypted"],
)
def test_unreadable_files(tmp_path, spoil):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(pa.table(BASE), source)
    source.write_bytes(spoil(source.read_bytes()))
    with pytest.raises(InputError, match=r"in\.parquet"):
        attach(source, out, "key", Lookup())
    assert not out.exists()


def test_a_source_that_changes_is_refused(tmp_path):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(pa.table(BASE), source)

    class Meddler(Lookup):
        def __call__(self, values):
            os.utime(source, (1, 1))
            return super().__call__(values)

    with pytest.raises(InputError, match="changed while it was read"):
        attach(source, out, "key", Meddler())
    assert not out.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on Windows")
def test_no_space_is_an_output_error_and_leaves_nothing(tmp_path):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(pa.table(BASE), source)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"out\.parquet"):
            attach(source, out, "key", Lookup())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not out.exists()


@pytest.mark.parametrize("call", ["missing", "refusing", "short"])
def test_systems_without_copy_file_range(tmp_path, monkeypatch, call):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(pa.table(BASE), source)
    plain = tmp_path / "plain.parquet"
    attach(source, plain, "key", Lookup(), digests=False)
    if call == "missing":
        monkeypatch.delattr(os, "copy_file_range", raising=False)
    else:
        calls = []

        def copy(src, dst, count, offset_src, offset_dst):
            calls.append(count)
            if call == "refusing" or len(calls) > 1:
                raise OSError("not supported")
            os.pwrite(dst, os.pread(src, 100, offset_src), offset_dst)
            return 100

        monkeypatch.setattr(os, "copy_file_range", copy, raising=False)
    attach(source, out, "key", Lookup(), digests=False)
    assert out.read_bytes() == plain.read_bytes()


# Parts, records, memory


@pytest.fixture(params=["here", "threads", "processes"])
def pool(request):
    if request.param == "here":
        yield None
    elif request.param == "threads":
        with ThreadPoolExecutor(2) as executor:
            yield executor
    else:
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
            yield executor


def test_parts_on_any_executor(tmp_path, pool):
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    table = pa.table(BASE)
    for number in range(4):
        pq.write_table(table.slice(number * 250, 250), source / f"part-{number}.parquet")
    (source / "_SUCCESS").touch()
    done = []
    report = attach(
        source,
        out,
        "key",
        Lookup(),
        embed=embedded,
        executor=pool,
        progress=lambda *step: done.append(step),
    )
    assert sorted(path.name for path in out.iterdir()) == [f"part-{n}.parquet" for n in range(4)]
    assert (report.rows_in, report.rows_out) == (ROWS, ROWS)
    assert [part.source.name for part in report.parts] == [f"part-{n}.parquet" for n in range(4)]
    for part in report.parts:
        digest = hashlib.sha256(part.source.read_bytes()).hexdigest()
        assert read_embedded(part.destination) == digest.encode()
        assert part.digest
        assert part.digest.sha256 == hashlib.sha256(part.destination.read_bytes()).hexdigest()
    assert done[-1] == ("attach", 4, 4)
    assert pq.read_table(out).sort_by("count").equals(expected(table))


def test_a_failing_part_fails_the_whole(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for number in range(3):
        pq.write_table(pa.table({"key": [f"{number}"]}), source / f"part-{number}.parquet")

    class Picky(Lookup):
        def __call__(self, values):
            if values.to_pylist() == ["1"]:
                raise InputError("no")
            return super().__call__(values)

    with ThreadPoolExecutor(1) as pool, pytest.raises(InputError):
        attach(source, out, "key", Picky(), executor=pool)
    assert not (out / "part-1.parquet").exists()


def test_records_are_read_from_the_footer(tmp_path):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(pa.table(BASE), source)
    assert read_embedded(source) is None
    attach(source, out, "key", Lookup(), embed=lambda digest: b'{"schema": 1}')
    assert read_embedded(out) == b'{"schema": 1}'
    assert pq.read_metadata(out).metadata[b"moskit.run_provenance"] == b'{"schema": 1}'
    out.write_bytes(out.read_bytes()[:-1])
    with pytest.raises(InputError):
        read_embedded(out)


MEASURE = """
import resource, sys
sys.path.insert(0, {tests!r})
from labeljoin_lookup import Lookup
from labeljoin import attach
attach({source!r}, {out!r}, "key", Lookup(encoded=True))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no resource module on Windows")
@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_memory_does_not_grow_with_rows(tmp_path, kind):
    """At a fixed number of clips, ten times the rows take at most 1.3 times the memory."""
    peaks = []
    for rows in (50_000, 500_000):
        source = tmp_path / f"{rows}.{kind}"
        _write_rows(source, kind, rows)
        script = MEASURE.format(
            tests=str(Path(__file__).with_name("support")),
            source=str(source),
            out=str(tmp_path / f"out.{kind}"),
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout))
    assert peaks[1] <= 1.3 * peaks[0]


def _write_rows(path, kind, rows):
    group = 10_000
    keys = [f"data/clip_{number // 10}.mp4" for number in range(group)]
    if kind == "jsonl":
        text = "".join(f'{{"key": "{key}", "x": 0.{n}}}\n' for n, key in enumerate(keys))
        with path.open("w") as file:
            for _ in range(rows // group):
                file.write(text)
        return
    values = np.random.default_rng(0).standard_normal(group)
    table = pa.table({"key": keys, "x": values, "y": values})
    with pq.ParquetWriter(path, table.schema) as writer:
        for _ in range(rows // group):
            writer.write_table(table)
