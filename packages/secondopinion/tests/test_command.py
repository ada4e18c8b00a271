"""The command, as a process: exit codes, output streams, and no half-made files."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from secondopinion.cli.app import cli
from secondopinion_outputs import CLIPS, dover_csv, pyiqa_csv, qalign_json, rows_jsonl

COMMAND = Path(sys.executable).with_name("secondopinion")


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command in this process: starting one for each case would take long."""

    def command(*arguments, cwd):
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", ["secondopinion", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.run()
        said = capsys.readouterr()
        return subprocess.CompletedProcess(
            arguments, int(ended.value.code or 0), said.out, said.err
        )

    return command


@pytest.fixture(autouse=True)
def signals():
    """The command installs a handler that outlives it."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_join(run, features, tmp_path):
    dover_csv(tmp_path / "dover.csv")
    pyiqa_csv(tmp_path / "n.csv")
    done = run(
        *("join", "--features", "features.parquet", "--scores", "dover.csv"),
        *("--scores", "niqe=n.csv", "--out", "out.parquet"),
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert "dover_aesthetic" in done.stderr
    names = pq.read_schema(tmp_path / "out.parquet").names
    assert "second_opinion_niqe_score" in names
    shown = run("join", "--help", cwd=tmp_path)
    assert "--score-key-regex" in shown.stdout


def test_a_process(features, tmp_path):
    qalign_json(tmp_path / "q.json")
    arguments: list[str] = [
        str(COMMAND),
        "join",
        "--features",
        "features.parquet",
        "--scores",
        "q.json",
    ]
    done = subprocess.run([*arguments, "--out", "o.parquet"], cwd=tmp_path, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"")
    done = subprocess.run([*arguments, "--out", "q.json"], cwd=tmp_path, capture_output=True)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)


def test_json_is_the_audit_and_nothing_else(run, features, tmp_path):
    rows_jsonl(tmp_path / "s.jsonl")
    done = run(
        *("join", "--features", "features.parquet", "--scores", "s.jsonl"),
        *("--out", "out.parquet", "--json", "--audit-json", "audit.json"),
        cwd=tmp_path,
    )
    assert done.stderr == ""
    assert json.loads(done.stdout) == json.loads((tmp_path / "audit.json").read_text())


def test_fail_exits_1_with_the_audit_alone(run, features, tmp_path):
    rows_jsonl(tmp_path / "s.jsonl", clips=CLIPS[:3])
    done = run(
        *("join", "--features", "features.parquet", "--scores", "s.jsonl"),
        *("--out", "out.parquet", "--missing", "fail"),
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert "musiq has no score for 2 rows of 5" in done.stderr
    assert sorted(path.name for path in tmp_path.glob("out*")) == ["out.parquet.audit.json"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scores", "nothing.csv"], "score file does not exist"),
        (["--scores", "n.csv"], "LABEL=n.csv"),
        (["--scores", "x=*.log"], "No file matches"),
        (["--scores", "q.json", "--format", "dover-csv"], "DOVER's header"),
        (["--scores", "q.json", "--format", "nonsense"], "score format 'nonsense' does not exist"),
        (["--scores", "q.json", "--direction", "musiq=higher"], "no file has its scores"),
        (["--scores", "q.json", "--score-range", "q_align"], "SCORER=LOW:HIGH"),
        (["--scores", "q.json", "--key-column", "clip"], "clip_path"),
        (["--scores", "q.json", "--score-key-regex", "("], "does not compile"),
        (["--scores", "cut.json"], "ends in the middle"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(run, features, tmp_path, arguments, words):
    pyiqa_csv(tmp_path / "n.csv")
    text = qalign_json(tmp_path / "q.json").read_text()
    (tmp_path / "cut.json").write_text(text[:-9])
    done = run("join", "--features", "features.parquet", *arguments, "--out", "o.parquet",
               cwd=tmp_path)  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert list(tmp_path.glob("o.parquet*")) == []


def test_inspect_writes_nothing(run, features, tmp_path):
    qalign_json(tmp_path / "q.json")
    before = sorted(tmp_path.iterdir())
    done = run("inspect", "--scores", "q.json", "--features", "features.parquet", cwd=tmp_path)
    assert done.returncode == 0
    assert "q_align" in done.stderr
    assert "0 to 1" in done.stderr
    assert sorted(tmp_path.iterdir()) == before
    done = run("inspect", "--scores", "q.json", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["scorers"][0]["slug"] == "q_align"


def test_batch(run, features, tmp_path):
    rows_jsonl(tmp_path / "s.jsonl")
    tables = [
        {"id": "one", "features": "features.parquet", "scores": ["s.jsonl"], "out": "o.parquet"}
    ]
    (tmp_path / "m.json").write_text(json.dumps({"tables": tables}))
    done = run("batch", "--manifest", "m.json", "--report-json", "r.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "r.json").read_text())["summary"]["ok_tables"] == 1
    tables.append({**tables[0], "id": "two", "scores": ["gone.jsonl"], "out": "p.parquet"})
    (tmp_path / "m.json").write_text(json.dumps({"tables": tables}))
    done = run("batch", "--manifest", "m.json", cwd=tmp_path)
    assert done.returncode == 1
    assert "two: gone.jsonl" in done.stderr


def test_names_that_look_like_markup_are_shown(run, features, tmp_path):
    rows_jsonl(tmp_path / "[bold]s.jsonl")
    done = run("inspect", "--scores", "[bold]s.jsonl", cwd=tmp_path)
    assert "[bold]s.jsonl" in done.stderr


def test_an_output_that_is_an_input_is_refused(run, features, tmp_path):
    rows_jsonl(tmp_path / "s.jsonl")
    before = features.read_bytes()
    arguments = ("join", "--features", "features.parquet", "--scores", "s.jsonl")
    for out in ("features.parquet", "s.jsonl"):
        done = run(*arguments, "--out", out, cwd=tmp_path)
        assert done.returncode == 2
    assert features.read_bytes() == before
    done = run(*arguments, "--out", "features.parquet", "--in-place", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif("MOSKIT_REALDATA" not in os.environ, reason="needs the real tables")
def test_konvid_1k_gains_six_scorers_in_one_command(run, tmp_path):
    data = Path(os.environ["MOSKIT_REALDATA"]) / "konvid1k"
    done = run(
        *("join", "--features", data / "features.parquet"),
        *("--scores", f"dover={data}/scores/dover.csv"),
        *("--scores", data / "scores/dover_branches.jsonl"),
        *("--scores", f"niqe={data}/scores/niqe.csv"),
        *("--out", "out.parquet", "--json"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    audit = json.loads(done.stdout)
    assert {each["slug"]: each["rows"]["ok"] for each in audit["scorers"]} == dict.fromkeys(
        (
            *("dover", "dover_aesthetic", "dover_technical"),
            *("dover_branch_aesthetic", "dover_branch_technical", "niqe"),
        ),
        1200,
    )
    assert audit["complete_rows"] == 1200
