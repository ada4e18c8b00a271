"""Hostile tables: each ends a command with 0, 1 or 2 and a sentence, and no partial output."""

import os
import re
import stat

import labeljoin
import pyarrow as pa
import pytest
from hostile_files import write_corpus
from hypothesis import given, settings
from hypothesis import strategies as st
from labeljoin.keys.expression import search_all, steps
from provenance.toolkit import InputError

LABELS = "clip,mos\n" + "".join(f"c{number},{1 + number / 2}\n" for number in range(6))
FEATURES = "clip,f\n" + "".join(f"c{number},{number}\n" for number in range(6))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture
def tables(here):
    (here / "l.csv").write_text(LABELS)
    (here / "f.csv").write_text(FEATURES)
    return here


def test_every_hostile_file_ends_well(corpus, tables, command):
    """As features, and as labels."""
    for name, path in corpus.items():
        least = ("--min-match-rate", 0, "--max-keyless-rate", 1)
        for features, labels, out in (
            (path, "l.csv", f"out{path.suffix}"),
            ("f.csv", path, "o.csv"),
        ):
            flags = ("--features", features, "--labels", labels, "--out", out, "--overwrite")
            ended = command("join", *flags, *least, code=None)
            assert ended.code in (0, 1, 2), (name, flags, ended.err)
            assert not re.search("[\x00-\x08\x0b-\x1f]", ended.err), (name, ended.err)
            assert max(map(len, ended.err.splitlines())) < 4_000, name
            made = {each.name for each in tables.iterdir()} - {"l.csv", "f.csv"}
            wanted = {0: {out, f"{out}.audit.json"}, 1: {f"{out}.audit.json"}, 2: set()}
            assert made == wanted[ended.code], (name, flags, ended.err)
            for each in made:
                (tables / each).unlink()


@pytest.mark.parametrize(
    ("name", "role", "said"),
    [
        ("deep.jsonl", "features", "nested too deeply"),
        ("digits.jsonl", "features", "digits"),
        ("pandas-0.parquet", "features", "columns that pandas wrote into the file is damaged"),
        ("spark.parquet", "features", "columns that Spark wrote into the file is damaged"),
        ("key-twice.parquet", "features", "2 columns have the name 'clip'"),
        ("utf-16.csv", "labels", "UTF-16"),
        ("latin-1.csv", "labels", "UTF-8"),
        ("twice.csv", "labels", "names 'clip' more than once"),
        ("decimal-commas.csv", "labels", "'3,5' is not a number"),
        ("ragged-long.csv", "features", "4 fields"),
        ("encrypted-footer.parquet", "features", "encrypted"),
        ("arabic.csv", "labels", "'٣' is not a number"),
        ("bad-mos.csv", "labels", "characters left out"),
    ],
)
def test_what_is_said(corpus, tables, command, name, role, said):
    paths = {"features": "f.csv", "labels": "l.csv", role: corpus[name]}
    options = [word for option, path in paths.items() for word in (f"--{option}", path)]
    out = ("--out", f"out{corpus[name].suffix}", "--overwrite", "--min-match-rate", 0)
    assert said in command("join", *options, *out, code=2).err


def test_long_fields_are_read(corpus, tables, command):
    command(
        "join",
        "--features",
        corpus["long-field.csv"],
        "--labels",
        "l.csv",
        "--out",
        "o.csv",
        "--overwrite",
    )
    assert len((tables / "o.csv").read_text()) > 300_000


def test_short_lines_with_long_additions_are_written_in_pieces(here, command, monkeypatch):
    from labeljoin.formats.jsonl import blocks, splice

    monkeypatch.setattr(blocks, "MOST_LINES", 7)
    monkeypatch.setattr(splice, "MOST_ADDED", 500)
    lines = [f'{{"k":"{number % 5}"}}' for number in range(100)]
    (here / "f.jsonl").write_text("\n".join(lines))
    note = "x" * 200
    (here / "l.csv").write_text("k,mos,note\n" + "".join(f"{n},3,{note}\n" for n in range(5)))
    keys = ("--feature-key-column", "k", "--label-key-column", "k")
    command(
        "join",
        "--features",
        "f.jsonl",
        "--labels",
        "l.csv",
        "--out",
        "o.jsonl",
        "--extras",
        "note",
        *keys,
    )
    joined = labeljoin.open_table(here / "o.jsonl").read()
    assert joined["k"].to_pylist() == [str(number % 5) for number in range(100)]
    assert joined["note"].to_pylist() == [note] * 100


@pytest.mark.parametrize("regex", [r"(a|aa)+$", "(?x) (a|aa) +$"])
def test_a_regex_that_backtracks_is_stopped(here, command, monkeypatch, regex):
    monkeypatch.setattr("labeljoin.keys.expression.SECONDS", 0.2)
    (here / "l.csv").write_text("clip,mos\n" + "a" * 60 + "!,3\n")
    (here / "f.csv").write_text("clip,f\n" + "a" * 60 + "!,3\n")
    flags = ("--features", "f.csv", "--labels", "l.csv", "--out", "o.csv")
    ended = command("join", *flags, "--feature-key-regex", regex, code=2)
    assert "takes more than 0.2 s on the value 'aaaa" in ended.err
    assert regex[:8] in ended.err


@pytest.mark.parametrize("regex", ["a{1,99999999999}", "(" * 5_000 + ")" * 5_000, "a" * 1_001, "("])
def test_a_regex_that_cannot_be_used(tables, command, regex):
    flags = ("--features", "f.csv", "--labels", "l.csv", "--out", "o.csv")
    assert "key regex" in command("join", *flags, "--label-key-regex", regex, code=2).err


def test_an_empty_regex_is_no_regex(tables, command):
    flags = ("--features", "f.csv", "--labels", "l.csv", "--out", "o.csv")
    assert "100 %" in command("join", *flags, "--feature-key-regex", "").err


_PARTS = ["a", "b", "_", "0", "x{e}", "[a-b]", r"\d", ".", "(?:ab)", "(a|b)", "(_)?", "^", "$"]


@given(
    st.lists(st.tuples(st.sampled_from(_PARTS), st.sampled_from(["", "*", "+", "?", "{1,2}"]))),
    st.lists(st.text("ab_0{e}x\n", max_size=6), min_size=1, max_size=4),
)
@settings(max_examples=150, deadline=None)
def test_both_searches_find_the_same(parts, texts):
    """``re`` where a search must be short, and a timed one elsewhere."""
    pattern = (
        "".join(part + ("" if part in ("^", "$", "(_)?") else times) for part, times in parts)
        + "(?:b)*"
    )
    assert steps(pattern, 1) == float("inf")  # the timed one
    expected = []
    for text in texts:
        match = re.search(pattern, text)
        groups = match is not None and match.re.groups
        found = match and (match.group(1) if groups else match.group())
        found = match.group() if match and found is None else found
        expected.append((found or "").strip() or None)
    assert search_all(pattern, texts) == expected


def test_a_pipe_among_parts_is_refused(tables, command):
    (tables / "parts").mkdir()
    (tables / "parts" / "a.csv").write_text(FEATURES)
    os.mkfifo(tables / "parts" / "b.csv")
    ended = command("join", "--features", "parts", "--labels", "l.csv", "--out", "o", code=2)
    assert "b.csv: this is a pipe" in ended.err


@pytest.mark.parametrize("scheduler", ["nonsense", "", "http://[::1", "tcp://user:PW@127.0.0.1:1"])
def test_what_is_no_scheduler(tables, command, scheduler):
    pytest.importorskip("distributed")
    flags = ("--features", "f.csv", "--labels", "l.csv", "--out", "o.csv")
    ended = command("join", *flags, "--scheduler", scheduler, code=2)
    assert "No Dask scheduler answers at" in ended.err
    assert "PW" not in ended.err


@pytest.mark.parametrize("name", ["--features", "--labels", "--out"])
def test_an_empty_path_is_refused(tables, command, name):
    flags = {"--features": "f.csv", "--labels": "l.csv", "--out": "o.csv", name: ""}
    words = [word for pair in flags.items() for word in pair]
    assert f"Give {name} a file" in command("join", *words, code=2).err


def test_links_and_modes_of_outputs(tables, command):
    flags = ("join", "--features", "f.csv", "--labels", "l.csv", "--out")
    (tables / "link.csv").symlink_to("nowhere/o.csv")
    assert "leads nowhere" in command(*flags, "link.csv", code=2).err
    assert not (tables / "nowhere").exists()
    (tables / "target.csv").write_text("old")
    (tables / "target.csv").chmod(0o600)
    (tables / "to-target.csv").symlink_to("target.csv")
    command(*flags, "to-target.csv")
    assert (tables / "to-target.csv").is_symlink()
    assert (tables / "target.csv").read_text().startswith("clip,f,mos")
    assert stat.S_IMODE((tables / "target.csv").stat().st_mode) == 0o600


def test_a_manifest_may_not_hold_half_a_surrogate_pair(tables, command):
    table = '{"id": "i", "features": "f.csv", "labels": ["l.csv"], "out": "%s"}'
    manifest = '{"schema": "mos-label-manifest-v1", "tables": [' + table + "]}"
    (tables / "m.json").write_text(manifest % r"\ud800.csv")
    assert "half a surrogate pair" in command("batch", "--manifest", "m.json", code=2).err


def test_labels_that_differ_by_little_are_shown_in_full(tables, command):
    (tables / "l.csv").write_text("clip,mos\nc0,3\nc0,3.00001\n")
    ended = command("join", "--features", "f.csv", "--labels", "l.csv", "--out", "o.csv", code=2)
    assert "mos 3;" in ended.err
    assert "mos 3.00001" in ended.err
    (tables / "l.csv").write_text("clip,mos\nc0,3\nc1,5.0000001\n")
    ended = command("join", "--features", "f.csv", "--labels", "l.csv", "--out", "o.csv", code=2)
    assert "to 5.0000001 (" in ended.err


def test_a_frame_with_a_column_twice():
    frame = pa.table([["c0"], [1], [2]], ["clip", "f", "f"])
    with pytest.raises(InputError, match="several columns named 'f'"):
        labeljoin.join(frame, pa.table({"clip": ["c0"], "mos": [3.0]}))
