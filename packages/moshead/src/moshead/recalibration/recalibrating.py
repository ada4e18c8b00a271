"""Recalibrate a head, or calibrate a score column, on a few labelled rows of another corpus."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from provenance import start_run
from provenance.toolkit import InputError

from moshead.corpus.fingerprints import fingerprints, from_text, row_fingerprints, share_known
from moshead.corpus.folds import partition
from moshead.corpus.loading import load_corpus
from moshead.corpus.rows import RowOptions
from moshead.corpus.sources import Source, named_sources
from moshead.domain import Domain
from moshead.features.schemas import FeatureSchema
from moshead.gate.gate import judge_rows
from moshead.heads.conformal import DEFAULT_ALPHA, CrossConformal, check_alpha
from moshead.predict.predictor import Predictor, ProposedHeadWarning
from moshead.recalibration.basis import Basis, head_basis, score_basis
from moshead.recalibration.figures import Figures, learning_curve
from moshead.recalibration.writing import Recalibrated, write_recalibrated
from moshead.scales.mapping import fit_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labeljoin.keys import KeyNormalize
    from provenance.toolkit import ProgressCallback

    from moshead.corpus.corpus import Corpus

PathLike = str | os.PathLike[str]

LEAST_LABELS = 20
DEFAULT_SEED = 20260508
_FOLDS = 10
_KNOWN_SHARE_ALLOWED = 0.01


def recalibrate(
    features: PathLike | Sequence[PathLike],
    out_onnx: PathLike,
    *,
    onnx: PathLike | None = None,
    scores: str | None = None,
    model_id: str | None = None,
    key_column: str | None = None,
    key_normalize: KeyNormalize | None = None,
    key_regex: str | None = None,
    max_keyless_rate: float = 0.05,
    group_column: str | None = None,
    alpha: float = DEFAULT_ALPHA,
    seed: int = DEFAULT_SEED,
    out_manifest: PathLike | None = None,
    out_card: PathLike | None = None,
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Make a head for another corpus from a head, or from a score column, and 20 to 500 labels.

    The new head is the old one with a monotone map after it, shrunk towards the identity
    (:mod:`moshead.scales.mapping`). Its intervals rest on the new rows alone, each predicted
    by a map that had not seen it, and its domain has the new rows beside the old ones.

    Args:
        features: Labelled feature tables of the new corpus, ``[CORPUS=]PATH`` each.
        out_onnx: Where the new head goes.
        onnx: The head. Either this or ``scores``.
        scores: A score column; the new head reads nothing else.
        model_id: Name of the new head; by default ``<old>_recalibrated``, or ``<column>_head``.
        key_column: The column of clip keys, as for :func:`moshead.train`.
        key_normalize: How its values become clip keys, as for :func:`moshead.train`.
        key_regex: Regular expression for them, as for :func:`moshead.train`.
        max_keyless_rate: Largest share of rows without a clip key, as for :func:`moshead.train`.
        group_column: Rows of one group never straddle folds.
        alpha: Level at which the coverage of the intervals is measured.
        seed: Draws folds and subsamples.
        out_manifest: Where its manifest goes; beside the head by default.
        out_card: Where its card goes; beside the head by default.
        progress: Called as the learning curve advances.

    Returns:
        The manifest (``mos-head-manifest-v1``) with its member ``recalibration``: the parent, the
        map, figures before and after, and the learning curve.

    Raises:
        InputError: The head or the rows are unusable, fewer than 20 rows have a MOS, or the rows
            trained the head.

    Example:
        >>> import numpy, pathlib, pyarrow, pyarrow.parquet, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> score = numpy.linspace(20.0, 80.0, 40)
        >>> frame = pyarrow.table({
        ...     "clip_id": [f"c{n}" for n in range(40)], "dover": score,
        ...     "mos": score / 20 + 0.1 * numpy.sin(numpy.arange(40.0))})
        >>> pyarrow.parquet.write_table(frame, folder / "rated.parquet")
        >>> manifest = recalibrate(folder / "rated.parquet", folder / "h.onnx", scores="dover")
        >>> manifest["recalibration"]["after"]["rmse"] < 0.1
        True
    """
    check_alpha(alpha)
    if (onnx is None) == (scores is None):
        raise InputError(
            "recalibration starts from a head or from a score column",
            fix="Give either --onnx or --scores",
            code="recalibration.one-start",
        )
    named = named_sources([features] if isinstance(features, str | os.PathLike) else features)
    out = Path(out_onnx)
    manifest = Path(out_manifest) if out_manifest is not None else out.with_suffix(".json")
    card = Path(out_card) if out_card is not None else out.with_name(f"{out.stem}_card.md")
    predictor = None if onnx is None else _opened(Path(onnx), alpha)
    parent = None if predictor is None or predictor.head is None else predictor.head
    args = {
        "onnx": None if onnx is None else os.fspath(onnx),
        "scores": scores,
        "features": [os.fspath(f"{name}={path}" if name else path) for name, path in named],
        "out_onnx": os.fspath(out_onnx),
        "model_id": model_id,
        "key_column": key_column,
        "key_normalize": key_normalize,
        "key_regex": key_regex,
        "max_keyless_rate": max_keyless_rate,
        "group_column": group_column,
        "alpha": alpha,
        "seed": seed,
        "out_manifest": None if out_manifest is None else os.fspath(out_manifest),
        "out_card": None if out_card is None else os.fspath(out_card),
    }
    with start_run(
        "moshead recalibrate",
        distribution="moskit-moshead",
        module=__name__,
        inputs={
            "onnx": onnx,
            "manifest": None if parent is None else parent.manifest_path,
            "features": [path for _, path in named],
        },
        args=args,
        progress=progress,
    ) as run:
        schema = (
            FeatureSchema(f"{scores}-v1", (str(scores),), (str(scores),))
            if parent is None
            else parent.metadata.schema
        )
        tables = [Source(path, name) for name, path in named]
        if scores is not None:
            for table in tables:
                table.require(scores)
        options = RowOptions(
            key_column=key_column,
            key_normalize=key_normalize,
            key_regex=key_regex,
            max_keyless_rate=max_keyless_rate,
            group_column=group_column,
            display={} if parent is None else parent.metadata.display,
        )
        corpus = load_corpus(tables, schema, options, progress=progress)
        _refuse_few(corpus)
        if predictor is None:
            basis = score_basis(corpus, model_id or f"{scores}_head")
        else:
            _refuse_known(predictor, corpus)
            basis = head_basis(predictor, corpus, model_id)
        made = _recalibrated(basis, corpus, alpha, seed, progress)
        write_recalibrated(
            run,
            made,
            out_onnx=out,
            out_manifest=manifest,
            out_card=card,
            args=args,
        )
    return run.document


def _opened(onnx: Path, alpha: float) -> Predictor:
    with warnings.catch_warnings():
        # The new head has a verdict of its own.
        warnings.simplefilter("ignore", ProposedHeadWarning)
        predictor = Predictor(onnx, alpha=alpha)
    if predictor.head is None:
        raise InputError(
            "there is no such file",
            where=str(onnx),
            fix="Check the path of the head",
            code="recalibration.no-such-head",
        )
    return predictor


def _refuse_few(corpus: Corpus) -> None:
    if len(np.unique(corpus.units)) < LEAST_LABELS:
        word = "groups" if corpus.groups is not None else "clips"
        raise InputError(
            f"{len(np.unique(corpus.units))} labelled {word} cannot recalibrate a head",
            where=", ".join(corpus.sources),
            fix=f"Rate {LEAST_LABELS} or more",
            code="recalibration.too-few-labels",
        )


def _refuse_known(predictor: Predictor, corpus: Corpus) -> None:
    """Refuse rows that trained the head: their errors are smaller than those of new rows."""
    assert predictor.head is not None
    metadata = predictor.head.metadata
    known = max(
        share_known(fingerprints(corpus.clip_keys), from_text(metadata.training_keys)),
        share_known(
            row_fingerprints(corpus.features, corpus.mos), from_text(metadata.training_rows)
        ),
    )
    if known > _KNOWN_SHARE_ALLOWED:
        raise InputError(
            f"{known:.1%} of these clips trained the head, so their errors say nothing of new ones",
            where=", ".join(corpus.sources),
            fix="Give rated clips that it has not seen",
            code="recalibration.training-rows",
        )


def _recalibrated(
    basis: Basis,
    corpus: Corpus,
    alpha: float,
    seed: int,
    progress: ProgressCallback | None,
) -> Recalibrated:
    """Fit the maps, and measure before, after and the learning curve."""
    x, mos = basis.values, corpus.mos
    units = len(np.unique(corpus.units))
    folds = partition(
        corpus.units, min(_FOLDS, units // 4), seed, grouped=corpus.groups is not None
    )
    maps, predicted = [], np.empty(len(mos))
    fold_of_row = np.empty(len(mos), dtype=np.int64)
    for number, fold in enumerate(folds.folds):
        mapping = fit_map(x[fold.train], mos[fold.train], scores=basis.scores)
        predicted[fold.held_out] = mapping(x[fold.held_out])
        fold_of_row[fold.held_out] = number
        maps.append(mapping)
    mapping = fit_map(x, mos, scores=basis.scores)
    rows = np.arange(len(mos))
    domain = Domain.of(corpus.features, mos, fold_of_row, rows, basis.known)
    scales = domain.held_out_scales(corpus.features, fold_of_row)
    conformal = CrossConformal.from_residuals(np.abs(mos - predicted) / scales, fold_of_row)
    ends = _held_out_ends(predicted, np.abs(mos - predicted), scales, fold_of_row, alpha)
    gate = judge_rows(
        mos,
        predicted,
        units=corpus.units,
        unit_name="groups" if corpus.groups is not None else "clips",
        standard_error=corpus.standard_error,
        error_basis=corpus.error_basis,
        seed=seed,
    )
    if not basis.may_be_accepted and gate.passed:
        gate = replace(
            gate,
            status="Proposed",
            passed=False,
            misses=(*gate.misses, "the head that it was made from is only Proposed"),
            sentence="Not accepted: the head that it was made from is only Proposed. "
            + gate.sentence.replace("The gate is met.", "These rows alone would meet the gate.", 1),
        )

    def advance(done: int, total: int) -> None:
        if progress is not None:
            progress("learning curve", done, total)

    return Recalibrated(
        basis=basis,
        corpus=corpus,
        mapping=mapping,
        fold_maps=tuple(maps),
        folds=folds,
        predicted=predicted,
        domain=domain,
        conformal=conformal,
        gate=gate,
        alpha=alpha,
        before=basis.before,
        after=Figures.of(mos, predicted, ends),
        curve=tuple(learning_curve(x, mos, scores=basis.scores, seed=seed, progress=advance)),
        seed=seed,
    )


def _held_out_ends(
    predicted: Any, residuals: Any, scales: Any, fold_of_row: Any, alpha: float
) -> tuple[Any, Any]:
    """Intervals of held-out rows, each made from the residuals of the other folds."""
    half = np.empty(len(predicted))
    for fold in np.unique(fold_of_row):
        own = fold_of_row == fold
        others = np.sort((residuals / scales)[~own])
        rank = int(np.ceil((1 - alpha) * (len(others) + 1)))
        half[own] = (np.inf if rank > len(others) else others[rank - 1]) * scales[own]
    return np.maximum(predicted - half, 1.0), np.minimum(predicted + half, 5.0)
