"""Writing what training made: the ONNX file, its manifest, its card and the picture on it."""

from __future__ import annotations

import hashlib
import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from provenance.record import Digest

from moshead.corpus.corpus import NO_CORPUS
from moshead.corpus.fingerprints import fingerprints, to_text
from moshead.export.card import head_card
from moshead.export.manifest import head_manifest
from moshead.export.metadata import HeadMetadata
from moshead.export.onnxfile import read_onnx
from moshead.export.operators import check_operators
from moshead.export.plots import CorpusPicture, corpora_side_by_side, predicted_against_mos
from moshead.export.registry import Registry
from moshead.export.runtime import open_session
from moshead.features.domain import ENCODER_VOCAB_VERSION
from moshead.gate.corpora import out_of_fold_coverage
from moshead.heads.conformal import Array, CrossConformal
from moshead.heads.graph import fold_graph, head_graph
from moshead.heads.graph_names import ENCODER, FEATURES
from moshead.heads.network import TrainingResult, forward

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provenance import Run

    from moshead.baselines.worth import Worth

DISTRIBUTION = "moskit-moshead"
PARITY = 1e-5
"""Largest difference in MOS between the graph and the trained head."""
_PARITY_ROWS = 256


def write_head(
    run: Run,
    result: TrainingResult,
    *,
    out_onnx: Path | None,
    out_manifest: Path,
    out_card: Path,
    worth: Worth | None = None,
    registry: Path | None = None,
    command: str | Sequence[str] = "",
    short_args: Mapping[str, Any] | None = None,
    display: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Stage a head's files in a training run, the manifest as its record.

    Args:
        run: The training run.
        result: What it trained.
        out_onnx: Where the ONNX file goes; None exports none.
        out_manifest: Where the manifest goes.
        out_card: Where the card goes; its picture goes beside it, as ``.png``.
        worth: What the head is worth beside its baselines.
        registry: A registry that the head will be entered in, checked here and not written.
        command: The command line that trains this head again, for the card.
        short_args: The arguments that shape the head, for the embedded run record.
        display: Values of the display profile that shaped training, for prediction.

    Returns:
        The manifest as it stands before the run adds its record.

    Raises:
        InputError: The registry is not sound.
        OutputError: A file cannot be written.
    """
    if registry is not None and registry.exists():
        Registry.load(registry)
    short = run.short_record(dict(short_args or {}))
    conformal, fold_models = cross_conformal(result)
    manifest = head_manifest(
        result,
        onnx=None if out_onnx is None else place_of(out_onnx, out_manifest.parent),
        card=place_of(out_card, out_manifest.parent),
        conformal=conformal,
        worth=worth,
    )
    if out_onnx is not None:
        data = head_bytes(result, short, conformal, fold_models, display or {})
        facts = read_onnx(data, str(out_onnx))
        check_operators(facts, str(out_onnx))
        digest = Digest(hashlib.sha256(data).hexdigest(), len(data))
        staged = run.stage("onnx", out_onnx, kind="mos-head")
        Path(staged).write_bytes(data)
        staged.set_digest(digest)
        manifest |= {
            "sha256": digest.sha256,
            "opset": facts.opsets[""],
            "operators": sorted(facts.operators),
        }
    picture = out_card.with_suffix(".png")
    _write(run, "card_plot", picture, _picture(result), kind="plot")
    corpora_picture = None
    if len(result.gate.corpora) > 1:
        corpora_picture = out_card.with_name(f"{out_card.stem}_corpora.png")
        _write(run, "corpora_plot", corpora_picture, _corpora_picture(result), kind="plot")
    card = head_card(
        manifest,
        inputs=short["inputs"] | _frames(short),
        version=version(DISTRIBUTION),
        command=command if isinstance(command, str) else " ".join(command),
        plot=picture.name,
        corpora_plot=None if corpora_picture is None else corpora_picture.name,
    )
    _write(run, "card", out_card, card.encode(), kind="model-card")
    run.record(out_manifest, manifest, kind="manifest")
    return manifest


def _frames(short: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the SHA-256 of the data frames among the inputs, as the card lists inputs."""
    frames = short["args"].get("frames", [])
    return {"data frame (Arrow)": [frame["arrow_sha256"] for frame in frames]} if frames else {}


def head_bytes(
    result: TrainingResult,
    short_record: Mapping[str, Any],
    conformal: CrossConformal | None,
    fold_models: bytes | None,
    display: Mapping[str, float],
) -> bytes:
    """The ONNX file of a head, after making sure that it computes what was trained."""
    head = result.head
    metadata = HeadMetadata(
        model_id=result.model_id,
        status=result.gate.status,
        corpus_kind=result.corpus_kind,
        schema=head.schema,
        imputation=head.imputation,
        encoder_vocab=head.encoder_vocab,
        encoder_vocab_version=ENCODER_VOCAB_VERSION,
        gate=result.gate.to_dict(),
        conformal=conformal,
        fold_models=fold_models,
        training_keys=to_text(fingerprints(result.keys)),
        run_record=short_record,
        display=display,
        training_rows=result.training_rows,
        domain=result.domain,
        alignment=result.alignment,
    )
    data = head_graph(head, metadata.to_props())
    check_parity(result, data)
    return data


def check_parity(result: TrainingResult, data: bytes) -> None:
    """Make sure that a graph computes what was trained, on training rows and extreme ones.

    Raises:
        RuntimeError: It does not: a bug, and no head is written.
    """
    rows = result.features[:_PARITY_ROWS].astype(np.float32)
    rows = np.concatenate([rows, rows[:1] * 1e6, rows[:1] * -1e6])
    onehot = _onehot(result, len(rows))
    found = open_session(data).run(None, {FEATURES: rows, ENCODER: onehot.astype(np.float32)})[0]
    wanted = forward(result.head, rows.astype(np.float64), onehot)
    worst = float(np.abs(found - wanted).max())
    if not worst <= PARITY:
        raise RuntimeError(f"the ONNX graph and the trained head differ by {worst} MOS")


def cross_conformal(result: TrainingResult) -> tuple[CrossConformal | None, bytes | None]:
    """What CV+ intervals need: the residuals of the first seed's fold nets, and those nets."""
    nets = [seeds[0] for seeds in result.fold_nets if seeds]
    judged = result.fold_of_row >= 0
    if not nets or not judged.any():
        return None, None
    residuals = np.full(len(result.mos), np.nan)
    labels = result.mos if result.common_mos is None else result.common_mos
    onehot = _onehot(result, len(result.mos))
    for fold, net in enumerate(nets):
        rows = result.fold_of_row == fold
        predicted = net.predict(result.features[rows], onehot[rows])
        residuals[rows] = np.abs(labels[rows] - predicted)
    if result.scales is not None:
        residuals = residuals / result.scales
    conformal = CrossConformal.from_residuals(residuals, result.fold_of_row)
    return conformal, fold_graph(result.head, nets)


def _onehot(result: TrainingResult, rows: int) -> Array:
    """The encoder one-hot of training rows: all are in the first slot (``ugc-mixed``)."""
    onehot = np.zeros((rows, len(result.head.encoder_vocab)))
    onehot[:, 0] = 1
    return onehot


def _picture(result: TrainingResult) -> bytes:
    # One dot per row and label: a clip's predictions by the seeds are averaged.
    keys = ["key", "fold", "mos"]
    means = result.oof.group_by(keys, use_threads=False).aggregate([("mos_pred", "mean")])
    return predicted_against_mos(
        means.column("mos").to_numpy(),
        means.column("mos_pred_mean").to_numpy(),
        title=f"{result.model_id} · {result.gate.status}",
    )


def _corpora_picture(result: TrainingResult) -> bytes:
    """The corpora side by side, with the coverage that the residuals of other folds give."""
    keys = ["key", "fold", "mos", "corpus"]
    means = result.oof.group_by(keys, use_threads=False).aggregate([("mos_pred", "mean")])
    names = np.asarray([name or NO_CORPUS for name in means.column("corpus").to_pylist()])
    mos, predicted = (means.column(n).to_numpy() for n in ("mos", "mos_pred_mean"))
    fold = means.column("fold").to_numpy()
    nominal = np.linspace(0.05, 0.95, 19)
    curves = np.stack(
        [out_of_fold_coverage(np.abs(mos - predicted), fold, alpha=1 - n)[0] for n in nominal]
    )
    return corpora_side_by_side(
        [
            CorpusPicture(name, mos[own], predicted[own], np.nanmean(curves[:, own], axis=1))
            for name in np.unique(names)
            if (own := names == name).any() and np.isfinite(curves[:, own]).any(axis=1).all()
        ],
        nominal,
        title=f"{result.model_id} · held-out rows by corpus",
    )


def _write(run: Run, name: str, path: Path, data: bytes, *, kind: str) -> None:
    staged = run.stage(name, path, kind=kind)
    Path(staged).write_bytes(data)


def place_of(path: Path, folder: Path) -> str:
    """Return ``path`` relative to ``folder`` where it lies in or below it, else absolute."""
    absolute, base = (Path(os.path.abspath(p)) for p in (path, folder))  # noqa: PTH100
    if absolute.is_relative_to(base):
        return absolute.relative_to(base).as_posix()
    return absolute.as_posix()
