"""A small command that is made as moskit's are: its runs are real runs of a real command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SAMPLEJOIN = '''
"""Appends the labels to the features; writes through provenance like any moskit command."""
import os, sys, time
from pathlib import Path
from typing import Annotated

import typer

from provenance import hash_file, start_run
from provenance.record import Digest, short_record_bytes
from provenance.toolkit import VerdictError
from provenance.toolkit import CommandLine, Output

cli = CommandLine("samplejoin", "Join samples.")


def materialize(features, labels, out, audit_json=None, in_place=False, fail=False, note=None,
                salt=False):
    args = {
        "features": str(features), "labels": [str(x) for x in labels], "out": str(out),
        "audit_json": None if audit_json is None else str(audit_json), "in_place": in_place,
        "fail": fail, "note": note, "salt": salt,
    }
    paths = [Path(str(x).partition("=")[2] or str(x)) for x in labels]
    audit = Path(audit_json) if audit_json else Path(f"{out}.audit.json")
    with start_run(
        "samplejoin join", distribution="samplejoin", module="samplejoin", in_place=in_place,
        inputs={"features": features, "labels": paths, "profile": None}, args=args,
    ) as run:
        staged = run.stage("out", out, kind="feature-table")
        data = Path(features).read_bytes()
        pause = os.environ.get("SAMPLEJOIN_PAUSE")
        with open(staged, "wb") as stream:
            stream.write(data)
            if pause:
                stream.flush()
                print("writing", flush=True)
                time.sleep(float(pause))
            for label, path in zip(labels, paths):
                stream.write(f"[{label}]".encode("utf-8", "surrogateescape") + path.read_bytes())
            if salt:
                stream.write(os.urandom(8))
            short = run.short_record(args={"note": note})
            stream.write(b"\\n#record " + short_record_bytes(short) + b"\\n")
        staged.claim_prefix(input="features", path=features, size=len(data))
        if fail:
            run.withdraw("out")
        run.record(audit, {"schema": "samplejoin-v1", "status": "failed" if fail else "ok"},
                   kind="audit")
    if fail:
        raise VerdictError("Too few labels", document=run.document)
    return run.document


@cli.command(example="samplejoin join --features a --labels b --out c")
def join(
    output: Output,
    features: Annotated[Path, typer.Option()],
    labels: Annotated[list[str], typer.Option()],
    out: Annotated[Path, typer.Option()],
    audit_json: Annotated[Path | None, typer.Option()] = None,
    in_place: Annotated[bool, typer.Option("--in-place")] = False,
    fail: Annotated[bool, typer.Option("--fail")] = False,
    note: Annotated[str | None, typer.Option()] = None,
    salt: Annotated[bool, typer.Option("--salt")] = False,
    api_token: Annotated[str | None, typer.Option()] = None,
) -> None:
    """Join."""
    output.result(materialize(features, labels, out, audit_json, in_place, fail, note, salt))


@cli.command(example="samplejoin batch --manifest m --out-report r")
def batch(
    output: Output,
    manifest: Annotated[Path, typer.Option()],
    out_report: Annotated[Path, typer.Option()],
) -> None:
    """Join several tables: a line of the manifest is features, labels and out, from its folder."""
    args = {"manifest": str(manifest), "out_report": str(out_report)}
    with start_run("samplejoin batch", distribution="samplejoin", module="samplejoin",
                   inputs={"manifest": manifest}, args=args) as run:
        tables = [line.split() for line in manifest.read_text().splitlines()]
        for features, labels, out in tables:
            base = manifest.parent
            materialize(base / features, [base / labels], base / out)
        run.describe("audits", [manifest.parent / f"{t[2]}.audit.json" for t in tables],
                     kind="audit")
        run.record(out_report, {"schema": "samplejoin-batch-v1"}, kind="report")
    output.result(run.document)


@cli.command(example="samplejoin crash")
def crash(output: Output, api_token: Annotated[str | None, typer.Option()] = None) -> None:
    """Have a bug."""
    raise ZeroDivisionError("a bug")


def main():
    cli.run()


def read_embedded(path):
    for line in path.read_bytes().splitlines():
        if line.startswith(b"#record "):
            return line.removeprefix(b"#record ")
    return None


def largest_difference(one, other):
    return float(abs(len(one.read_bytes()) - len(other.read_bytes())))
'''

ENTRY_POINTS = """
[console_scripts]
samplejoin = samplejoin:main

[provenance.embedded]
tbl = samplejoin:read_embedded

[provenance.differences]
tbl = samplejoin:largest_difference
"""

Runner = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session", autouse=True)
def samplejoin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the command ``samplejoin`` for this process and its children; return its folder."""
    site = tmp_path_factory.mktemp("site")
    (site / "samplejoin.py").write_text(SAMPLEJOIN)
    info = site / "samplejoin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: samplejoin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    sys.path.insert(0, os.fspath(site))
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, (os.fspath(site), os.environ.get("PYTHONPATH")))
    )
    return site


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the test: a feature table and a label file lie in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "features.tbl").write_bytes(b"clip,v\n1,2\n")
    (tmp_path / "labels.csv").write_bytes(b"clip,mos\n1,4\n")
    return tmp_path


def command(module: str, *args: str | os.PathLike[str], **options: object) -> list[str]:
    """The command line that runs a command in this interpreter."""
    start = f"import sys; sys.argv[0] = {module!r}; from {module} import main; main()"
    return [sys.executable, "-c", start, *(os.fspath(arg) for arg in args)]


def _run(module: str, *args: str | os.PathLike[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(module, *args),
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
    )


@pytest.fixture
def join() -> Runner:
    """Run ``samplejoin join`` as a process."""
    return lambda *args: _run("samplejoin", "join", *args)


@pytest.fixture
def provenance() -> Runner:
    """Run the ``provenance`` command as a process."""
    return lambda *args: _run("provenance.cli.app", *args)
