"""What a training run made: the head, its figures and what card and manifest say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from moshead.corpus.fingerprints import row_fingerprints, to_text
from moshead.features.matrix import column_medians, impute
from moshead.heads.network import Head, TrainingResult
from moshead.training.alignment import Alignment, alignment_notes
from moshead.training.cross_validation.fitting import Fitter, Judged, mean_predictions
from moshead.training.weighting import (
    Paid,
    weights_document,
    weights_note,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from moshead.corpus.corpus import Corpus
    from moshead.corpus.folds import Partition
    from moshead.domain import Domain
    from moshead.features.domain import Array, CorpusKind
    from moshead.gate.report import Cell, GateReport
    from moshead.heads.protocol import FittedHead


def training_result(
    corpus: Corpus,
    model_id: str,
    fitter: Fitter,
    corpus_kind: CorpusKind,
    division: Partition,
    seeds: tuple[int, ...],
    judged: Sequence[Judged],
    cells: Sequence[Cell],
    gate: GateReport,
    shipped: Sequence[FittedHead],
    trained_on: NDArray[np.int64],
    paid: Paid | None,
    domain: Domain,
) -> TrainingResult:
    """Gather what training made.

    Args:
        corpus: The rows that training saw.
        model_id: Name of the head.
        fitter: What fitted the heads.
        corpus_kind: Where the rows come from.
        division: The folds that judged.
        seeds: Seeds of the nets.
        judged: The nets of the folds.
        cells: What they predict.
        gate: The verdict.
        shipped: The heads that ship.
        trained_on: Rows that these were fitted to.
        paid: What weights changed; None where it was not measured.
        domain: The training range.
    """
    medians = column_medians(corpus.features[trained_on])
    plain = impute(corpus.features[trained_on], medians)
    facts = shipped[0].describe()
    fold_of_row, predicted = mean_predictions(cells, len(corpus.mos))
    residuals = np.where(fold_of_row >= 0, np.round(np.abs(corpus.mos - predicted), 6), np.nan)
    imputed = corpus.take(trained_on).imputed
    notes = corpus.notes
    if imputed:
        named = ", ".join(f"{name} ({n} of {len(trained_on)})" for name, n in imputed.items())
        notes = (*notes, f"Non-finite values were replaced by training medians: {named}.")
    weighting, weights = fitter.weighting, fitter.weighting.of(trained_on)
    note = weights_note(weighting, weights, paid)
    notes = (*notes, *([note] if note else []), *_family_notes(fitter, facts, gate))
    aligned = None if fitter.alignment is None else fitter.alignment.to_dict(trained_on)
    if aligned is not None:
        notes = (*notes, *alignment_notes(aligned))
    columns = corpus.schema.columns
    return TrainingResult(
        model_id=model_id,
        head=Head(
            nets=tuple(shipped),
            schema=corpus.schema,
            imputation=dict(zip(columns, map(float, shipped[0].imputation), strict=True)),
        ),
        corpus_kind=corpus_kind,
        gate=gate,
        oof=_out_of_fold(corpus, cells),
        fold_nets=tuple(
            tuple(net for item in judged if item.fold == fold for net in item.nets)
            for fold in range(len(division.folds))
        ),
        fold_of_row=fold_of_row,
        residuals=residuals,
        features=impute(corpus.features, shipped[0].imputation),
        feature_mean=plain.mean(axis=0).astype(np.float32).astype(np.float64),
        feature_std=_spread(plain),
        mos=corpus.mos,
        keys=corpus.clip_keys,
        folds=division.to_dict(),
        seeds=seeds,
        recipe=facts
        | {
            "missing_indicators": [columns[n] for n in facts.get("missing_indicators", ())],
            "deterministic": fitter.family.deterministic,
            "ensemble": fitter.members,
            "n_rows": len(trained_on),
            "weights": weights_document(weighting, weights, paid),
        },
        corpus={
            "clips": corpus.clips,
            "groups": len(set(corpus.groups)) if corpus.groups is not None else None,
            "rows": len(corpus.mos),
            "rows_read": corpus.rows_read,
            "keys": list(corpus.key_sources),
            "equal_rows": corpus.equal_rows,
            "units": int(corpus.units.max()) + 1,
            "labels_dropped": dict(corpus.dropped),
            "imputed": imputed,
            "constant_columns": list(corpus.constant),
            "splits": _split_counts(corpus),
        },
        fill=corpus.fill,
        notes=notes,
        # Synthetic rows are nobody's clips, and their bits may differ between machines.
        training_rows=to_text(row_fingerprints(corpus.features, corpus.mos))
        if corpus_kind == "real"
        else "",
        alignment=aligned,
        common_mos=_common(fitter.alignment, division),
        domain=domain,
        scales=domain.held_out_scales(corpus.features, fold_of_row),
    )


def _common(alignment: Alignment | None, division: Partition) -> Array | None:
    """Labels on the common scale, each under the maps of the fold that held it out."""
    if alignment is None:
        return None
    labels = alignment.mos.copy()
    for fold in division.folds:
        labels[fold.held_out] = alignment.common(fold.train)[fold.held_out]
    return labels


def _spread(features: Array) -> Array:
    """Standard deviation of each column, 1 where float32 cannot tell its values apart."""
    spread = features.std(axis=0)
    constant = spread <= 1e-7 * np.maximum(np.abs(features).max(axis=0), 1e-30)
    return np.where(constant, 1.0, spread).astype(np.float32).astype(np.float64)


def _family_notes(fitter: Fitter, facts: dict[str, Any], gate: GateReport) -> list[str]:
    """What card and manifest must say about the family."""
    name, options, notes = fitter.family.name, fitter.options, []
    if fitter.family.deterministic:
        partitions = gate.extras.get("partition_plcc_spread")
        over = "was not measured (--other-partitions 0)"
        if partitions is not None and np.isfinite(partitions):
            over = f"is {partitions:.4f}"
        notes.append(
            f"The spread over seeds is 0 by construction: the family {name} draws nothing at "
            f"random. The spread over fold partitions {over}."
        )
        ignored = [
            flag
            for flag, given in (
                ("--epochs", options.epochs is not None),
                ("--device cuda", options.device != "cpu"),
                ("--ensemble", options.ensemble > 1),
            )
            if given
        ]
        if ignored:
            notes.append(f"Not used by the family {name}: {', '.join(ignored)}.")
    elif facts.get("device", "cpu") != "cpu":
        notes.append("Trained on CUDA: another run need not give the same bytes.")
    return notes


def _split_counts(corpus: Corpus) -> dict[str, int] | None:
    if corpus.splits is None:
        return None
    names, counts = np.unique(corpus.splits, return_counts=True)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}


def _out_of_fold(corpus: Corpus, cells: Sequence[Cell]) -> pa.Table:
    """Out-of-fold predictions: ``key, fold, seed, mos, mos_pred``, ``corpus`` and ``group``.

    The last two are there where rows name them.
    """
    rows = np.concatenate([cell.rows for cell in cells])
    columns = {
        "key": pa.array([corpus.keys[row] for row in rows], pa.string()),
        "fold": np.concatenate([np.full(len(c.rows), c.fold) for c in cells]),
        "seed": np.concatenate([np.full(len(c.rows), c.seed) for c in cells]),
        "mos": corpus.mos[rows],
        "mos_pred": np.concatenate([cell.predicted for cell in cells]),
    }
    if corpus.corpora is not None:
        columns["corpus"] = pa.array([corpus.corpora[row] or None for row in rows], pa.string())
    if corpus.groups is not None:
        columns["group"] = pa.array([corpus.groups[row] for row in rows], pa.string())
    return pa.table(columns)
