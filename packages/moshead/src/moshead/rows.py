"""Rows of one feature table: those that have a label, and what is known about each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import labeljoin
import numpy as np
import pyarrow as pa
from provenance import InputError

from moshead import leakage
from moshead.columns import numbers, words
from moshead.features import feature_matrix, members_of
from moshead.labels import LABEL_COLUMNS, labels, standard_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from moshead.network import Array
    from moshead.schemas import FeatureSchema
    from moshead.sources import Source


CorpusGuard = Callable[[pa.Table, str], None]
"""Looks at the rows of one table and raises InputError where they belong to another corpus."""


@dataclass(frozen=True)
class RowOptions:
    """How rows are read.

    Attributes:
        key_column: Clip key; inferred from the names unless given.
        group_column: Rows of one group never straddle folds.
        split_column: Column of ``train``, ``val`` and ``test``; ignored where a table lacks it.
        split_required: Refuse tables without the split column.
        display: Values of a display profile.
        guard: Refuses the rows of other corpora.
    """

    key_column: str | None = None
    group_column: str | None = None
    split_column: str = "split"
    split_required: bool = False
    display: Mapping[str, float] = field(default_factory=dict)
    guard: CorpusGuard | None = None


@dataclass(frozen=True)
class LabelledRows:
    """The labelled rows of one table.

    Attributes:
        features: (N, F) float64, NaN where a value is not finite.
        mos: (N,), in [1, 5].
        keys: Clip key of each.
        groups: Group of each, empty where it has none; None where groups are not asked for.
        splits: Split of each as written; None where the table has no split column.
        standard_error: Of each MOS, (N,), NaN where unknown.
        read: Rows of the table.
        dropped: Rows dropped, by reason.
        filled: Which rows were filled, (N,), by column that may be.
        predictions: Columns that look like predictions, each (N,).
    """

    features: Array
    mos: Array
    keys: list[str]
    groups: list[str] | None
    splits: list[str] | None
    standard_error: Array
    read: int
    dropped: Counter[str]
    filled: dict[str, NDArray[np.bool_]]
    predictions: dict[str, Array]


def labelled_rows(source: Source, schema: FeatureSchema, options: RowOptions) -> LabelledRows:
    """Read the rows of a table that have a label.

    Args:
        source: The table.
        schema: Feature columns, resolved.
        options: How rows are read.

    Raises:
        InputError: A column that is needed is absent, or the labels are no MOS.
    """
    names = source.names
    source.require(options.key_column)
    source.require(options.group_column)
    if options.split_required:
        source.require(options.split_column)
    key_column = options.key_column or _inferred_key(names)
    split = options.split_column if options.split_column in names else None
    guessed = leakage.prediction_columns(source.schema())
    text = [name for name in (key_column, options.group_column, split) if name]
    guard_columns = [name for name in names if name.startswith("chug_") or name == "src"]
    wanted = dict.fromkeys([*members_of(schema), *LABEL_COLUMNS, *text, *guessed, *guard_columns])
    table, bad_lines = source.read(wanted, text=text)
    if options.guard is not None and table.num_rows:
        options.guard(table, source.where)
    dropped: Counter[str] = Counter({"bad line": bad_lines} if bad_lines else {})
    mos = labels(table, dropped, where=source.where)
    if "corpus" in table.column_names:
        labelled = table.column("corpus").filter(pa.array(np.isfinite(mos)))
        leakage.refuse_synthetic_corpus(
            labelled.cast(pa.string()).unique().to_pylist(), where=source.where
        )
    rows = np.flatnonzero(np.isfinite(mos))
    read = table.num_rows + bad_lines
    taken = table.take(pa.array(rows))
    if not len(rows):
        empty = np.empty((0, len(schema.columns)))
        return LabelledRows(empty, mos[rows], [], None, None, mos[rows], read, dropped, {}, {})
    matrix = feature_matrix(schema, taken, display=options.display, where=source.where)
    return LabelledRows(
        features=matrix.values,
        mos=mos[rows],
        keys=_keys(taken, rows, key_column, source),
        groups=_words(taken, options.group_column),
        splits=_words(taken, split),
        standard_error=standard_error(taken, where=source.where),
        read=read,
        dropped=dropped,
        filled=matrix.filled,
        predictions={
            name: numbers(taken.column(name), name, where=source.where) for name in guessed
        },
    )


def _inferred_key(names: Sequence[str]) -> str | None:
    try:
        return labeljoin.infer_key_column(names)
    except InputError:
        return None


def _keys(
    table: pa.Table, rows: NDArray[np.int64], key_column: str | None, source: Source
) -> list[str]:
    """Clip keys; a row without one is a clip of its own."""
    own = [f"{source.path.name}:{row + 1}" for row in rows]
    if key_column is None or key_column not in table.column_names:
        return own
    given = labeljoin.KeyRule(normalize="raw").keys(table.column(key_column)).keys.to_pylist()
    return [key or default for key, default in zip(given, own, strict=True)]


def _words(table: pa.Table, column: str | None) -> list[str] | None:
    return None if column is None else words(table.column(column))
