"""Out-of-fold files of earlier runs, matched with the rows of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import labeljoin
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from provenance.toolkit import InputError

from moshead.corpus.labels import MOS_AGREEMENT
from moshead.features.columns import numbers, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Indices = NDArray[np.int64]

_NEEDED = ("key", "mos", "mos_pred")


@dataclass(frozen=True)
class EarlierRun:
    """Out-of-fold predictions of one run, by row of the comparison.

    Attributes:
        path: The file.
        predicted: (S, N), by seed; NaN where the run has no prediction of a row.
        seeds: The seeds, (S,).
        folds: Number of the fold that held each row out, (N,), -1 where the run lacks the row;
            None where the file names no folds, or one row under several (random splits).
    """

    path: Path
    predicted: Array
    seeds: tuple[int, ...]
    folds: Indices | None

    @property
    def known(self) -> NDArray[np.bool_]:
        """Rows that every seed predicted, (N,)."""
        return np.asarray(np.isfinite(self.predicted).all(axis=0))


def read_earlier(path: Path, name: str, keys: Sequence[str], mos: Array) -> EarlierRun:
    """Read an out-of-fold file, as ``--out-oof`` writes it.

    The file has ``key``, ``mos``, ``mos_pred``, and where known ``fold`` and ``seed``. A file of
    several candidates names them in ``candidate``, of which ``name`` is taken. Rows of random
    splits, which predict a clip several times, are averaged.

    Args:
        path: Parquet, CSV or JSON lines.
        name: Name of the candidate.
        keys: Clip key of each row of the comparison.
        mos: Labels of these rows, (N,).

    Raises:
        InputError: The file lacks a column, has no row of the comparison, or was made from other
            labels.
    """
    where = str(path)
    source = labeljoin.open_table(path)
    missing = [column for column in _NEEDED if column not in source.column_names]
    if missing:
        raise InputError(
            f"the out-of-fold file lacks {', '.join(missing)}",
            where=where,
            fix="Give what --out-oof of moshead train or moshead compare wrote",
            code="oof.columns-missing",
        )
    names = [c for c in (*_NEEDED, "fold", "seed", "candidate") if c in source.column_names]
    table = source.read(names, text_columns=[c for c in ("key", "candidate") if c in names])
    table = _own_rows(table, name, where)
    values = numbers(table.column("mos_pred"), "mos_pred", where=where)
    labels = numbers(table.column("mos"), "mos", where=where)
    seed = _whole(table, "seed", where)
    fold = _whole(table, "fold", where)
    places = _places(words(table.column("key")), seed, fold, keys, where)
    known = places >= 0
    if not known.any():
        raise InputError(
            "none of its clips is among the rows of this comparison",
            where=where,
            fix="Give the out-of-fold predictions of the same table, with the same keys",
            code="oof.other-clips",
        )
    apart = np.abs(labels[known] - mos[places[known]])
    if not float(np.nanmax(apart)) <= MOS_AGREEMENT:
        row = int(np.argmax(np.nan_to_num(apart, nan=np.inf)))
        raise InputError(
            f"it was made from other labels: the clip {keys[int(places[known][row])]!r} has MOS "
            f"{labels[known][row]:g} there and {mos[places[known][row]]:g} here",
            where=where,
            fix="Compare runs on the same labels",
            code="oof.other-labels",
        )
    seeds = np.unique(seed[known])
    predicted = np.full((len(seeds), len(mos)), np.nan)
    for number, each in enumerate(seeds):
        own = known & (seed == each)
        total = np.bincount(places[own], values[own], minlength=len(mos))
        count = np.bincount(places[own], minlength=len(mos))
        with np.errstate(invalid="ignore"):
            predicted[number] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return EarlierRun(path, predicted, tuple(map(int, seeds)), _folds(places, fold, len(mos)))


def _own_rows(table: pa.Table, name: str, where: str) -> pa.Table:
    if "candidate" not in table.column_names:
        return table
    own = table.filter(pc.equal(table.column("candidate"), name))
    if not own.num_rows:
        there = ", ".join(map(str, table.column("candidate").unique().to_pylist()[:10]))
        raise InputError(
            f"the out-of-fold file has no candidate {name!r}",
            where=where,
            fix=f"Name one of {there} as NAME in --oof NAME=PATH",
            code="oof.no-such-candidate",
        )
    return own


def _whole(table: pa.Table, name: str, where: str) -> Indices:
    """A column of whole numbers, (N,); zeros where the table lacks it."""
    if name not in table.column_names:
        return np.zeros(table.num_rows, dtype=np.int64)
    values = numbers(table.column(name), name, where=where)
    if not (np.isfinite(values).all() and (values == np.round(values)).all()):
        raise InputError(
            f"the column {name!r} holds something other than whole numbers",
            where=where,
            fix="Give what --out-oof wrote",
            code="oof.not-whole-numbers",
        )
    return values.astype(np.int64)


def _places(
    named: Sequence[str], seed: Indices, fold: Indices, keys: Sequence[str], where: str
) -> Indices:
    """Row of the comparison that each line predicts, -1 where it has none.

    Where several rows have one key (frames), the lines of one key are matched in their order.
    """
    rows: dict[str, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    taken: dict[tuple[str, int, int], int] = {}
    found = np.full(len(named), -1, dtype=np.int64)
    for line, key in enumerate(named):
        own = rows.get(key)
        if own is None:
            continue
        if len(own) == 1:
            found[line] = own[0]
            continue
        identity = (key, int(seed[line]), int(fold[line]))
        number = taken.get(identity, 0)
        taken[identity] = number + 1
        if number >= len(own):
            raise InputError(
                f"the clip {key!r} has {len(own)} rows here and more in the out-of-fold file",
                where=where,
                fix="Give the out-of-fold predictions of the same table",
                code="oof.other-rows",
            )
        found[line] = own[number]
    return found


def _folds(places: Indices, fold: Indices, rows: int) -> Indices | None:
    known = places >= 0
    lowest = np.full(rows, np.iinfo(np.int64).max)
    highest = np.full(rows, -1, dtype=np.int64)
    np.minimum.at(lowest, places[known], fold[known])
    np.maximum.at(highest, places[known], fold[known])
    own = highest >= 0
    if not (lowest[own] == highest[own]).all() or len(np.unique(highest[own])) < 2:
        return None
    return highest
