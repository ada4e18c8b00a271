"""Cross-validation: train folds by seeds, judge them by the gate, train the head that ships."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from provenance.toolkit import InputError, ProgressCallback

from moshead.features.matrix import column_medians, impute
from moshead.gate import statistics
from moshead.gate.gate import Cell, GateReport, judge
from moshead.heads.network import (
    ENCODER_VOCAB,
    Array,
    CorpusKind,
    Head,
    HeadWeights,
    TrainingResult,
    net_forward,
)
from moshead.heads.recipe import Recipe, recipe_for
from moshead.training.folds import Fold, Partition, partition, split_partition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from moshead.corpus.corpus import Corpus

DEFAULT_SEED = 20260508
OTHER_PARTITIONS = 5


@dataclass(frozen=True)
class TrainingOptions:
    """How a head is trained and judged.

    Attributes:
        epochs: Passes over the training rows, where the recipe's own number is not wanted.
        k_folds: Folds F.
        seeds: Seeds S of weights and shuffling; the first is ``seed``.
        seed: Draws the fold partition.
        ensemble: Nets averaged in one head, here and in every fold.
        other_partitions: Partitions beside the first that are trained with one seed each, to show
            how much the draw of the folds matters.
        device: ``cpu`` or ``cuda``.
    """

    epochs: int | None = None
    k_folds: int = 5
    seeds: int = 5
    seed: int = DEFAULT_SEED
    ensemble: int = 1
    other_partitions: int = OTHER_PARTITIONS
    device: str = "cpu"

    def check(self) -> None:
        """Refuse options that mean nothing.

        Raises:
            InputError: A number is out of its range.
        """
        least = {"epochs": 1, "k_folds": 2, "seeds": 1, "seed": 0, "ensemble": 1}
        for name, minimum in least.items():
            value = getattr(self, name)
            if value is not None and value < minimum:
                raise InputError(
                    f"--{name.replace('_', '-')} {value} is too small",
                    fix=f"Give {minimum} or more",
                )


@dataclass(frozen=True)
class _Judged:
    """One fold by one seed of one partition, with the nets that predict it."""

    fold: int
    seed: int
    rows: Fold
    nets: tuple[HeadWeights, ...]


def train_head(
    corpus: Corpus,
    model_id: str,
    options: TrainingOptions | None = None,
    *,
    corpus_kind: CorpusKind = "real",
    progress: ProgressCallback | None = None,
) -> TrainingResult:
    """Train a head on a corpus and judge it.

    Rows of the split ``test`` are left alone: they are for :func:`moshead.validate`. Where the
    corpus has ``train`` and ``val`` rows, the folds are that one split.

    Args:
        corpus: Labelled rows.
        model_id: Name of the head.
        options: How it is trained and judged.
        corpus_kind: Where the rows come from.
        progress: Called after each epoch.

    Raises:
        InputError: There are fewer clips or groups than folds, or an option is out of its range.
    """
    options = options or TrainingOptions()
    options.check()
    corpus, main = _partition(corpus, options)
    seeds = tuple(options.seed + number for number in range(options.seeds))
    recipe = recipe_for(len(main.folds[0].train), corpus.features.shape[1], options.epochs)
    others: list[Partition] = []
    if main.kind != "split":
        others = [
            partition(corpus.units, options.k_folds, options.seed + n, grouped=_grouped(corpus))
            for n in range(1, options.other_partitions + 1)
        ]
    judged = _train_folds(
        corpus, [(main, seeds), *((p, seeds[:1]) for p in others)], recipe, options, progress
    )
    cells = [_cell(corpus, item) for item in judged[0]]
    gate = judge(
        corpus.mos,
        cells,
        corpus_kind=corpus_kind,
        units=corpus.units,
        unit_name="groups" if _grouped(corpus) else "clips",
        standard_error=corpus.standard_error,
        partitions={
            other.seed or 0: _mean_plcc(corpus, items)
            for other, items in zip(others, judged[1:], strict=True)
        },
        seed=options.seed,
    )
    shipped, trained_on = _shipped_nets(corpus, main, seeds[0], recipe, options, progress)
    return _result(
        corpus,
        model_id,
        options,
        corpus_kind,
        main,
        seeds,
        recipe,
        judged[0],
        cells,
        gate,
        shipped,
        trained_on,
    )


def _grouped(corpus: Corpus) -> bool:
    return corpus.groups is not None


def _partition(corpus: Corpus, options: TrainingOptions) -> tuple[Corpus, Partition]:
    """The rows that training may see, and how they are divided."""
    if corpus.splits is None:
        folds = partition(corpus.units, options.k_folds, options.seed, grouped=_grouped(corpus))
        return corpus, folds
    corpus = corpus.take(np.flatnonzero(corpus.splits != "test"))
    assert corpus.splits is not None
    train = np.flatnonzero(corpus.splits == "train")
    held_out = np.flatnonzero(corpus.splits == "val")
    if not len(train):
        raise InputError(
            "no labelled row is in the split train",
            fix="Mark rows as train, or point --split-column at another column",
        )
    if not len(held_out):
        corpus = corpus.take(train)
        folds = partition(corpus.units, options.k_folds, options.seed, grouped=_grouped(corpus))
        return corpus, folds
    if float(np.ptp(corpus.mos[train])) < 1e-6:
        raise InputError("all MOS of the split train are equal", fix="Check the labels")
    return corpus, split_partition(train, held_out)


def _train_folds(
    corpus: Corpus,
    wanted: Sequence[tuple[Partition, tuple[int, ...]]],
    recipe: Recipe,
    options: TrainingOptions,
    progress: ProgressCallback | None,
) -> list[list[_Judged]]:
    from moshead.heads.nets import NetPlan, train_nets

    plans = [
        NetPlan(fold.train, (seed, number, member))
        for division, seeds in wanted
        for (number, fold), seed, member in product(
            enumerate(division.folds), seeds, range(options.ensemble)
        )
    ]
    nets = iter(
        train_nets(
            corpus.features,
            corpus.mos,
            plans,
            recipe,
            device=options.device,
            progress=progress,
            step_name="folds by seeds",
        )
    )
    return [
        [
            _Judged(number, seed, fold, tuple(next(nets) for _ in range(options.ensemble)))
            for (number, fold), seed in product(enumerate(division.folds), seeds)
        ]
        for division, seeds in wanted
    ]


def _cell(corpus: Corpus, judged: _Judged) -> Cell:
    rows = judged.rows.held_out
    medians = column_medians(corpus.features[judged.rows.train])
    features = impute(corpus.features[rows], medians)
    return Cell(judged.fold, judged.seed, rows, predict(judged.nets, features))


def predict(nets: Sequence[HeadWeights], features: Array, chunk: int = 20_000) -> Array:
    """MOS of nets averaged, in chunks that fit the cache: finite features (N, F) to (N,)."""
    parts = []
    for start in range(0, len(features), chunk):
        part = features[start : start + chunk]
        onehot = np.ones((len(part), len(ENCODER_VOCAB)))
        parts.append(np.mean([net_forward(net, part, onehot) for net in nets], axis=0))
    return np.concatenate(parts)


def _mean_plcc(corpus: Corpus, items: Sequence[_Judged]) -> float:
    cells = [_cell(corpus, item) for item in items]
    return float(np.mean([statistics.plcc(corpus.mos[c.rows], c.predicted) for c in cells]))


def _shipped_nets(
    corpus: Corpus,
    division: Partition,
    seed: int,
    recipe: Recipe,
    options: TrainingOptions,
    progress: ProgressCallback | None,
) -> tuple[list[HeadWeights], NDArray[np.int64]]:
    """The nets that ship: all rows, or those of the split train; and those rows."""
    from moshead.heads.nets import NetPlan, train_nets

    rows = np.arange(len(corpus.mos))
    if division.kind == "split":
        rows = division.folds[0].train
    # The fold number after the last, so that no fold's draws are used again.
    plans = [NetPlan(rows, (seed, len(division.folds), n)) for n in range(options.ensemble)]
    nets = train_nets(
        corpus.features,
        corpus.mos,
        plans,
        recipe,
        device=options.device,
        progress=progress,
        step_name="head",
    )
    return nets, rows


def _result(
    corpus: Corpus,
    model_id: str,
    options: TrainingOptions,
    corpus_kind: CorpusKind,
    division: Partition,
    seeds: tuple[int, ...],
    recipe: Recipe,
    judged: Sequence[_Judged],
    cells: Sequence[Cell],
    gate: GateReport,
    shipped: Sequence[HeadWeights],
    trained_on: NDArray[np.int64],
) -> TrainingResult:
    medians = column_medians(corpus.features[trained_on])
    fold_of_row = np.full(len(corpus.mos), -1, dtype=np.int64)
    predicted = np.zeros(len(corpus.mos))
    for cell in cells:
        fold_of_row[cell.rows] = cell.fold
        predicted[cell.rows] += cell.predicted / len(seeds)
    residuals = np.where(fold_of_row >= 0, np.round(np.abs(corpus.mos - predicted), 6), np.nan)
    imputed = corpus.take(trained_on).imputed
    notes = corpus.notes
    if imputed:
        named = ", ".join(f"{name} ({n} of {len(trained_on)})" for name, n in imputed.items())
        notes = (*notes, f"Non-finite values were replaced by training medians: {named}.")
    if options.device != "cpu":
        notes = (*notes, "Trained on CUDA: another run need not give the same bytes.")
    columns = corpus.schema.columns
    return TrainingResult(
        model_id=model_id,
        head=Head(
            nets=tuple(shipped),
            schema=corpus.schema,
            imputation=dict(zip(columns, map(float, medians), strict=True)),
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
        features=impute(corpus.features, medians),
        mos=corpus.mos,
        keys=corpus.clip_keys,
        folds=division.to_dict(),
        seeds=seeds,
        recipe=recipe.to_dict()
        | {"ensemble": options.ensemble, "device": options.device, "n_rows": len(trained_on)},
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
    )


def _split_counts(corpus: Corpus) -> dict[str, int] | None:
    if corpus.splits is None:
        return None
    names, counts = np.unique(corpus.splits, return_counts=True)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}


def _out_of_fold(corpus: Corpus, cells: Sequence[Cell]) -> pa.Table:
    """Out-of-fold predictions: ``key, fold, seed, mos, mos_pred``, and ``group`` where known."""
    rows = np.concatenate([cell.rows for cell in cells])
    columns = {
        "key": pa.array([corpus.keys[row] for row in rows], pa.string()),
        "fold": np.concatenate([np.full(len(c.rows), c.fold) for c in cells]),
        "seed": np.concatenate([np.full(len(c.rows), c.seed) for c in cells]),
        "mos": corpus.mos[rows],
        "mos_pred": np.concatenate([cell.predicted for cell in cells]),
    }
    if corpus.groups is not None:
        columns["group"] = pa.array([corpus.groups[row] for row in rows], pa.string())
    return pa.table(columns)
