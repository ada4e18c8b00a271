"""Attaching columns to JSONL, JSON and CSV: the text that was there stays."""

import csv
import hashlib
import io
import json
import math
import string
from contextlib import contextmanager, nullcontext

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labeljoin import attach, open_table
from labeljoin.engine import first_pass
from labeljoin.formats.encoding import BOM
from labeljoin.formats.json import document as json_document
from labeljoin.formats.jsonl import blocks as json_blocks
from labeljoin.keys import KeyCounts
from labeljoin_lookup import ADDED, Lookup, label_of
from provenance.toolkit import InputError

DEEP = 200_000
"""Deeper than any decoder follows."""

quick = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def attached(folder, name, data, lookup=None, *, surveyed=False, **options):
    """The bytes that attach makes of ``data``, after a survey or at once."""
    source, out = folder / name, folder / f"out-{name}"
    source.write_bytes(data if isinstance(data, bytes) else data.encode())
    lookup = lookup or Lookup()
    table = open_table(source)
    with first_pass(table) if surveyed else nullcontext() as survey:
        if survey is not None:
            counts = survey.counts("key", lookup.schema.names)
            alone = KeyCounts.count(table.key_values("key"))
            assert counts.texts.equals(alone.texts)
            assert counts.rows.tolist() == alone.rows.tolist()
            assert counts.null_rows == alone.null_rows
        report = attach(table, out, "key", lookup, first_pass=survey, **options)
    part = report.parts[0]
    assert part.source_digest
    assert part.digest
    assert part.source_digest.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert part.digest.sha256 == hashlib.sha256(out.read_bytes()).hexdigest()
    return report, out.read_bytes()


def once(pairs):
    """An object whose members are all different."""
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), names
    return dict(pairs)


def new_members(key):
    return dict(zip(ADDED, label_of(key), strict=True))


def same(left, right):
    """Equality under which NaN equals NaN."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


# JSONL


NAMES = st.text(string.ascii_letters + ' "\\{}[]:,é', max_size=6).filter(
    lambda name: name not in {"key", *ADDED}
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["key", "mos", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.none() | st.text(max_size=8) | st.sampled_from(["clip_1", "clip_2"])


@st.composite
def json_rows(draw):
    members = draw(st.dictionaries(NAMES, VALUES, max_size=4))
    if draw(st.booleans()) or not members:
        members["key"] = draw(KEYS)
    names = draw(st.permutations(sorted(members)))
    return {name: members[name] for name in names}


@st.composite
def keyed_rows(draw, most):
    """Rows, of which the first has a key; the others may lack one."""
    rows = draw(st.lists(json_rows(), max_size=most))
    for row in rows[:1]:
        row.setdefault("key", "first")
    return rows


@st.composite
def jsonl_files(draw):
    """Rows, and the bytes of a file that holds them in one of many styles."""
    rows = draw(keyed_rows(12))
    style = draw(st.sampled_from([(", ", ": "), (",", ":"), (" , ", " : ")]))
    ascii_only = draw(st.booleans())
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines = []
    for row in rows:
        text = json.dumps(row, separators=style, ensure_ascii=ascii_only)
        lines.append(draw(st.sampled_from(["", "", "", "  "])) + text)
        if draw(st.integers(0, 9)) == 0:
            lines.append(draw(st.sampled_from(["", " "])))
    data = end.join(lines) + (end if draw(st.booleans()) else "")
    mark = BOM if draw(st.booleans()) else b""
    return rows, mark + data.encode(errors="surrogatepass")


@quick
@given(file=jsonl_files(), size=st.sampled_from([16, 100, 1 << 20]), surveyed=st.booleans())
def test_any_jsonl_keeps_its_text(tmp_path_factory, file, size, surveyed):
    rows, data = file
    with reading(json_blocks, "BLOCK_BYTES", size):
        report, out = attached(
            tmp_path_factory.mktemp("jsonl"), "in.jsonl", data, surveyed=surveyed
        )
    assert report.engine == "jsonl-splice"
    assert report.rows_in == report.rows_out == len(rows)
    old_lines = data.removeprefix(BOM).split(b"\n")
    new_lines = out.removeprefix(BOM).split(b"\n")
    assert data.startswith(BOM) == out.startswith(BOM)
    assert len(old_lines) == len(new_lines)
    expected = iter(rows)
    for old, new in zip(old_lines, new_lines, strict=True):
        if not old.strip():
            assert old == new
            continue
        brace = old.rindex(b"}")
        assert new.startswith(old[:brace])
        assert new.endswith(old[brace:])
        row = next(expected)
        assert same(json.loads(new, object_pairs_hook=once), row | new_members(row.get("key")))


@contextmanager
def reading(module, name, size):
    """Let files be read in pieces of ``size``."""
    former = getattr(module, name)
    setattr(module, name, size)
    try:
        yield
    finally:
        setattr(module, name, former)


@quick
@given(
    rows=keyed_rows(6),
    replaced=st.lists(st.sampled_from(["mos", "frames", "old", "key"]), unique=True),
    seed=st.randoms(use_true_random=False),
)
def test_replaced_members_leave_the_text(tmp_path_factory, rows, replaced, seed):
    lines = []
    for row in rows:
        names = [*row, *(name for name in replaced if name not in row)]
        seed.shuffle(names)
        lines.append(json.dumps({name: row.get(name, "gone") for name in names}))
    folder = tmp_path_factory.mktemp("replace")
    _, out = attached(folder, "in.jsonl", "\n".join(lines), replace=replaced)
    for line, old in zip(out.splitlines(), lines, strict=True):
        row = json.loads(old)
        left = {name: value for name, value in row.items() if name not in replaced}
        new = json.loads(line, object_pairs_hook=once)
        assert same(new, left | new_members(row.get("key")))


def test_attaching_again_gives_the_same_bytes(tmp_path):
    lines = [
        '{"key": "a", "x": 1.50, "y": NaN}',
        '{"mos": 3, "key": "b", "x": "mos"}',
        '{"key": "mos", "x": ", \\"mos\\": 4"}',
        '{"key": "d", "x": [{"mos": 1}, 2]}',
    ]
    for kept in (lines[:1], lines[2:], [lines[0], lines[2]], lines[3:]):
        _, once_attached = attached(tmp_path, "in.jsonl", "\n".join(kept))
        _, twice = attached(tmp_path, "again.jsonl", once_attached, replace=ADDED)
        assert twice == once_attached
    _, out = attached(tmp_path, "in.jsonl", "\n".join(lines[:2]), replace=["mos"])
    assert json.loads(out.splitlines()[1], object_pairs_hook=once)["mos"] == 1.5


def test_numbers_and_specials_are_left_as_written(tmp_path):
    lines = [
        b'{"key": "a", "x": 1.50, "y": 1e-3, "big": 123456789012345678901234567890}\r\n',
        b'{"key": "b", "x": NaN, "y": -Infinity, "z": [Infinity, {"mos": NaN}]}\r\n',
        b'{"key": "NaN []", "x": NaN}\r\n',
        b'{"key": "[]", "x": "NaN"}',
    ]
    _, out = attached(tmp_path, "in.jsonl", b"".join(lines))
    assert [line[: line.rindex(b', "mos"')] for line in out.split(b"\r\n")] == [
        line[: line.rindex(b"}")] for line in lines
    ]
    assert [row["frames"] for row in map(json.loads, out.splitlines())] == [1, 1, 6, 2]


def test_compact_lines_stay_compact(tmp_path):
    _, out = attached(tmp_path, "in.jsonl", b'{"key":"a","x":1}\n')
    assert out == b'{"key":"a","x":1,"mos":1.5,"status":"ok a","frames":1}\n'


def test_keys_are_text_as_written(tmp_path):
    seen = []

    class Watching(Lookup):
        def __call__(self, values):
            seen.extend(values.to_pylist())
            return super().__call__(values)

    keys = ["3339962845", "3339962845.0", '"007"', "null", "1e3", "true", '"a\\u0062"', "NaN"]
    data = "\n".join(f'{{"key": {key}}}' for key in keys) + '\n{"x": 1}\n{}\n'
    _, out = attached(tmp_path, "in.jsonl", data, Watching())
    wanted = ["3339962845", "3339962845.0", "007", None, "1e3", "true", "ab", "NaN", None, None]
    assert seen == wanted
    assert out.endswith(b'\n{"mos": null, "status": "missing-label", "frames": 0}\n')
    source = tmp_path / "in.jsonl"
    values = [
        value for piece in open_table(source).key_values("key") for value in piece.to_pylist()
    ]
    assert values == wanted


def test_added_specials_are_null(tmp_path):
    class Odd(Lookup):
        def __call__(self, values):
            batch = super().__call__(values)
            odd = [math.nan, math.inf, -math.inf][: len(values)]
            return pa.record_batch([pa.array(odd), *batch.columns[1:]], names=ADDED)

    for name, data in (
        ("in.jsonl", '{"key": "a"}\n{"key": "b"}\n{"key": "c"}'),
        ("in.json", '[{"key": "a"}, {"key": "b"}, {"key": "c"}]'),
    ):
        _, out = attached(tmp_path, name, data, Odd())
        assert out.count(b'"mos": null') == 3


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"key": "a", "x": }', "not a JSON object"),
        ('{"key": "a", "x": 1', "not a JSON object"),
        ('{"key": "a"} {"key": "b"}', "not a JSON object"),
        ('{"key": "a"}}', "not a JSON object"),
        pytest.param(
            '{"key": "a", "x": ' + "[" * DEEP + "]" * DEEP + "}", "nested too deeply", id="nested"
        ),
        (b'{"key": "a", "x": "\xff"}', "not a JSON object"),
        (b'{"key": "a", "\xff": 1}', "not a JSON object"),
        (b'{"key": "a", "x": "\xed\xa0\x80"}', "not a JSON object"),
        ('{"key": "a", "x": 1NaN}', "not a JSON object"),
        ('{"key": "a", "x": NaN5}', "not a JSON object"),
        ('["a"]', "not a JSON object"),
        ("key", "not a JSON object"),
        ('{"key": ["a"]}', "object or a list"),
        ('{"key": "a", "\\u006dos": 1}', "already has a column 'mos'"),
        ('{"mos": null, "key": "a", "frames": NaN}', "already has columns 'mos', 'frames'"),
    ],
)
@pytest.mark.parametrize("before", [b"\n", b'{"key": "c"}\n'], ids=["blank", "plain"])
def test_lines_that_are_refused(tmp_path, line, what, before):
    line = line if isinstance(line, bytes) else line.encode()
    data = b'{"key": "a", "x": 1}\n' + before + line + b'\n{"key": "b"}\n'
    with pytest.raises(InputError, match=what) as raised:
        attached(tmp_path, "in.jsonl", data)
    assert (raised.value.where or "").endswith("in.jsonl, line 3")
    assert not (tmp_path / "out-in.jsonl").exists()


@pytest.mark.parametrize("value", [b"01", b"1-2", b"1.", b".5", b"1e", b'"\x01"', b'"\xff"'])
@pytest.mark.parametrize("before", [b"", b"\n"], ids=["plain", "blank"])
def test_what_is_replaced_has_to_be_json_too(tmp_path, value, before):
    data = b'{"key": "a", "x": 1}\n' + before + b'{"key": "b", "x": ' + value + b"}\n"
    with pytest.raises(InputError, match="not a JSON object"):
        attached(tmp_path, "in.jsonl", data, replace=["x"])


@pytest.mark.parametrize("name", ["NaN_count", "Infinity", "-NaN-", 'a"b', "back\\slash", "a\tb"])
def test_names_that_the_parser_cannot_be_asked_for(tmp_path, name):
    quoted = json.dumps(name)
    lines = f'{{{quoted}: "a", "x": NaN}}\n{{{quoted}: "b", "x": 1}}\n'
    source = tmp_path / "in.jsonl"
    source.write_text(lines)
    assert [v for values in open_table(source).key_values(name) for v in values.to_pylist()] == [
        "a",
        "b",
    ]

    class Named(Lookup):
        schema = pa.schema([(name, pa.float64())])

        def __call__(self, values):
            return super().__call__(values).select([0]).rename_columns([name])

    source.write_text(lines.replace("{", '{"key": "k", '))
    with pytest.raises(InputError, match="already has a column"):
        attach(source, tmp_path / "out.jsonl", "key", Named())


def test_nested_members_are_not_confused(tmp_path):
    data = '{"meta": {"key": "no", "mos": 1}, "list": [{"key": "no"}], "key": "yes"}\n'
    _, out = attached(tmp_path, "in.jsonl", data, replace=["mos"])
    assert out.startswith(data.encode()[:-2])
    assert json.loads(out)["mos"] == 3.5


def test_rows_can_be_dropped_from_text(tmp_path):
    def keep(values):
        return pa.array([value != "a" for value in values.to_pylist()])

    rows = [{"key": key} for key in "abac"]
    for name, data in (
        ("in.jsonl", "\n".join(map(json.dumps, rows))),
        ("in.json", json.dumps(rows, indent=2)),
        ("in.csv", "key\na\nb\na\nc\n"),
    ):
        report, _ = attached(tmp_path, name, data, keep=keep)
        assert (report.rows_in, report.rows_out) == (4, 2)
        assert open_table(tmp_path / f"out-{name}").read()["key"].to_pylist() == ["b", "c"]


# JSON


@quick
@given(
    rows=keyed_rows(8),
    indent=st.sampled_from([None, 0, 1, 4]),
    wrapped=st.sampled_from(["list", "rows", "both sides"]),
    window=st.sampled_from([1, 7, 1 << 20]),
    mark=st.booleans(),
)
def test_any_json_document(tmp_path_factory, rows, indent, wrapped, window, mark):
    document = rows
    if wrapped == "rows":
        document = {"rows": rows}
    elif wrapped == "both sides":
        document = {"about": {"rows": [1]}, "rows": rows, "n": 1.5}
    text = json.dumps(document, indent=indent)
    data = (BOM if mark else b"") + text.encode()
    folder = tmp_path_factory.mktemp("json")
    with reading(json_document, "WINDOW", window):
        report, out = attached(folder, "in.json", data)
    assert report.engine == "json-rewrite"
    assert report.rows_in == report.rows_out == len(rows)
    after = json.loads(out.decode("utf-8-sig"), object_pairs_hook=once)
    found = after if wrapped == "list" else after["rows"]
    assert same(found, [row | new_members(row.get("key")) for row in rows])
    if wrapped != "list":
        assert same(after | {"rows": []}, document | {"rows": []})
    # Without the new members the text is what it was.
    added = [text for text in out.decode().split('"mos": ') if '"status": ' in text]
    assert len(added) == len(rows)


def test_the_layout_of_a_document_stays(tmp_path):
    data = '{\n  "n": 1.50,\n  "rows": [\n    {\n      "key": "a"\n    }\n  ],\n  "end": []\n}\n'
    _, out = attached(tmp_path, "in.json", data)
    assert out.decode() == data.replace(
        '"key": "a"', '"key": "a",\n      "mos": 1.5,\n      "status": "ok a",\n      "frames": 1'
    )


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ('[{"key": "a"}, 3]', "row 2.*not an object"),
        ('[{"key": "a"} {"key": "b"}]', "row 2.*not JSON"),
        ('[{"key": "a"}, ]', "row 2.*not JSON"),
        ('[{"key": "a"}', "row 2.*ends in the middle"),
        ('[{"key": "a"}] x', "not JSON"),
        ('{"rows": [{"key": "a"}', "row 2.*ends in the middle"),
        ('{"rows": [{"key": "a"}]', "ends in the middle"),
        ('{"rows": 3, "x": [\n1]}', "no rows"),
        ('[{"key": {"a": 1}}]', "object or a list"),
        ('[{"key": "a", "mos": 1}]', "already has a column 'mos'"),
    ],
)
def test_documents_that_are_refused(tmp_path, data, what):
    with pytest.raises(InputError, match=what):
        attached(tmp_path, "in.json", data)
    assert not (tmp_path / "out-in.json").exists()


# CSV


# No bare carriage return: Python's writer leaves it unquoted, and its reader ends the record there.
FIELDS = st.text(string.ascii_letters + ' ,;"\n\té', max_size=6)


@quick
@given(
    rows=st.lists(st.tuples(FIELDS, FIELDS), max_size=10),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    end=st.sampled_from(["\n", "\r\n"]),
    final=st.booleans(),
    mark=st.booleans(),
)
def test_any_csv_keeps_its_text(tmp_path_factory, rows, delimiter, quoting, end, final, mark):
    # A lone field that is empty or blank may be a blank line: the second column prevents that.
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerows([("key", "word"), *rows])
    text = buffer.getvalue() if final else buffer.getvalue().removesuffix(end)
    folder = tmp_path_factory.mktemp("csv")
    data = (BOM if mark else b"") + text.encode()
    report, out = attached(folder, "in.csv", data)
    assert report.engine == "csv-rewrite"
    assert report.rows_in == report.rows_out == len(rows)
    assert out.startswith(BOM) == mark
    new = out.decode("utf-8-sig")
    records = list(csv.reader(io.StringIO(new, newline=""), delimiter=delimiter))
    assert records[0] == ["key", "word", *ADDED]
    for (key, word), record in zip(rows, records[1:], strict=True):
        mos, status, frames = label_of(key)
        assert record == [key, word, str(mos), status, str(frames)]
    assert new.endswith(end) == final or not final
    # The old text is a subsequence of the new: record by record its beginning.
    assert new.startswith(text.split(end)[0])


def test_quoting_and_blank_lines_stay(tmp_path):
    data = b'"key";"x"\r\n"a;b";1,50\r\n\r\n007;"2"\r\n'
    _, out = attached(tmp_path, "in.csv", data)
    assert out == (
        b'"key";"x";"mos";"status";"frames"\r\n"a;b";1,50;3.5;"ok b";3\r\n\r\n'
        b'007;"2";3.5;"ok 7";3\r\n'
    )


def test_replaced_fields_leave_the_record(tmp_path):
    data = 'mos,key,"frames",x\n1,a,"2,""5\n",3.50\n"",b,,"4"\n'
    _, out = attached(tmp_path, "in.csv", data, replace=["mos", "frames"])
    assert out.decode() == ('key,x,mos,status,frames\na,3.50,1.5,ok a,1\nb,"4",1.5,ok b,1\n')


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ("key,x\na,1\nb,2,3\n", "line 3.*3 fields and the header 2"),
        ("key,mos\na,1\n", "already has a column 'mos'"),
        ("key,key\na,1\n", "more than once"),
        (b"key,x\na,\xff\n", "UTF-8"),
    ],
)
def test_csv_files_that_are_refused(tmp_path, data, what):
    with pytest.raises(InputError, match=what):
        attached(tmp_path, "in.csv", data)
    assert not (tmp_path / "out-in.csv").exists()
