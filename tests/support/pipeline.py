"""Run the whole job by command line, on a folder with the layout of konvid1k."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workspace import run_command

SCHEMA = """\
id = "konvid-second-opinions-v1"
columns = ["videval_*", "brisque_*", "second_opinion_*_score"]
required = ["second_opinion_dover_score"]
"""


@dataclass(frozen=True)
class Pipeline:
    """The files that one run through all commands wrote."""

    tables: Path
    folder: Path

    @property
    def labelled(self) -> Path:
        """The feature table with its labels."""
        return self.folder / "labelled.parquet"

    @property
    def scored(self) -> Path:
        """The labelled table with second opinions."""
        return self.folder / "scored.parquet"

    @property
    def onnx(self) -> Path:
        """The head."""
        return self.folder / "head.onnx"

    @property
    def predictions(self) -> Path:
        """The predictions for the scored table."""
        return self.folder / "predictions.parquet"

    @property
    def records(self) -> dict[Path, list[Path]]:
        """Each record, with the files that it describes."""
        return {
            self.folder / "labelled.parquet.audit.json": [self.labelled],
            self.folder / "scored.parquet.audit.json": [self.scored],
            self.folder / "audit.json": [self.folder / "audit.md", self.folder / "audit.html"],
            self.folder / "head.json": [self.onnx, self.folder / "card.md"],
            self.folder / "predictions.parquet.audit.json": [self.predictions],
        }

    def document(self, name: str) -> Any:
        """A JSON document that the run wrote."""
        return json.loads((self.folder / name).read_text("utf-8"))


def join_labels(tables: Path, out: Path) -> None:
    """Join with inferred columns and no regex."""
    run_command(
        *("labeljoin", "join", "--features", tables / "features.parquet"),
        *("--labels", tables / "labels.csv", "--out", out),
    )


def join_scores(features: Path, tables: Path, out: Path) -> None:
    """Join DOVER's CSV, its branches, and NIQE, which has no header."""
    scores = tables / "scores"
    run_command(
        *("secondopinion", "join", "--features", features, "--out", out),
        *("--scores", f"dover={scores / 'dover.csv'}"),
        *("--scores", scores / "dover_branches.jsonl"),
        *("--scores", f"niqe={scores / 'niqe.csv'}"),
    )


def train(features: Path, folder: Path, *flags: str) -> dict[str, Any]:
    """Train on VIDEVAL, BRISQUE and the second opinions, 5 folds by 5 seeds."""
    schema = folder / "schema.toml"
    schema.write_text(SCHEMA, encoding="utf-8")
    done = run_command(
        *("moshead", "train", "--features", features, "--feature-schema", schema),
        *("--model-id", "konvid_mos_head", "--out-onnx", folder / "head.onnx", "--json"),
        *("--out-manifest", folder / "head.json", "--out-card", folder / "card.md"),
        *("--out-oof", folder / "oof.parquet", *flags),
    )
    document: dict[str, Any] = done.json()
    return document


def run_pipeline(tables: Path, folder: Path) -> Pipeline:
    """Label, score, audit, train and predict."""

    run = Pipeline(tables, folder)
    join_labels(tables, run.labelled)
    join_scores(run.labelled, tables, run.scored)
    run_command(
        *("signalaudit", "report", "--input", run.scored, "--target", "mos"),
        *("--out-json", folder / "audit.json", "--out-md", folder / "audit.md"),
        *("--out-html", folder / "audit.html"),
    )
    train(run.scored, folder)
    run_command(
        *("moshead", "predict", "--onnx", run.onnx, "--features", run.scored),
        *("--out", run.predictions),
    )
    return run
