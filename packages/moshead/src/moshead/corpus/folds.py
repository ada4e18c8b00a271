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


def partition(units: Indices, k: int, seed: int, *, grouped: bool) -> Partition:
    """Divide rows into k folds; rows of one unit never straddle folds.

    Units are drawn in random order. Where their sizes differ they are dealt largest first to the
    fold that has the fewest rows.

    Args:
        units: Unit (clip or group) of each row, (N,), 0 to U - 1.
        k: Folds, at least 2.
        seed: Seed of the draw.
        grouped: Whether the units are groups, for the record.

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
    if sizes.min() == sizes.max():
        fold_of_unit[order] = np.arange(len(sizes)) % k
    else:
        loads = np.zeros(k, dtype=np.int64)
        for unit in order:
            lightest = int(np.argmin(loads))
            fold_of_unit[unit] = lightest
            loads[lightest] += sizes[unit]
    fold_of_row = fold_of_unit[units]
    folds = tuple(
        Fold(np.flatnonzero(fold_of_row != fold), np.flatnonzero(fold_of_row == fold))
        for fold in range(k)
    )
    return Partition("group-k-fold" if grouped else "k-fold", seed, folds)


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


def split_partition(train: Indices, held_out: Indices) -> Partition:
    """The one fold of an explicit split."""
    return Partition("split", None, (Fold(train, held_out),))
