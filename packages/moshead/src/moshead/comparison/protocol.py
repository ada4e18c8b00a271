"""Protocols: which rows train and which judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from provenance.toolkit import InputError

from moshead.corpus.folds import Fold, partition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Indices = NDArray[np.int64]

ProtocolKind = Literal["folds", "splits"]
PROTOCOLS: tuple[ProtocolKind, ...] = get_args(ProtocolKind)

Mapping = Literal["training", "held-out"]
MAPPINGS: tuple[Mapping, ...] = get_args(Mapping)

TEST_SHARE = 0.2


@dataclass(frozen=True)
class Protocol:
    """How candidates are judged.

    Attributes:
        kind: ``folds``: k folds, figures averaged over them; ``splits``: random 80/20 splits by
            clip or group, the median over them.
        folds: The folds or splits.
        seed: What drew them; None for folds that were given.
        source: Where they come from, in one sentence.
        mapping: ``training``: score columns are mapped to MOS by a logistic fitted on training
            rows, and trained candidates are judged as they predict. ``held-out``: besides, PLCC
            and RMSE of every candidate are taken after a four-parameter logistic fitted to the
            judged rows, as the literature has it.
    """

    kind: ProtocolKind
    folds: tuple[Fold, ...]
    seed: int | None
    source: str
    mapping: Mapping


def draw_splits(
    units: Indices, count: int, seed: int, *, test_share: float = TEST_SHARE
) -> tuple[Fold, ...]:
    """Draw random splits; rows of one clip or group never straddle one.

    Args:
        units: Clip or group of each row, (N,), 0 to U - 1.
        count: Splits.
        seed: Seed of the draws.
        test_share: Share of the units that judge.

    Raises:
        InputError: There are too few units.
    """
    total = int(units.max()) + 1
    judging = round(total * test_share)
    if judging < 3 or total - judging < 3:
        raise InputError(
            f"{total} clips or groups cannot be split {1 - test_share:.0%} to {test_share:.0%}",
            fix="Label more of them, or use --protocol folds",
            code="compare.too-few-units",
        )
    rng = np.random.Generator(np.random.PCG64([seed, 80]))
    splits = []
    for _ in range(count):
        held_out = np.zeros(total, dtype=bool)
        held_out[rng.permutation(total)[:judging]] = True
        rows = held_out[units]
        splits.append(Fold(np.flatnonzero(~rows), np.flatnonzero(rows)))
    return tuple(splits)


def draw_folds(
    units: Indices, k: int, seed: int, *, grouped: bool, corpora: NDArray[np.str_] | None = None
) -> tuple[Fold, ...]:
    """Draw the folds that training with the same seed draws.

    Raises:
        InputError: There are fewer units than folds.
    """
    return partition(units, k, seed, grouped=grouped, corpora=corpora).folds


def given_folds(numbers: Sequence[int]) -> tuple[Fold, ...]:
    """The folds of an earlier run, from the number of the fold that held each row out."""
    fold_of_row = np.asarray(numbers, dtype=np.int64)
    return tuple(
        Fold(np.flatnonzero(fold_of_row != number), np.flatnonzero(fold_of_row == number))
        for number in np.unique(fold_of_row)
    )


def straddles(folds: Sequence[Fold], units: Indices) -> bool:
    """Whether rows of one clip or group are on both sides of a fold."""
    return any(len(np.intersect1d(units[f.train], units[f.held_out])) > 0 for f in folds)
