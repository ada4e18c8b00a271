"""The grammar that all commands share: short flags, tables by position, configuration."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from provenance import start_run
from provenance.toolkit import CommandLine, Output
from rich.text import Text

Option = typer.Option


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Options that commands share."""

    key_column: Annotated[str | None, Option(help="The key.")] = None


def count(
    output: Output,
    *,
    tables: Annotated[list[str], Option("--table", metavar="PATH", help="Tables.")],
    labels: Annotated[list[str] | None, Option(metavar="PATH", help="Labels.")] = None,
    folds: Annotated[int, Option(help="Folds.")] = 5,
    fast: Annotated[bool, Option("--fast", help="Hurry.")] = False,
    out: Annotated[Path | None, Option("--out", help="The output.")] = None,
    shared: Shared,
) -> None:
    """Count."""
    with output.progress() as progress:
        progress("counting", 1, 1)
    if out is not None:
        with start_run("provenance count", inputs={"table": tables}, args={"folds": folds}) as run:
            Path(run.stage("out", out)).write_text(f"{folds}\n")
    document = {
        "tables": tables,
        "labels": labels,
        "folds": folds,
        "fast": fast,
        "key_column": shared.key_column,
        "out": None if out is None else str(out),
    }
    output.result(document, f"counted {len(tables)}")


def show(
    output: Output,
    *,
    table: Annotated[str, Option(metavar="PATH", help="The table.")],
    out_html: Annotated[Path | None, Option(help="A page.")] = None,
    out_json: Annotated[Path | None, Option(help="A document.")] = None,
) -> None:
    """Show."""
    output.result(
        {"table": table, "html": str(out_html), "json": str(out_json)}, Text("shown", "red")
    )


def main() -> None:
    line = CommandLine("moskit-provenance", "Try the grammar.")
    line.command(example="provenance count a.csv", table="tables")(count)
    line.command(
        example="provenance show a.csv",
        table="table",
        main_output={".html": "out_html", ".json": "out_json"},
    )(show)
    line.run()


PROGRAM = [sys.executable, __file__]


@dataclass
class Done:
    """What a command left."""

    stdout: str
    stderr: str


@pytest.fixture
def run(folder, monkeypatch, capfd):
    """Run the program in this process, which spares the start of another."""

    def call(*args, code=0, **environment):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["provenance", *args])
            patch.setattr(sys, "meta_path", list(sys.meta_path))
            patch.setattr(signal, "signal", lambda *_: None)
            for name, value in environment.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as left:
                main()
        done = Done(*capfd.readouterr())
        assert left.value.code == code, done.stderr
        return done

    return call


def document(done):
    return json.loads(done.stdout)


def test_one_table_by_position_or_by_flag(run):
    assert document(run("show", "a.csv", "--json")) == document(
        run("show", "--table", "a.csv", "--json")
    )
    told = run("show", "a.csv", "--table", "b.csv", code=2).stderr
    assert "--table is given, and a.csv by position too" in told
    assert run("show", code=2).stderr == (
        "error: Missing PATH: The table. Give it by position or with --table.\n"
    )


def test_several_tables_and_quoted_patterns(run, folder):
    for name in ("p1.csv", "p2.csv", "l1.csv", "l2.csv"):
        (folder / name).write_text("x")
    found = document(run("count", "p*.csv", "--table", "z.csv", "--labels", "l?.csv", "--json"))
    assert found["tables"] == ["p1.csv", "p2.csv", "z.csv"]
    assert found["labels"] == ["l1.csv", "l2.csv"]


def test_the_main_output_is_o(run):
    assert document(run("show", "a", "-o", "x.html", "--json"))["html"] == "x.html"
    assert document(run("show", "a", "-o", "x.json", "--json"))["json"] == "x.json"
    told = run("show", "a", "-o", "x.pdf", code=2).stderr
    assert "End its name in .html, .json" in told
    assert "both given" in run("show", "a", "-o", "x.html", "--out-html", "y.html", code=2).stderr


def test_h_q_and_v(run):
    for name in ("count", "show"):
        assert run(name, "-h").stdout == run(name, "--help").stdout
    assert "--install-completion" in run("-h").stdout
    quiet = run("count", "a.csv", "-q")
    assert (quiet.stdout, quiet.stderr) == ("", "")
    told = run("count", "a.csv", "-v").stderr
    assert "counted 1" in told
    assert "counting: " in told
    assert "all: " in told
    both = run("count", "a.csv", "-v", "--json")
    assert document(both)["folds"] == 5
    assert "counted 1" in both.stderr


def test_usage_errors_look_like_all_others(run):
    for args in (["coun"], ["count", "a", "--fold", "3"], ["count", "a", "--folds", "x"]):
        told = run(*args, code=2).stderr
        assert told.startswith("error: ")
        assert told.count("\n") == 1
        assert "?." not in told
    assert "'coun'. Did you mean 'count'? See" in run("coun", code=2).stderr


def test_typed_beats_the_environment_beats_the_file(run, folder):
    (folder / "moskit.toml").write_text(
        'key_column = "clip"\nunknown_to_this_command = 1\n'
        '[provenance]\nfolds = 2\n[provenance.count]\nfolds = 3\nlabels = ["a", "b"]\nfast = true\n'
    )
    found = document(run("count", "t", "--json"))
    assert (found["folds"], found["key_column"], found["fast"]) == (3, "clip", True)
    assert found["labels"] == ["a", "b"]
    assert document(run("count", "t", "--json", MOSKIT_FOLDS="4"))["folds"] == 4
    more = {"MOSKIT_FOLDS": "4", "MOSKIT_PROVENANCE_COUNT_FOLDS": "6"}
    assert document(run("count", "t", "--json", **more))["folds"] == 6
    assert document(run("count", "t", "--json", "--folds", "7", **more))["folds"] == 7
    assert document(run("count", "t", "--json", MOSKIT_CONFIG="none", **more))["folds"] == 5
    told = run("count", "t", "-v").stderr
    assert "--folds 3" in told
    assert "from moskit.toml [provenance.count]" in told


def test_the_file_may_be_pyproject_and_lie_above(run, folder, monkeypatch):
    (folder / "pyproject.toml").write_text(
        '[tool.moskit.provenance.count]\nfolds = 9\nout = "made.txt"\ntable = "t.csv"\n'
    )
    (folder / "t.csv").write_text("x")
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    found = document(run("count", "--json"))
    assert (found["folds"], found["tables"], found["out"]) == (9, ["../t.csv"], "../made.txt")
    Path("own.csv").write_text("x")
    assert document(run("count", "own.csv", "--json"))["tables"] == ["own.csv"]
    record = json.loads((folder / "made.txt.audit.json").read_bytes())["run_provenance"]
    assert record["argv"] == ["count", "--folds", "9", "--out", "../made.txt", "own.csv", "--json"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[provenance.count]\nfold = 3\n", ["[provenance.count]", "'fold'", "Did you mean folds"]),
        ('[provenance.count]\nfolds = "x"\n', ["moskit.toml [provenance.count]", "--folds"]),
        ("[provenance.count]\nfast = 3\n", ["moskit.toml [provenance.count]", "--fast"]),
        ("folds = \n", ["moskit.toml", "cannot be read", "MOSKIT_CONFIG=none"]),
    ],
)
def test_a_wrong_configuration_is_named(run, folder, text, words):
    (folder / "moskit.toml").write_text(text)
    told = run("count", "t", code=2).stderr
    assert told.count("\n") == 1
    for word in words:
        assert word in told


def test_configured_options_are_recorded_as_typed_and_replayed_without_the_file(run, folder):
    (folder / "t.csv").write_text("x")
    (folder / "moskit.toml").write_text("[provenance.count]\nfolds = 3\n")
    run("count", "t.csv", "-o", "made.txt")
    record = json.loads((folder / "made.txt.audit.json").read_bytes())["run_provenance"]
    assert record["argv"] == ["count", "--folds", "3", "t.csv", "-o", "made.txt"]


def test_the_shell_completes_commands_and_options(folder):
    def completed(words):
        environment = {
            **os.environ,
            "_PROVENANCE_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        }
        script = (
            "from provenance.cli.app import main; import sys; sys.argv[0] = 'provenance'; main()"
        )
        command = [sys.executable, "-c", script]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout.split()

    assert completed("provenance ver") == ["verify"]
    assert "--upstream" in completed("provenance verify --up")


def test_a_dry_run_writes_nothing_and_leaves_what_is_there(run, folder):
    (folder / "t.csv").write_text("x")
    (folder / "made.txt").write_text("before")
    before = sorted(path.name for path in folder.iterdir())
    told = run("count", "t.csv", "-o", "made.txt", "--dry-run").stderr
    assert told.endswith("This was a dry run: nothing was written.\n")
    assert (
        document(run("count", "t.csv", "-o", "new/made.txt", "--dry-run", "--json"))["folds"] == 5
    )
    assert sorted(path.name for path in folder.iterdir()) == before
    assert (folder / "made.txt").read_text() == "before"
    run("count", "t.csv", "-o", "made.txt")
    assert (folder / "made.txt").read_text() == "5\n"


def test_no_color_is_respected(folder):
    """On a terminal, colours appear unless NO_COLOR asks for none."""

    def shown(**environment):
        main, side = pty.openpty()
        with subprocess.Popen(
            [*PROGRAM, "show", "a"], stdout=side, stderr=side, env={**os.environ, **environment}
        ) as process:
            process.wait()
        os.close(side)
        text = os.read(main, 1 << 16)
        os.close(main)
        return text

    assert b"\x1b[31m" in shown(TERM="xterm-256color")
    assert b"\x1b[31m" not in shown(NO_COLOR="1", TERM="xterm-256color")


if __name__ == "__main__":
    main()
