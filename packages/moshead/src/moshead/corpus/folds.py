"""Folds: who is trained on, and who judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from provenance.toolkit import InputError

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Fold:
    """Row indices that one net is trained on, and those that judge it."""

    train: Indices
    held_out: Indices


@dataclass(frozen=True)
class Partition:
    """A division of the rows into folds.

    Attributes:
        kind: ``k-fold``, ``group-k-fold`` or ``split`` (an explicit train and val column).
        seed: What drew it; None for a split.
        folds: One or more.
    """

    kind: Literal["k-fold", "group-k-fold", "split"]
    seed: int | None
    folds: tuple[Fold, ...]

    def to_dict(self) -> dict[str, Any]:
        """The partition as JSON: ``kind, k, seed, sizes {train, held_out}``."""
        return {
            "kind": self.kind,
            "k": len(self.folds),
            "seed": self.seed,
            "sizes": [
                {"train": len(fold.train), "held_out": len(fold.held_out)} for fold in self.folds
            ],
        }


def partition(
    units: Indices,
    k: int,
    seed: int,
    *,
    grouped: bool,
    corpora: NDArray[np.str_] | None = None,
) -> Partition:
    """Divide rows into k folds; rows of one unit never straddle folds.

    Units are drawn in random order. Where their sizes differ they are dealt largest first to the
    fold that has the fewest rows. With several corpora, the units of each are dealt by themselves,
    so that every fold holds an equal part of each corpus.

    Args:
        units: Unit (clip or group) of each row, (N,), 0 to U - 1.
        k: Folds, at least 2.
        seed: Seed of the draw.
        grouped: Whether the units are groups, for the record.
        corpora: Corpus of each row, (N,), where the rows say.

    Raises:
        InputError: There are fewer units than folds.
    """
    sizes = np.bincount(units)
    if len(sizes) < k:
        word = "groups" if grouped else "distinct clips"
        raise InputError(
            f"{len(sizes)} {word} cannot fill {k} folds",
            fix=f"Label more {word}, or lower --k-folds",
            code="folds.too-few-units",
        )
    order = np.random.Generator(np.random.PCG64(seed)).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold_of_unit = np.empty(len(sizes), dtype=np.int64)
    total = np.zeros(k, dtype=np.int64)
    strata = _strata(units, corpora)
    for stratum in range(int(strata.max()) + 1):
        own = order[strata[order] == stratum]
        # The fold with the fewest rows of this corpus, and of those the one with fewest in all.
        if sizes[own[0]] == sizes[own[-1]]:
            fold_of_unit[own] = np.argsort(total, kind="stable")[np.arange(len(own)) % k]
        else:
            loads = np.zeros(k, dtype=np.int64)
            for unit in own:
                lightest = int(np.lexsort((total, loads))[0])
                fold_of_unit[unit] = lightest
                loads[lightest] += sizes[unit]
        total += np.bincount(fold_of_unit[own], sizes[own], k).astype(np.int64)
    fold_of_row = fold_of_unit[units]
    folds = tuple(
        Fold(np.flatnonzero(fold_of_row != fold), np.flatnonzero(fold_of_row == fold))
        for fold in range(k)
    )
    return Partition("group-k-fold" if grouped else "k-fold", seed, folds)


def _strata(units: Indices, corpora: NDArray[np.str_] | None) -> Indices:
    """Number what each unit is of: its corpus, or all of them where its rows are of several."""
    count = int(units.max()) + 1
    if corpora is None:
        return np.zeros(count, dtype=np.int64)
    names, numbers = np.unique(corpora, return_inverse=True)
    member = np.zeros((count, len(names)), dtype=bool)
    member[units, numbers.reshape(-1)] = True
    _, stratum = np.unique(member, axis=0, return_inverse=True)
    return np.asarray(stratum.reshape(-1), dtype=np.int64)


def joined_units(units: Indices, names: Sequence[str]) -> Indices:
    """Number the sets of rows that share a unit or a name.

    Args:
        units: Unit of each row, (N,).
        names: Name of each row, (N,).

    Returns:
        (N,), 0 to the number of sets - 1.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, name = np.unique(np.asarray(names, dtype=str), return_inverse=True)
    own, other = int(units.max()) + 1, int(name.max()) + 1
    links = coo_array(
        (np.ones(len(units)), (units, own + name.reshape(-1))), shape=(own + other, own + other)
    )
    _, component = connected_components(links, directed=False)
    _, numbered = np.unique(component[units], return_inverse=True)
    return np.asarray(numbered.reshape(-1), dtype=np.int64)


def corpus_folds(units: Indices, corpora: NDArray[np.str_]) -> tuple[Fold, ...]:
    """One fold for each corpus, by name: it is held out, and all others are trained on.

    A row of another corpus that shares its clip or group with a held-out row is in neither.

    Args:
        units: Clip or group of each row, (N,).
        corpora: Corpus of each row, (N,).
    """
    folds = []
    for name in np.unique(corpora):
        held_out = corpora == name
        shared = np.isin(units, units[held_out])
        folds.append(Fold(np.flatnonzero(~shared), np.flatnonzero(held_out)))
    return tuple(folds)


def split_partition(train: Indices, held_out: Indices) -> Partition:
    """The one fold of an explicit split."""
    return Partition("split", None, (Fold(train, held_out),))
