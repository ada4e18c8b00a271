"""Baselines of a training run: on the head's own folds, with paired intervals.

A head is worth shipping where it beats what needs no head: the best single column, a second opinion
alone, or a stock regressor on the same columns.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from moshead.baselines.mapping import fit_mapping
from moshead.baselines.pairing import LEAST_UNITS, Difference, bootstrap_difference
from moshead.baselines.regressors import REGRESSORS, FitJob, fit_all
from moshead.baselines.worth import (
    Baseline,
    BaselineChoice,
    Kind,
    Worth,
    regressor_notes,
    worth_of_baselines,
)
from moshead.corpus.folds import Fold
from moshead.gate import statistics
from moshead.gate.resampling import resample_counts, resampled_plcc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from labeljoin.labels import Contamination
    from numpy.typing import NDArray
    from provenance.toolkit import ProgressCallback

    from moshead.baselines.mapping import MonotoneMapping

    Array = NDArray[np.float64]
    Indices = NDArray[np.int64]

RESAMPLES = 1000
SHORTLIST = 5
"""Columns, by rank correlation on the training rows, whose mapping is fitted to find the best."""

_CHUNK_VALUES = 4_000_000
_RESAMPLED_VALUES = 2e8


@dataclass(frozen=True)
class ScoreColumn:
    """A second opinion as a baseline reads it.

    Attributes:
        name: The scorer, as reports name it.
        column: The column.
        values: Its values, (N,), NaN where missing.
        contamination: Whether its scorer was trained on the judged corpus; None where it is no
            second opinion.
    """

    name: str
    column: str
    values: Array
    contamination: Contamination | None = None


@dataclass(frozen=True)
class Predicted:
    """What one baseline predicts.

    Attributes:
        name: What it is.
        kind: ``column`` or ``regressor``.
        column: The column, or the one that was chosen in most folds; None for a regressor.
        held_out: Predicted MOS of each fold's held-out rows.
        contamination: Whether the column's scorer was trained on the judged corpus.
        settings: How it was fitted, in one sentence.
        mapping: From the column to MOS, fitted to all training rows; None for a regressor.
    """

    name: str
    kind: Kind
    column: str | None
    held_out: list[Array]
    contamination: Contamination | None
    settings: str
    mapping: MonotoneMapping | None = None


@dataclass(frozen=True)
class HeadCell:
    """Predictions of the head for one fold by one seed.

    Attributes:
        fold: Number of the fold.
        seed: Seed.
        predicted: Predicted MOS of the fold's held-out rows, (n,).
    """

    fold: int
    seed: int
    predicted: Array


def measure_worth(
    features: Array,
    columns: Sequence[str],
    mos: Array,
    units: Indices,
    folds: Sequence[Fold],
    cells: Sequence[HeadCell],
    *,
    scores: Sequence[ScoreColumn] = (),
    contamination: Mapping[str, Contamination] | None = None,
    unit_name: str = "clips",
    choice: BaselineChoice = "auto",
    corpora: NDArray[np.str_] | None = None,
    seed: int = 0,
    progress: ProgressCallback | None = None,
) -> Worth:
    """Measure the baselines of a head on the head's own folds.

    Args:
        features: The head's columns, (N, F), NaN where a value is missing.
        columns: Their names.
        mos: Labels, (N,).
        units: Clip or group of each row, (N,): what the bootstrap draws.
        folds: The folds that judged the head.
        cells: The head's predictions, each fold by each seed.
        scores: Second opinions of the same rows, whether the head reads them or not.
        contamination: Whether the scorer behind a column was trained on the judged corpus, by
            column.
        unit_name: What units are called.
        choice: ``auto`` runs every regressor that is installed, ``simple`` ridge alone.
        corpora: Corpus of each row, (N,), where the rows say; figures for each where several.
        seed: Seed of the bootstrap and of the regressors.
        progress: Called after each fit.
    """
    contamination = contamination or {}
    found: list[Predicted] = []
    trained = np.unique(np.concatenate([fold.train for fold in folds]))
    best = _best_column(features, columns, mos, folds)
    alone = {score.column for score in scores}
    if best is not None and best[0] not in alone:
        single, predicted, settings = best
        values = features[:, columns.index(single)]
        mapping = mapped_by(values[trained], mos[trained])
        doubt = contamination.get(single)
        found.append(Predicted(single, "column", single, predicted, doubt, settings, mapping))
    for score in scores:
        mapped = _mapped(score.values, mos, folds)
        if mapped is not None:
            mapping = mapped_by(score.values[trained], mos[trained])
            settings = "logistic mapping fitted on the training rows"
            doubt = score.contamination
            found.append(
                Predicted(score.name, "column", score.column, mapped, doubt, settings, mapping)
            )
    chosen = [r for r in REGRESSORS if r.installed and (choice == "auto" or not r.modules)]
    jobs = [FitJob(r, fold.train, fold.held_out, seed) for r in chosen for fold in folds]

    def step(done: int) -> None:
        if progress is not None:
            progress("baselines", done, len(jobs))

    fits = iter(fit_all(features, mos, units, jobs, step))
    for regressor in chosen:
        predicted = [next(fits) for _ in folds]
        settings = regressor.settings
        found.append(Predicted(regressor.name, "regressor", None, predicted, None, settings))
    head = _head_predictions(cells, len(folds))
    baselines = judged_baselines(mos, units, folds, head, found, seed)
    worth = worth_of_baselines(baselines, unit_name, regressor_notes(choice))
    if corpora is None or len(np.unique(corpora)) < 2:
        return worth
    return replace(worth, corpora=_by_corpus(mos, units, folds, head, found, corpora, seed))


def judged_baselines(
    mos: Array,
    units: Indices,
    folds: Sequence[Fold],
    head: Sequence[Array],
    found: Sequence[Predicted],
    seed: int,
) -> tuple[Baseline, ...]:
    """Return the figures of the baselines beside the head, the best first.

    Args:
        mos: Labels, (N,).
        units: Clip or group of each row, (N,): what the bootstrap draws.
        folds: The rows that judge.
        head: Predictions of the head by fold, (S, n) each.
        found: Predictions of the baselines.
        seed: Seed of the bootstrap.
    """
    draws, point = _plcc_draws(mos, units, folds, head, [each.held_out for each in found], seed)
    few = min(len(np.unique(units[fold.held_out])) for fold in folds) * len(folds) < LEAST_UNITS
    baselines = []
    for number, each in enumerate(found, start=1):
        difference = bootstrap_difference(point[0], point[number], draws[0], draws[number])
        if few:
            difference = Difference(difference.difference, math.nan, math.nan, math.nan)
        pairs = [(mos[fold.held_out], p) for fold, p in zip(folds, each.held_out, strict=True)]
        baselines.append(
            Baseline(
                each.name,
                each.kind,
                each.column,
                float(point[number]),
                float(np.mean([statistics.srocc(t, p) for t, p in pairs])),
                float(np.mean([statistics.rmse(t, p) for t, p in pairs])),
                difference,
                each.contamination,
                each.settings,
                each.mapping,
                float(np.mean([np.mean(p - t) for t, p in pairs])),
            )
        )
    baselines.sort(key=lambda each: -np.nan_to_num(each.plcc, nan=-2.0))
    return tuple(baselines)


def _by_corpus(
    mos: Array,
    units: Indices,
    folds: Sequence[Fold],
    head: Sequence[Array],
    found: Sequence[Predicted],
    corpora: NDArray[np.str_],
    seed: int,
) -> dict[str, tuple[Baseline, ...]]:
    """The figures of the baselines on the held-out rows of each corpus."""
    figures = {}
    for name in np.unique(corpora):
        within = [corpora[fold.held_out] == name for fold in folds]
        kept = [n for n, rows in enumerate(within) if rows.any()]
        own = [Fold(folds[n].train, folds[n].held_out[within[n]]) for n in kept]
        predicted = [
            replace(each, held_out=[each.held_out[n][within[n]] for n in kept]) for each in found
        ]
        figures[str(name)] = judged_baselines(
            mos, units, own, [head[n][:, within[n]] for n in kept], predicted, seed
        )
    return figures


def mapped_by(values: Array, mos: Array) -> MonotoneMapping | None:
    """Map a column to MOS on the rows that have it; None where it does not vary.

    Args:
        values: The column, (N,), NaN where missing.
        mos: Labels, (N,).
    """
    known = np.isfinite(values)
    if known.sum() < 3 or float(np.ptp(values[known])) == 0:
        return None
    return fit_mapping(mos[known], values[known])


def _head_predictions(cells: Sequence[HeadCell], folds: int) -> list[Array]:
    """Predictions of the head by fold, (S, n) each."""
    return [
        np.stack([c.predicted for c in sorted(cells, key=lambda c: c.seed) if c.fold == fold])
        for fold in range(folds)
    ]


def _best_column(
    features: Array, columns: Sequence[str], mos: Array, folds: Sequence[Fold]
) -> tuple[str, list[Array], str] | None:
    """The column that predicts best alone, chosen and mapped within each fold's training rows."""
    predicted: list[Array] = []
    names: Counter[str] = Counter()
    for fold in folds:
        train = features[fold.train]
        medians = _medians(train)
        filled = np.where(np.isnan(train), medians, train)
        strength = np.abs(_rank_correlations(filled, mos[fold.train]))
        if not np.isfinite(strength).any():
            return None
        shortlist = np.argsort(-np.nan_to_num(strength, nan=-1.0), kind="stable")[:SHORTLIST]
        mappings = {
            int(c): fit_mapping(mos[fold.train], filled[:, c])
            for c in shortlist
            if np.isfinite(strength[c])
        }
        column = min(
            mappings,
            key=lambda c: float(np.sum((mos[fold.train] - mappings[c](filled[:, c])) ** 2)),
        )
        own = features[fold.held_out, column]
        predicted.append(mappings[column](np.where(np.isnan(own), medians[column], own)))
        names[columns[column]] += 1
    (name, count), *_ = names.most_common()
    settings = "chosen and mapped by a logistic on the training rows of each fold"
    if count < len(folds):
        others = ", ".join(f"{other} in {n}" for other, n in names.most_common()[1:])
        settings += f"; {name} in {count} of {len(folds)} folds, {others}"
    return name, predicted, settings


def _rank_correlations(features: Array, mos: Array) -> Array:
    """Spearman's correlation of each column with MOS, (F,); NaN where a column does not vary."""
    ranks = stats.rankdata(features, axis=0)
    ranks -= ranks.mean(axis=0)
    own = stats.rankdata(mos)
    own -= own.mean()
    size = np.sqrt(np.sum(ranks**2, axis=0) * float(own @ own))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(size > 0, own @ ranks / size, np.nan))


def _medians(rows: Array) -> Array:
    known = np.isfinite(rows).any(axis=0)
    medians = np.zeros(rows.shape[1])
    if known.any():
        medians[known] = np.nanmedian(rows[:, known], axis=0)
    return medians


def _mapped(values: Array, mos: Array, folds: Sequence[Fold]) -> list[Array] | None:
    """A column mapped within each fold; None where it has no values or does not vary."""
    predicted = []
    for fold in folds:
        own = values[fold.train]
        mapping = mapped_by(own, mos[fold.train])
        if mapping is None:
            return None
        held_out = values[fold.held_out]
        filled = np.where(np.isfinite(held_out), held_out, float(np.nanmedian(own)))
        predicted.append(mapping(filled))
    return predicted


def _plcc_draws(
    mos: Array,
    units: Indices,
    folds: Sequence[Fold],
    head: Sequence[Array],
    others: Sequence[Sequence[Array]],
    seed: int,
) -> tuple[Array, Array]:
    """PLCC of head and baselines under the same resamples, (1 + K, B), and measured, (1 + K,).

    Units are redrawn within each fold, alike for all, as the gate's intervals are.
    """
    largest = max(len(fold.held_out) for fold in folds)
    predictors = len(head[0]) + len(others)
    resamples = int(
        np.clip(_RESAMPLED_VALUES / (largest * len(folds) * predictors), 200, RESAMPLES)
    )
    rng = np.random.Generator(np.random.PCG64([seed, 96]))
    draws = np.zeros((1 + len(others), resamples))
    point = np.zeros(1 + len(others))
    chunk = max(1, _CHUNK_VALUES // largest)
    for number, fold in enumerate(folds):
        truth = mos[fold.held_out]
        _, own = np.unique(units[fold.held_out], return_inverse=True)
        stacked = np.vstack([head[number], *(other[number][None] for other in others)])
        seeds = len(head[number])
        for start in range(0, resamples, chunk):
            size = min(chunk, resamples - start)
            counts = resample_counts(rng, own, size)
            r = resampled_plcc(truth, stacked, counts)
            draws[0, start : start + size] += r[:seeds].mean(axis=0) / len(folds)
            draws[1:, start : start + size] += r[seeds:] / len(folds)
        measured = [statistics.plcc(truth, row) for row in stacked]
        point[0] += float(np.mean(measured[:seeds])) / len(folds)
        point[1:] += np.asarray(measured[seeds:]) / len(folds)
    return draws, point
