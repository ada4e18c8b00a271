"""Destinations: where a training run writes its head, verdict and predictions."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from provenance import Run

    from moshead.features.domain import CorpusKind
    from moshead.heads.network import TrainingResult


MODEL_FOLDER = Path("model")

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Destinations:
    """Where a training run writes.

    Attributes:
        onnx: The head; by default ``model/<id>.onnx``.
        manifest: Its manifest, by default beside the head.
        card: Its model card, by default beside the head.
        oof: Out-of-fold predictions, ``.parquet`` or ``.csv``; not written by default.
        registry: Index of heads that this one is entered in, if any.
        export: Write the head at all; without it only verdict and card are written.
        require_gate: Write no head that misses the gate, and raise.
        require_gain: Accept no head that does not surely beat the best single column; write none,
            and raise.
        folder: Where default names go.
    """

    onnx: PathLike | None = None
    manifest: PathLike | None = None
    card: PathLike | None = None
    oof: PathLike | None = None
    registry: PathLike | None = None
    export: bool = True
    require_gate: bool = False
    require_gain: bool = False
    folder: Path = MODEL_FOLDER

    def paths(self, model_id: str, *, smoke: bool, verdict_only: bool) -> tuple[Path, Path, Path]:
        """ONNX, manifest and card.

        Default names of a smoke run end in ``_smoke``. A verdict without a head never replaces a
        head's manifest: its default name ends in ``_verdict``.
        """
        default = self.folder / f"{model_id}{'_smoke' if smoke else ''}.onnx"
        onnx = Path(self.onnx) if self.onnx is not None else default
        mark = "_verdict" if verdict_only else ""
        manifest = onnx.with_name(f"{onnx.stem}{mark}.json")
        card = onnx.with_name(f"{onnx.stem}{mark}_card.md")
        if self.manifest is not None:
            manifest = Path(self.manifest)
            manifest = manifest.with_name(f"{manifest.stem}{mark}{manifest.suffix}")
        if self.card is not None:
            card = Path(self.card)
            card = card.with_name(f"{card.stem}{mark}{card.suffix}")
        return onnx, manifest, card


def oof_writer(path: Path) -> Callable[[pa.Table, str], None]:
    """What writes out-of-fold predictions to a file of this name.

    Raises:
        InputError: The name ends in neither ``.parquet`` nor ``.csv``.
    """
    writers: dict[str, Callable[[pa.Table, str], None]] = {
        ".parquet": pyarrow.parquet.write_table,
        ".csv": pyarrow.csv.write_csv,
    }
    if path.suffix.lower() not in writers:
        raise InputError(
            "out-of-fold predictions are written as .parquet or .csv",
            where=str(path),
            fix="Name the file so",
            code="training.oof-suffix",
        )
    return writers[path.suffix.lower()]


def write_oof(run: Run, result: TrainingResult, path: PathLike | None, kind: CorpusKind) -> None:
    """Stage the out-of-fold predictions of a run, where they are wanted."""
    if path is None:
        return
    destination = Path(path)
    table = result.oof
    if kind != "real":
        # Should anyone take these for labels, the rows give themselves away.
        table = table.append_column("corpus", pa.array(["synthetic"] * table.num_rows))
    staged = run.stage("oof", destination, kind="oof-predictions")
    oof_writer(destination)(table, os.fspath(staged))
