"""A replay of a forged record runs only moskit's commands, and reads only declared files."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from provenance import hash_file
from provenance.toolkit import content_digest, document_bytes
from workspace import run_command


@pytest.fixture
def joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a labelled table and its record; a secret is outside it."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "f.csv").write_text("clip_path,f\nc1,1\nc2,2\n", encoding="utf-8")
    (folder / "l.csv").write_text("clip_path,mos\nc1,1.5\nc2,4.5\n", encoding="utf-8")
    (tmp_path / "secret.csv").write_text("clip_path,mos\nc1,1\nc2,5\n", encoding="utf-8")
    words = ("--features", "f.csv", "--labels", "l.csv", "--out", "out.csv")
    run_command("labeljoin", "join", *words, "--quiet", cwd=folder)
    return folder


def forge(folder: Path, **members: Any) -> Path:
    """Change members of the record's block, and update its digest."""
    path = folder / "out.csv.audit.json"
    document = json.loads(path.read_bytes())
    document["run_provenance"].update(members)
    document["content_sha256"] = content_digest(document)
    path.write_bytes(document_bytes(document))
    return path


def entry_of(path: str) -> dict[str, Any]:
    digest = hash_file(path)
    return {"path": path, "kind": "file", "sha256": digest.sha256, "bytes": digest.size}


def refused(folder: Path, *says: str, options: tuple[str, ...] = ()) -> str:
    done = run_command("provenance", "replay", "out.csv.audit.json", *options, cwd=folder, expect=2)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    for words in says:
        assert words in done.stderr
    return str(done.stderr)


@pytest.mark.parametrize(
    ("program", "argv"),
    [
        ("torchrun", ["--no-python", "--nproc-per-node=1", "/bin/sh", "-c", "touch {mark}"]),
        ("nox", ["-f", "evil.py"]),
        ("evil.py", []),
    ],
)
def test_other_programs_are_not_run(joined: Path, program: str, argv: list[str]) -> None:
    mark = joined / "mark"
    code = f"import pathlib; pathlib.Path({os.fspath(mark)!r}).touch()\n"
    (joined / "evil.py").write_text(code, encoding="utf-8")
    entry = {"path": program, "sha256": hash_file(joined / "evil.py").sha256}
    forge(joined, entrypoint=entry, argv=[word.format(mark=mark) for word in argv])
    refused(joined, program, "--allow-script")
    assert not mark.exists()


def test_allowed_script_is_shown_before_it_runs(joined: Path) -> None:
    (joined / "own.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    entry = {"path": "own.py", "sha256": hash_file(joined / "own.py").sha256}
    forge(joined, entrypoint=entry, argv=["--title", "a\x1b]0;b"])
    words = ("out.csv.audit.json", "--allow-script", "--quiet")
    done = run_command("provenance", "replay", *words, cwd=joined, expect=2)
    shown, complaint = done.stderr.splitlines()
    assert shown.startswith("Runs: ")
    assert shown.endswith(f"{joined}/own.py --title 'a\\x1b]0;b'")
    assert "exit code 3" in complaint


@pytest.mark.parametrize(
    ("entrypoint", "argv"),
    [
        ("provenance replay", ["replay", "out.csv.audit.json"]),
        ("labeljoin batch", ["join", "--features", "f.csv"]),
        ("labeljoin", ["join", "--features", "f.csv"]),
        ("labeljoin join", ["join", "--no-such-option"]),
        ("labeljoin join", ["join", "--help\0"]),
        (" ", ["join"]),
        ("labeljoin join", [["join"]]),
    ],
)
def test_command_lines_that_no_run_has(joined: Path, entrypoint: str, argv: Any) -> None:
    forge(joined, entrypoint={"name": entrypoint, "path": entrypoint}, argv=argv)
    refused(joined)


@pytest.mark.parametrize("exact", [{"x": "aa=="}, {"99": "aaaa"}, {"0": "?"}, {"0": 3}, []])
def test_arguments_that_cannot_be_decoded(joined: Path, exact: Any) -> None:
    forge(joined, argv_base64=exact or ["x"])
    refused(joined, "arguments")


def test_encoded_arguments_hold_no_nul(joined: Path) -> None:
    forge(joined, argv_base64={"1": base64.b64encode(b"--a\0b").decode()})
    refused(joined, "arguments")


@pytest.mark.parametrize("form", ["{}", "a={}", "--labels={}"])
def test_undeclared_inputs_are_not_read(joined: Path, form: str) -> None:
    secret = os.fspath(joined.parent / "secret.csv")
    given = form.format(secret)
    argv = ["join", "--features", "f.csv", "--labels", "l.csv", "--out", "out.csv"]
    argv += [given] if given.startswith("--") else ["--labels", given]
    forge(joined, argv=argv)
    refused(joined, secret, "does not declare", options=("--root", os.fspath(joined.parent)))
    climbing = "../" * 40 + secret.lstrip("/")
    forge(joined, argv=[*argv[:7], "--labels", climbing])
    refused(joined, "does not declare")


def test_a_record_without_a_list_of_arguments_is_damaged(joined: Path) -> None:
    forge(joined, argv="join")
    done = run_command("provenance", "replay", "out.csv.audit.json", cwd=joined, expect=1)
    assert "its argv are not what a record has there" in done.stderr


def test_a_record_in_a_folder_that_searches_pass_over_is_replayed(
    joined: Path, tmp_path: Path
) -> None:
    hidden = tmp_path / ".venv"
    joined.rename(hidden)
    run_command("provenance", "replay", "out.csv", cwd=hidden)


def test_scheduler_of_a_record_is_not_called(joined: Path) -> None:
    argv = json.loads((joined / "out.csv.audit.json").read_bytes())["run_provenance"]["argv"]
    forge(joined, argv=[*argv, "--scheduler", "tcp://127.0.0.1:9"])
    run_command("provenance", "replay", "out.csv", cwd=joined)


def test_inputs_outside_need_a_root_that_the_error_names(joined: Path) -> None:
    outside = os.fspath(joined.parent / "secret.csv")
    words = ("--features", "f.csv", "--labels", outside, "--out", "out.csv")
    run_command("labeljoin", "join", *words, "--quiet", cwd=joined)
    refused(joined, outside, f"--root {joined.parent}")
    run_command("provenance", "replay", "out.csv", "--root", joined.parent, cwd=joined)


def test_links_that_leave_the_folders_are_not_followed(joined: Path) -> None:
    (joined / "link.csv").symlink_to(joined.parent / "secret.csv")
    words = ("--features", "f.csv", "--labels", "link.csv", "--out", "out.csv")
    run_command("labeljoin", "join", *words, "--quiet", cwd=joined)
    refused(joined, "is a link to", f"--root {joined.parent}")


def test_devices_and_pipes_are_not_read(joined: Path) -> None:
    recorded = entry_of("f.csv")
    labels = entry_of("l.csv")
    os.mkfifo(joined / "pipe")
    for path, says in (("pipe", "a device or a pipe"), ("/dev/zero", "--root /dev")):
        forge(joined, inputs={"features": {**recorded, "path": path}, "labels": [labels]})
        refused(joined, says)
    done = run_command("provenance", "verify", "out.csv.audit.json", cwd=joined, expect=None)
    assert done.code in (1, 2)


def test_parts_that_climb_out_of_their_directory_are_not_laid_out(joined: Path) -> None:
    (joined / "parts").mkdir()
    (joined / "parts/a.csv").write_bytes((joined / "f.csv").read_bytes())
    words = ("--features", "parts", "--labels", "l.csv", "--out", "out", "--audit-json")
    run_command("labeljoin", "join", *words, "out.csv.audit.json", "--quiet", cwd=joined)
    inputs = json.loads((joined / "out.csv.audit.json").read_bytes())["run_provenance"]["inputs"]
    inputs["features"]["files"][0]["path"] = "../../escaped.csv"
    forge(joined, inputs=inputs)
    refused(joined, "outside of its directory")


def test_batch_reads_what_its_tables_declare(joined: Path) -> None:
    table = {"id": "t", "features": "f.csv", "labels": ["l.csv"], "out": "b.csv"}
    manifest = joined / "m.json"
    manifest.write_text(json.dumps({"tables": [table]}), encoding="utf-8")
    words = ("--manifest", "m.json", "--report-json", "out.csv.audit.json", "--quiet")
    run_command("labeljoin", "batch", *words, cwd=joined)
    run_command("provenance", "replay", "out.csv.audit.json", cwd=joined)
    table["labels"] = [os.fspath(joined.parent / "secret.csv")]
    manifest.write_text(json.dumps({"tables": [table]}), encoding="utf-8")
    forge(joined, inputs={"manifest": entry_of("m.json")})
    refused(joined, "left no record")
