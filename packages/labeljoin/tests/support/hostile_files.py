"""A corpus of hostile tables, written by :func:`write_corpus`.

Each is damaged, or sound and extreme, in one way. Write it to look at it:
``python hostile_files.py FOLDER``.
"""

import io
import json
import sys
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from labeljoin.formats.parquet import thrift
from labeljoin.formats.parquet.thrift import BINARY, I64, LIST, MAP, STRUCT, Field

CLIPS = [f"c{number}" for number in range(6)]
HUGE = 2**31

# Fields of the parquet format: FileMetaData, RowGroup, ColumnChunk, ColumnMetaData
SCHEMA, NUM_ROWS, ROW_GROUPS, KEY_VALUES = 2, 3, 4, 5
COLUMNS, GROUP_ROWS = 1, 3
CHUNK_OFFSET, CHUNK_METADATA = 2, 3
COMPRESSED, DATA_PAGE = 7, 9


def table(**columns):
    """A small feature table, which is a label table too."""
    return pa.table({"clip": CLIPS, "mos": [1.0, 2.0, 3.0, 4.0, 4.5, 5.0], **columns})


def parquet(content, **options):
    """A table as the bytes of a parquet file."""
    out = io.BytesIO()
    pq.write_table(content, out, **options)
    return out.getvalue()


def with_footer(data, change):
    """A parquet file whose footer's fields went through ``change``."""
    size = int.from_bytes(data[-8:-4], "little")
    fields, _ = thrift.fields(data[-8 - size : -8])
    return ended(data[: -8 - size], thrift.struct(change(fields)))


def ended(body, footer, magic=b"PAR1"):
    """The bytes of a parquet file with this footer."""
    return body + footer + len(footer).to_bytes(4, "little") + magic


def replaced(fields, number, value):
    """Fields with another value of one of them."""
    return [f._replace(value=value) if f.id == number else f for f in fields]


def within(*path, to):
    """Change the field at the end of a path of field ids, in the first element of each list."""

    def change(fields):
        number, rest = path[0], path[1:]
        if not rest:
            return replaced(fields, number, to)
        [field] = [f for f in fields if f.id == number]
        inner = within(*rest, to=to)
        if field.kind == STRUCT:
            value = thrift.struct(inner(thrift.fields(field.value)[0]))
        else:
            first, *others = thrift.elements(field.value)
            first = thrift.struct(inner(thrift.fields(first)[0]))
            value = thrift.list_header(STRUCT, 1 + len(others)) + first + b"".join(others)
        return replaced(fields, number, value)

    return change


def added(number, kind, value):
    """Add a field that the format does not know."""
    return lambda fields: [*fields, Field(number, kind, value)]


def claims(kind, count):
    """A list that claims many elements and has none."""
    return bytes([0xF0 | kind]) + thrift.varint(count)


def parquet_files():
    """Damaged and extreme parquet files by name."""
    plain = parquet(table(f=range(6)))
    chunk = (ROW_GROUPS, COLUMNS, CHUNK_METADATA)
    deep = b"\x1c" * 50_000 + b"\0" * 50_000
    yield "schema-claims", with_footer(plain, within(SCHEMA, to=claims(STRUCT, HUGE)))
    yield "groups-claim", with_footer(plain, within(ROW_GROUPS, to=claims(STRUCT, HUGE)))
    yield "doubles-claim", with_footer(plain, added(90, LIST, claims(thrift.DOUBLE, HUGE)))
    yield "booleans-claim", with_footer(plain, added(90, LIST, claims(thrift.BOOLEAN_TRUE, HUGE)))
    yield "map-claims", with_footer(plain, added(90, MAP, thrift.varint(HUGE) + b"\x11"))
    yield "text-claims", with_footer(plain, added(90, BINARY, thrift.varint(HUGE)))
    yield "endless-integer", with_footer(plain, added(90, I64, b"\xff" * 1_000 + b"\0"))
    yield "deep-thrift", with_footer(plain, added(90, STRUCT, deep))
    yield "deep-lists", with_footer(plain, added(90, LIST, b"\x19" * 50_000 + b"\x15\0"))
    beyond = thrift.integer(1 << 40)
    yield "page-outside", with_footer(plain, within(*chunk, DATA_PAGE, to=beyond))
    yield "page-before", with_footer(plain, within(*chunk, DATA_PAGE, to=thrift.integer(-5)))
    yield "chunk-outside", with_footer(plain, within(*chunk, COMPRESSED, to=beyond))
    yield "chunk-negative", with_footer(plain, within(*chunk, COMPRESSED, to=thrift.integer(-1)))
    overlap = thrift.integer(4)
    yield (
        "chunks-overlap",
        with_footer(
            parquet(table(f=range(6)), use_dictionary=False), within(*chunk, DATA_PAGE, to=overlap)
        ),
    )
    yield "rows-differ", with_footer(plain, within(NUM_ROWS, to=thrift.integer(7)))
    yield "rows-huge", with_footer(plain, within(NUM_ROWS, to=thrift.integer(1 << 60)))
    yield "rows-negative", with_footer(plain, within(NUM_ROWS, to=thrift.integer(-6)))
    yield (
        "group-rows-differ",
        with_footer(plain, within(ROW_GROUPS, GROUP_ROWS, to=thrift.integer(1 << 40))),
    )
    yield "no-columns-in-group", with_footer(plain, within(ROW_GROUPS, COLUMNS, to=b"\x0c"))
    yield "encrypted-footer", ended(plain[:-8], b"", b"PARE")
    yield "signed-footer", with_footer(plain, added(8, STRUCT, b"\0"))
    yield "footer-is-file", plain[:4] + (len(plain) - 8).to_bytes(4, "little") + b"PAR1"
    yield "footer-too-long", plain[:-8] + (1 << 31).to_bytes(4, "little") + b"PAR1"
    yield "footer-empty", ended(plain[:4], b"")
    yield "footer-of-zeros", ended(plain[:4], bytes(1_000))
    yield "magic-only", b"PAR1PAR1"
    yield "cut", plain[: len(plain) // 2]
    for number, text in enumerate(
        [
            *(b"{", b"\xff\xfe", b"[]", b"null", b'{"columns":3}', b'{"columns":[1]}'),
            *(b"[" * 5_000, b'{"columns":[{"name":{}}],"index_columns":5}', b'{"columns":[{}]}'),
            b'"x"',
        ]
    ):
        described = table().replace_schema_metadata({b"pandas": text})
        yield f"pandas-{number}", parquet(described)
    spark = {b"org.apache.spark.sql.parquet.row.metadata": b"{"}
    yield "spark", parquet(table().replace_schema_metadata(spark))
    yield "arrow-schema", with_footer(plain, within(KEY_VALUES, 2, to=thrift.binary(b"AAAA")))
    yield "key-rule", parquet(table().replace_schema_metadata({b"moskit.key_column": b"\xff"}))
    yield "wide", parquet(table(**{f"f{number}": range(6) for number in range(20_000)}))
    yield (
        "many-groups",
        parquet(pa.table({"clip": CLIPS * 300, "mos": [3.0] * 6 * 300}), row_group_size=1),
    )
    yield "no-rows", parquet(table().slice(0, 0))
    yield "no-columns", parquet(pa.table({}))
    names = ["clip", "mos", "clip", "f"]
    yield "key-twice", parquet(pa.table([CLIPS, [3.0] * 6, CLIPS, CLIPS], names))
    yield (
        "feature-twice",
        parquet(pa.table([CLIPS, [3.0] * 6, CLIPS, CLIPS], ["clip", "mos", "f", "f"])),
    )
    yield (
        "empty-names",
        parquet(pa.table([CLIPS, [3.0] * 6, CLIPS, CLIPS], ["clip", "mos", "", " "])),
    )
    yield "nul-in-name", parquet(table(**{"a\0b": range(6), "\x1b[31m": range(6)}))
    yield "nulls-only", parquet(table().set_column(0, "clip", pa.nulls(6, pa.string())))
    yield "nulls-typed", parquet(table().set_column(0, "clip", pa.nulls(6)))
    for name, keys in all_types().items():
        yield f"type-{name}", parquet(pa.table({"clip": keys, "mos": [3.0] * len(keys)}))
    for encoding in ("PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"):
        yield (
            f"encoding-{encoding.lower()}",
            parquet(
                table(), use_dictionary=False, column_encoding={"clip": encoding, "mos": "PLAIN"}
            ),
        )
    for codec in ("none", "snappy", "gzip", "zstd", "lz4", "brotli"):
        yield f"codec-{codec}", parquet(table(), compression=codec, data_page_version="2.0")


def all_types():
    """Key columns of every type that Arrow writes to parquet."""
    moment = datetime(2026, 1, 1, 12)
    return {
        "int8": pa.array(range(6), pa.int8()),
        "uint64": pa.array([0, 2**64 - 1, 5], pa.uint64()),
        "half": pa.array([1, 2, 3], pa.float16()),
        "double": pa.array([1.0, 2.5, float("nan"), float("inf"), 1e300]),
        "bool": pa.array([True, False, None]),
        "decimal": pa.array([Decimal("1.50"), Decimal("2.00")]),
        "decimal256": pa.array([Decimal("1.50")], pa.decimal256(50, 2)),
        "date": pa.array([date(2026, 1, 1), date(2026, 1, 2)]),
        "time": pa.array([time(1), time(2)]),
        "timestamp": pa.array([moment, moment + timedelta(1)], pa.timestamp("us", "UTC")),
        "duration": pa.array([timedelta(1), timedelta(2)]),
        "binary": pa.array([b"c0", b"c1"]),
        "binary-not-text": pa.array([b"\xff\xfe", b"\x80"]),
        "fixed-binary": pa.array([b"c0", b"c1"], pa.binary(2)),
        "large-string": pa.array(CLIPS, pa.large_string()),
        "string-view": pa.array(CLIPS, pa.string_view()),
        "dictionary": pa.array(CLIPS).dictionary_encode(),
        "list": pa.array([["c0"], ["c1"]]),
        "struct": pa.array([{"a": "c0"}, {"a": "c1"}]),
        "map": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
        "json": pa.ExtensionArray.from_storage(pa.json_(), pa.array(['"c0"', '"c1"'])),
        "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16], pa.binary(16))),
        "null": pa.nulls(3),
    }


def text_files():
    """Damaged and extreme JSONL, JSON and CSV files by name."""
    good = '{"clip": "c0", "mos": 3}\n'
    yield "surrogate-key.jsonl", b'{"clip": "\\ud800", "mos": 3}\n'
    yield "surrogate-value.jsonl", b'{"clip": "c0", "mos": 3, "f": "\\udfff"}\n'
    yield "surrogate-bytes.jsonl", b'{"clip": "\xed\xa0\x80", "mos": 3}\n'
    yield "deep.jsonl", good + '{"clip": "c1", "f": ' + "[" * 100_000 + "]" * 100_000 + "}\n"
    yield "deep-1100.jsonl", good + '{"clip": "c1", "f": ' + "[" * 1_100 + "]" * 1_100 + "}\n"
    yield "deep.json", '[{"clip": "c1", "f": ' + "[" * 100_000 + "]" * 100_000 + "}]"
    yield "digits.jsonl", good + '{"clip": "c1", "f": ' + "9" * 5_000 + "}\n"
    yield "digits.json", '[{"clip": "c1", "mos": 3, "f": ' + "9" * 5_000 + "}]"
    yield "long-line.jsonl", good + '{"clip": "c1", "mos": 3, "f": "' + "x" * 9_000_000 + '"}\n'
    yield "no-end.jsonl", good + '{"clip": "' + "x" * 300_000
    yield "twice.jsonl", b'{"clip": "c0", "mos": 3, "clip": "c1"}\n'
    yield "twice.json", b'[{"clip": "c0", "mos": 3, "clip": "c1"}]'
    yield "scalars.jsonl", b"1\n2\n"
    yield "nul.jsonl", b'{"clip": "c0", "mos": 3}\n\0\n'
    yield "nan.jsonl", b'{"clip": "c0", "mos": NaN}\n'
    yield "endless.json", b'[{"clip": "c0", "mos": 3},'
    yield "empty.json", b"[]"
    yield "bracket.json", b"["
    header = "clip,mos,f\n"
    yield "utf-16.csv", (header + "c0,3,1\n").encode("utf-16")
    yield "utf-16-bare.csv", (header + "c0,3,1\n").encode("utf-16-le")
    yield "latin-1.csv", (header + "café,3,1\n").encode("latin-1")
    yield "latin-1-late.csv", (header + "c0,3,1\n" * 20_000 + "é,3,1\n").encode("latin-1")
    yield "ragged-long.csv", header + "c0,3,1\nc1,4,1,9\n"
    yield "ragged-short.csv", header + "c0,3,1\nc1\n"
    yield "twice.csv", "clip,clip,mos\nc0,c0,3\n"
    yield "unnamed.csv", ",,\nc0,3,1\n"
    yield "decimal-commas.csv", "clip;mos\nc0;3,5\nc1;4,25\n"
    yield "open-quote.csv", header + 'c0,3,"1\nc1,4,2\n'
    yield "nul.csv", header + "c0,3,\0\n"
    yield "only-header.csv", header
    yield "long-field.csv", header + "c0,3," + "x" * 300_000 + "\nc1,4,1\n"
    yield "long-key.csv", header + "x" * 300_000 + ",3,1\n"
    yield "bad-mos.csv", header + "c0," + "z" * 200_000 + ",1\n"
    yield "formula.csv", header + "\"=cmd|' /C calc'!A0\",3,1\n"
    yield "escape.csv", "clip,mos,\x1b[31mf\nc0\x1b]0;owned\x07,3,1\n"
    yield "blank-lines.csv", "\n\n" + header + "\n\nc0,3,1\n\n"
    yield "mark-inside.csv", header + "\ufeffc0,3,1\n"
    yield "arabic.csv", "clip,mos\nc0,٣\n"


def write_corpus(folder):
    """Write all files into a folder, and return their paths by name."""
    files = {f"{name}.parquet": data for name, data in parquet_files()}
    files |= {name: data.encode() if isinstance(data, str) else data for name, data in text_files()}
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in files}


if __name__ == "__main__":
    print(json.dumps(sorted(write_corpus(Path(sys.argv[1])))))
