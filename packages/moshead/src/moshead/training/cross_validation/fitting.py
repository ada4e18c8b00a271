"""Fit the heads of folds by seeds, and predict the rows that each held out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from moshead.features.domain import ENCODER_VOCAB, Array
from moshead.features.matrix import impute
from moshead.gate import statistics
from moshead.gate.report import Cell
from moshead.heads.protocol import FitOptions, Plan, TrainingRows
from moshead.training.alignment import Alignment
from moshead.training.weighting import (
    WeightKind,
    choose_weighting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from provenance.toolkit import ProgressCallback

    from moshead.corpus.corpus import Corpus
    from moshead.corpus.folds import Fold, Partition
    from moshead.heads.protocol import Family, FittedHead, Net
    from moshead.training.cross_validation.options import TrainingOptions


_FILE_LIMIT = 3_700_000
"""Bytes of an ONNX file that weights may fill; the rest of 4 MB is for metadata."""


@dataclass(frozen=True)
class Judged:
    """One fold by one seed of one partition, with the nets that predict it."""

    fold: int
    seed: int
    rows: Fold
    nets: tuple[FittedHead, ...]
    alignment: Alignment | None = None


class Fitter:
    """Fits heads of one family to rows of one corpus."""

    def __init__(self, corpus: Corpus, options: TrainingOptions, family: Family) -> None:
        self.rows = TrainingRows(corpus.features, corpus.mos, corpus.units)
        self.weighting = choose_weighting(self.rows, corpus.standard_error, options.weights)
        self.options = options
        self.family = family
        self.alignment = Alignment.of(corpus, options.align)
        # Copies of one head have nothing to average.
        self.members = 1 if family.deterministic else options.ensemble

    @property
    def _size_limit(self) -> int:
        """What one head may take, where the file holds those of the folds too, in base64."""
        return int(_FILE_LIMIT / (1 + 4 / 3 * self.options.k_folds) / self.members)

    def _fit(
        self, plans: Sequence[Plan], progress: ProgressCallback | None, step: str
    ) -> list[FittedHead]:
        def advance(done: int, total: int) -> None:
            if progress is not None:
                progress(step, done, total)

        asked = FitOptions(self.options.epochs, self.options.device, self._size_limit)
        if self.alignment is None:
            return self.family.fit(self.rows, plans, asked, advance)
        return self._fit_aligned(plans, asked, advance)

    def _fit_aligned(
        self, plans: Sequence[Plan], asked: FitOptions, advance: Callable[[int, int], None]
    ) -> list[FittedHead]:
        """Fit plans whose labels are on the common scale, under the maps of their own rows."""
        assert self.alignment is not None
        alike: dict[bytes, list[int]] = {}
        for number, plan in enumerate(plans):
            alike.setdefault(plan.rows.tobytes(), []).append(number)
        nets: dict[int, FittedHead] = {}
        for done, numbers in enumerate(alike.values()):
            rows = replace(self.rows, mos=self.alignment.common(plans[numbers[0]].rows))
            own = self.family.fit(rows, [plans[n] for n in numbers], asked)
            nets.update(zip(numbers, own, strict=True))
            advance(done + 1, len(alike))
        return [nets[number] for number in range(len(plans))]

    def folds(
        self,
        wanted: Sequence[tuple[Partition, tuple[int, ...]]],
        progress: ProgressCallback | None,
        weights: WeightKind | None = None,
    ) -> list[list[Judged]]:
        """Fit every fold by seed of some partitions; a family that draws nothing, once a fold.

        Args:
            wanted: Partitions, each with its seeds.
            progress: Called as training advances.
            weights: How rows are weighted; as the options say by default.
        """
        plans = [
            Plan(fold.train, (seed, number, member), self.weighting.of(fold.train, weights))
            for division, seeds in wanted
            for (number, fold), seed, member in product(
                enumerate(division.folds), self._drawn(seeds), range(self.members)
            )
        ]
        step = "folds by seeds" if weights is None else f"folds with --weights {weights}"
        nets = iter(self._fit(plans, progress, step))
        judged = []
        for division, seeds in wanted:
            items = [
                Judged(
                    number,
                    seed,
                    fold,
                    tuple(next(nets) for _ in range(self.members)),
                    self.alignment,
                )
                for (number, fold), seed in product(enumerate(division.folds), self._drawn(seeds))
            ]
            if self.family.deterministic:
                items = [replace(item, seed=seed) for item in items for seed in seeds]
            judged.append(items)
        return judged

    def _drawn(self, seeds: tuple[int, ...]) -> tuple[int, ...]:
        return seeds[:1] if self.family.deterministic else seeds

    def shipped(
        self, division: Partition, seed: int, progress: ProgressCallback | None
    ) -> tuple[list[FittedHead], NDArray[np.int64]]:
        """Fit the heads that ship: to all rows, or to those of the split train; and those rows."""
        rows = np.arange(len(self.rows.mos))
        if division.kind == "split":
            rows = division.folds[0].train
        # The fold number after the last, so that no fold's draws are used again.
        weights = self.weighting.of(rows)
        plans = [Plan(rows, (seed, len(division.folds), n), weights) for n in range(self.members)]
        return self._fit(plans, progress, "head"), rows


def _cell(corpus: Corpus, judged: Judged) -> Cell:
    rows = judged.rows.held_out
    features = impute(corpus.features[rows], judged.nets[0].imputation)
    predicted = predict(judged.nets, features)
    if judged.alignment is not None:
        predicted = judged.alignment.own(judged.rows.train, rows, predicted)
    return Cell(judged.fold, judged.seed, rows, predicted)


def cells_of(corpus: Corpus, items: Sequence[Judged]) -> list[Cell]:
    """The predictions of each fold by seed; what is one head under several seeds predicts once."""
    made: dict[tuple[int, ...], Cell] = {}
    for item in items:
        identity = (item.fold, *map(id, item.nets))
        if identity not in made:
            made[identity] = _cell(corpus, item)
    return [replace(made[item.fold, *map(id, item.nets)], seed=item.seed) for item in items]


def predict(nets: Sequence[Net], features: Array, chunk: int = 20_000) -> Array:
    """MOS of nets averaged, in chunks that fit the cache: finite features (N, F) to (N,)."""
    parts = []
    for start in range(0, len(features), chunk):
        part = features[start : start + chunk]
        onehot = np.ones((len(part), len(ENCODER_VOCAB)))
        parts.append(np.mean([net.predict(part, onehot) for net in nets], axis=0))
    return np.concatenate(parts)


def mean_plcc(corpus: Corpus, items: Sequence[Judged]) -> float:
    """Mean PLCC over folds."""
    cells = cells_of(corpus, items)
    return float(np.mean([statistics.plcc(corpus.mos[c.rows], c.predicted) for c in cells]))


def mean_predictions(cells: Sequence[Cell], rows: int) -> tuple[NDArray[np.int64], Array]:
    """Fold of each row, (N,), -1 where none judged it, and its prediction averaged over seeds."""
    seeds = len({cell.seed for cell in cells})
    fold_of_row, predicted = np.full(rows, -1, dtype=np.int64), np.zeros(rows)
    for cell in cells:
        fold_of_row[cell.rows] = cell.fold
        predicted[cell.rows] += cell.predicted / seeds
    return fold_of_row, predicted
