"""Verification: any byte that changes, in any file of a run, is found and named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from provenance import load_record, replay, start_run, trace, verify
from provenance.checks.findings import FileFinding
from provenance.record.record import DamagedRecordError, UnfinishedRunError
from provenance.toolkit import InputError


@pytest.fixture
def joined(folder: Path) -> Path:
    import samplejoin

    samplejoin.materialize("features.tbl", ["labels.csv"], "out.tbl")
    return folder / "out.tbl"


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def statuses(outcome) -> dict[str, str]:
    return {finding.name: finding.status for record in outcome.records for finding in record.files}


def claims(outcome) -> dict[str, str]:
    return {claim.kind: claim.status for record in outcome.records for claim in record.claims}


def test_untouched_run_verifies(joined: Path, provenance):
    outcome = verify(joined)
    assert outcome.ok
    assert statuses(outcome) == {
        "record": "same",
        "features": "same",
        "labels": "same",
        "out": "same",
    }
    assert claims(outcome) == {"embedded": "same", "prefix": "same"}
    for name in ("out.tbl", "out.tbl.audit.json"):
        assert provenance("verify", name).returncode == 0


def test_every_flipped_byte_of_an_artefact_is_found(joined: Path, folder: Path):
    for name in ("out.tbl", "features.tbl", "labels.csv"):
        for position in range((folder / name).stat().st_size):
            flip(folder / name, position)
            outcome = verify(joined)
            assert not outcome.ok
            changed = [finding.path.name for finding in outcome.problems()]
            assert name in changed
            flip(folder / name, position)
    assert verify(joined).ok


def test_every_flipped_byte_of_a_record_is_found(joined: Path, folder: Path):
    """Structure, digits, names, blanks: all 8 bits of every byte would take long, one will do."""
    record = folder / "out.tbl.audit.json"
    for position in range(record.stat().st_size):
        flip(record, position)
        assert is_known_to_be_damaged(record), position
        if position % 8 == 0:  # what a reader is told, by either name
            assert not verify(record).ok, position
            assert not verify(joined).ok, position
        flip(record, position)
    assert verify(joined).ok


def is_known_to_be_damaged(record: Path) -> bool:
    try:
        return bool(load_record(record).faults)
    except DamagedRecordError:
        return True


@pytest.mark.parametrize(
    "edit",
    [
        lambda raw: raw + b"\n",
        lambda raw: raw.replace(b"  ", b"\t", 1),
        lambda raw: json.dumps(json.loads(raw)).encode(),
        lambda raw: raw.replace(b'"status": "ok"', b'"status": "okay"'),
        lambda raw: raw[:-20],
        lambda raw: b"",
        lambda raw: raw.replace(b"{", b'{"status": "ok",', 1),
    ],
)
def test_rewritten_record_is_found(joined: Path, folder: Path, provenance, edit):
    record = folder / "out.tbl.audit.json"
    record.write_bytes(edit(record.read_bytes()))
    done = provenance("verify", "out.tbl")
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: ")
    if record.stat().st_size:  # an empty file shows by no mark that it was a record
        assert not verify(record).ok


def test_command_names_the_file_and_both_digests(joined: Path, folder: Path, provenance):
    digest = load_record(joined).input_entries()[1].digest
    assert digest is not None
    was = digest.sha256
    flip(folder / "labels.csv", 0)
    done = provenance("verify", "out.tbl", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["status"] == "failed"
    (bad,) = [file for file in document["records"][0]["files"] if file["status"] != "same"]
    assert bad["name"] == "labels"
    assert bad["recorded_sha256"] == was
    assert bad["found_sha256"] != was
    assert "labels.csv" in done.stderr
    assert was in done.stderr
    assert done.stderr.count("\n") == 1


def test_missing_and_moved_files(joined: Path, folder: Path, tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    shutil.move(folder / "labels.csv", store / "renamed.csv")
    outcome = verify(joined)
    assert statuses(outcome)["labels"] == "missing"
    assert not outcome.ok
    outcome = verify(joined, roots=[store])
    assert outcome.ok
    (moved,) = [f for f in outcome.records[0].files if f.status == "moved"]
    assert moved.moved_to == store / "renamed.csv"


def test_moved_together_with_its_record(joined: Path, folder: Path, tmp_path_factory):
    away = tmp_path_factory.mktemp("away")
    for name in ("out.tbl", "out.tbl.audit.json", "features.tbl", "labels.csv"):
        shutil.move(folder / name, away / name)
    outcome = verify(away / "out.tbl")
    assert outcome.ok
    assert set(statuses(outcome).values()) == {"same"}


def test_renamed_output_is_found_by_its_digest(joined: Path, folder: Path):
    joined.rename(folder / "renamed.tbl")
    outcome = verify("renamed.tbl")
    assert outcome.ok
    assert statuses(outcome)["out"] == "moved"


def test_record_under_a_root(joined: Path, folder: Path):
    (folder / "records").mkdir()
    (folder / "elsewhere").mkdir()
    shutil.move(folder / "out.tbl.audit.json", folder / "records/a.json")
    shutil.copy(joined, folder / "elsewhere/copy.tbl")
    assert load_record("elsewhere/copy.tbl", roots=["records"]).path == folder / "records/a.json"
    with pytest.raises(UnfinishedRunError, match="its record is not there"):
        load_record("elsewhere/copy.tbl")
    with pytest.raises(InputError, match="No run record describes it"):
        load_record("features.tbl")


def test_output_without_its_record_is_an_unfinished_run(joined: Path, folder: Path, provenance):
    (folder / "out.tbl.audit.json").unlink()
    done = provenance("verify", "out.tbl")
    assert done.returncode == 1
    assert "did not finish" in done.stderr
    done = provenance("verify", "labels.csv")
    assert done.returncode == 2
    assert "No run record describes it" in done.stderr


def test_embedded_copy_that_disagrees_with_the_sidecar(joined: Path, folder: Path, join):
    """Someone swaps in a sidecar of a like run: the outputs' digests would have to be edited too,
    and what the artefact says of itself still does not fit."""
    record = folder / "out.tbl.audit.json"
    (folder / "labels.csv").write_bytes(b"clip,mos\n1,5\n")
    other = join("--features", "features.tbl", "--labels", "labels.csv", "--out", "other.tbl")
    assert other.returncode == 0
    with start_run(
        "samplejoin join",
        distribution="samplejoin",
        module="samplejoin",
        inputs={"features": "features.tbl", "labels": ["labels.csv"], "profile": None},
    ) as run:
        run.describe("out", "out.tbl")
        run.record(folder / "forged.json", {"schema": "samplejoin-v1"})
    record.unlink()
    outcome = verify(folder / "forged.json")
    assert statuses(outcome)["out"] == "same"
    assert claims(outcome) == {"embedded": "changed"}
    assert "labels" in (next(outcome.problems()).reason or "")


def test_prefix_claim_is_checked_against_the_input(folder: Path):
    with start_run("job", inputs={"features": "features.tbl"}) as run:
        out = run.stage("out", "out.tbl")
        Path(out).write_bytes(b"not the input's bytes at all")
        out.claim_prefix(input="features", path="features.tbl", size=11)
    outcome = verify("out.tbl")
    assert claims(outcome) == {"prefix": "changed"}
    assert not outcome.ok


def test_prefix_digest_makes_the_claim_checkable_without_the_input(folder: Path):
    import hashlib

    data = (folder / "features.tbl").read_bytes()
    with start_run("job", inputs={"features": "features.tbl"}) as run:
        out = run.stage("out", "out.tbl")
        Path(out).write_bytes(data + b"more")
        out.claim_prefix(
            input="features",
            path="features.tbl",
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )
    (folder / "features.tbl").unlink()
    assert claims(verify("out.tbl")) == {"prefix": "same"}


def test_changed_file_in_a_directory_is_named(folder: Path):
    (folder / "parts").mkdir()
    for name in ("a", "b"):
        (folder / "parts" / name).write_text(name)
    with start_run("job", inputs={"features": "parts"}) as run:
        Path(run.stage("out", "out.tbl")).write_bytes(b"made")
    (folder / "parts/b").write_text("B")
    (folder / "parts/c").write_text("c")
    problems = list(verify("out.tbl").problems())
    assert [finding.name for finding in problems] == ["features", "features[b]"]
    assert "c is new" in (problems[0].reason or "")


def test_upstream_runs_are_verified_on_demand(folder: Path):
    with start_run("first", inputs={"labels": "labels.csv"}) as run:
        Path(run.stage("out", "mid.tbl")).write_bytes(b"mid")
    with start_run("second", inputs={"features": "mid.tbl"}) as run:
        Path(run.stage("out", "end.tbl")).write_bytes(b"end")
    flip(folder / "labels.csv", 0)
    assert verify("end.tbl").ok
    outcome = verify("end.tbl", upstream=True)
    assert [finding.path.name for finding in outcome.problems()] == ["labels.csv"]


def test_upstream_runs_are_found_where_their_files_were_moved(folder: Path, tmp_path_factory):
    away = tmp_path_factory.mktemp("away")
    with start_run("first", inputs={"labels": "labels.csv"}) as run:
        Path(run.stage("out", "mid.tbl")).write_bytes(b"mid")
    with start_run("second", inputs={"features": "mid.tbl"}) as run:
        Path(run.stage("out", "end.tbl")).write_bytes(b"end")
    shutil.move("mid.tbl", away / "renamed.tbl")
    shutil.move("mid.tbl.audit.json", away / "record.json")
    outcome = verify("end.tbl", upstream=True, roots=[away, folder])
    assert outcome.ok
    assert [record.entrypoint for record in outcome.records] == ["second", "first"]


def test_lost_record_of_an_input_is_a_finding(folder: Path, join):
    done = join("--features", "features.tbl", "--labels", "labels.csv", "--out", "out.tbl")
    assert done.returncode == 0
    with start_run("second", inputs={"features": "out.tbl"}) as run:
        Path(run.stage("out", "end.tbl")).write_bytes(b"end")
    (folder / "out.tbl.audit.json").unlink()
    assert verify("end.tbl").ok
    (problem,) = verify("end.tbl", upstream=True).problems()
    assert isinstance(problem, FileFinding)
    assert (problem.side, problem.status) == ("record", "missing")


def test_card_that_quotes_a_record_is_no_record(folder: Path):
    with start_run("job", inputs={}) as run:
        Path(run.stage("out", "model.bin")).write_bytes(b"model")
        Path(run.stage("card", "card.md")).write_text(
            '# Card\n\n`run_provenance` has `"content_sha256": "..."`, "ai-run-provenance-v1".\n'
        )
        run.record("model.json")
    assert verify("card.md").ok


def test_damaged_record_is_its_own_error(joined: Path, folder: Path):
    record = folder / "out.tbl.audit.json"
    record.write_bytes(record.read_bytes()[:-30])
    with pytest.raises(DamagedRecordError):
        load_record(record)


def test_the_other_files_are_verified_when_one_is_missing(joined, provenance):
    done = provenance("verify", "nothing.tbl", "out.tbl", "labels.csv")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert any("output out" in line and line.split()[0] == "same" for line in lines)
    assert any(line.split()[:2] == ["unusable", "nothing.tbl"] for line in lines)
    assert any(line.split()[:2] == ["unusable", "labels.csv"] for line in lines)
    assert lines[-1] == "error: nothing.tbl: There is no such file. Check the path."
    printed = json.loads(provenance("verify", "nothing.tbl", "out.tbl", "--json").stdout)
    assert printed["status"] == "failed"
    assert printed["records"][0]["status"] == "ok"
    assert [error["code"] for error in printed["unusable"]] == ["file.missing"]
    assert (printed["error"]["code"], printed["exit_code"]) == ("file.missing", 2)


@pytest.mark.parametrize(
    "path", ["x" * 5000, "x/" * 3000, "n" * 300, "nul\0byte"], ids=["name", "path", "255", "nul"]
)
def test_a_record_with_an_impossible_path_spoils_nothing_beside_it(joined, path):
    document = json.loads(Path("out.tbl.audit.json").read_bytes())
    odd = {"path": path, "kind": "file", "sha256": "0" * 64, "bytes": 1}
    document["run_provenance"] |= {"inputs": {"odd": odd}, "outputs": {}, "argv": [], "args": {}}
    Path("forged.json").write_text(json.dumps(document))
    assert trace("out.tbl").ok
    assert not verify("forged.json").ok
    for use in (load_record, replay, trace):
        with pytest.raises(DamagedRecordError, match="a path"):
            use("forged.json")


def test_text_of_a_record_cannot_control_the_terminal(joined, provenance):
    record = Path("out.tbl.audit.json")
    document = json.loads(record.read_bytes())
    block = document["run_provenance"]
    block["argv"] = ["\x1b[2J", "\x1b]0;title\x07"]
    block["entrypoint"]["name"] = "join\x1b[31m"
    block["inputs"]["in\u202eput\x1b"] = block["inputs"].pop("features")
    document["schema"] = "\x1b[1m"
    record.write_text(json.dumps(document))
    for args in (["show"], ["verify"], ["trace"], ["trace", "--format", "html"]):
        done = provenance(args[0], "out.tbl", *args[1:])
        assert "\x1b" not in done.stdout + done.stderr
        assert "\u202e" not in done.stdout + done.stderr


def test_a_failed_verdict_names_its_error_beside_the_document(joined, provenance):
    joined.write_bytes(b"changed")
    printed = json.loads(provenance("verify", "out.tbl", "--json").stdout)
    assert printed["schema"] == "provenance-verification-v1"
    assert printed["error"]["code"] == "verify.failed"
    assert printed["exit_code"] == 1
