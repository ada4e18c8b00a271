"""Runs: outputs that appear whole or not at all, and the record of them."""

from __future__ import annotations

import enum
import hashlib
import json
import math
import os
import stat
import sys
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from provenance import Run, hash_file, load_record, start_run, verify, write_manifest
from provenance.record import Digest, hash_directory
from provenance.toolkit import InputError, OutputError, canonical_bytes


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_outputs_and_record_appear_together(folder: Path):
    before = names(folder)
    with start_run("job", inputs={"features": "features.tbl"}) as run:
        Path(run.stage("out", "out.tbl", kind="feature-table")).write_bytes(b"made")
        run.record("out.json", {"schema": "sample-v1", "status": "ok"}, kind="audit")
        assert "out.tbl" not in names(folder)
    assert names(folder) == before | {"out.tbl", "out.json"}
    document = json.loads((folder / "out.json").read_bytes())
    assert document == run.document
    assert document["status"] == "ok"
    block = document["run_provenance"]
    assert block["schema"] == "ai-run-provenance-v1"
    assert block["inputs"]["features"] == {
        "path": "features.tbl",
        "kind": "file",
        "sha256": sha256(b"clip,v\n1,2\n"),
        "bytes": 11,
    }
    assert block["outputs"]["out"] == {
        "path": "out.tbl",
        "kind": "file",
        "role": "feature-table",
        "sha256": sha256(b"made"),
        "bytes": 4,
    }


def test_nothing_appears_after_an_error(folder: Path):
    (folder / "out.tbl").write_bytes(b"old")
    before = names(folder)
    with (
        pytest.raises(ZeroDivisionError),
        start_run("job", inputs={"features": "features.tbl"}) as run,
    ):
        Path(run.stage("out", "out.tbl")).write_bytes(b"new")
        Path(run.stage("more", "deep/er/more.tbl")).write_bytes(b"new")
        run.record("deep/er/out.json", {"schema": "sample-v1"})
        raise ZeroDivisionError
    assert names(folder) == before
    assert (folder / "out.tbl").read_bytes() == b"old"


def test_same_run_makes_the_same_record(folder: Path):
    def once() -> bytes:
        with start_run(
            "job",
            inputs={"labels": ["labels.csv"], "features": "features.tbl"},
            args={"b": 1.5, "a": [Path("x"), None], "nan": float("nan")},
        ) as run:
            Path(run.stage("out", "out.tbl")).write_bytes(b"made")
        return (folder / "out.tbl.audit.json").read_bytes()

    first = once()
    assert once() == first
    args = json.loads(first)["run_provenance"]["args"]
    assert args == {"a": ["x", None], "b": 1.5, "nan": None}


def test_lists_stay_lists_and_absent_stays_null(folder: Path):
    with start_run(
        "job", inputs={"labels": ["labels.csv"], "profile": None, "features": "features.tbl"}
    ) as run:
        Path(run.stage("out", "out.tbl")).write_bytes(b"made")
    inputs = run.document["run_provenance"]["inputs"]
    assert isinstance(inputs["labels"], list)
    assert inputs["profile"] is None
    assert isinstance(inputs["features"], dict)


def test_paths_are_relative_to_the_record_below_its_folder_only(folder: Path):
    with start_run("job", inputs={"features": "features.tbl"}) as run:
        Path(run.stage("out", "sub/deep/out.tbl")).write_bytes(b"made")
        run.record("sub/out.json", {"schema": "sample-v1"})
    block = run.document["run_provenance"]
    assert block["outputs"]["out"]["path"] == "deep/out.tbl"
    assert block["inputs"]["features"]["path"] == str(folder / "features.tbl")


def test_withdrawn_output_is_null_and_stays_as_it_was(folder: Path):
    (folder / "out.tbl").write_bytes(b"old")
    with start_run("job", inputs={"features": "features.tbl"}) as run:
        Path(run.stage("out", "out.tbl")).write_bytes(b"new")
        run.withdraw("out")
        run.record("out.json", {"schema": "sample-v1", "status": "failed"})
    assert (folder / "out.tbl").read_bytes() == b"old"
    assert run.document["run_provenance"]["outputs"] == {"out": None}
    assert names(folder) == {"features.tbl", "labels.csv", "out.tbl", "out.json"}


def test_run_without_record_has_it_beside_its_first_output(folder: Path):
    with start_run("job", inputs={}) as run:
        Path(run.stage("out", "out.tbl")).write_bytes(b"made")
    assert json.loads((folder / "out.tbl.audit.json").read_bytes())["schema"] == "run-manifest-v1"
    assert load_record("out.tbl").path == folder / "out.tbl.audit.json"


def test_record_may_be_written_once(folder: Path):
    with pytest.raises(ValueError, match="record already"), start_run("job", inputs={}) as run:
        run.record("one.json")
        run.record("two.json")
    assert names(folder) == {"features.tbl", "labels.csv"}


def test_staged_but_unwritten_output_is_a_bug_of_the_caller(folder: Path):
    with pytest.raises(RuntimeError, match="never written"), start_run("job", inputs={}) as run:
        run.stage("out", "out.tbl")
    assert names(folder) == {"features.tbl", "labels.csv"}


def test_digests_taken_while_reading_and_writing_are_used(folder: Path):
    # A digest that no file has shows that the files were not read a second time.
    with start_run("job", inputs={"features": "features.tbl"}) as run:
        out = run.stage("out", "out.tbl")
        Path(out).write_bytes(b"made")
        run.set_input_digest("features", "features.tbl", Digest("a" * 64, 11))
        out.set_digest(Digest("b" * 64, 4))
    block = run.document["run_provenance"]
    assert block["inputs"]["features"]["sha256"] == "a" * 64
    assert block["outputs"]["out"]["sha256"] == "b" * 64


def test_digest_over_other_bytes_than_were_written_is_a_bug(folder: Path):
    with pytest.raises(RuntimeError, match="4 bytes"), start_run("job", inputs={}) as run:
        out = run.stage("out", "out.tbl")
        Path(out).write_bytes(b"made")
        out.set_digest(Digest("b" * 64, 5))


@pytest.mark.parametrize("change", [b"other bytes", b"clip,v\n1,3\n"])
def test_input_that_changes_during_the_run_is_refused(folder: Path, change: bytes):
    with (
        pytest.raises(InputError, match="changed while the run was reading it"),
        start_run("job", inputs={"features": "features.tbl"}) as run,
    ):
        Path(run.stage("out", "out.tbl")).write_bytes(b"made")
        (folder / "features.tbl").write_bytes(change)
    assert "out.tbl" not in names(folder)


def test_file_that_appears_in_an_input_directory_is_noticed(folder: Path):
    (folder / "parts").mkdir()
    (folder / "parts/a").write_bytes(b"a")
    with (
        pytest.raises(InputError, match="changed while"),
        start_run("job", inputs={"features": "parts"}) as run,
    ):
        Path(run.stage("out", "out.tbl")).write_bytes(b"made")
        (folder / "parts/b").write_bytes(b"b")


@pytest.mark.parametrize(
    ("path", "what"), [("nothing.tbl", "no such file"), ("pipe", "device or a pipe")]
)
def test_unusable_input_is_named(folder: Path, path: str, what: str):
    os.mkfifo(folder / "pipe")
    with pytest.raises(InputError, match=what) as caught:
        start_run("job", inputs={"features": path})
    assert caught.value.where == path


def test_output_that_is_an_input_is_refused_unless_in_place(folder: Path):
    (folder / "link.tbl").symlink_to("features.tbl")
    os.link(folder / "features.tbl", folder / "hard.tbl")
    for target in ("features.tbl", "./features.tbl", "link.tbl", "hard.tbl"):
        with (
            pytest.raises(InputError, match="input features"),
            start_run("job", inputs={"features": "features.tbl"}) as run,
        ):
            run.stage("out", target)
    for in_place, advised in ((None, False), (False, True)):
        with (
            pytest.raises(InputError) as caught,
            start_run("job", inputs={"features": "features.tbl"}, in_place=in_place) as run,
        ):
            run.stage("out", "features.tbl")
        assert ("--in-place" in str(caught.value)) is advised
    with start_run("job", inputs={"features": "features.tbl"}, in_place=True) as run:
        Path(run.stage("out", "features.tbl")).write_bytes(b"new")
    assert (folder / "features.tbl").read_bytes() == b"new"
    block = run.document["run_provenance"]
    assert block["inputs"]["features"]["sha256"] == sha256(b"clip,v\n1,2\n")
    assert block["outputs"]["out"]["sha256"] == sha256(b"new")
    assert verify("features.tbl").ok


def test_record_never_replaces_an_input_or_output(folder: Path):
    for record in ("features.tbl", "out.tbl"):
        with (
            pytest.raises(InputError),
            start_run("job", inputs={"features": "features.tbl"}, in_place=True) as run,
        ):
            Path(run.stage("out", "out.tbl")).write_bytes(b"made")
            run.record(record)
    assert names(folder) == {"features.tbl", "labels.csv"}


def test_two_outputs_may_not_share_a_place(folder: Path):
    with (
        pytest.raises(InputError, match=r"output two would replace .*, which is the output one"),
        start_run("job", inputs={}) as run,
    ):
        run.stage("one", "out.tbl")
        run.stage("two", folder / "out.tbl")


def test_output_inside_an_input_directory_is_refused(folder: Path):
    (folder / "parts").mkdir()
    (folder / "parts/a").write_bytes(b"a")
    with (
        pytest.raises(InputError, match="would lie in parts, which is the input features"),
        start_run("job", inputs={"features": "parts"}) as run,
    ):
        run.stage("out", "parts/out.tbl")


def test_output_behind_a_symlink_is_replaced_and_the_link_stays(folder: Path):
    (folder / "store").mkdir()
    (folder / "store/v1.tbl").write_bytes(b"old")
    (folder / "latest.tbl").symlink_to("store/v1.tbl")
    with start_run("job", inputs={}) as run:
        Path(run.stage("out", "latest.tbl")).write_bytes(b"new")
    assert (folder / "latest.tbl").is_symlink()
    assert (folder / "store/v1.tbl").read_bytes() == b"new"
    assert names(folder / "store") == {"v1.tbl"}
    assert verify("latest.tbl").ok


def test_output_behind_a_dangling_symlink_is_refused(folder: Path):
    (folder / "latest.tbl").symlink_to("v1.tbl")
    with (
        pytest.raises(InputError, match="a link that leads nowhere"),
        start_run("job", inputs={}) as run,
    ):
        run.stage("out", "latest.tbl")
    assert not (folder / "v1.tbl").exists()


@pytest.mark.parametrize(
    ("make", "directory", "what"),
    [
        (lambda path: path.mkdir(), False, "a folder is in its place"),
        (lambda path: path.write_bytes(b"x"), True, "a file is in its place"),
        (lambda path: os.mkfifo(path), False, "device or a pipe"),
    ],
)
def test_something_else_where_an_output_should_be(folder: Path, make, directory, what):
    make(folder / "out")
    with pytest.raises(InputError, match=what), start_run("job", inputs={}) as run:
        run.stage("out", "out", directory=directory)


def test_mode_of_a_replaced_file_is_kept(folder: Path):
    (folder / "out.tbl").write_bytes(b"old")
    (folder / "out.tbl").chmod(0o640)
    with start_run("job", inputs={}) as run:
        Path(run.stage("out", "out.tbl")).write_bytes(b"new")
    assert stat.S_IMODE((folder / "out.tbl").stat().st_mode) == 0o640


def write_parts(run, names, **options):
    out = run.stage("out", "parts", directory=True, **options)
    for name in names:
        target = Path(out, name)
        target.parent.mkdir(exist_ok=True, parents=True)
        target.write_text(name)
    return out


def test_directory_output_appears_whole(folder: Path):
    with start_run("job", inputs={}) as run:
        out = write_parts(run, ["b", "a", "sub/c"])
        out.set_digest(Digest(sha256(b"a"), 1), part=Path(out) / "a")
        run.record("out.json")
        assert "parts" not in names(folder)
    entry = run.document["run_provenance"]["outputs"]["out"]
    assert entry["kind"] == "directory"
    assert [part["path"] for part in entry["files"]] == ["a", "b", "sub/c"]
    assert entry["sha256"] == hash_directory("parts").sha256
    assert verify("parts").ok
    assert verify("parts/sub/c").ok


def test_existing_directory_output_is_replaced_as_a_whole(folder: Path):
    for text in ("old", "new"):
        with start_run("job", inputs={}) as run:
            out = run.stage("out", "parts", directory=True)
            Path(out, "a").write_text(text)
            run.record("out.json")
    assert (folder / "parts/a").read_text() == "new"
    assert names(folder) == {"features.tbl", "labels.csv", "parts", "out.json"}


def test_directory_with_files_of_the_user_is_never_replaced(folder: Path):
    (folder / "parts").mkdir()
    (folder / "parts/thesis.tex").write_text("years of work")
    with (
        pytest.raises(InputError, match=r"thesis\.tex"),
        start_run("job", inputs={}) as run,
    ):
        write_parts(run, ["a"])
        run.record("out.json")
    assert names(folder) == {"features.tbl", "labels.csv", "parts"}
    assert names(folder / "parts") == {"thesis.tex"}


def test_directory_is_replaced_where_the_system_cannot_exchange(folder: Path, monkeypatch):
    monkeypatch.setattr("provenance.run.staging._exchange", lambda one, other: False)
    for text in ("old", "new"):
        with start_run("job", inputs={}) as run:
            Path(run.stage("out", "parts", directory=True), "a").write_text(text)
            run.record("out.json")
    assert (folder / "parts/a").read_text() == "new"
    assert names(folder) == {"features.tbl", "labels.csv", "parts", "out.json"}


def test_directory_that_a_killed_run_put_aside_is_put_back(folder: Path, monkeypatch):
    monkeypatch.setattr("provenance.run.staging._exchange", lambda one, other: False)
    with start_run("job", inputs={}) as run:
        Path(run.stage("out", "parts", directory=True), "a").write_text("old")
        run.record("out.json")
    # As kill -9 between the two renames leaves it.
    import hashlib

    mark = hashlib.sha256(b"parts").hexdigest()[:16]
    (folder / "parts").rename(folder / f".moskit-{mark}-0badcafe-former")
    with start_run("other", inputs={}) as run:
        Path(run.stage("out", "other.tbl")).write_bytes(b"x")
        run.record("other.json")
    assert (folder / f".moskit-{mark}-0badcafe-former/a").read_text() == "old"
    with pytest.raises(ZeroDivisionError), start_run("job", inputs={}) as run:
        run.stage("out", "parts", directory=True)
        raise ZeroDivisionError
    assert (folder / "parts/a").read_text() == "old"


@pytest.mark.parametrize("exchange", [True, False])
def test_outputs_that_were_renamed_go_back_where_a_later_one_cannot_be(
    folder: Path, monkeypatch, exchange
):
    from provenance.run.staging import StagedOutput

    if not exchange:
        monkeypatch.setattr("provenance.run.staging._exchange", lambda one, other: False)
    (folder / "old.tbl").write_bytes(b"old")
    (folder / "parts").mkdir()
    (folder / "parts/a").write_bytes(b"old")
    before = names(folder)
    commit = StagedOutput.commit

    def refuse_last(self):
        if self.name == "last":
            raise OutputError("There is no permission to write it", where="last.tbl")
        commit(self)

    monkeypatch.setattr(StagedOutput, "commit", refuse_last)
    with pytest.raises(OutputError), start_run("job", inputs={}) as run:
        Path(run.stage("replaced", "old.tbl")).write_bytes(b"new")
        Path(run.stage("fresh", "fresh.tbl")).write_bytes(b"new")
        Path(run.stage("parts", "parts", directory=True), "a").write_bytes(b"new")
        Path(run.stage("made", "made", directory=True), "a").write_bytes(b"new")
        Path(run.stage("last", "last.tbl")).write_bytes(b"new")
        run.record("out.json")
    assert (folder / "old.tbl").read_bytes() == b"old"
    assert (folder / "parts/a").read_bytes() == b"old"
    assert names(folder) == before


def test_second_run_for_one_output_gets_one_sentence(folder: Path):
    with start_run("job", inputs={}) as run:
        Path(run.stage("out", "out.tbl")).write_bytes(b"first")
        with (
            pytest.raises(OutputError, match="Another run is writing it"),
            start_run("job", inputs={}) as other,
        ):
            other.stage("out", folder / "out.tbl")
    assert (folder / "out.tbl").read_bytes() == b"first"
    with start_run("job", inputs={}) as run:
        Path(run.stage("out", "out.tbl")).write_bytes(b"third")
    assert (folder / "out.tbl").read_bytes() == b"third"


@pytest.mark.parametrize("name", ["with blank.tbl", "new\nline.tbl", "ümlaut.tbl", b"caf\xe9.tbl"])
def test_odd_names(folder: Path, name: str | bytes):
    name = os.fsdecode(name)
    (folder / name).write_bytes(b"in")
    with start_run(
        "job", inputs={"features": name}, args={"features": name}, argv=["--features", name]
    ) as run:
        Path(run.stage("out", f"out-{name}")).write_bytes(b"out")
    assert (folder / f"out-{name}").read_bytes() == b"out"
    record = load_record(f"out-{name}")
    assert record.input_entries()[0].path == folder / name
    assert verify(f"out-{name}").ok
    (folder / name).write_bytes(b"IN")
    assert not verify(f"out-{name}").ok


def test_long_file_name(folder: Path):
    name = "n" * 240 + ".tbl"
    with start_run("job", inputs={}) as run:
        Path(run.stage("out", name)).write_bytes(b"out")
        run.record("out.json")
    assert verify(name).ok


def test_short_record_says_content_and_no_place(folder: Path):
    with start_run(
        "job",
        distribution="moskit-provenance",
        module="provenance.run.run",
        inputs={"features": "features.tbl", "labels": ["labels.csv"], "profile": None},
        args={"features": "features.tbl", "threshold": 0.5},
    ) as run:
        short = run.short_record(args={"threshold": 0.5})
        part = run.short_record(digests={"features": Digest("c" * 64, 1)})
    assert short["inputs"] == {
        "features": sha256(b"clip,v\n1,2\n"),
        "labels": [sha256(b"clip,mos\n1,4\n")],
        "profile": None,
    }
    assert part["inputs"]["features"] == "c" * 64
    assert short["args"] == {"threshold": 0.5}
    assert str(folder) not in json.dumps(short)
    assert "features.tbl" not in json.dumps(short)


def test_entrypoint_of_a_module_is_the_same_on_every_machine(folder: Path):
    with start_run(
        "provenance x", distribution="moskit-provenance", module="provenance.run.run", inputs={}
    ) as run:
        run.record("out.json")
    entrypoint = run.document["run_provenance"]["entrypoint"]
    source = Path(sys.modules["provenance.run.run"].__file__ or "")
    assert entrypoint["path"] == "provenance/run/run.py"
    assert entrypoint["sha256"] == hash_file(source).sha256
    assert entrypoint["distribution"] == "moskit-provenance"
    assert entrypoint["version"]


def test_content_digest_is_of_the_canonical_form(folder: Path):
    with start_run("job", inputs={}) as run:
        run.record("out.json", {"schema": "sample-v1", "x": 1.0, "y": [1e21, "ü"]})
    content = {name: run.document[name] for name in run.document if name != "content_sha256"}
    assert sha256(canonical_bytes(content)) == run.document["content_sha256"]
    assert canonical_bytes({"b": 1.0, "a": [1e21, "ü"]}) == '{"a":[1e+21,"ü"],"b":1}'.encode()


def test_integer_that_json_readers_cannot_hold_is_refused(folder: Path):
    with pytest.raises(ValueError, match="too large"), start_run("job", inputs={}) as run:
        run.record("out.json", {"schema": "sample-v1", "seed": 2**64})
    assert "out.json" not in names(folder)


def test_values_of_every_kind_have_a_form_in_json(folder: Path):
    @dataclass
    class Window:
        low: float
        high: float

    class Mode(enum.Enum):
        FAST = "fast"

    class NumpyScalar:
        def item(self):
            return 7

    args = {
        "out": Path("a/b"),
        "mode": Mode.FAST,
        "window": Window(0.5, math.inf),
        "names": {"b", "a"},
        "raw": b"x",
        "seed": NumpyScalar(),
        "weights": array("d", [1.5, math.nan]),
        "nested": {1: (True, None)},
    }
    with start_run("job", inputs={}, args=args) as run:
        run.record("record.json")
    assert load_record("record.json").block["args"] == {
        "out": "a/b",
        "mode": "fast",
        "window": {"low": 0.5, "high": None},
        "names": ["a", "b"],
        "raw": "x",
        "seed": 7,
        "weights": [1.5, None],
        "nested": {"1": [True, None]},
    }
    with (
        pytest.raises(TypeError, match="object has no JSON form"),
        start_run("job", inputs={}, args={"what": object()}) as run,
    ):
        run.record("other.json")
    assert not (folder / "other.json").exists()


def test_names_that_a_run_does_not_have_are_bugs_of_the_caller(folder: Path):
    def misuse(what: Callable[[Run], object]) -> str:
        with (
            pytest.raises(ValueError, match="the run") as info,
            start_run("job", inputs={"features": "features.tbl"}) as run,
        ):
            Path(run.stage("out", "out.tbl")).write_bytes(b"made")
            what(run)
        return str(info.value)

    digest = Digest("0" * 64, 0)
    assert "no input named x" in misuse(lambda run: run.input_digest("x"))
    assert "not one of the run's inputs" in misuse(
        lambda run: run.input_digest("features", "labels.csv")
    )
    assert "not one of the run's inputs" in misuse(
        lambda run: run.set_input_digest("features", "labels.csv", digest)
    )
    assert "has an output named out" in misuse(lambda run: run.stage("out", "other.tbl"))
    assert "no output named x" in misuse(lambda run: run.withdraw("x"))
    assert not (folder / "out.tbl").exists()


def test_a_link_that_leads_in_a_circle_is_no_output(folder: Path):
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    with (
        pytest.raises(InputError, match=r"a link that leads nowhere\. Remove the link"),
        start_run("job", inputs={}) as run,
    ):
        run.stage("out", "a")


def test_a_folder_that_cannot_be_made_is_named(folder: Path):
    (folder / "file").write_bytes(b"")
    with (
        pytest.raises(OutputError, match=r"file/below.*Not a directory.*another place"),
        start_run("job", inputs={}) as run,
    ):
        run.stage("out", "file/below/out.tbl")


def test_manifest_of_files_that_are_there_already(folder: Path):
    (folder / "model.bin").write_bytes(b"model")
    document = write_manifest(
        "model.json",
        entrypoint="train.py",
        inputs={"features": "features.tbl"},
        outputs={"model": "model.bin", "plots": ["labels.csv"], "card": None},
        sections={"counts": {"rows": 1}},
    )
    assert document["counts"] == {"rows": 1}
    outputs = document["run_provenance"]["outputs"]
    assert outputs["model"]["sha256"] == sha256(b"model")
    assert outputs["card"] is None
    assert len(outputs["plots"]) == 1
    assert verify("model.bin").ok
    with pytest.raises(ValueError, match="envelope"):
        write_manifest("m.json", entrypoint="x", inputs={}, outputs={}, sections={"schema": 1})


def test_script_is_its_own_entrypoint(folder: Path):
    (folder / "train.py").write_text("pass")
    with start_run("train.py", inputs={}, argv=["--epochs", "3"]) as run:
        Path(run.stage("out", "out.tbl")).write_bytes(b"x")
    block = run.document["run_provenance"]
    assert block["entrypoint"]["path"] == "train.py"
    assert block["entrypoint"]["sha256"] == sha256(b"pass")
    assert block["argv"] == ["--epochs", "3"]


def test_progress_covers_the_bytes_that_are_hashed(folder: Path):
    (folder / "big.tbl").write_bytes(bytes(5 << 20))
    seen = []
    with start_run(
        "job",
        inputs={"features": "big.tbl", "labels": ["labels.csv"]},
        progress=lambda step, done, total: seen.append((done, total)),
    ) as run:
        run.record("out.json")
    assert max(done for done, _ in seen) == (5 << 20) + 13
    assert all(total is not None and done <= total for done, total in seen)
