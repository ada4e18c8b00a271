"""What a survey kept is what attaching would have found, or it is not used."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from labeljoin import attach, open_table
from labeljoin.engine import first_pass
from labeljoin.formats.jsonl import blocks as json_blocks
from labeljoin.formats.jsonl import first_pass as line_notes
from labeljoin_lookup import ADDED, Lookup
from provenance.toolkit import InputError

ROWS = [{"key": f"clip_{number // 3}", "x": number / 7} for number in range(500)]


@pytest.fixture(params=["parquet", "jsonl"])
def source(request, tmp_path):
    path = tmp_path / f"in.{request.param}"
    if request.param == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    else:
        path.write_text("".join(f'{{"key": "{row["key"]}", "x": {row["x"]}}}\n' for row in ROWS))
    return path


def plain(source):
    """What attaching makes of a table without a survey."""
    out = source.with_stem("plain")
    attach(source, out, "key", Lookup())
    return out.read_bytes()


def counted(survey, added=ADDED):
    return survey.counts("key", added).row_count


def test_a_survey_changes_no_byte_and_no_digest(source):
    out = source.with_stem("out")
    with first_pass(open_table(source)) as survey:
        assert counted(survey) == len(ROWS)
        report = attach(source, out, "key", Lookup(), first_pass=survey)
        assert survey.digest() == report.parts[0].source_digest
    assert out.read_bytes() == plain(source)


@pytest.mark.parametrize(
    "options", [{"replace": ["x"]}, {"keep": lambda values: pa.array([True] * len(values))}]
)
def test_a_survey_serves_rewrites_too(source, options):
    bare, out = source.with_stem("bare"), source.with_stem("out")
    attach(source, bare, "key", Lookup(), **options)
    with first_pass(open_table(source)) as survey:
        counted(survey)
        attach(source, out, "key", Lookup(), first_pass=survey, **options)
    assert out.read_bytes() == bare.read_bytes()


def test_a_source_that_changes_after_its_survey_is_refused(source):
    out = source.with_stem("out")
    with first_pass(open_table(source)) as survey:
        counted(survey)
        survey.digest()
        os.utime(source, (1, 1))
        with pytest.raises(InputError, match="changed while it was read"):
            attach(source, out, "key", Lookup(), first_pass=survey)
    assert not out.exists()


def test_a_source_that_shrinks_after_its_survey_leaves_nothing(source):
    out = source.with_stem("out")
    with first_pass(open_table(source)) as survey:
        counted(survey)
        survey.digest()
        source.write_bytes(source.read_bytes()[:-200])
        with pytest.raises(InputError):
            attach(source, out, "key", Lookup(), first_pass=survey)
    assert not out.exists()


@pytest.mark.parametrize("format", ["parquet", "jsonl", "json", "csv"])
@pytest.mark.parametrize("replace", [(), ("x",)])
def test_a_source_that_changes_while_it_is_attached_to_is_refused(tmp_path, format, replace):
    source, out = tmp_path / f"in.{format}", tmp_path / f"out.{format}"
    if format == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), source)
    else:
        text = {
            "jsonl": "".join(json.dumps(row) + "\n" for row in ROWS),
            "json": json.dumps(ROWS),
            "csv": "key,x\n" + "".join(f"{row['key']},{row['x']}\n" for row in ROWS),
        }
        source.write_text(text[format])

    class Changing(Lookup):
        def __call__(self, values):
            os.utime(source, (1, 1))
            return super().__call__(values)

    with pytest.raises(InputError, match="changed while it was read"):
        attach(source, out, "key", Changing(), replace=replace)
    assert not out.exists()


def test_a_source_that_goes_away_is_named(source):
    out = source.with_stem("out")
    with first_pass(open_table(source)) as survey:
        counted(survey)
        survey.digest()
        source.unlink()
        with pytest.raises(InputError) as raised:
            attach(survey.table, out, "key", Lookup(), first_pass=survey)
    assert raised.value.where == str(source)
    assert not out.exists()


def test_notes_for_other_columns_are_not_used(source):
    out = source.with_stem("out")
    with first_pass(open_table(source)) as survey:
        counted(survey, added=["something_else"])
        attach(source, out, "key", Lookup(), first_pass=survey)
    assert out.read_bytes() == plain(source)


@pytest.mark.parametrize("shortage", ["no folder", "too many lines"])
def test_without_room_for_notes_the_file_is_read_again(source, shortage, monkeypatch):
    if shortage == "no folder":
        monkeypatch.setattr(tempfile, "tempdir", str(source.parent / "missing"))
    else:
        monkeypatch.setattr(line_notes, "MOST_BYTES", 0)
    out = source.with_stem("out")
    with first_pass(open_table(source)) as survey:
        counted(survey)
        attach(source, out, "key", Lookup(), first_pass=survey)
    assert out.read_bytes() == plain(source)


def test_a_table_larger_than_memory_is_hashed_while_it_is_copied(source, monkeypatch):
    monkeypatch.setattr(os, "sysconf", lambda name: 1)
    out = source.with_stem("out")
    with first_pass(open_table(source)) as survey:
        counted(survey)
        report = attach(source, out, "key", Lookup(), first_pass=survey)
    assert report.parts[0].source_digest is not None
    assert out.read_bytes() == plain(source)


def test_an_unfinished_survey_is_dropped(source):
    class EnoughError(Exception):
        pass

    def refuse(*step):
        raise EnoughError

    with first_pass(open_table(source)) as survey, pytest.raises(EnoughError):
        survey.counts("key", ADDED, progress=refuse)
    out = source.with_stem("out")
    attach(source, out, "key", Lookup())
    assert out.read_bytes() == plain(source)


def test_directories_are_read_as_ever(source, tmp_path):
    parts = tmp_path / "parts"
    parts.mkdir()
    source.rename(parts / source.name)
    out = tmp_path / "out"
    with first_pass(open_table(parts)) as survey:
        assert counted(survey) == len(ROWS)
        assert survey.digest() is None
        report = attach(parts, out, "key", Lookup(), first_pass=survey)
    assert report.rows_out == len(ROWS)


@pytest.mark.parametrize("pool", [None, ThreadPoolExecutor, ProcessPoolExecutor])
def test_parts_are_counted_on_any_executor(source, tmp_path, pool):
    parts = tmp_path / "parts"
    parts.mkdir()
    for number in range(5):
        shutil.copy(source, parts / f"{number}{source.suffix}")
    table, seen = open_table(parts), []
    options = {"mp_context": get_context("spawn")} if pool is ProcessPoolExecutor else {}
    with (
        nullcontext() if pool is None else pool(2, **options) as executor,
        first_pass(table, executor) as survey,
    ):
        counts = survey.counts("key", ADDED, progress=lambda *step: seen.append(step))
    assert counts.texts.to_pylist() == list(dict.fromkeys(row["key"] for row in ROWS))
    assert counts.rows.tolist() == [15] * (len(ROWS) // 3) + [10]
    assert counts.row_count == 5 * len(ROWS)
    assert seen[-1][:2] == ("match keys", 5 * len(ROWS))


def test_a_part_that_cannot_be_counted_is_named(source, tmp_path):
    parts = tmp_path / "parts"
    parts.mkdir()
    for number in range(3):
        shutil.copy(source, parts / f"{number}{source.suffix}")
    spoilt = parts / f"1{source.suffix}"
    spoilt.write_bytes(spoilt.read_bytes()[:-20] + b"PAR1")
    with (
        ThreadPoolExecutor(2) as executor,
        first_pass(open_table(parts), executor) as survey,
        pytest.raises(InputError, match=spoilt.name),
    ):
        survey.counts("key", ADDED)


def test_a_source_that_grows_while_it_is_read_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(json_blocks, "BLOCK_BYTES", 64)
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(f'{{"key": "clip_{number}"}}\n' for number in range(100)))

    def grow(step, done, total):
        if done < 2 * 100:
            with source.open("a") as file:
                file.write('{"key": "late"}\n')

    with first_pass(open_table(source)) as survey:
        survey.counts("key", ADDED, progress=grow)
        with pytest.raises(InputError, match="changed while it was read"):
            attach(source, out, "key", Lookup(), first_pass=survey)
    assert not out.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs limits of the system")
@pytest.mark.parametrize("room", [1, 10, 5000, 20_000])
def test_notes_that_find_no_room_are_given_up(tmp_path, room):
    (tmp_path / "in.jsonl").write_text(
        "".join(f'{{"key": "clip_{number}"}}\n' for number in range(5000))
    )
    script = f"""
import resource
from labeljoin import open_table
from labeljoin.engine import first_pass
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))
with first_pass(open_table("in.jsonl")) as survey:
    print(survey.counts("key").row_count)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("5000\n", "")


def test_digests_are_given_where_they_are_asked_for(source):
    out = source.with_stem("out")
    with first_pass(open_table(source)) as survey:
        counted(survey)
        report = attach(source, out, "key", Lookup(), first_pass=survey, digests=False)
    assert report.parts[0].source_digest is None
    assert report.parts[0].digest is None
