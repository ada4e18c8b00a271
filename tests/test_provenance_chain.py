"""Records of all packages together: all commands replay, all lineages end at raw files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pipeline import SCHEMA
from provenance import export, replay, trace, verify
from workspace import run_command

COMMANDS = {
    "labelled.parquet": (
        *("labeljoin", "join", "--features", "konvid1k/features.parquet"),
        *("--labels", "konvid1k/labels.csv", "--out", "tables/labelled.parquet"),
    ),
    "scored.parquet": (
        *("secondopinion", "join", "--features", "tables/labelled.parquet"),
        *("--scores", "dover=konvid1k/scores/dover.csv", "--out", "tables/scored.parquet"),
    ),
    "audit.json": (
        *("signalaudit", "report", "--input", "t=tables/scored.parquet"),
        *("--out-json", "reports/audit.json", "--out-md", "reports/audit.md"),
        *("--out-html", "reports/audit.html"),
    ),
    "head.onnx": (
        *("moshead", "train", "--features", "tables/scored.parquet"),
        *("--feature-schema", "schema.toml", "--model-id", "chain", "--epochs", "2"),
        *("--k-folds", "3", "--seeds", "2", "--out-onnx", "models/head.onnx"),
        *("--out-manifest", "models/head.json", "--out-card", "models/card.md"),
        *("--out-oof", "models/oof.parquet"),
    ),
    "held_labelled.parquet": (
        *("labeljoin", "join", "--features", "konvid1k/held.parquet"),
        *("--labels", "konvid1k/labels.csv", "--out", "tables/held_labelled.parquet"),
    ),
    "held_scored.parquet": (
        *("secondopinion", "join", "--features", "tables/held_labelled.parquet"),
        *("--scores", "dover=konvid1k/scores/dover.csv", "--out", "tables/held_scored.parquet"),
    ),
    "validation.json": (
        *("moshead", "validate", "--onnx", "models/head.onnx"),
        *("--features", "tables/held_scored.parquet", "--out-json", "reports/validation.json"),
        *("--out-md", "reports/validation.md"),
    ),
    "predictions.parquet": (
        *("moshead", "predict", "--onnx", "models/head.onnx"),
        *("--features", "tables/scored.parquet", "--out", "predictions.parquet"),
    ),
    "report.json": (
        *("labeljoin", "batch", "--manifest", "tables.json"),
        *("--report-json", "batch/report.json", "--report-md", "batch/report.md"),
    ),
    "joined": (
        *("labeljoin", "join", "--features", "parts", "--labels", "konvid1k/labels.csv"),
        *("--out", "joined", "--audit-json", "joined.audit.json"),
    ),
    "features.jsonl": (
        *("labeljoin", "join", "--features", "rows.jsonl", "--labels", "konvid1k/labels.csv"),
        *("--out", "rows/features.jsonl"),
    ),
}


def made_by(folder: Path, name: str) -> Path:
    (path,) = (path for path in folder.rglob(name) if path.name == name)
    return path


@pytest.fixture(scope="module")
def made(sample_tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which each command has run once. Do not write to it."""
    folder = tmp_path_factory.mktemp("chain")
    shutil.copytree(sample_tables, folder / "konvid1k")
    (folder / "schema.toml").write_text(SCHEMA, encoding="utf-8")
    table = pq.read_table(folder / "konvid1k/features.parquet")
    pq.write_table(table.slice(700), folder / "konvid1k/held.parquet")
    pq.write_table(table.slice(0, 700), folder / "konvid1k/features.parquet")
    (folder / "parts").mkdir()
    for number, start in enumerate(range(0, len(table), 400)):
        pq.write_table(table.slice(start, 400), folder / f"parts/part-{number}.parquet")
    lines = [json.dumps(row) for row in table.select(table.column_names[:4]).to_pylist()]
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    tables = [
        {"id": name, "features": "konvid1k/features.parquet", "out": f"batch/{name}.parquet"}
        | {"labels": ["konvid1k/labels.csv"]}
        for name in ("one", "two")
    ]
    (folder / "tables.json").write_text(json.dumps({"tables": tables}), encoding="utf-8")
    for words in COMMANDS.values():
        # `validate` exits with code 1, because a head of two epochs misses the gate.
        done = run_command(*words, "--quiet", cwd=folder, expect=None)
        assert done.code in ((0, 1) if "validate" in words else (0,)), done.stderr
    return folder


@pytest.fixture
def chain(made: Path, tmp_path: Path) -> Iterator[Path]:
    """The same folder, to write to; it is restored afterwards.

    A copy would not do: the records have absolute paths of what lies outside of their own folders.
    """
    kept = shutil.copytree(made, tmp_path / "kept")
    yield made
    shutil.rmtree(made)
    shutil.move(kept, made)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_replays_bit_for_bit(made: Path, name: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    outcome = replay(made_by(made, name), roots=[made])
    assert outcome.outputs
    assert [item.name for item in outcome.outputs if item.status != "same"] == []
    assert not outcome.notes
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before


@pytest.mark.parametrize("name", COMMANDS)
def test_every_record_verifies_up_to_the_raw_files(made: Path, name: str) -> None:
    outcome = verify(made_by(made, name), upstream=True)
    assert list(outcome.problems()) == []


def test_library_calls_replay_too(chain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import labeljoin
    import secondopinion

    monkeypatch.chdir(chain)
    labeljoin.join_file("konvid1k/features.parquet", ["konvid1k/labels.csv"], "l/one.parquet")
    secondopinion.join_file("l/one.parquet", ["dover=konvid1k/scores/dover.csv"], "l/two.parquet")
    for name in ("one", "two"):
        outcome = replay(f"l/{name}.parquet", roots=[chain])
        assert outcome.rebuilt
        assert outcome.ok


def test_head_leads_to_the_rating_file_wherever_files_have_moved(
    chain: Path, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    away.mkdir()
    for number, path in enumerate(sorted(chain.rglob("*"))):
        if path.is_file() and path.parent.name in ("tables", "models", "scores", "konvid1k"):
            suffix = ".ratings.csv" if path.name == "labels.csv" else path.suffix
            shutil.move(path, away / f"{number}{suffix}")
    (head,) = away.glob("*.onnx")
    lineage = trace(head, roots=[away, chain])
    assert lineage.ok
    raw = {item.path for item in lineage.raw_files() if item.path}
    assert next(away.glob("*.ratings.csv")) in raw
    assert {item.status for item in lineage.artefacts.values()} <= {"same", "moved"}


def test_head_alone_still_knows_its_table(chain: Path, tmp_path: Path) -> None:
    (tmp_path / "lone").mkdir()
    lone = Path(shutil.copy(chain / "models/head.onnx", tmp_path / "lone/final.onnx"))
    (chain / "models/head.json").unlink()
    lineage = trace(lone, roots=[chain])
    assert {item.path.name for item in lineage.raw_files() if item.path} >= {"labels.csv"}
    assert "embedded" in {run.status for run in lineage.runs.values()}


@pytest.mark.parametrize(
    "name", ["labels.csv", "features.parquet", "dover.csv", "labelled.parquet", "scored.parquet"]
)
def test_one_flipped_byte_anywhere_is_found_and_named(chain: Path, name: str) -> None:
    path = made_by(chain, name)
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(data)
    head = chain / "models/head.onnx"
    done = run_command("provenance", "trace", head, expect=1)
    assert any(name in line for line in done.stdout.splitlines() if "BROKEN: changed" in line)
    done = run_command("provenance", "verify", head, "--upstream", expect=1)
    assert name in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_record_is_exported(made: Path, name: str) -> None:
    for form in ("in-toto", "prov-json", "openlineage"):
        text = json.dumps(export(made_by(made, name), format=form))
        assert "konvid1k/" in text or "tables/" in text or "tables.json" in text
