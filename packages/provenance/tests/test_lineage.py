"""The graph from a model back to the rating file, joined by digest."""

from __future__ import annotations

import html.parser
import json
import re
import shutil
from pathlib import Path

import pytest
from provenance import start_run, trace
from provenance.toolkit import InputError


@pytest.fixture
def chain(folder: Path) -> Path:
    """ratings + features -> labelled -> model, each step with its record."""
    step(
        "join", {"features": "features.tbl", "labels": ["labels.csv"]}, "labelled.tbl", b"labelled"
    )
    step("train", {"features": ["labelled.tbl"]}, "model/head.onnx", b"weights", "model/head.json")
    return folder


def step(name, inputs, out, data, record=None):
    with start_run(name, inputs=inputs) as run:
        Path(run.stage("out", out, kind="table")).write_bytes(data)
        run.record(record or f"{out}.audit.json", {"schema": "sample-v1"})
    return run.document


def names(lineage) -> set[str]:
    return {item.path.name for item in lineage.artefacts.values() if item.path}


def status_of(lineage, name: str):
    (item,) = [a for a in lineage.artefacts.values() if a.path and a.path.name == name]
    return item.status


def test_model_leads_to_the_rating_file(chain: Path):
    lineage = trace("model/head.onnx")
    assert lineage.ok
    assert {item.path.name for item in lineage.raw_files() if item.path} == {
        "features.tbl",
        "labels.csv",
    }
    assert {run.entrypoint for run in lineage.runs.values()} == {"join", "train"}
    assert all(item.status == "same" for item in lineage.artefacts.values())


def test_graph_starts_at_a_record_too(chain: Path):
    assert "labels.csv" in names(trace("model/head.json"))


def test_renamed_and_copied_files_still_connect(chain: Path, tmp_path_factory):
    away = tmp_path_factory.mktemp("away")
    shutil.copy("model/head.onnx", away / "final.onnx")
    shutil.move("labelled.tbl", away / "t1.tbl")
    shutil.move("labelled.tbl.audit.json", away / "r1.json")
    shutil.move("labels.csv", away / "r.csv")
    lineage = trace(away / "final.onnx", roots=[away, chain])
    assert lineage.ok
    assert {"final.onnx", "t1.tbl", "r.csv", "features.tbl"} <= names(lineage)
    assert status_of(lineage, "r.csv") == "moved"
    assert len(lineage.runs) == 2


def test_no_root_is_needed_where_files_lie_as_recorded(chain: Path):
    # The model's folder has no record of the join; the labelled table's folder has.
    assert "labels.csv" in names(trace(chain / "model/head.onnx"))


@pytest.mark.parametrize("name", ["labels.csv", "features.tbl", "labelled.tbl", "model/head.onnx"])
def test_changed_file_is_shown_as_broken(chain: Path, provenance, name: str):
    path = chain / name
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    lineage = trace("model/head.onnx")
    assert not lineage.ok
    assert status_of(lineage, path.name) == "changed"
    assert path.name in lineage.problem()
    assert "labels.csv" in names(lineage)
    done = provenance("trace", "model/head.onnx")
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if "BROKEN: changed" in line]
    assert path.name in line


def test_changed_record_is_shown_as_broken(chain: Path):
    record = chain / "labelled.tbl.audit.json"
    record.write_bytes(record.read_bytes().replace(b"labels.csv", b"labelz.csv"))
    lineage = trace("model/head.onnx")
    assert not lineage.ok
    assert "labelled.tbl.audit.json" in lineage.problem()
    record.write_bytes(record.read_bytes()[:-40])
    lineage = trace("model/head.onnx")
    assert not lineage.ok
    assert "labelled.tbl.audit.json" in lineage.problem()


def test_missing_file_is_shown_and_is_no_change(chain: Path, provenance):
    (chain / "labels.csv").unlink()
    lineage = trace("model/head.onnx")
    assert lineage.ok
    assert status_of(lineage, "labels.csv") == "missing"
    done = provenance("trace", "model/head.onnx")
    assert done.returncode == 0
    assert "BROKEN: missing" in done.stdout


def test_file_that_a_later_run_replaced_is_superseded(chain: Path):
    with start_run("again", inputs={"features": "labelled.tbl"}, in_place=True) as run:
        Path(run.stage("out", "labelled.tbl")).write_bytes(b"more labels")
        run.record("again.json", {"schema": "sample-v1"})
    lineage = trace("model/head.onnx")
    assert lineage.ok
    assert status_of(lineage, "labelled.tbl") == "superseded"
    assert {run.entrypoint for run in trace("labelled.tbl").runs.values()} == {"join", "again"}


def test_parts_of_a_directory_connect_both_ways(folder: Path):
    for name in ("a", "b"):
        step("make", {"labels": "labels.csv"}, f"parts/{name}.tbl", name.encode())
    (folder / "parts/a.tbl.audit.json").rename(folder / "a.json")
    (folder / "parts/b.tbl.audit.json").rename(folder / "b.json")
    step("merge", {"features": "parts"}, "merged.tbl", b"ab")
    lineage = trace("merged.tbl")
    assert {run.entrypoint for run in lineage.runs.values()} == {"merge", "make"}
    assert "labels.csv" in names(lineage)
    with start_run("split", inputs={"features": "merged.tbl"}) as run:
        out = run.stage("out", "split", directory=True)
        Path(out, "p0").write_bytes(b"zero")
        run.record("split.json", {"schema": "sample-v1"})
    step("use", {"features": "split/p0"}, "used.tbl", b"used")
    lineage = trace("used.tbl")
    assert {run.entrypoint for run in lineage.runs.values()} >= {"use", "split", "merge"}


def test_record_that_is_read_by_a_run_connects(chain: Path):
    step("diff", {"before": "labelled.tbl.audit.json"}, "diff.tbl", b"diff")
    lineage = trace("diff.tbl")
    assert {run.entrypoint for run in lineage.runs.values()} == {"diff", "join"}


def test_embedded_short_form_stands_in_for_a_lost_record(folder: Path, join, provenance):
    done = join("--features", "features.tbl", "--labels", "labels.csv", "--out", "out.tbl")
    assert done.returncode == 0
    (folder / "out.tbl.audit.json").unlink()
    lineage = trace("out.tbl")
    (run,) = lineage.runs.values()
    assert run.status == "embedded"
    assert len(lineage.raw_files()) == 2
    assert "its record is lost" in provenance("trace", "out.tbl").stdout


def test_downstream_shows_what_was_made_from_a_file(chain: Path, provenance):
    lineage = trace("labels.csv", roots=["."], downstream=True)
    assert names(lineage) == {"labels.csv", "labelled.tbl", "head.onnx"}
    done = provenance("trace", "labels.csv", "--downstream", "--root", ".")
    assert "head.onnx" in done.stdout


def test_file_that_no_record_speaks_of(chain: Path):
    with pytest.raises(InputError, match="No run record describes it"):
        trace("labels.csv")
    with pytest.raises(InputError, match="no such file"):
        trace("nothing.tbl")


def test_run_that_reads_what_it_makes_is_no_endless_circle(folder: Path):
    with start_run("same", inputs={"features": "features.tbl"}, in_place=True) as run:
        data = (folder / "features.tbl").read_bytes()
        Path(run.stage("out", "features.tbl")).write_bytes(data)
        run.record("same.json", {"schema": "sample-v1"})
    lineage = trace("features.tbl")
    assert len(lineage.runs) == 1
    assert "features.tbl" in "".join(provenance_views(lineage))


def provenance_views(lineage):
    from provenance.lineage.mermaid import flowchart
    from provenance.lineage.page import html_page

    return [html_page(lineage), flowchart(lineage)]


def test_tree_reads_top_down(chain: Path, provenance):
    done = provenance("trace", "model/head.onnx")
    lines = [re.sub(r" [0-9a-f]{16}", "", line) for line in done.stdout.splitlines()]
    assert lines == [
        "model/head.onnx",
        "└── train model/head.json",
        "    └── features: labelled.tbl",
        "        └── join labelled.tbl.audit.json",
        "            ├── features: features.tbl (raw)",
        "            └── labels: labels.csv (raw)",
    ]


def test_json_has_nodes_and_edges(chain: Path, provenance):
    done = provenance("trace", "model/head.onnx", "--format", "json")
    document = json.loads(done.stdout)
    assert document == json.loads(provenance("trace", "model/head.onnx", "--json").stdout)
    assert document["status"] == "ok"
    nodes = {item["sha256"] for item in document["artefacts"]}
    nodes |= {run["id"] for run in document["runs"]}
    assert document["target"] in nodes
    assert all({edge["from"], edge["to"]} <= nodes for edge in document["edges"])
    assert [Path(a["path"]).name for a in document["artefacts"] if a["raw"]] == [
        "features.tbl",
        "labels.csv",
    ]


def test_mermaid_quotes_what_has_a_meaning(folder: Path, provenance):
    odd = 'a"b]|<c>.tbl'
    step("join", {"labels": "labels.csv"}, odd, b"x", "odd.json")
    done = provenance("trace", odd, "--format", "mermaid")
    assert done.stdout.startswith("flowchart LR\n")
    labels = re.findall(r'"([^"\n]*)"', done.stdout)
    assert len(labels) == 5
    assert not any(set("[]|<>") & set(label.replace("<br/>", "")) for label in labels)


def test_html_is_one_page_without_outside_resources(chain: Path, provenance):
    odd = "<script>alert(1)</script>.tbl".replace("/", "_")
    step("<b>join</b>", {"labels": "labels.csv"}, odd, b"x", "odd.json")
    done = provenance("trace", odd, "--format", "html")
    page = done.stdout

    class Checker(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            assert tag not in ("script", "link", "img", "iframe", "b")
            assert not [
                value
                for name, value in attrs
                if name in ("src", "href") and not str(value).startswith("#")
            ]

    Checker().feed(page)
    assert "url(" not in page
    assert "<svg" in page
    assert "labels.csv" in page
