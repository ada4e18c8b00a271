"""What a trained head is worth beside its baselines, on its own folds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from moshead.baselines.alongside import HeadCell, ScoreColumn, measure_worth
from moshead.corpus.folds import Fold
from moshead.corpus.scorers import scorers_of

if TYPE_CHECKING:
    from labeljoin.labels import Contamination, TrainedOn
    from numpy.typing import NDArray
    from provenance.toolkit import ProgressCallback

    from moshead.baselines.worth import BaselineChoice, Worth
    from moshead.corpus.corpus import Corpus
    from moshead.gate.report import GateReport
    from moshead.heads.network import TrainingResult


def worth_of(
    corpus: Corpus,
    result: TrainingResult,
    *,
    choice: BaselineChoice = "auto",
    trained_on: Mapping[str, TrainedOn] | None = None,
    seed: int = 0,
    progress: ProgressCallback | None = None,
) -> Worth:
    """Measure the baselines of a training run on the folds that judged its head.

    Args:
        corpus: The rows that were read.
        result: What training made of them.
        choice: Which stock regressors run.
        trained_on: Corrections of what scorers were trained on.
        seed: Seed of the bootstrap and of the regressors.
        progress: Called after each fit.
    """
    rows = _rows_trained_on(corpus, len(result.mos))
    numbers = np.unique(result.fold_of_row[result.fold_of_row >= 0])
    folds = [
        Fold(
            np.flatnonzero(result.fold_of_row != number),
            np.flatnonzero(result.fold_of_row == number),
        )
        for number in numbers
    ]
    scores, doubts = second_opinions(rows, trained_on or {})
    return measure_worth(
        rows.features,
        corpus.schema.columns,
        rows.mos,
        rows.units,
        folds,
        _cells(result, numbers),
        scores=scores,
        contamination=doubts,
        unit_name="groups" if rows.groups is not None else "clips",
        choice=choice,
        corpora=rows.corpus_names,
        seed=seed,
        progress=progress,
    )


def second_opinions(
    corpus: Corpus, trained_on: Mapping[str, TrainedOn]
) -> tuple[list[ScoreColumn], dict[str, Contamination]]:
    """Second opinions of some rows, and which columns their scorers knew the labels of.

    Args:
        corpus: The rows.
        trained_on: Corrections of what scorers were trained on.

    Returns:
        The second opinions, and the doubts about columns of the schema and second opinions.
    """
    judged = sorted({name for name in corpus.corpora or () if name})
    scorers = scorers_of(corpus.tables, trained_on)
    doubts = {
        column: doubt
        for column in (*corpus.schema.columns, *corpus.scores)
        if (doubt := scorers.of_column(column, judged)) is not None
    }
    scores = [
        ScoreColumn(scorers.slug_of.get(column, column), column, values, doubts.get(column))
        for column, values in corpus.scores.items()
    ]
    return scores, doubts


def without_gain(gate: GateReport, worth: Worth) -> GateReport:
    """Add the missed gain to a verdict that required it: never ``Accepted``.

    Args:
        gate: The verdict of the gate.
        worth: What the head is worth beside its baselines.
    """
    best = next((each for each in worth.baselines if each.kind == "column"), None)
    missed = (
        "no single column could be judged, so no gain is shown"
        if best is None
        else f"no sure gain over {best.name} alone was shown, and --require-gain asks for one"
    )
    return replace(
        gate,
        status="Proposed",
        passed=False,
        misses=(*gate.misses, missed),
        sentence=f"{gate.sentence.rstrip('.')}; {missed}.",
    )


def _rows_trained_on(corpus: Corpus, rows: int) -> Corpus:
    """The rows that training saw: all but those of the split test."""
    if corpus.splits is not None:
        corpus = corpus.take(np.flatnonzero(corpus.splits != "test"))
    assert len(corpus.mos) == rows, "training saw other rows"
    return corpus


def _cells(result: TrainingResult, numbers: NDArray[np.int64]) -> list[HeadCell]:
    """The head's predictions; rows of one fold and seed are in the order of the rows."""
    fold = result.oof.column("fold").to_numpy()
    seed = result.oof.column("seed").to_numpy()
    predicted = result.oof.column("mos_pred").to_numpy()
    return [
        HeadCell(place, int(each), predicted[(fold == number) & (seed == each)])
        for place, number in enumerate(numbers)
        for each in np.unique(seed)
    ]
