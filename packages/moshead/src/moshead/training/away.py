"""Leave one corpus out: what a head does on a corpus that none of its rows are of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from provenance.toolkit import InputError

from moshead.baselines.alongside import HeadCell, measure_worth
from moshead.corpus.folds import corpus_folds, partition
from moshead.domain import Domain
from moshead.domain.domain import THRESHOLD
from moshead.features.matrix import impute
from moshead.gate import statistics
from moshead.gate.corpora import ALPHA
from moshead.gate.report import number
from moshead.heads.conformal import CrossConformal
from moshead.heads.families import load_family
from moshead.heads.protocol import FitOptions, Plan, TrainingRows
from moshead.training.cross_validation.fitting import predict
from moshead.training.weighting import choose_weighting
from moshead.training.worth import second_opinions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from labeljoin.labels import TrainedOn
    from numpy.typing import NDArray
    from provenance.toolkit import ProgressCallback

    from moshead.baselines.worth import BaselineChoice, Worth
    from moshead.corpus.corpus import Corpus
    from moshead.corpus.folds import Fold
    from moshead.features.domain import Array
    from moshead.heads.protocol import FittedHead
    from moshead.training.cross_validation.options import TrainingOptions


@dataclass(frozen=True)
class Away:
    """A head of all other corpora, on one corpus.

    Attributes:
        name: The corpus.
        trained_on: The others.
        rows: Rows of the corpus.
        plcc: Of raw predictions.
        srocc: Of the same.
        rmse: Of the same, in MOS.
        bias: Mean of predicted minus rated, in MOS.
        covered: Share of ratings inside the 90 % intervals.
        mean_width: Mean width of these.
        in_domain: Share of rows that the head calls like its own.
        covered_in_domain: Share of ratings inside, among these; None where no row is.
        covered_without_bias: The same with the bias taken from every prediction: what is left to
            the intervals where the rating scales agree.
        flagged_ratio: With intervals of one width, how much larger the share of foreign rows is
            among rows whose interval fails than among the others; None where either has none.
    """

    name: str
    trained_on: tuple[str, ...]
    rows: int
    plcc: float
    srocc: float
    rmse: float
    bias: float
    covered: float
    mean_width: float
    in_domain: float
    covered_in_domain: float | None
    covered_without_bias: float | None
    flagged_ratio: float | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON; null where a number does not exist."""
        return {
            name: list(value) if isinstance(value, tuple) else number(value)
            for name, value in vars(self).items()
        }


def leave_one_corpus_out(
    corpus: Corpus,
    options: TrainingOptions,
    *,
    choice: BaselineChoice = "auto",
    trained_on: Mapping[str, TrainedOn] | None = None,
    progress: ProgressCallback | None = None,
) -> tuple[dict[str, Any], ...]:
    """Train on all corpora but one, and judge on that one, for each.

    Args:
        corpus: The rows of all corpora.
        options: How the head is trained; one seed is enough here.
        choice: Which stock regressors run beside it.
        trained_on: Corrections of what scorers were trained on.
        progress: Called as training advances.

    Returns:
        One object a corpus, as the manifest has them: :class:`Away` with ``baselines``.

    Raises:
        InputError: The rows are of one corpus.
    """
    if corpus.splits is not None:
        corpus = corpus.take(np.flatnonzero(corpus.splits != "test"))
    names = corpus.corpus_names
    several = [] if names is None else [str(name) for name in np.unique(names)]
    if names is None or len(several) < 2:
        raise InputError(
            "--leave-one-corpus-out needs rows of several corpora",
            where=", ".join(corpus.sources),
            fix="Name the corpus of each table: --features NAME=PATH",
            code="training.one-corpus",
        )
    folds = corpus_folds(corpus.units, names)
    fitted = _fitted(corpus, folds, options, progress)
    found, predicted = [], []
    for name, fold, (inner, nets) in zip(several, folds, fitted, strict=True):
        found.append(_judged(name, several, corpus, fold, inner, nets))
        predicted.append(_predict(nets[0], corpus.features[fold.held_out]))
    worth = _worth(corpus, folds, predicted, options.seed, choice, trained_on, progress)
    return tuple(
        each.to_dict() | {"baselines": [b.to_dict() for b in worth.corpora.get(each.name, ())]}
        for each in found
    )


def _fitted(
    corpus: Corpus,
    folds: Sequence[Fold],
    options: TrainingOptions,
    progress: ProgressCallback | None,
) -> list[tuple[list[Fold], list[FittedHead]]]:
    """For each corpus left out: inner folds of the others, and the heads of all and of each."""
    family = load_family(options.recipe, smoke=False)
    rows = TrainingRows(corpus.features, corpus.mos, corpus.units)
    weighting = choose_weighting(rows, corpus.standard_error, options.weights)
    plans: list[Plan] = []
    inner: list[list[Fold]] = []
    for number_, fold in enumerate(folds):
        _, units = np.unique(corpus.units[fold.train], return_inverse=True)
        names = corpus.corpus_names
        drawn = partition(
            units.reshape(-1),
            options.k_folds,
            options.seed,
            grouped=corpus.groups is not None,
            corpora=None if names is None else names[fold.train],
        ).folds
        own = [type(fold)(fold.train[f.train], fold.train[f.held_out]) for f in drawn]
        inner.append(own)
        for trained in (fold.train, *(f.train for f in own)):
            plans.append(Plan(trained, (options.seed, 700 + number_), weighting.of(trained)))

    def advance(done: int, total: int) -> None:
        if progress is not None:
            progress("corpora left out", done, total)

    nets = iter(family.fit(rows, plans, FitOptions(options.epochs, options.device), advance))
    return [(own, [next(nets) for _ in range(1 + len(own))]) for own in inner]


def _judged(
    name: str,
    several: Sequence[str],
    corpus: Corpus,
    fold: Fold,
    inner: Sequence[Fold],
    nets: Sequence[FittedHead],
) -> Away:
    features, truth = corpus.features[fold.held_out], corpus.mos[fold.held_out]
    trained, labels = corpus.features[fold.train], corpus.mos[fold.train]
    place = np.full(len(corpus.mos), -1)
    place[fold.train] = np.arange(len(fold.train))
    fold_of_row = np.full(len(fold.train), -1)
    residuals = np.full(len(fold.train), np.nan)
    for n, (part, net) in enumerate(zip(inner, nets[1:], strict=True)):
        own = place[part.held_out]
        fold_of_row[own] = n
        residuals[own] = np.abs(labels[own] - _predict(net, trained[own]))
    domain = Domain.of(trained, labels, fold_of_row, np.arange(len(labels)))
    scales = domain.held_out_scales(trained, fold_of_row)
    conformal = CrossConformal.from_residuals(residuals / scales, fold_of_row)
    predicted = _predict(nets[0], features)
    by_fold = np.stack([_predict(net, features) for net in nets[1:]], axis=1)
    missing = np.isnan(features)
    filled = np.where(missing, 0.0, features)
    low, high = conformal.interval(predicted, by_fold, ALPHA, domain.scales(filled, missing))
    inside = domain.distances(filled, missing) <= THRESHOLD
    held = (low <= truth) & (truth <= high)
    bias = float(np.mean(predicted - truth))
    shifted = (low - bias <= truth) & (truth <= high - bias)
    constant = np.abs(predicted - truth) <= conformal.residual_quantile(ALPHA)
    return Away(
        name=name,
        trained_on=tuple(each for each in several if each != name),
        rows=len(truth),
        plcc=statistics.plcc(truth, predicted),
        srocc=statistics.srocc(truth, predicted),
        rmse=statistics.rmse(truth, predicted),
        bias=bias,
        covered=float(held.mean()),
        mean_width=float(np.mean(high - low)),
        in_domain=float(inside.mean()),
        covered_in_domain=float(held[inside].mean()) if inside.any() else None,
        covered_without_bias=float(shifted[inside].mean()) if inside.any() else None,
        flagged_ratio=_ratio(~inside, constant),
    )


def _ratio(foreign: NDArray[np.bool_], holds: NDArray[np.bool_]) -> float | None:
    """Share of foreign rows among failing intervals over that among the others."""
    if holds.all() or not foreign[holds].any():
        return None
    return float(foreign[~holds].mean() / foreign[holds].mean())


def _predict(net: FittedHead, features: Array) -> Array:
    return predict([net], impute(features, net.imputation))


def _worth(
    corpus: Corpus,
    folds: Sequence[Fold],
    predicted: Sequence[Array],
    seed: int,
    choice: BaselineChoice,
    trained_on: Mapping[str, TrainedOn] | None,
    progress: ProgressCallback | None,
) -> Worth:
    """The baselines trained on the others too, each corpus one fold."""
    scores, doubts = second_opinions(corpus, trained_on or {})
    return measure_worth(
        corpus.features,
        corpus.schema.columns,
        corpus.mos,
        corpus.units,
        folds,
        [HeadCell(n, 0, each) for n, each in enumerate(predicted)],
        scores=scores,
        contamination=doubts,
        unit_name="groups" if corpus.groups is not None else "clips",
        choice=choice,
        corpora=corpus.corpus_names,
        seed=seed,
        progress=progress,
    )
