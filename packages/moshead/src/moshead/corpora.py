"""Corpora: labelled rows from feature tables, with everything that was dropped, counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import labeljoin
import numpy as np
import orjson
import pyarrow as pa
from provenance import InputError, ProgressCallback

from moshead import leakage
from moshead.columns import numbers
from moshead.features import feature_matrix, members_of
from moshead.network import MOS_RANGE, Array

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from moshead.schemas import FeatureSchema

MOS_COLUMN = "mos"
RAW_MOS_COLUMN = "mos_raw_0_100"
STATUS_COLUMN = "mos_label_status"
SPLITS = ("train", "val", "test")
_SPLIT_NAMES = {"validation": "val", "valid": "val", "dev": "val"}
_LABEL_MEMBERS = (
    MOS_COLUMN,
    RAW_MOS_COLUMN,
    STATUS_COLUMN,
    "mos_std_dev",
    "mos_n_ratings",
    "n_ratings",
    "corpus",
)
_MOS_AGREEMENT = 1e-3

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
class Corpus:
    """Labelled rows.

    Attributes:
        schema: The feature schema, resolved.
        features: (N, F) float64, NaN where a value is not finite.
        mos: (N,), in [1, 5].
        keys: Clip key of each row.
        units: Which rows must stay together, (N,): the same clip, the same group.
        groups: Group of each row, or None.
        splits: Split of each row (``train``, ``val``, ``test``), or None where there is none.
        standard_error: mos_std_dev / sqrt(mos_n_ratings) of each row, (N,), NaN where unknown.
        rows_read: Rows of the tables, before any was dropped.
        dropped: Rows dropped, by reason.
        fill: Share of rows filled, by column.
        imputed: Values that are NaN, by column.
        constant: Columns that do not vary.
        sources: What was read.
        notes: Sentences that belong in manifest and card.
    """

    schema: FeatureSchema
    features: Array
    mos: Array
    keys: tuple[str, ...]
    units: NDArray[np.int64]
    groups: tuple[str, ...] | None
    splits: NDArray[np.str_] | None
    standard_error: Array
    rows_read: int
    dropped: dict[str, int]
    fill: dict[str, float]
    imputed: dict[str, int]
    constant: tuple[str, ...]
    sources: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def clips(self) -> int:
        """Distinct clip keys."""
        return len(set(self.keys))

    def take(self, rows: NDArray[np.int64]) -> Corpus:
        """The corpus of some of its rows; counts of what was read stay."""
        _, units = np.unique(self.units[rows], return_inverse=True)
        return replace(
            self,
            features=self.features[rows],
            mos=self.mos[rows],
            keys=tuple(self.keys[row] for row in rows),
            units=units,
            groups=None if self.groups is None else tuple(self.groups[row] for row in rows),
            splits=None if self.splits is None else self.splits[rows],
            standard_error=self.standard_error[rows],
        )


@dataclass(frozen=True)
class _Rows:
    """The labelled rows of one table."""

    features: Array
    mos: Array
    keys: list[str]
    groups: list[str] | None
    splits: list[str] | None
    standard_error: Array
    read: int
    dropped: Counter[str]
    filled: dict[str, float]
    predictions: dict[str, Array]


def load_corpus(
    sources: Sequence[Path],
    schema: FeatureSchema,
    options: RowOptions | None = None,
    *,
    progress: ProgressCallback | None = None,
) -> Corpus:
    """Read the labelled rows of feature tables.

    Rows are dropped, and counted by reason, where they have no usable MOS (``no MOS``, ``label
    status <status>``, ``MOS outside [1, 5]``, ``MOS is not a number``), repeat another row
    (``repeated row``), have no split where others do (``no split``), or are unreadable
    (``bad line``).

    Args:
        sources: Feature tables: parquet, JSONL, JSON, CSV, or directories of parts.
        schema: Feature columns; globs are resolved against all tables.
        options: How rows are read.
        progress: Called after each table.

    Raises:
        InputError: No row has a MOS, or the rows would train a head that only looks like one; see
            ``moshead.leakage``.
    """
    options = options or RowOptions()
    tables = [_Source(path) for path in sources]
    schema = _resolved(schema, tables)
    parts = []
    for number, table in enumerate(tables, start=1):
        parts.append(_labelled_rows(table, schema, options))
        if progress is not None:
            progress("reading", number, len(tables))
    where = ", ".join(str(path) for path in sources)
    _refuse_unlabelled(parts, where=where)
    return _corpus(parts, schema, sources, options, where=where)


class _Source:
    """One feature table; JSON lines are read here, because a bad one is counted, not fatal."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = str(path)
        self.table = labeljoin.open_table(path)
        self.lenient = self.table.format == "jsonl"

    @cached_property
    def _lines(self) -> tuple[list[dict[str, Any]], int]:
        return _json_rows(self.table.parts)

    @cached_property
    def names(self) -> list[str]:
        """All column names."""
        if self.lenient:
            return list(dict.fromkeys(name for row in self._lines[0] for name in row))
        return self.table.column_names

    def schema(self) -> pa.Schema:
        """Types of all columns."""
        return self.read(self.names)[0].schema if self.lenient else self.table.schema()

    def require(self, name: str | None) -> None:
        """Refuse a column that does not exist."""
        if name is not None and name not in self.names:
            raise InputError(
                f"there is no column {name!r}",
                where=self.where,
                fix=f"The table has {', '.join(self.names[:20])}",
            )

    def read(self, names: Iterable[str], text: Iterable[str] = ()) -> tuple[pa.Table, int]:
        """The columns that exist, and the number of bad lines."""
        wanted = [name for name in names if name in self.names]
        if not self.lenient:
            given = [name for name in text if name in wanted]
            return self.table.read(wanted, text_columns=given), 0
        rows, bad = self._lines
        columns = {
            name: _json_column([row.get(name) for row in rows], text=name in text)
            for name in wanted
        }
        return pa.table(columns or {"": pa.nulls(len(rows))}), bad


def _is_numeric(kind: pa.DataType) -> bool:
    tests = ("is_integer", "is_floating", "is_boolean", "is_decimal", "is_null")
    return any(getattr(pa.types, test)(kind) for test in tests)


def _json_rows(parts: Sequence[Path]) -> tuple[list[dict[str, Any]], int]:
    rows: list[dict[str, Any]] = []
    bad = 0
    for part in parts:
        with part.open("rb") as lines:
            for line in lines:
                row = _json_row(line)
                if row is not None:
                    rows.append(row)
                elif line.strip():
                    bad += 1
    return rows, bad


def _json_row(line: bytes) -> dict[str, Any] | None:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            # Many writers emit the bare NaN and Infinity that orjson refuses.
            row = json.loads(line)
        except ValueError:
            return None
    return row if isinstance(row, dict) else None


def _json_column(values: list[Any], *, text: bool) -> pa.Array:
    if not text:
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            pass
    return pa.array([None if v is None else v if isinstance(v, str) else str(v) for v in values])


def resolve_schema(schema: FeatureSchema, sources: Sequence[Path]) -> FeatureSchema:
    """Replace the globs of a schema by the columns of feature tables.

    Raises:
        InputError: See :meth:`moshead.FeatureSchema.resolve`.
    """
    return _resolved(schema, [_Source(path) for path in sources])


def _resolved(schema: FeatureSchema, tables: Sequence[_Source]) -> FeatureSchema:
    if not schema.has_globs:
        return schema
    columns = [column for table in tables for column in table.schema()]
    others = list(dict.fromkeys(c.name for c in columns if not _is_numeric(c.type)))
    numeric = list(dict.fromkeys(c.name for c in columns if c.name not in set(others)))
    return schema.resolve(numeric, others)


def _labelled_rows(source: _Source, schema: FeatureSchema, options: RowOptions) -> _Rows:
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
    wanted = dict.fromkeys([*members_of(schema), *_LABEL_MEMBERS, *text, *guessed, *guard_columns])
    table, bad_lines = source.read(wanted, text=text)
    if options.guard is not None and table.num_rows:
        options.guard(table, source.where)
    dropped: Counter[str] = Counter({"bad line": bad_lines} if bad_lines else {})
    mos = _labels(table, dropped, where=source.where)
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
        return _Rows(empty, mos[rows], [], None, None, mos[rows], read, dropped, {}, {})
    matrix = feature_matrix(schema, taken, display=options.display, where=source.where)
    return _Rows(
        features=matrix.values,
        mos=mos[rows],
        keys=_keys(taken, rows, key_column, source),
        groups=_words(taken, options.group_column),
        splits=_words(taken, split),
        standard_error=_standard_error(taken, where=source.where),
        read=read,
        dropped=dropped,
        filled={name: share * len(rows) for name, share in matrix.fill.items()},
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
    table: pa.Table, rows: NDArray[np.int64], key_column: str | None, source: _Source
) -> list[str]:
    """Clip keys; a row without one is a clip of its own."""
    own = [f"{source.path.name}:{row + 1}" for row in rows]
    if key_column is None or key_column not in table.column_names:
        return own
    given = labeljoin.KeyRule(normalize="raw").keys(table.column(key_column)).keys.to_pylist()
    return [key or default for key, default in zip(given, own, strict=True)]


def _words(table: pa.Table, column: str | None) -> list[str] | None:
    if column is None:
        return None
    texts = table.column(column).cast(pa.string()).to_pylist()
    return [(text or "").strip() for text in texts]


def _labels(table: pa.Table, dropped: Counter[str], *, where: str) -> Array:
    """MOS on [1, 5], NaN where a row has none; the reasons are added to ``dropped``."""
    names = table.column_names
    mos = np.full(table.num_rows, np.nan)
    broken = np.zeros(table.num_rows, dtype=bool)
    if MOS_COLUMN in names:
        mos, broken = _label_numbers(table.column(MOS_COLUMN), MOS_COLUMN, where=where)
    if RAW_MOS_COLUMN in names:
        raw, raw_broken = _label_numbers(table.column(RAW_MOS_COLUMN), RAW_MOS_COLUMN, where=where)
        leakage.refuse_wrong_raw_scale(raw, where=where)
        from_raw = 1 + raw / 25
        both = np.isfinite(mos) & np.isfinite(from_raw)
        differ = np.flatnonzero(both & (np.abs(mos - from_raw) > _MOS_AGREEMENT))
        if differ.size:
            row = int(differ[0])
            raise InputError(
                f"mos is {mos[row]:g} but mos_raw_0_100 is {raw[row]:g}, which is "
                f"{from_raw[row]:g} on the five-point scale",
                where=f"{where}, row {row + 1}",
                fix="Join the labels again; raw = 25 (mos - 1)",
            )
        mos = np.where(np.isfinite(mos), mos, from_raw)
        broken |= raw_broken
    status = _words(table, STATUS_COLUMN) if STATUS_COLUMN in names else None
    if status is not None:
        # A row that the join left unlabelled has no human rating, whatever its mos says.
        refused = np.asarray([word != "ok" for word in status], dtype=bool)
        for word, count in sorted(Counter(w for w in status if w != "ok").items()):
            dropped[f"label status {word or 'blank'}"] += count
        mos = np.where(refused, np.nan, mos)
        broken &= ~refused
    else:
        refused = np.zeros(table.num_rows, dtype=bool)
    leakage.refuse_wrong_scale(mos, where=where)
    low, high = MOS_RANGE
    outside = np.isfinite(mos) & ((mos < low) | (mos > high))
    absent = ~np.isfinite(mos) & ~refused & ~broken
    for reason, rows in (
        ("no MOS", absent),
        ("MOS is not a number", broken & ~np.isfinite(mos)),
        ("MOS outside [1, 5]", outside),
    ):
        if rows.any():
            dropped[reason] += int(rows.sum())
    return np.where(outside, np.nan, mos)


def _label_numbers(
    column: pa.ChunkedArray, name: str, *, where: str
) -> tuple[Array, NDArray[np.bool_]]:
    """Label values, and where there is something that is no number."""
    if pa.types.is_boolean(column.type):
        raise InputError(
            "the MOS are true and false", where=f"{where}, column {name}", fix="Join ratings"
        )
    try:
        values = numbers(column, name, where=where)
        broken = np.isinf(values)
    except InputError:
        texts = column.to_pylist()
        values = np.asarray([_label_number(text) for text in texts], dtype=np.float64)
        blank = np.asarray([text is None or not str(text).strip() for text in texts], dtype=bool)
        broken = ~np.isfinite(values) & ~blank
    return np.where(broken, np.nan, values), broken


def _label_number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _standard_error(table: pa.Table, *, where: str) -> Array:
    unknown = np.full(table.num_rows, np.nan)
    counts_column = next((n for n in ("mos_n_ratings", "n_ratings") if n in table.column_names), "")
    if not counts_column or "mos_std_dev" not in table.column_names:
        return unknown
    deviation = numbers(table.column("mos_std_dev"), "mos_std_dev", where=where)
    count = numbers(table.column(counts_column), counts_column, where=where)
    usable = (deviation >= 0) & (count >= 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = deviation / np.sqrt(count)
    # A zero deviation everywhere is a corpus that did not publish any.
    if not (deviation[usable] > 0).any():
        return unknown
    return np.where(usable, error, np.nan)


def _refuse_unlabelled(parts: Sequence[_Rows], *, where: str) -> None:
    if sum(len(part.mos) for part in parts):
        return
    dropped: Counter[str] = sum((part.dropped for part in parts), Counter())
    read = sum(part.read for part in parts)
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(dropped.items()))
    raise NoLabelsError(
        f"none of {read} rows has a MOS" + (f" ({reasons})" if reasons else ""),
        where=where or "no table was found",
        fix="Join labels with labeljoin join, and train on the table that it writes",
    )


class NoLabelsError(InputError):
    """No row has a human rating."""


def _corpus(
    parts: Sequence[_Rows],
    schema: FeatureSchema,
    sources: Sequence[Path],
    options: RowOptions,
    *,
    where: str,
) -> Corpus:
    filled_parts = [part for part in parts if len(part.mos)]
    features = np.concatenate([part.features for part in filled_parts])
    mos = np.concatenate([part.mos for part in filled_parts])
    keys = [key for part in filled_parts for key in part.keys]
    groups = _joined([part.groups for part in filled_parts], len(keys), filled_parts)
    splits = _joined([part.splits for part in filled_parts], len(keys), filled_parts)
    dropped: Counter[str] = sum((part.dropped for part in parts), Counter())
    filled = {
        name: sum(part.filled.get(name, 0.0) for part in filled_parts) / len(keys)
        for name in schema.fill
        if name in schema.columns
    }
    for part in filled_parts:
        leakage.refuse_copies(part.mos, part.predictions, where=where)
    corpus = Corpus(
        schema=schema,
        features=features,
        mos=mos,
        keys=tuple(keys),
        units=np.arange(len(keys)),
        groups=None if groups is None else tuple(groups),
        splits=None,
        standard_error=np.concatenate([part.standard_error for part in filled_parts]),
        rows_read=sum(part.read for part in parts),
        dropped={},
        fill=filled,
        imputed={},
        constant=(),
        sources=tuple(str(path) for path in sources),
    )
    corpus = _with_splits(corpus, splits, dropped, where=where)
    corpus = _without_repeats(corpus, dropped, where=where)
    leakage.refuse_constant_labels(corpus.mos, where=where)
    constant = leakage.refuse_still_features(schema, corpus.features, where=where)
    missing = np.isnan(corpus.features)
    leakage.refuse_copies(
        corpus.mos, dict(zip(schema.columns, corpus.features.T, strict=True)), where=where
    )
    _, clips = np.unique(corpus.features, axis=0, return_index=True)
    leakage.refuse_formula(
        corpus.mos[clips], np.where(missing, 0.0, corpus.features)[clips], where=where
    )
    imputed = {
        name: int(count)
        for name, count in zip(schema.columns, missing.sum(axis=0), strict=True)
        if count
    }
    corpus = replace(
        corpus,
        units=_units(corpus),
        dropped=dict(sorted(dropped.items())),
        imputed=imputed,
        constant=constant,
        notes=tuple(_notes(filled, constant, imputed, len(corpus.keys))),
    )
    _refuse_straddling(corpus, options, where=where)
    return corpus


def _joined(
    columns: Sequence[list[str] | None], rows: int, parts: Sequence[_Rows]
) -> list[str] | None:
    if all(column is None for column in columns):
        return None
    return [
        word
        for column, part in zip(columns, parts, strict=True)
        for word in (column if column is not None else [""] * len(part.mos))
    ]


def _with_splits(
    corpus: Corpus, words: list[str] | None, dropped: Counter[str], *, where: str
) -> Corpus:
    if words is None or not any(words):
        return corpus
    splits = [_SPLIT_NAMES.get(word.lower(), word.lower()) for word in words]
    unknown = sorted({word for word in splits if word and word not in SPLITS})
    if unknown:
        raise InputError(
            f"the split column holds {', '.join(map(repr, unknown[:3]))}",
            where=where,
            fix="Use train, val and test, or point --split-column at another column",
        )
    blank = sum(not word for word in splits)
    if blank:
        dropped["no split"] += blank
    kept = np.flatnonzero([bool(word) for word in splits])
    return replace(corpus, splits=np.asarray(splits)).take(kept)


def _without_repeats(corpus: Corpus, dropped: Counter[str], *, where: str) -> Corpus:
    """Collapse rows that are there twice; refuse a clip with two MOS."""
    first: dict[str, int] = {}
    seen: set[tuple[str, bytes]] = set()
    kept = []
    for row, key in enumerate(corpus.keys):
        if key in first and abs(corpus.mos[first[key]] - corpus.mos[row]) > _MOS_AGREEMENT:
            raise InputError(
                f"the clip {key!r} has two MOS, {corpus.mos[first[key]]:g} and {corpus.mos[row]:g}",
                where=where,
                fix="Keep one label a clip, or name the column that tells clips apart with "
                "--key-column",
            )
        first.setdefault(key, row)
        identity = (key, corpus.features[row].tobytes())
        if identity not in seen:
            seen.add(identity)
            kept.append(row)
    repeats = len(corpus.keys) - len(kept)
    if not repeats:
        return corpus
    dropped["repeated row"] += repeats
    return corpus.take(np.asarray(kept))


def _units(corpus: Corpus) -> NDArray[np.int64]:
    """Number the sets of rows that share a clip key, a group, or all feature values.

    The same features under two keys are the same clip under two names: on both sides of a fold
    they would let a net be judged on what it has seen.
    """
    parent = np.arange(len(corpus.keys))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = int(parent[row])
        return row

    for names in _same(corpus):
        seen: dict[Any, int] = {}
        for row, name in enumerate(names):
            other = seen.setdefault(name, row)
            if other != row:
                parent[root(row)] = root(other)
    roots = [root(row) for row in range(len(parent))]
    numbered: dict[int, int] = {}
    return np.asarray([numbered.setdefault(r, len(numbered)) for r in roots], dtype=np.int64)


def _same(corpus: Corpus) -> Iterator[Sequence[Any]]:
    yield corpus.keys
    yield [row.tobytes() for row in corpus.features]
    if corpus.groups is not None:
        # A row without a group is a group of its own.
        yield [group or row for row, group in enumerate(corpus.groups)]


def _refuse_straddling(corpus: Corpus, options: RowOptions, *, where: str) -> None:
    if corpus.splits is None:
        return
    pairs = np.unique(np.stack([corpus.units.astype(str), corpus.splits]), axis=1)
    units, counts = np.unique(pairs[0], return_counts=True)
    if not (counts > 1).any():
        return
    unit = int(units[counts > 1][0])
    rows = np.flatnonzero(corpus.units == unit)
    word = f"group ({options.group_column})" if corpus.groups is not None else "clip"
    example = corpus.groups[rows[0]] if corpus.groups is not None else corpus.keys[rows[0]]
    raise InputError(
        f"the {word} {example!r} is in {' and '.join(sorted(set(corpus.splits[rows])))}, so the "
        "head would be judged on what it was trained on",
        where=where,
        fix="Split by clip and by content, then train again",
    )


def _notes(
    filled: dict[str, float], constant: Sequence[str], imputed: dict[str, int], rows: int
) -> Iterator[str]:
    whole = [name for name, share in filled.items() if share == 1.0]
    if whole:
        yield f"Filled in all rows, because the tables lack them: {', '.join(whole)}."
    partly = [f"{name} ({share:.1%})" for name, share in filled.items() if 0 < share < 1]
    if partly:
        yield f"Filled in some rows: {', '.join(partly)}."
    still = [name for name in constant if name not in whole]
    if still:
        yield f"Constant over the training rows, so without influence: {', '.join(still)}."
    if leakage.scored_against_themselves(constant):
        yield f"{leakage.SELF_SCORED}."
    if imputed:
        named = ", ".join(f"{name} ({count} of {rows})" for name, count in imputed.items())
        yield f"Non-finite values were replaced by training medians: {named}."
