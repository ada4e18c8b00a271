"""No command writes an output over an input or over another output."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import labeljoin
import pytest
import secondopinion
from provenance.toolkit import InputError
from workspace import run_command

SCORES = "clip_path,score\nc1,3\nc2,4\n"
RUN_BATCH = {"labeljoin": labeljoin.run_batch, "secondopinion": secondopinion.run_batch}
TABLES = {
    "labeljoin": {"features": "f.csv", "labels": ["l.csv"]},
    "secondopinion": {"features": "f.csv", "scores": ["niqe=s.csv"], "direction": ["niqe=lower"]},
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    files = {
        "f.csv": "clip_path,f\nc1,1\nc2,2\n",
        "g.csv": "clip_path,f\nc1,1\nc2,2\n",
        "l.csv": "clip_path,mos\nc1,1.5\nc2,4.5\n",
        "s.csv": SCORES,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/p.csv").symlink_to("../g.csv")
    (tmp_path / "soft.csv").symlink_to("f.csv")
    os.link(tmp_path / "f.csv", tmp_path / "hard.csv")
    return tmp_path


def tree(folder: Path) -> dict[str, bytes]:
    return {
        os.fspath(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def refused(folder: Path, *words: str, says: tuple[str, ...] = ()) -> None:
    before = tree(folder)
    done = run_command(*words, cwd=folder, expect=2)
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    for text in says:
        assert text in done.stderr
    assert tree(folder) == before


def batch_refused(
    command: str, *says: str, report_json: str | None = None, report_md: str | None = None
) -> None:
    before = tree(Path())
    with pytest.raises(InputError) as caught:
        RUN_BATCH[command]("m.json", report_json=report_json, report_md=report_md)
    for text in says:
        assert text in str(caught.value)
    assert tree(Path()) == before


def write_manifest(folder: Path, *tables: dict[str, Any]) -> None:
    document = json.dumps({"tables": list(tables)})
    (folder / "m.json").write_text(document, encoding="utf-8")


@pytest.mark.parametrize("command", TABLES)
@pytest.mark.parametrize("flag", ["report_json", "report_md"])
@pytest.mark.parametrize(
    "place", ["f.csv", "./f.csv", "soft.csv", "hard.csv", "INPUT", "m.json", "bo.csv", "AUDIT"]
)
def test_batch_reports_replace_nothing(here: Path, command: str, flag: str, place: str) -> None:
    write_manifest(here, {"id": "i", **TABLES[command], "out": "bo.csv"})
    names = {"INPUT": "l.csv" if command == "labeljoin" else "s.csv", "AUDIT": "bo.csv.audit.json"}
    target = names.get(place, place)
    says = (f"--{flag.replace('_', '-')}", target.removeprefix("./"))
    reports = {flag: target}
    batch_refused(
        command,
        *says,
        report_json=reports.get("report_json"),
        report_md=reports.get("report_md"),
    )


@pytest.mark.parametrize("command", TABLES)
def test_batch_reports_are_two_files(here: Path, command: str) -> None:
    write_manifest(here, {"id": "i", **TABLES[command], "out": "bo.csv"})
    batch_refused(command, "--report-json", "--report-md", report_md="r", report_json="./r")
    words = (command, "batch", "--manifest", "m.json", "--report-json", "f.csv")
    refused(here, *words, says=("--report-json", "f.csv", "the feature table of table 'i'"))


@pytest.mark.parametrize("command", TABLES)
@pytest.mark.parametrize("member", ["out", "audit_json"])
@pytest.mark.parametrize(
    "place", ["f.csv", "soft.csv", "hard.csv", "m.json", "g.csv", "parts/new.csv", "INPUT"]
)
def test_batch_tables_replace_nothing(here: Path, command: str, member: str, place: str) -> None:
    target = ("l.csv" if command == "labeljoin" else "s.csv") if place == "INPUT" else place
    other = {"id": "j", **TABLES[command], "features": "parts", "out": "made"}
    table = {"id": "i", **TABLES[command], "out": "bo.csv", member: target}
    write_manifest(here, table, other)
    batch_refused(command, "'i'")
    write_manifest(here, {**table, "in_place": True}, other)
    if member == "out" and target in ("f.csv", "soft.csv", "hard.csv"):
        assert RUN_BATCH[command]("m.json")["status"] == "ok"
    else:
        batch_refused(command, "'i'")


def test_join_in_place_replaces_its_features_alone(here: Path) -> None:
    words: tuple[str, ...] = (
        "labeljoin",
        "join",
        "--features",
        "f.csv",
        "--labels",
        "l.csv",
        "--in-place",
    )
    refused(here, *words, "--out", "l.csv", says=("--out", "--labels"))
    refused(here, *words, "--out", "f.csv", "--audit-json", "l.csv", says=("--audit-json",))
    words = ("secondopinion", "join", "--features", "f.csv", "--scores", "niqe=s.csv")
    refused(here, *words, "--in-place", "--out", "s.csv", says=("--out", "--scores"))


def test_a_failed_join_keeps_its_audit_apart_from_its_table(here: Path) -> None:
    (here / "few.csv").write_text("clip_path,mos\nc1,1.5\nx,4.5\n", encoding="utf-8")
    (here / "out.csv").write_text("kept\n", encoding="utf-8")
    words = ("labeljoin", "join", "--features", "f.csv", "--labels", "few.csv")
    refused(here, *words, "--out", "out.csv", "--audit-json", "out.csv", says=("--audit-json",))


@pytest.mark.parametrize("flag", ["--out-json", "--out-md", "--out-html"])
def test_signal_reports_replace_nothing(here: Path, flag: str) -> None:
    words = ("signalaudit", "report", "--input", "l=l.csv", "--out-json", "r.json", flag)
    refused(here, *words, "l.csv", says=(flag, "l.csv"))
    if flag != "--out-json":
        refused(here, *words, "r.json", says=("--out-json", flag))


def test_exports_replace_nothing_of_the_record(here: Path) -> None:
    words: tuple[str, ...] = (
        "--features",
        "f.csv",
        "--labels",
        "l.csv",
        "--out",
        "out.csv",
        "--quiet",
    )
    run_command("labeljoin", "join", *words, cwd=here)
    for target in ("out.csv", "out.csv.audit.json", "l.csv", "hard.csv"):
        words = ("out.csv", "--format", "in-toto", "--out", target)
        refused(here, "provenance", "export", *words, says=("--out", target))
