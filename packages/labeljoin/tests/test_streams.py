"""`-` instead of a table and of the output."""

import gzip
import json
import subprocess
import sys

import labeljoin
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

COMMAND = [sys.executable, "-c", "from labeljoin.cli.app import main; main()"]
ROWS = "clip,vif\nv/a.mp4,0.5\nv/b.mp4,0.6\n"
LINES = '{"clip": "v/a.mp4", "vif": 0.5}\n{"clip": "v/b.mp4", "vif": 0.6}\n'


@pytest.fixture
def pipe(here):
    (here / "l.csv").write_text("clip,mos\na,3\nb,4\n")

    def run(words, text, code=0):
        raw = text if isinstance(text, bytes) else text.encode()
        done = subprocess.run(
            [*COMMAND, *words.split()], input=raw, capture_output=True, check=False
        )
        assert done.returncode == code, done.stderr.decode()
        return done

    return run


@pytest.mark.parametrize(("text", "suffix"), [(ROWS, "csv"), (LINES, "jsonl")])
def test_a_stream_becomes_what_a_file_becomes(pipe, here, text, suffix):
    (here / f"f.{suffix}").write_text(text)
    labeljoin.join_file(f"f.{suffix}", "l.csv", f"o.{suffix}")
    done = pipe("join - --labels l.csv -o - --audit-json a.json", text)
    assert done.stdout == (here / f"o.{suffix}").read_bytes()
    assert json.loads((here / "a.json").read_bytes())["match_rate"] == 1
    assert b"labelled" in done.stderr


def test_a_failed_join_writes_nothing_to_a_stream(pipe, here):
    done = pipe("join - --labels l.csv -o - --audit-json a.json", ROWS + "x,1\ny,1\n", code=1)
    assert done.stdout == b""
    assert json.loads((here / "a.json").read_bytes())["status"] == "failed"


def test_an_inspection_reads_a_stream(pipe):
    found = json.loads(pipe("inspect - --labels l.csv --json", ROWS).stdout)
    assert found["match_rate"] == 1


def test_what_does_not_stream_is_refused(pipe, here):
    pq.write_table(pa.table({"clip": ["a", "b"]}), here / "f.parquet")
    parquet = (here / "f.parquet").read_bytes()
    for text, words in ((parquet, "is parquet"), (gzip.compress(ROWS.encode()), "is gzip")):
        assert words in pipe("inspect - --labels l.csv", text, code=2).stderr.decode()
    told = pipe("join f.parquet --labels l.csv -o - --audit-json a.json", "", code=2).stderr
    assert b"parquet cannot be written to a stream" in told
    assert b"--audit-json" in pipe("join - --labels l.csv -o -", ROWS, code=2).stderr
    words = "join - --labels l.csv -o - --audit-json a.json --json"
    assert b"both want standard output" in pipe(words, ROWS, code=2).stderr
