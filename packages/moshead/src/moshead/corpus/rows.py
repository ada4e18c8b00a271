"""Rows of one feature table: those that have a label, and what is known about each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import labeljoin
import numpy as np
import pyarrow as pa
from provenance.toolkit import InputError

from moshead.corpus import leakage
from moshead.corpus.labels import LABEL_COLUMNS, label_errors, labels, rating_counts
from moshead.corpus.scorers import score_columns
from moshead.features.columns import numbers, words
from moshead.features.matrix import feature_matrix, members_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from moshead.corpus.sources import Source
    from moshead.features.domain import Array
    from moshead.features.schemas import FeatureSchema


CONTENT_COLUMNS = (
    "content",
    "content_name",
    "content_id",
    "chug_content_name",
    "scene",
    "source_name",
    "src",
    "source",
    "reference",
    "ref",
    "ref_name",
    "ref_path",
    "reference_name",
    "original",
    "sequence",
)
"""Columns, ignoring case, that name a content where several clips share a value."""

CORPUS_COLUMN = "corpus"
"""The label extra that names the corpus of a clip."""

CorpusGuard = Callable[[pa.Table, str], None]
"""Looks at the rows of one table and raises InputError where they belong to another corpus."""


@dataclass(frozen=True)
class RowOptions:
    """How rows are read.

    Attributes:
        key_column: The column of clip keys; what the table remembers, else what its column names
            tell, by default (:func:`labeljoin.clip_key`).
        key_normalize: How its values become clip keys; what the table remembers, else ``auto``,
            by default.
        key_regex: Regular expression searched in the normalised value.
        max_keyless_rate: Largest share of the labelled rows of a table, in [0, 1], that may lack
            a clip key. Such rows are dropped and counted.
        group_column: Rows of one group never straddle folds.
        split_column: Column of ``train``, ``val`` and ``test``; ignored where a table lacks it.
        split_required: Refuse tables without the split column.
        display: Values of a display profile.
        rating_sd_ddof: What published deviations of ratings were divided by: n - this.
        guard: Refuses the rows of other corpora.
    """

    key_column: str | None = None
    key_normalize: labeljoin.keys.KeyNormalize | None = None
    key_regex: str | None = None
    max_keyless_rate: float = 0.05
    group_column: str | None = None
    split_column: str = "split"
    split_required: bool = False
    display: Mapping[str, float] = field(default_factory=dict)
    rating_sd_ddof: Literal[0, 1] = 1
    guard: CorpusGuard | None = None


@dataclass(frozen=True)
class LabelledRows:
    """The labelled rows of one table.

    Attributes:
        features: (N, F) float64, NaN where a value is not finite.
        mos: (N,), in [1, 5].
        keys: Value of the key column of each, as text.
        clips: Clip key of each.
        key: Where the clip keys come from.
        groups: Group of each, empty where it has none; None where groups are not asked for.
        splits: Split of each as written; None where the table has no split column.
        standard_error: Of each MOS, (N,), NaN where unknown.
        modelled: Whether it comes from the method that made the MOS, (N,).
        ratings: Number of ratings behind each MOS, (N,), NaN where unknown.
        corpora: Corpus of each as written, empty where it has none; None without such a column.
        read: Rows of the table.
        dropped: Rows dropped, by reason.
        filled: Which rows were filled, (N,), by column that may be.
        predictions: Columns that look like predictions, each (N,).
        texts: Text columns that may name a content, each (N,), empty where null.
        scores: Those of them that are scores of second opinions.
        schema: Schema of the whole table.
    """

    features: Array
    mos: Array
    keys: list[str]
    clips: list[str]
    key: labeljoin.joining.ClipKey
    groups: list[str] | None
    splits: list[str] | None
    standard_error: Array
    modelled: NDArray[np.bool_]
    ratings: Array
    corpora: list[str] | None
    read: int
    dropped: Counter[str]
    filled: dict[str, NDArray[np.bool_]]
    predictions: dict[str, Array]
    scores: tuple[str, ...]
    schema: pa.Schema
    texts: dict[str, list[str]] = field(default_factory=dict)


def labelled_rows(source: Source, schema: FeatureSchema, options: RowOptions) -> LabelledRows:
    """Read the rows of a table that have a label.

    Args:
        source: The table.
        schema: Feature columns, resolved.
        options: How rows are read.

    Raises:
        InputError: A column that is needed is absent, nothing tells which column holds the clip
            key, too many rows lack one, or the labels are not MOS.
    """
    names = source.names
    source.require(options.key_column)
    key = labeljoin.clip_key(
        source.table,
        options.key_column,
        normalize=options.key_normalize,
        regex=options.key_regex,
        names=names,
    )
    source.require(options.group_column)
    if options.split_required:
        source.require(options.split_column)
    split = options.split_column if options.split_column in names else None
    schema_of_table = source.schema()
    guessed = leakage.prediction_columns(schema_of_table)
    scores = tuple(name for name in score_columns(schema_of_table) if name in guessed)
    described = [
        name
        for name in names
        if name.lower() in CONTENT_COLUMNS
        and name not in (key.column, options.group_column, split, *members_of(schema))
    ]
    text = [name for name in (key.column, options.group_column, split, *described) if name]
    guard_columns = [name for name in names if name.startswith("chug_") or name == "src"]
    wanted = dict.fromkeys([*members_of(schema), *LABEL_COLUMNS, *text, *guessed, *guard_columns])
    table, bad_lines = source.read(wanted, text=text)
    if options.guard is not None and table.num_rows:
        options.guard(table, source.where)
    dropped: Counter[str] = Counter({"bad line": bad_lines} if bad_lines else {})
    mos = labels(table, dropped, where=source.where)
    if CORPUS_COLUMN in table.column_names:
        corpora = table.column(CORPUS_COLUMN).filter(pa.array(np.isfinite(mos)))
        leakage.refuse_synthetic_corpus(
            corpora.cast(pa.string()).unique().to_pylist(), where=source.where
        )
    read = table.num_rows + bad_lines
    labelled = np.flatnonzero(np.isfinite(mos))
    rows, keys, clips = _keyed(table, labelled, key, dropped, options, source)
    taken = table.take(pa.array(rows))
    if not len(rows):
        empty = np.empty((0, len(schema.columns)))
        none = mos[rows]
        return LabelledRows(
            features=empty,
            mos=none,
            keys=[],
            clips=[],
            key=key,
            groups=None,
            splits=None,
            standard_error=none,
            modelled=np.zeros(0, dtype=bool),
            ratings=none,
            corpora=None,
            read=read,
            dropped=dropped,
            filled={},
            predictions={},
            scores=(),
            schema=schema_of_table,
        )
    errors = label_errors(taken, where=source.where, sd_ddof=options.rating_sd_ddof)
    matrix = feature_matrix(schema, taken, display=options.display, where=source.where)
    leakage.refuse_infinite(matrix.infinite, where=source.where)
    return LabelledRows(
        features=matrix.values,
        mos=mos[rows],
        keys=keys,
        clips=clips,
        key=key,
        groups=_words(taken, options.group_column),
        splits=_words(taken, split),
        standard_error=errors.standard_error,
        modelled=errors.modelled,
        ratings=rating_counts(taken, where=source.where),
        corpora=_corpora(taken, source),
        read=read,
        dropped=dropped,
        filled=matrix.filled,
        predictions={
            name: numbers(taken.column(name), name, where=source.where) for name in guessed
        },
        texts={name: words(taken.column(name)) for name in described if name in taken.column_names},
        scores=scores,
        schema=schema_of_table,
    )


def _keyed(
    table: pa.Table,
    rows: NDArray[np.int64],
    key: labeljoin.joining.ClipKey,
    dropped: Counter[str],
    options: RowOptions,
    source: Source,
) -> tuple[NDArray[np.int64], list[str], list[str]]:
    """Those of the labelled rows that have a clip key, with the key's text and the key itself.

    A row without a clip key cannot be kept apart from the rows of its own clip, so it is never
    taken for a clip of its own.
    """
    if not len(rows):
        return rows, [], []
    values = table.column(key.column).take(pa.array(rows))
    texts = labeljoin.keys.KeyRule(normalize="raw").keys(values).keys
    found = key.rule.keys(values)
    lacking = found.keyless
    if lacking > options.max_keyless_rate * len(rows):
        reasons = ", ".join(f"{count:,} {why}" for why, count in found.reasons.items() if count)
        raise InputError(
            f"{lacking:,} of {len(rows):,} labelled rows have no clip key in the column "
            f"{key.column!r} ({reasons}), above the maximum of "
            f"{labeljoin.keys.percent(options.max_keyless_rate)}",
            where=source.where,
            fix="Fill the column, name another with --key-column, or raise --max-keyless-rate to "
            "drop these rows",
            code="corpus.keyless-rows",
        )
    if lacking:
        dropped["no clip key"] += lacking
    kept = np.flatnonzero(found.keys.is_valid().to_numpy(zero_copy_only=False))
    places = pa.array(kept)
    return rows[kept], texts.take(places).to_pylist(), found.keys.take(places).to_pylist()


def _corpora(table: pa.Table, source: Source) -> list[str] | None:
    """The corpus of each row: the name that the table was given, else what its rows say."""
    if source.corpus is not None:
        return [source.corpus] * table.num_rows
    return _words(table, CORPUS_COLUMN if CORPUS_COLUMN in table.column_names else None)


def _words(table: pa.Table, column: str | None) -> list[str] | None:
    return None if column is None else words(table.column(column))
