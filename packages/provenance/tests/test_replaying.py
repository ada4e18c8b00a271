"""Replay: the recorded command runs again in a scratch folder and makes the same bytes, or not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from provenance import load_record, trace, verify
from provenance import replay as replay_file
from provenance.toolkit import InputError, VerdictError


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def replay(file, *, roots=(), **options):
    """Replay a command that is not moskit's, with inputs beside the current folder."""
    return replay_file(file, roots=[Path.cwd().parent, *roots], allow_script=True, **options)


@pytest.fixture
def again(provenance):
    """``provenance replay`` as a process, as ``replay`` here."""
    return lambda *args: provenance(
        "replay", *args, "--allow-script", "--root", os.fspath(Path.cwd().parent)
    )


@pytest.fixture
def work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder lies beside the data, as in many projects."""
    (folder / "data").mkdir()
    for name in ("features.tbl", "labels.csv"):
        shutil.move(folder / name, folder / "data" / name)
    (folder / "work").mkdir()
    monkeypatch.chdir(folder / "work")
    return folder / "work"


RELATIVE = ["--features", "../data/features.tbl", "--labels", "../data/labels.csv"]


@pytest.mark.parametrize(
    "args",
    [
        [*RELATIVE, "--out", "out.tbl"],
        ["--features=../data/features.tbl", "--labels=../data/labels.csv", "--out=sub/out.tbl"],
        [*RELATIVE, "--out", "../results/out.tbl", "--audit-json", "audits/a.json"],
        [
            "--features",
            "../data/features.tbl",
            "--labels",
            "mine=../data/labels.csv",
            "--labels",
            "../data/../data/labels.csv",
            "--out",
            "./out.tbl",
        ],
        [
            "--features",
            "{folder}/data/features.tbl",
            "--labels",
            "{folder}/data/labels.csv",
            "--out",
            "{folder}/work/out.tbl",
        ],
        [
            "--features",
            "{folder}/data/features.tbl",
            "--labels",
            "../data/labels.csv",
            "--out",
            "{folder}/out.tbl",
            "--audit-json",
            "a.json",
        ],
    ],
)
def test_command_makes_the_same_bytes_and_touches_nothing(work, folder, join, again, args):
    args = [arg.format(folder=folder) for arg in args]
    assert join(*args).returncode == 0
    (record,) = folder.rglob("*.json")
    before = tree(folder)
    done = again(str(record), "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["identical"] is True
    assert document["rebuilt_from_args"] is False
    assert [output["status"] for output in document["outputs"]] == ["same"]
    assert tree(folder) == before


def test_library_call_is_replayed_from_its_options(work, folder):
    import samplejoin

    samplejoin.materialize("../data/features.tbl", ["a=../data/labels.csv"], "out.tbl", note="x y")
    assert load_record("out.tbl").block["argv"] == []
    outcome = replay("out.tbl")
    assert outcome.ok
    assert outcome.rebuilt


def test_changed_or_missing_input_is_refused(work, folder, join, again):
    assert join(*RELATIVE, "--out", "out.tbl").returncode == 0
    (folder / "data/labels.csv").write_bytes(b"clip,mos\n1,5\n")
    done = again("out.tbl")
    assert done.returncode == 1
    assert "The input labels has changed" in done.stderr
    (folder / "data/labels.csv").unlink()
    done = again("out.tbl")
    assert done.returncode == 1
    assert "The input labels is missing" in done.stderr


def test_moved_input_is_found_under_a_root(work, folder, join, tmp_path_factory):
    assert join(*RELATIVE, "--out", "out.tbl").returncode == 0
    away = tmp_path_factory.mktemp("away")
    shutil.move(folder / "data/labels.csv", away / "renamed.csv")
    assert replay("out.tbl", roots=[away]).ok


def test_moved_input_that_was_typed_as_an_absolute_path(work, folder, join, tmp_path_factory):
    features = str(folder / "data/features.tbl")
    assert join("--features", features, *RELATIVE[2:], "--out", "out.tbl").returncode == 0
    away = tmp_path_factory.mktemp("away")
    shutil.move(features, away / "renamed.tbl")
    assert replay("out.tbl", roots=[away]).ok


def test_difference_is_reported(work, join, again):
    assert join(*RELATIVE, "--out", "out.tbl", "--salt").returncode == 0
    done = again("out.tbl", "--json")
    assert done.returncode == 1
    (output,) = json.loads(done.stdout)["outputs"]
    assert output["status"] == "different"
    assert output["recorded_sha256"] != output["replayed_sha256"]
    assert output["largest_difference"] == 0.0  # the sample reader compares sizes
    assert "made other bytes" in done.stderr


def test_failed_run_replays_to_the_same_failure(work, join):
    assert join(*RELATIVE, "--out", "out.tbl", "--fail").returncode == 1
    outcome = replay("out.tbl.audit.json")
    assert outcome.ok
    assert outcome.outputs[0].recorded is None


def test_run_in_place_needs_the_bytes_that_it_replaced(work, folder, join):
    original = (folder / "data/features.tbl").read_bytes()
    args = [*RELATIVE, "--out", "../data/features.tbl", "--in-place"]
    assert join(*args).returncode == 0
    after = tree(folder)
    with pytest.raises(VerdictError, match="features has changed"):
        replay("../data/features.tbl")
    (folder / "backup").mkdir()
    (folder / "backup/features.tbl").write_bytes(original)
    outcome = replay("../data/features.tbl", roots=[folder / "backup"])
    assert outcome.ok
    assert {name: data for name, data in tree(folder).items() if "backup" not in name} == after


def test_path_that_leads_out_of_the_scratch_folder_is_refused(work, folder, join):
    above_the_root = "../" * 40 + os.fspath(folder).lstrip("/")
    args = ("--features", f"{above_the_root}/data/features.tbl", "--labels", "../data/labels.csv")
    assert join(*args, "--out", "out.tbl").returncode == 0
    with pytest.raises(InputError, match=r"leads out of any folder\. Run it by hand"):
        replay("out.tbl")


def test_redacted_secret_cannot_be_replayed(work, join, again):
    assert join(*RELATIVE, "--out", "out.tbl", "--api-token", "hunter2").returncode == 0
    done = again("out.tbl")
    assert done.returncode == 2
    assert "A secret was left out" in done.stderr
    assert done.stderr.count("\n") == 1


def test_changed_record_is_refused(work, join):
    assert join(*RELATIVE, "--out", "out.tbl").returncode == 0
    record = Path("out.tbl.audit.json")
    record.write_bytes(record.read_bytes().replace(b'"fail": false', b'"fail": true'))
    with pytest.raises(VerdictError, match=r"not what was written: .*\. Restore it from a copy"):
        replay(record)


def test_command_that_is_not_installed(folder):
    from provenance import start_run

    with start_run("othertool run", distribution="moskit-other", inputs={}, argv=["run"]) as run:
        Path(run.stage("out", "out.tbl")).write_bytes(b"x")
    with pytest.raises(InputError, match="othertool is not installed"):
        replay("out.tbl")


def test_command_that_refuses_its_arguments(work, join, again):
    import samplejoin

    samplejoin.materialize("../data/features.tbl", ["../data/labels.csv"], "out.tbl")
    record = json.loads(Path("out.tbl.audit.json").read_bytes())
    record["run_provenance"]["args"]["no_such_option"] = 3
    from provenance.toolkit import content_digest, document_bytes

    record["content_sha256"] = content_digest(record)
    Path("out.tbl.audit.json").write_bytes(document_bytes(record))
    done = again("out.tbl")
    assert done.returncode == 2
    assert "The record is of a library call" in done.stderr
    assert "no-such-option" in done.stderr


@pytest.mark.parametrize("base", ["../data", "{folder}/data"])
def test_batch_is_replayed_with_the_tables_that_it_joins(work, folder, base):
    base = base.format(folder=folder)
    lines = ["features.tbl labels.csv one.tbl", "one.tbl labels.csv sub/two.tbl"]
    (folder / "data/manifest.txt").write_text("\n".join(lines))
    start = [sys.executable, "-c", "import samplejoin; samplejoin.main()"]
    args = ["batch", "--manifest", f"{base}/manifest.txt", "--out-report", "report.json"]
    subprocess.run([*start, *args], check=True)
    before = tree(folder)
    outcome = replay("report.json")
    assert [item.status for item in outcome.outputs] == ["same", "same"]
    assert tree(folder) == before
    assert verify("report.json").ok
    assert {run.entrypoint for run in trace("report.json").runs.values()} == {"samplejoin batch"}


def test_directory_inputs_and_outputs(work, folder, again, samplejoin):
    script = """
import sys
from pathlib import Path
from provenance import start_run
source, out = sys.argv[1:]
with start_run("merge.py", inputs={"source": source}, args={"source": source, "out": out},
               argv=sys.argv[1:]) as run:
    made = run.stage("out", out, directory=True)
    for path in sorted(Path(source).rglob("*.tbl")):
        Path(made, path.name).write_bytes(path.read_bytes() + b"!")
"""
    (work / "merge.py").write_text(script)
    (folder / "data/sub").mkdir()
    (folder / "data/sub/b.tbl").write_bytes(b"b")
    subprocess.run([sys.executable, "merge.py", "../data", "made"], check=True)
    before = tree(folder)
    done = again("made")
    assert done.returncode == 0, done.stderr
    assert tree(folder) == before
    (work / "merge.py").write_text(script + "\n")
    done = again("made")
    assert done.returncode == 1
    assert "The script that ran has changed" in done.stderr
    (work / "merge.py").unlink()
    done = again("made")
    assert done.returncode == 2
    assert "The script that ran is not there. Restore it." in done.stderr


def test_kept_replay_stays_for_a_look(work, folder, join, tmp_path_factory):
    assert join(*RELATIVE, "--out", "out.tbl").returncode == 0
    kept = tmp_path_factory.mktemp("kept") / "replay"
    outcome = replay("out.tbl", keep=kept)
    assert outcome.folder == kept
    (made,) = kept.rglob("out.tbl")
    assert made.read_bytes() == Path("out.tbl").read_bytes()
    with pytest.raises(InputError, match=r"there already\. Choose a new folder"):
        replay("out.tbl", keep=kept)


@pytest.mark.parametrize("name", ["with blank.tbl", "new\nline.tbl", b"caf\xe9.tbl"])
def test_odd_names(work, folder, join, name):
    name = os.fsdecode(name)
    shutil.move(folder / "data/features.tbl", folder / "data" / name)
    args = ["--features", f"../data/{name}", *RELATIVE[2:], "--out", f"out-{name}"]
    assert join(*args).returncode == 0
    assert replay(f"out-{name}").ok


def test_cuda_run_reports_the_largest_difference(folder, join):
    import samplejoin
    from provenance.toolkit import content_digest, document_bytes

    samplejoin.materialize("features.tbl", ["labels.csv"], "out.tbl", salt=True)
    record = json.loads(Path("out.tbl.audit.json").read_bytes())
    record["run_provenance"]["argv"] = [
        "join",
        "--features",
        "features.tbl",
        "--labels",
        "labels.csv",
        "--out",
        "out.tbl",
        "--salt",
    ]
    record["run_provenance"]["args"]["device"] = "cuda"
    record["content_sha256"] = content_digest(record)
    Path("out.tbl.audit.json").write_bytes(document_bytes(record))
    outcome = replay("out.tbl")
    assert outcome.ok
    assert outcome.outputs[0].status == "close"
    assert outcome.outputs[0].largest_difference is not None
