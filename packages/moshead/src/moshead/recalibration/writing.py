"""Writing a recalibrated head: the ONNX file, its manifest with both parents, its card."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from provenance.record import Digest

from moshead.documents.manifest import SCHEMA as MANIFEST_SCHEMA
from moshead.export.card import head_card
from moshead.export.head import DISTRIBUTION, PARITY, place_of
from moshead.export.manifest import MANIFEST_KIND, mos_summary
from moshead.export.metadata import HeadMetadata
from moshead.export.onnxfile import read_onnx
from moshead.export.operators import check_operators
from moshead.export.plots import predicted_against_mos
from moshead.export.runtime import open_session
from moshead.features.domain import ENCODER_VOCAB, ENCODER_VOCAB_VERSION, MOS_RANGE
from moshead.features.matrix import impute
from moshead.heads.graph import fold_graph, head_graph
from moshead.heads.graph_names import ENCODER, FEATURES
from moshead.heads.network import Head
from moshead.recalibration.figures import curve_sentence
from moshead.recalibration.graph import ScoreNet, mapped_folds, mapped_graph

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance import Run

    from moshead.corpus.corpus import Corpus
    from moshead.corpus.folds import Partition
    from moshead.domain import Domain
    from moshead.features.domain import Array
    from moshead.gate.report import GateReport
    from moshead.heads.conformal import CrossConformal
    from moshead.recalibration.basis import Basis
    from moshead.recalibration.figures import CurvePoint, Figures
    from moshead.scales.mapping import MonotoneMap


@dataclass(frozen=True)
class Recalibrated:
    """A recalibrated head, before it is written.

    Attributes:
        basis: What the map comes after.
        corpus: The labelled rows of the new corpus.
        mapping: The map, fitted to all of them.
        fold_maps: The map of each fold, fitted without its rows.
        folds: The folds.
        predicted: Predictions of held-out rows, (N,).
        domain: What the new head knows.
        conformal: The residuals of held-out rows.
        gate: The verdict on held-out rows of the new corpus.
        alpha: Level of the measured intervals.
        before: Figures of the parent on the new rows; None for scores.
        after: Figures of the new head on held-out rows.
        curve: What fewer labels would have brought.
        seed: Seed of folds and subsamples.
    """

    basis: Basis
    corpus: Corpus
    mapping: MonotoneMap
    fold_maps: tuple[MonotoneMap, ...]
    folds: Partition
    predicted: Array
    domain: Domain
    conformal: CrossConformal
    gate: GateReport
    alpha: float
    before: Figures | None
    after: Figures
    curve: tuple[CurvePoint, ...]
    seed: int

    @property
    def curve_sentence(self) -> str:
        """Whether more labels would help."""
        return curve_sentence(self.curve, len(self.corpus.mos), self.after.rmse)


def write_recalibrated(
    run: Run,
    made: Recalibrated,
    *,
    out_onnx: Path,
    out_manifest: Path,
    out_card: Path,
    args: Mapping[str, Any],
) -> None:
    """Stage the files of a recalibrated head, the manifest as the run's record.

    Args:
        run: The run.
        made: The head.
        out_onnx: Where the ONNX file goes.
        out_manifest: Where the manifest goes.
        out_card: Where the card goes; its picture goes beside it, as ``.png``.
        args: The run's arguments, for the command line of the card.
    """
    content = ("scores", "key_column", "key_normalize", "key_regex", "group_column", "seed")
    short = run.short_record({"model_id": made.basis.model_id, **{n: args[n] for n in content}})
    data = head_bytes(made, short)
    facts = read_onnx(data, str(out_onnx))
    check_operators(facts, str(out_onnx))
    _check_parity(made, data)
    digest = Digest(hashlib.sha256(data).hexdigest(), len(data))
    staged = run.stage("onnx", out_onnx, kind="mos-head")
    Path(staged).write_bytes(data)
    staged.set_digest(digest)
    manifest = _manifest(made) | {
        "onnx": place_of(out_onnx, out_manifest.parent),
        "card": place_of(out_card, out_manifest.parent),
        "sha256": digest.sha256,
        "opset": facts.opsets[""],
        "operators": sorted(facts.operators),
    }
    picture = out_card.with_suffix(".png")
    title = f"{made.basis.model_id} · {made.gate.status}"
    drawn = predicted_against_mos(made.corpus.mos, made.predicted, title=title)
    Path(run.stage("card_plot", picture, kind="plot")).write_bytes(drawn)
    card = head_card(
        manifest,
        inputs=short["inputs"],
        version=version(DISTRIBUTION),
        command=_command(args),
        plot=picture.name,
    )
    Path(run.stage("card", out_card, kind="model-card")).write_text(card, encoding="utf-8")
    run.record(out_manifest, manifest, kind="manifest")


def head_bytes(made: Recalibrated, short_record: Mapping[str, Any]) -> bytes:
    """The ONNX file of a recalibrated head."""
    basis, parent = made.basis, made.basis.parent
    schema = made.corpus.schema
    imputation = dict(zip(schema.columns, map(float, basis.imputation), strict=True))
    nets = [ScoreNet(each) for each in made.fold_maps]
    head = Head((ScoreNet(made.mapping),), schema, imputation)
    folds = fold_graph(head, nets) if parent is None else mapped_folds(parent.data, made.fold_maps)
    metadata = HeadMetadata(
        model_id=basis.model_id,
        status=made.gate.status,
        corpus_kind="real" if parent is None else parent.metadata.corpus_kind,
        schema=schema,
        imputation=imputation,
        encoder_vocab=ENCODER_VOCAB if parent is None else parent.metadata.encoder_vocab,
        encoder_vocab_version=ENCODER_VOCAB_VERSION
        if parent is None
        else parent.metadata.encoder_vocab_version,
        gate=made.gate.to_dict(),
        conformal=made.conformal,
        fold_models=folds,
        training_keys=basis.training_keys,
        run_record=short_record,
        display={} if parent is None else parent.metadata.display,
        training_rows=basis.training_rows,
        domain=made.domain,
    )
    if parent is None:
        return head_graph(head, metadata.to_props())
    return mapped_graph(parent.data, (made.mapping,), metadata.to_props())


def _check_parity(made: Recalibrated, data: bytes) -> None:
    """Make sure that the graph computes the map of what it comes after."""
    rows = impute(made.corpus.features, made.basis.imputation).astype(np.float32)
    parent = made.basis.parent
    width = len(ENCODER_VOCAB if parent is None else parent.metadata.encoder_vocab)
    onehot = np.zeros((len(rows), width), np.float32)
    onehot[:, 0] = 1
    found = open_session(data).run(None, {FEATURES: rows, ENCODER: onehot})[0]
    wanted = made.mapping(rows[:, 0] if parent is None else made.basis.values)
    worst = float(np.abs(found - wanted).max())
    # A score may be large, and float32 keeps seven digits of it.
    span = float(np.abs(made.mapping.slopes).max() * np.abs(made.mapping.x).max())
    if not worst <= PARITY + 1e-6 * span:
        raise RuntimeError(f"the recalibrated graph and its map differ by {worst} MOS")


def _manifest(made: Recalibrated) -> dict[str, Any]:
    basis, corpus, parent = made.basis, made.corpus, made.basis.parent
    old: Mapping[str, Any] = {} if parent is None or parent.manifest is None else parent.manifest
    columns = corpus.schema.columns
    mean, spread = basis.imputation.astype(np.float64), np.ones(len(columns))
    described = made.domain.rows
    mean[described.columns] = described.location
    spread[described.columns] = described.spread
    kind = "real" if parent is None else parent.metadata.corpus_kind
    before = (
        f"the score column {columns[0]}"
        if parent is None
        else f"the head {parent.metadata.model_id} ({parent.metadata.status})"
    )
    rows = len(corpus.mos)
    return {
        "schema": MANIFEST_SCHEMA,
        "id": basis.model_id,
        "kind": MANIFEST_KIND,
        "feature_schema": corpus.schema.id,
        "feature_order": list(columns),
        "feature_mean": old.get("feature_mean", [float(v) for v in mean]),
        "feature_std": old.get("feature_std", [float(v) for v in spread]),
        "feature_clip": old.get("feature_clip"),
        "imputation": dict(zip(columns, map(float, basis.imputation), strict=True)),
        "fill": corpus.fill,
        "encoder_vocab": list(ENCODER_VOCAB if parent is None else parent.metadata.encoder_vocab),
        "encoder_vocab_version": ENCODER_VOCAB_VERSION
        if parent is None
        else parent.metadata.encoder_vocab_version,
        "mos_range": list(MOS_RANGE),
        "n_nets": old.get("n_nets", 1),
        "n_parameters": old.get("n_parameters", 0) + len(made.mapping.y),
        "intervals": made.conformal.summary(),
        "training_recipe": {
            "family": "recalibrated",
            "architecture": f"monotone map after {before}",
            "stored_rows": "no row of the new corpus is stored; the map has "
            f"{len(made.mapping.x)} knots",
            "n_rows": rows,
            "smoke": kind != "real",
        },
        "corpus": {
            "kind": kind,
            "clips": corpus.clips,
            "groups": None if corpus.groups is None else len(set(corpus.groups)),
            "rows": rows,
            "rows_read": corpus.rows_read,
            "keys": list(corpus.key_sources),
            "labels_dropped": dict(corpus.dropped),
            "imputed": corpus.imputed,
            "mos": mos_summary(corpus.mos),
        },
        "folds": made.folds.to_dict(),
        "seeds": [made.seed],
        "out_of_fold": mos_summary(made.predicted),
        "gate": made.gate.to_dict(),
        "control": None,
        "contents": None,
        "corpora": [],
        "alignment": None,
        "away": [],
        "worth": None,
        "baselines": [],
        "recalibration": {
            "parent": None
            if parent is None
            else {
                "id": parent.metadata.model_id,
                "sha256": parent.sha256,
                "status": parent.metadata.status,
            },
            "score": columns[0] if parent is None else None,
            "labels": rows,
            "map": made.mapping.to_dict(),
            "alpha": made.alpha,
            "before": None if made.before is None else made.before.to_dict(),
            "after": made.after.to_dict(),
            "curve": [each.to_dict() for each in made.curve],
            "curve_sentence": made.curve_sentence,
        },
        "notes": [
            f"Recalibrated from {before} with {rows:,} labelled rows; the verdict and the "
            "intervals are those of these rows, each predicted by a map that had not seen it.",
            *corpus.notes,
        ],
    }


def _command(args: Mapping[str, Any]) -> str:
    words = ["moshead", "recalibrate"]
    for name, value in args.items():
        for each in value if isinstance(value, list) else [value]:
            if each is not None:
                words += [f"--{name.replace('_', '-')}", str(each)]
    return shlex.join(words)
