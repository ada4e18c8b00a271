"""Train folds by seeds, judge them, and train the head that ships."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from moshead.corpus.folds import Partition, joined_units, partition
from moshead.domain import Domain
from moshead.gate.contents import FEWEST_GROUPS, ContentGroups, content_groups
from moshead.gate.control import twin_control
from moshead.gate.corpora import judge_corpora, out_of_fold_coverage, require_every_corpus
from moshead.gate.gate import judge, mean_scores
from moshead.gate.twins.search import search_twins
from moshead.heads.families import load_family
from moshead.training.cross_validation.fitting import Fitter, cells_of, mean_plcc, mean_predictions
from moshead.training.cross_validation.options import TrainingOptions
from moshead.training.cross_validation.partitions import drawn, grouped, partition_of
from moshead.training.cross_validation.result import training_result
from moshead.training.weighting import (
    Paid,
    measure_paid,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.toolkit import ProgressCallback

    from moshead.corpus.corpus import Corpus
    from moshead.features.domain import Array, CorpusKind
    from moshead.gate.report import Cell, GateReport
    from moshead.heads.network import TrainingResult
    from moshead.heads.protocol import Family


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
    corpus, main = partition_of(corpus, options)
    seeds = tuple(options.seed + number for number in range(options.seeds))
    fitter = Fitter(corpus, options, load_family(options.recipe, smoke=corpus_kind != "real"))
    others: list[Partition] = []
    if main.kind != "split":
        others = [
            drawn(corpus, options.k_folds, options.seed + n)
            for n in range(1, options.other_partitions + 1)
        ]
    search = search_twins(
        corpus.features,
        corpus.mos,
        [fold.held_out for fold in main.folds],
        corpus.units,
        standard_error=corpus.standard_error,
        seed=options.seed,
    )
    contents = None
    if main.kind == "k-fold" and corpus_kind == "real":
        contents = content_groups(
            corpus.keys, search, corpus.texts, fewest=max(FEWEST_GROUPS, options.k_folds)
        )
    judged = fitter.folds([(main, seeds), *((p, seeds[:1]) for p in others)], progress)
    cells = cells_of(corpus, judged[0])
    gate = judge(
        corpus.mos,
        cells,
        corpus_kind=corpus_kind,
        units=corpus.units,
        unit_name="groups" if grouped(corpus) else "clips",
        standard_error=corpus.standard_error,
        error_basis=corpus.error_basis,
        partitions={
            other.seed or 0: mean_plcc(corpus, items)
            for other, items in zip(others, judged[1:], strict=True)
        },
        control=twin_control(
            search, corpus.features, keys=corpus.keys, columns=corpus.schema.columns
        ),
        contents=None
        if contents is None
        else _content_scores(corpus, contents, cells, options, fitter.family, progress),
        seed=options.seed,
    )
    paid = _paid(corpus, fitter, main, cells, options.seed, progress)
    shipped, trained_on = fitter.shipped(main, seeds[0], progress)
    fold_of_row, _ = mean_predictions(cells, len(corpus.mos))
    domain = Domain.of(corpus.features, corpus.mos, fold_of_row, trained_on)
    scales = domain.held_out_scales(corpus.features, fold_of_row)
    gate = _by_corpus(corpus, gate, cells, scales, options.seed)
    return training_result(
        corpus,
        model_id,
        fitter,
        corpus_kind,
        main,
        seeds,
        judged[0],
        cells,
        gate,
        shipped,
        trained_on,
        paid,
        domain,
    )


def _paid(
    corpus: Corpus,
    fitter: Fitter,
    division: Partition,
    cells: Sequence[Cell],
    seed: int,
    progress: ProgressCallback | None,
) -> Paid | None:
    """Whether weights pay on the folds that judged the head; None where no weights are in question.

    The first seed of the other choice is fitted to the same rows.
    """
    weighting = fitter.weighting
    if not weighting.informative:
        return None
    (judged,) = fitter.folds([(division, (seed,))], progress, weighting.other)
    first = sorted((cell for cell in cells if cell.seed == seed), key=lambda cell: cell.fold)
    other = sorted(cells_of(corpus, judged), key=lambda cell: cell.fold)
    weighted, unweighted = (first, other) if weighting.kind == "label-error" else (other, first)
    return measure_paid(corpus.mos, corpus.units, weighted, unweighted, seed)


def _content_scores(
    corpus: Corpus,
    contents: ContentGroups,
    cells: Sequence[Cell],
    options: TrainingOptions,
    family: Family,
    progress: ProgressCallback | None,
) -> dict[str, Any]:
    """What looks like contents, with the scores of the first seed by clips and by contents."""
    first = min(cell.seed for cell in cells)
    # Contents as units, so that a family chooses its recipe by whole contents too.
    whole = replace(corpus, units=joined_units(corpus.units, contents.names))
    folds = partition(whole.units, options.k_folds, options.seed, grouped=True)
    (judged,) = Fitter(whole, options, family).folds([(folds, (first,))], progress)
    return contents.to_dict() | {
        "ungrouped": mean_scores(corpus.mos, [cell for cell in cells if cell.seed == first]),
        "grouped": mean_scores(corpus.mos, cells_of(whole, judged)),
    }


def _by_corpus(
    corpus: Corpus, gate: GateReport, cells: Sequence[Cell], scales: Array, seed: int
) -> GateReport:
    """The verdict with that on each corpus, where rows name theirs."""
    names = corpus.corpus_names
    if names is None or gate.kind == "smoke-surrogate":
        return gate
    fold_of_row, predicted = mean_predictions(cells, len(corpus.mos))
    residuals = np.where(fold_of_row >= 0, np.abs(corpus.mos - predicted), np.nan)
    covered, widths = out_of_fold_coverage(residuals, fold_of_row, scales)
    several = len(np.unique(names)) > 1
    verdicts = judge_corpora(
        corpus.mos,
        cells,
        names,
        corpus.units,
        features=corpus.features if several else None,
        keys=corpus.keys,
        columns=corpus.schema.columns,
        unit_name="groups" if grouped(corpus) else "clips",
        standard_error=corpus.standard_error,
        error_basis=corpus.error_basis,
        covered=covered,
        widths=widths,
        seed=seed,
    )
    return require_every_corpus(gate, verdicts)
