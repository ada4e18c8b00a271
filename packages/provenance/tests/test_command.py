"""The command line: exit codes, where text goes, one sentence for every failure."""

from __future__ import annotations

import json
import os
import pickle
import pty
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from jsonschema import Draft202012Validator
from provenance import MoskitError, replay, start_run, trace, verify
from provenance.record import EMBEDDED_KEY
from provenance.toolkit import CommandLine, Facts, InputError, Output, OutputError, VerdictError
from referencing import Registry, Resource
from rich.console import Group
from rich.padding import Padding
from rich.table import Column, Table
from typer.testing import CliRunner

SCHEMAS = Path(__file__).parents[3] / "docs/schemas"


def validator(name: str) -> Draft202012Validator:
    if not SCHEMAS.is_dir():
        pytest.skip("the schemas are not part of the distribution")
    resources = [
        (path.name, Resource.from_contents(json.loads(path.read_bytes())))
        for path in SCHEMAS.glob("*.json")
    ]
    schema = json.loads((SCHEMAS / f"{name}.json").read_bytes())
    return Draft202012Validator(schema, registry=Registry().with_resources(resources))


@pytest.fixture
def joined(folder: Path) -> Path:
    import samplejoin

    samplejoin.materialize("features.tbl", ["labels.csv"], "out.tbl")
    return folder / "out.tbl"


def test_help_loads_no_more_than_it_needs():
    script = (
        "import sys; import provenance.cli.app; "
        "heavy = {'orjson', 'rfc8785', 'filelock', 'pandas', 'pyarrow', "
        "'provenance.record.record', 'provenance.run.run', 'provenance.cli.rendering'}; "
        "print(heavy & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("args", [["--version"], ["show", "--version"], ["verify", "--version"]])
def test_version(provenance, args):
    done = provenance(*args)
    assert done.returncode == 0
    assert done.stdout.startswith("moskit-provenance ")


@pytest.mark.parametrize("name", ["show", "verify", "trace", "replay", "export", "sign", "clean"])
def test_help_has_an_example(provenance, name):
    done = provenance(name, "--help")
    assert done.returncode == 0
    assert f"Example: provenance {name} " in done.stdout


@pytest.mark.parametrize(
    "args",
    [
        ["show", "nothing.tbl"],
        ["verify", "nothing.tbl"],
        ["trace", "nothing.tbl"],
        ["replay", "nothing.tbl"],
        ["export", "nothing.tbl", "--format", "in-toto"],
        ["show", "labels.csv"],
        ["verify", "."],
        ["export", "out.tbl", "--format", "openlineage", "--event-time", "noon"],
    ],
)
def test_unusable_input_ends_with_2_and_one_sentence(joined, provenance, args):
    done = provenance(*args)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_error_is_a_document_under_json(joined, provenance):
    document = json.loads(provenance("show", "nothing.tbl", "--json").stdout)
    assert document["exit_code"] == 2
    assert document["error"]["what"] == "There is no such file"
    assert document["error"]["where"] == "nothing.tbl"


@pytest.mark.parametrize("command", ["show", "verify", "replay"])
def test_text_for_people_goes_to_standard_error(joined, provenance, command):
    allowed = ["--allow-script"] if command == "replay" else []
    done = provenance(command, "out.tbl", *allowed)
    assert done.returncode == 0
    assert done.stdout == ""
    assert "out.tbl" in done.stderr
    quiet = provenance(command, "out.tbl", *allowed, "--quiet")
    # What a record has moskit run is shown in any case.
    shown = [line for line in quiet.stderr.splitlines() if not line.startswith("Runs: ")]
    assert (quiet.stdout, shown) == ("", [])


def test_json_is_one_object_on_standard_output(joined, provenance):
    for args in (
        ["show"],
        ["verify"],
        ["trace"],
        ["replay", "--allow-script"],
        ["export", "--format", "openlineage"],
    ):
        done = provenance(args[0], "out.tbl", *args[1:], "--json")
        assert isinstance(json.loads(done.stdout), dict)
        shown = [line for line in done.stderr.splitlines() if not line.startswith("Runs: ")]
        assert shown == []


def test_documents_follow_their_schemas(joined, folder):
    validator("provenance-verification-v1").validate(verify(joined).to_document())
    validator("provenance-trace-v1").validate(trace(joined).to_document())
    validator("provenance-replay-v1").validate(replay(joined, allow_script=True).to_document())
    record = json.loads(Path(f"{joined}.audit.json").read_bytes())
    validator("ai-run-provenance-v1").validate(record["run_provenance"])
    raw = joined.read_bytes().splitlines()[-1].removeprefix(b"#record ")
    validator("ai-run-provenance-short-v1").validate(json.loads(raw))
    odd = os.fsdecode(b"caf\xe9.tbl")
    (folder / "parts").mkdir()
    (folder / "parts" / odd).write_bytes(b"x")
    with start_run("job", inputs={"features": "parts"}, argv=[odd]) as run:
        Path(run.stage("out", odd)).write_bytes(b"y")
        Path(run.stage("made", "made", directory=True), odd).write_bytes(b"z")
        run.record("odd.json")
    validator("run-manifest-v1").validate(json.loads(Path("odd.json").read_bytes()))
    joined.write_bytes(b"changed")
    Path("labels.csv").unlink()
    validator("provenance-verification-v1").validate(verify(joined).to_document())
    validator("provenance-trace-v1").validate(trace(joined).to_document())


def test_reader_that_leaves_is_no_failure(joined):
    start = [sys.executable, "-c", "from provenance.cli.app import main; main()"]
    process = subprocess.Popen(
        [*start, "trace", "out.tbl", "--format", "html"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    with process.stderr as stderr:
        assert stderr.read() == b""
    assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("kind", [InputError, VerdictError, OutputError])
def test_errors_survive_a_process_border(kind):
    error = kind("The MOS is odd", where="labels.csv, row 7", fix="Fix it", document={"a": 1})
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert isinstance(again, MoskitError)
    assert str(again) == "labels.csv, row 7: The MOS is odd. Fix it."
    assert again.document == {"a": 1}


def test_error_about_an_odd_path_stays_one_line():
    error = InputError("The cell is \x1b[31m\r", where="new\nline.csv", fix="Fix\tit")
    assert str(error).isprintable()


def test_embedded_key_is_the_published_one():
    assert EMBEDDED_KEY == "moskit.run_provenance"


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Options that two commands would share."""

    note: Annotated[str, typer.Option("--note", help="What to say.")] = "none"
    tags: Annotated[list[str] | None, typer.Option("--tag", help="Repeatable.")] = None


@dataclass(frozen=True, kw_only=True)
class Own(Shared):
    """The same, with one of them otherwise."""

    note: Annotated[str, typer.Option("--note", help="What to say.")] = "own"


@pytest.mark.parametrize(("kind", "note"), [(Shared, "none"), (Own, "own")])
def test_a_dataclass_stands_for_options(kind, note):
    got = []

    def speak(output: Output, *, shared: Any, loud: bool = False) -> None:
        """Say it."""
        got.append((shared, loud))

    speak.__annotations__ |= {"output": Output, "shared": kind, "loud": bool}
    cli = CommandLine("moskit-provenance", "Speaks.")
    cli.command(example="x speak --tag a")(speak)
    cli.command(example="x hush", name="hush")(speak)
    for words in (["speak", "--tag", "a", "--tag", "b", "--loud"], ["speak", "--note", "x"]):
        assert CliRunner().invoke(cli.app, words).exit_code == 0
    assert got == [(kind(note=note, tags=["a", "b"]), True), (kind(note="x"), False)]


def test_no_word_is_broken_where_the_window_is_narrow(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    path = "/a/long/folder/with/a-name-of-more-than-forty-letters.parquet"
    table = Table("name", "what is to be said of it", Column("path", no_wrap=True), box=None)
    table.add_row("features", "several words, which may wrap", path)
    Output().show(
        Facts([("table", f"{path} was written"), ("rows", "ten words " * 5)]),
        Padding(Group(table), (1, 0, 0, 0)),
        "text as it is",
    )
    lines = [line.rstrip() for line in capsys.readouterr().err.splitlines()]
    blank = lines.index("")
    assert lines[:2] == [f"table  {path}", "       was written"]
    assert max(map(len, lines[2:blank])) <= 40
    words = " ".join(lines[blank:-1]).split()
    assert {path, "features", "several", "wrap"} <= set(words)
    assert len(lines[blank:]) > 4
    assert lines[-1] == "text as it is"


def test_a_record_is_shown_with_its_paths_whole(joined, provenance, monkeypatch):
    import samplejoin

    monkeypatch.setenv("COLUMNS", "30")
    samplejoin.materialize("features.tbl", ["labels.csv"], "a-very-long-name-of-a-table.tbl")
    done = provenance("show", "a-very-long-name-of-a-table.tbl")
    assert "a-very-long-name-of-a-table.tbl" in done.stderr.split()


def test_progress_is_shown_on_a_terminal_and_nowhere_else(joined: Path):
    ours, theirs = pty.openpty()
    main = "from provenance.cli.app import main; main()"
    command = [sys.executable, "-c", main, "verify", joined.name]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    done = subprocess.run(command, env=environment, stderr=theirs, stdout=theirs, check=False)
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # so the end of a terminal is told
        while piece := os.read(ours, 4096):
            shown += piece
    os.close(ours)
    assert done.returncode == 0
    assert b"\x1b[" in shown
    assert b"same" in shown
    assert b"\x1b" not in subprocess.run(command, capture_output=True, check=True).stderr
