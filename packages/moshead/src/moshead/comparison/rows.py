"""Labelled rows of a comparison, from files or data frames."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from labeljoin.formats import is_frame
from provenance.toolkit import InputError

from moshead.baselines.agreement import rating_half_width
from moshead.corpus.loading import load_corpus
from moshead.corpus.scorers import Scorers, scorers_of
from moshead.corpus.sources import Source, open_source, resolved, split_name
from moshead.features.schemas import LABEL_COLUMN, FeatureSchema, load_schema

if TYPE_CHECKING:
    from labeljoin.labels import TrainedOn
    from numpy.typing import NDArray
    from provenance.toolkit import ProgressCallback

    from moshead.corpus.corpus import Corpus
    from moshead.corpus.rows import RowOptions

    Array = NDArray[np.float64]
    Indices = NDArray[np.int64]

_NO_FEATURES = frozenset({"corpus", "corpus_version", "split", "fold", "seed", "mos_pred"})
"""Columns that describe a row and not its quality, beside labels."""

_NO_SCORES = ("_status", "_runtime_ms", "_frames", "_source")
"""What ends the columns of a second opinion that are no score."""


@dataclass(frozen=True)
class Rows:
    """Labelled rows that candidates are compared on.

    Attributes:
        corpus: The rows as training reads them.
        index: Place of each column in ``corpus.features``.
        half_width: Half width of the 95 % confidence interval of each label, (N,), NaN where the
            table does not say how it was rated.
        judged: Names of the corpora of the rows, where the tables say.
        scorers: Score columns, and what their scorers were trained on.
        where: The tables, for errors.
    """

    corpus: Corpus
    index: Mapping[str, int]
    half_width: Array
    judged: tuple[str, ...]
    scorers: Scorers
    where: str

    @property
    def mos(self) -> Array:
        """Labels, (N,)."""
        return self.corpus.mos

    @property
    def units(self) -> Indices:
        """Clip or group of each row, (N,), 0 to U - 1."""
        return self.corpus.units

    @property
    def grouped(self) -> bool:
        """Whether units are groups."""
        return self.corpus.groups is not None

    @property
    def unit_name(self) -> str:
        """What units are called."""
        return "groups" if self.grouped else "clips"

    def column(self, name: str) -> Array:
        """Values of a column, (N,), NaN where missing."""
        return np.asarray(self.corpus.features[:, self.index[name]])

    def matrix(self, columns: Sequence[str]) -> Array:
        """Values of some columns, (N, F)."""
        return np.ascontiguousarray(self.corpus.features[:, [self.index[c] for c in columns]])

    def missing(self, columns: Sequence[str]) -> float:
        """Share of the values of some columns that are missing."""
        return float(np.isnan(self.matrix(columns)).mean())

    def take(self, rows: Indices) -> Rows:
        """Some of the rows."""
        return replace(self, corpus=self.corpus.take(rows), half_width=self.half_width[rows])


@dataclass(frozen=True)
class Wanted:
    """What a comparison reads of its tables.

    Attributes:
        models: Feature schema of each model, resolved, by name.
        scores: Score columns.
        regressors: Columns that stock regressors read; where nothing else is compared than
            out-of-fold files, the columns by which repeated rows are told.
    """

    models: dict[str, FeatureSchema]
    scores: tuple[str, ...]
    regressors: tuple[str, ...]


def open_sources(features: Any) -> list[tuple[str | None, Source]]:
    """Open feature tables.

    Args:
        features: ``[CORPUS=]PATH`` or a data frame (anything with the Arrow PyCapsule interface),
            one or a list of them, or a mapping from corpus names to them.

    Returns:
        Name of the corpus, where given, and table of each.

    Raises:
        InputError: One cannot be read.
    """
    pairs: list[tuple[str | None, Any]]
    if isinstance(features, Mapping):
        pairs = list(features.items())
    elif isinstance(features, list | tuple):
        pairs = [(None, each) for each in features]
    else:
        pairs = [(None, features)]
    if not pairs:
        raise InputError(
            "there are no rows to compare on",
            fix="Give a labelled feature table",
            code="compare.no-rows",
        )
    opened: list[tuple[str | None, Source]] = []
    for number, (name, item) in enumerate(pairs, start=1):
        if isinstance(item, str | os.PathLike):
            own, path = split_name(os.fspath(item))
            opened.append((name or own, Source(Path(path), name or own)))
        elif is_frame(item):
            label = name or ("data frame" if len(pairs) == 1 else f"data frame {number}")
            source = open_source(item, label)
            source.corpus = name
            opened.append((name, source))
        else:
            raise InputError(
                f"a {type(item).__name__} is no table",
                fix="Give a path, or a pandas, polars or Arrow table",
                code="compare.not-a-table",
            )
    return opened


def plan_columns(
    sources: Sequence[Source],
    models: Mapping[str, str | os.PathLike[str] | FeatureSchema],
    scores: Sequence[str],
    *,
    regressors: bool,
    apart: Sequence[str | None] = (),
) -> Wanted:
    """Decide which columns a comparison reads.

    Stock regressors read the columns of the first model; without a model, every numeric column
    that is no label, no part of a second opinion but its score, and not in ``apart``.

    Args:
        sources: The tables.
        models: Schema of each model: a name, a TOML file, or the schema.
        scores: Score columns.
        regressors: Whether stock regressors take part.
        apart: Columns of keys, groups and splits.

    Raises:
        InputError: A schema or column does not fit the tables.
    """
    schemas = {
        name: resolved(
            given if isinstance(given, FeatureSchema) else load_schema(given), list(sources)
        )
        for name, given in models.items()
    }
    for source in sources:
        for name in scores:
            source.require(name)
    own: tuple[str, ...] = ()
    if regressors or not (schemas or scores):
        own = (
            next(iter(schemas.values())).columns if schemas else _all_features(sources, set(apart))
        )
    if not (own or schemas or scores):
        raise InputError(
            "there is no feature column to compare on",
            where=", ".join(source.where for source in sources),
            fix="Name score columns with --scores, or a feature schema with --model",
            code="compare.no-features",
        )
    return Wanted(schemas, tuple(scores), own)


def _all_features(sources: Sequence[Source], apart: set[str | None]) -> tuple[str, ...]:
    schemas = [source.schema() for source in sources]
    names = []
    for field in schemas[0]:
        kinds = [each.field(field.name).type for each in schemas if field.name in each.names]
        numeric = all(pa.types.is_integer(k) or pa.types.is_floating(k) for k in kinds)
        opinion = field.name.startswith("second_opinion_") and field.name.endswith(_NO_SCORES)
        if (
            numeric
            and len(kinds) == len(schemas)
            and not opinion
            and field.name not in apart
            and field.name not in _NO_FEATURES
            and not LABEL_COLUMN.fullmatch(field.name)
        ):
            names.append(field.name)
    return tuple(names)


def read_rows(
    sources: Sequence[tuple[str | None, Source]],
    wanted: Wanted,
    options: RowOptions,
    *,
    corpus: str | None = None,
    trained_on: Mapping[str, TrainedOn] | None = None,
    progress: ProgressCallback | None = None,
) -> Rows:
    """Read the labelled rows; those of the split ``test`` are left alone, as training does.

    Args:
        sources: From :func:`open_sources`.
        wanted: Columns to read.
        options: How rows are read.
        corpus: Name of the judged corpus, where the tables do not say.
        trained_on: Corrections of what scorers were trained on.
        progress: Called after each table.

    Raises:
        InputError: No row has a MOS, the rows would mislead, or a column that is needed is absent.
    """
    tables = [source for _, source in sources]
    schema = _union(wanted)
    rows = load_corpus(tables, schema, options, progress=progress)
    if rows.splits is not None:
        kept = np.flatnonzero(rows.splits != "test")
        if not len(kept):
            raise InputError(
                "every labelled row is in the split test",
                where=", ".join(rows.sources),
                fix="Point --split-column at another column",
                code="compare.only-test-rows",
            )
        rows = rows.take(kept)
    _refuse_filled(rows, wanted)
    named = [name for name, _ in sources if name]
    said = sorted({name for name in rows.corpora or () if name})
    judged = tuple(dict.fromkeys([corpus] if corpus else said or named))
    found = scorers_of(rows.tables, trained_on or {})
    return Rows(
        corpus=rows,
        index={name: place for place, name in enumerate(rows.schema.columns)},
        half_width=rating_half_width(rows.standard_error, rows.ratings),
        judged=judged,
        scorers=found,
        where=", ".join(rows.sources),
    )


def _union(wanted: Wanted) -> FeatureSchema:
    """One schema with the columns of all candidates."""
    columns: dict[str, None] = {}
    fill: dict[str, float] = {}
    for schema in wanted.models.values():
        columns.update(dict.fromkeys(schema.columns))
        for name, value in schema.fill.items():
            if fill.setdefault(name, value) != value:
                raise InputError(
                    f"two schemas fill the column {name!r} with {fill[name]:g} and {value:g}",
                    fix="Compare them in two runs, or give both one fill value",
                    code="compare.two-fills",
                )
    columns.update(dict.fromkeys((*wanted.scores, *wanted.regressors)))
    return FeatureSchema(
        "comparison", tuple(columns), tuple(name for name in columns if name not in fill), fill
    )


def _refuse_filled(rows: Corpus, wanted: Wanted) -> None:
    """Refuse rows that lack a column which one schema fills and another candidate needs."""
    needed = {
        name
        for schema in wanted.models.values()
        for name in schema.columns
        if name not in schema.fill
    }
    needed.update(wanted.scores)
    for name, where in rows.filled.items():
        if name in needed and where.all():
            raise InputError(
                f"the column {name!r} is absent, and a candidate needs it",
                where=", ".join(rows.sources),
                fix="Join it, or leave that candidate out",
                code="compare.no-such-column",
            )
