"""Which rows training may see, and how they are divided into folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from provenance.toolkit import InputError

from moshead.corpus.folds import Partition, partition, split_partition

if TYPE_CHECKING:
    from moshead.corpus.corpus import Corpus
    from moshead.training.cross_validation.options import TrainingOptions


def grouped(corpus: Corpus) -> bool:
    """Whether a group column says which rows belong together."""
    return corpus.groups is not None


def drawn(corpus: Corpus, k: int, seed: int) -> Partition:
    """Folds of all rows, an equal part of each corpus in each."""
    return partition(corpus.units, k, seed, grouped=grouped(corpus), corpora=corpus.corpus_names)


def partition_of(corpus: Corpus, options: TrainingOptions) -> tuple[Corpus, Partition]:
    """The rows that training may see, and how they are divided."""
    if corpus.splits is None:
        return corpus, drawn(corpus, options.k_folds, options.seed)
    corpus = corpus.take(np.flatnonzero(corpus.splits != "test"))
    assert corpus.splits is not None
    train = np.flatnonzero(corpus.splits == "train")
    held_out = np.flatnonzero(corpus.splits == "val")
    if not len(train):
        raise InputError(
            "no labelled row is in the split train",
            fix="Mark rows as train, or point --split-column at another column",
            code="training.no-train-split",
        )
    if not len(held_out):
        corpus = corpus.take(train)
        return corpus, drawn(corpus, options.k_folds, options.seed)
    if float(np.ptp(corpus.mos[train])) < 1e-6:
        raise InputError(
            "all MOS of the split train are equal",
            fix="Check the labels",
            code="training.constant-train-split",
        )
    return corpus, split_partition(train, held_out)
