"""Opening and reading tables of every format."""

import json
from pathlib import Path
from typing import Any

import labeljoin
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from labeljoin import open_table
from labeljoin.keys import infer_key_column
from provenance.toolkit import InputError

ROWS = [
    {"key": "007", "mos": 3.5, "frames": 10},
    {"key": "8", "mos": None, "frames": 12},
]
COLUMNS = {"key": ["007", "8"], "mos": [3.5, None], "frames": [10, 12]}


@pytest.fixture(params=["parquet", "jsonl", "json", "rows.json", "csv", "tsv"])
def path(request, tmp_path):
    """One table in each format."""
    path = tmp_path / f"table.{request.param}"
    if request.param == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif request.param == "jsonl":
        path.write_text("\n".join(map(json.dumps, ROWS)))
    elif request.param == "json":
        path.write_text(json.dumps(ROWS, indent=1))
    elif request.param == "rows.json":
        path.write_text(json.dumps({"rows": ROWS}))
    else:
        text = "key,mos,frames\n007,3.5,10\n8,,12\n"
        path.write_text(text if request.param == "csv" else text.replace(",", "\t"))
    return path


def test_every_format_reads_the_same(path):
    table = open_table(path)
    assert table.path == path
    assert table.parts == (path,)
    assert table.format == {"rows": "json", "tsv": "csv"}.get(path.suffixes[0][1:], path.suffix[1:])
    assert table.column_names == table.leading_names == ["key", "mos", "frames"]
    assert table.row_count() == 2
    assert table.read(text_columns=["key"]).to_pydict() == COLUMNS
    assert table.read(["frames", "key"], text_columns=["key"]).column_names == ["frames", "key"]
    batches = list(table.batches(["mos", "key"], text_columns=["key"]))
    assert pa.Table.from_batches(batches).to_pydict() == {k: COLUMNS[k] for k in ("mos", "key")}
    schema = table.schema(text_columns=["key"])
    assert schema.field("key").type == pa.string()
    assert schema.field("mos").type == pa.float64()
    assert [v for piece in table.key_values("key") for v in piece.to_pylist()] == ["007", "8"]


def test_formats_are_told_from_content(path):
    odd = path.rename(path.with_name("table.dat"))
    assert open_table(odd).row_count() == 2


def test_directories_of_parts(path):
    folder = path.parent / "parts"
    folder.mkdir()
    for number in (10, 9):
        (folder / f"part-{number}{path.suffix}").write_bytes(path.read_bytes())
    (folder / "_SUCCESS").touch()
    (folder / ".hidden").write_text("x")
    table = open_table(folder)
    assert [part.stem for part in table.parts] == ["part-10", "part-9"]
    assert table.row_count() == 4
    assert table.read(text_columns=["key"])["key"].to_pylist() == ["007", "8"] * 2
    (folder / "stray.md").write_text("# notes")
    with pytest.raises(InputError, match=r"stray\.md"):
        open_table(folder).read(["key"])


def test_unknown_columns_are_named_with_the_like(path):
    with pytest.raises(InputError, match=r"no column 'frame'\. Did you mean frames"):
        open_table(path).read(["frame"])


def test_parts_of_different_columns_and_types(tmp_path):
    (tmp_path / "1.jsonl").write_text('{"key": "a", "x": 1}\n')
    (tmp_path / "2.jsonl").write_text('{"key": "b", "x": 1.5, "y": true}\n')
    table = open_table(tmp_path)
    assert table.column_names == ["key", "x", "y"]
    assert table.read().to_pydict() == {"key": ["a", "b"], "x": [1.0, 1.5], "y": [None, True]}
    assert pa.Table.from_batches(table.batches()).to_pydict() == table.read().to_pydict()


def test_jsonl_values(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"a": 1, "b": "0.5M", "c": NaN, "d": {"e": [1]}, '
        b'"f": 18446744073709551616}\r\n'
        b'\r\n{"a": 2.5, "b": 3, "c": -Infinity, "d": {"g": "x"}}'
    )
    rows = open_table(path).read().to_pylist()
    assert rows[0]["a"] == 1.0
    assert [row["b"] for row in rows] == ["0.5M", "3"]
    assert rows[0]["c"] != rows[0]["c"]
    assert rows[1]["c"] == float("-inf")
    assert rows[1]["d"] == {"e": None, "g": "x"}
    assert rows[0]["f"] == 2.0**64


def test_types_that_change_late_in_a_file(tmp_path):
    path = tmp_path / "t.jsonl"
    count = 40_000
    path.write_text(
        "".join(f'{{"x": {n}, "y": {n}}}\n' for n in range(count)) + '{"x": 0.5, "y": "z"}'
    )
    table = open_table(path)
    assert table.schema().types == [pa.float64(), pa.string()]
    whole = table.read()
    assert whole["x"][-1].as_py() == 0.5
    assert whole["y"].to_pylist()[-2:] == [str(count - 1), "z"]
    assert pa.Table.from_batches(table.batches()).equals(whole)


def test_csv_nulls_and_specials(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('\ufeffkey, mos ,x\n1,nan,a\n2,NA,""\n3,"4.5",\n4,inf,NA\n')
    table = open_table(path)
    assert table.column_names == ["key", "mos", "x"]
    read = table.read(text_columns=["key"])
    assert read["key"].to_pylist() == ["1", "2", "3", "4"]
    mos = read["mos"].to_pylist()
    assert mos[0] != mos[0]
    assert mos[1:] == [None, 4.5, float("inf")]
    assert read["x"].to_pylist() == ["a", "", "", "NA"]


def test_quoted_fields_with_delimiters_and_line_breaks(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('key;text\n"a;1";"two\nlines"\nb;"say ""x"""\n')
    table = open_table(path)
    assert table.row_count() == 2
    assert table.read().to_pydict() == {"key": ["a;1", "b"], "text": ["two\nlines", 'say "x"']}
    assert [v for piece in table.key_values("key") for v in piece.to_pylist()] == ["a;1", "b"]


def test_a_quote_that_nothing_closes_takes_no_rows(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('key,text\na,1\nb,"2\nc,3\nd,4\n')
    table = open_table(path)
    for read in (
        table.row_count,
        table.read,
        lambda: list(table.batches()),
        lambda: list(table.key_values("key")),
    ):
        with pytest.raises(InputError, match=r"t\.csv, line 3: .*never closed"):
            read()
    path.write_text('key,text\na,7" screen\nb,"closed"')
    assert table.read().to_pydict()["text"] == ['7" screen', "closed"]
    assert table.row_count() == 2


@pytest.mark.parametrize(
    ("name", "place"), [("t.jsonl", "line 2"), ("t.json", "row 2"), ("t.rows.json", "row 2")]
)
def test_keys_that_are_not_unicode(tmp_path, name, place):
    rows = [{"key": "a", "other": "\ud800"}, {"key": "\ud800"}]
    path = tmp_path / name
    path.write_text(
        "\n".join(map(json.dumps, rows))
        if name == "t.jsonl"
        else json.dumps({"rows": rows} if "rows" in name else rows)
    )
    with pytest.raises(InputError, match=f"{place}: .*'key' is not valid Unicode"):
        list(open_table(path).key_values("key"))
    with pytest.raises(InputError, match=f"{place}: .*'key' is not valid Unicode"):
        open_table(path).read(["key"], text_columns=["key"])


@pytest.mark.parametrize("values", [[{"a": 1}], [[1]]])
def test_nested_keys_of_parquet(tmp_path, values):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"key": values}), path)
    with pytest.raises(InputError, match=r"t\.parquet: the key column 'key' holds values of type"):
        list(open_table(path).key_values("key"))


def test_a_document_on_one_long_line(tmp_path):
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"rows": [{"key": str(n)} for n in range(10_000)]}))
    assert open_table(path).format == "json"
    assert open_table(path).row_count() == 10_000


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("t.csv", b"", "empty"),
        ("t.json", b"\n \n", "empty"),
        ("t.json", b'{"a": \n 1}', "no rows"),
        ("t.json", b'[{"a": 1}, [2]]', "row 2"),
        ("t.jsonl", b'{"a": 1}\n{"a" 1}\n', "line 2"),
        ("t.jsonl", b"[1]\n", "line 1"),
        ("t.csv", b"a,b\n1,2,3\n", "t.csv"),
        ("t.csv", b'a,b\n1,2\n3,"4\n5,6\n', "line 3: the quote .* never closed"),
        ("t.jsonl", b'{"a": 1}\n{"a": "\\ud800"}\n', "not valid Unicode"),
        ("t.csv", "a,b\n1,é\n".encode("latin-1"), "UTF-8"),
        ("t.csv", "a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        ("t.bin", b"\x00\x01\x02" * 9, "neither parquet nor text"),
        ("t.csv.gz", b"\x1f\x8b\x08" + bytes(9), "compressed with gzip.* [Dd]ecompress it first"),
        ("t.parquet", b"PAR1 but not really", "parquet"),
    ],
)
def test_unreadable_files(tmp_path, name, data, what):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=what) as raised:
        open_table(path).read()
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(("name", "data"), [("t.jsonl", b""), ("t.json", b"[]")])
def test_table_without_rows_has_no_key_column(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match="the table has no columns"):
        infer_key_column(open_table(path).column_names)


@pytest.mark.parametrize("rows", [[], [{}, {}]])
def test_a_table_without_columns_is_refused_with_the_reason(tmp_path, rows):
    path, labels = tmp_path / "t.json", tmp_path / "labels.csv"
    path.write_text(json.dumps(rows))
    labels.write_text("key,mos\n1,3\n")
    cases: list[tuple[Path, Path, dict[str, Any]]] = [
        (path, labels, {}),
        (path, labels, {"key_column": "key"}),
        (labels, path, {}),
        (labels, path, {"label_key_column": "key"}),
        (labels, path, {"extras": "split"}),
    ]
    for features, named, options in cases:
        with pytest.raises(InputError, match="the table has no columns"):
            labeljoin.inspect(features, named, labeljoin.JoinOptions(**options))


@pytest.mark.parametrize(
    "text",
    [
        '{"rows": [{"key": "1"}], "rows": [{"key": "2"}]}',
        '{"rows": 2, "of": "x", "rows": [{"key": "1"}]}',
        '{"rows": [{"key": "1"}],\n "of": {"rows": []}, "rows": null}',
    ],
)
def test_a_document_with_two_members_for_its_rows_is_refused(tmp_path, text):
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(InputError, match="'rows' is there twice"):
        open_table(path).read()


def test_paths_that_hold_no_table(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        open_table(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="no parts"):
        open_table(tmp_path)
    (tmp_path / "year=2024").mkdir()
    with pytest.raises(InputError, match="year=2024 is a directory"):
        open_table(tmp_path)
