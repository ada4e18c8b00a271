"""A join before anything is written: both sides understood and counted."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
from provenance.toolkit import InputError

from labeljoin.formats.base import collision_error
from labeljoin.joining.coverage import Coverage, table_coverage
from labeljoin.joining.pairing import pair_keys
from labeljoin.keys.matching import ColumnsForLabels, KeyMatcher
from labeljoin.labels.index import LabelIndex, index_labels
from labeljoin.labels.scale import RAW_COLUMN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provenance.toolkit import ProgressCallback

    from labeljoin.formats.base import FirstPass
    from labeljoin.formats.table import Table
    from labeljoin.joining.clip_keys import ClipKey
    from labeljoin.joining.options import JoinOptions
    from labeljoin.labels.source import LabelSource

STATUS_OK = "ok"
STATUS_MISSING = "missing-label"


@dataclass(frozen=True)
class Plan:
    """A join before anything is written: both sides understood and counted.

    Attributes:
        key: The clip key of the feature table.
        index: The labels.
        coverage: What the feature keys met in them.
        columns: Computes the new columns.
        obstacles: What would stop the join although its sides were understood.
    """

    key: ClipKey
    index: LabelIndex
    coverage: Coverage
    columns: ColumnsForLabels
    obstacles: tuple[InputError, ...] = ()

    @property
    def key_column(self) -> str:
        """The key column of the feature table."""
        return self.key.column


def plan_join(
    features: Table | pa.Table,
    sources: Sequence[LabelSource],
    options: JoinOptions,
    *,
    tolerant: bool = False,
    first_pass: FirstPass | None = None,
    progress: ProgressCallback | None = None,
) -> Plan:
    """Understand and count both sides of a join; nothing is written.

    Args:
        features: The feature table, on disk or in memory.
        sources: The label files.
        options: The options of the join.
        tolerant: Collect obstacles instead of raising the first.
        first_pass: Reads the keys of the feature table, where it is to be attached to.
        progress: Called while reading.

    Raises:
        InputError: A side cannot be understood; or, unless ``tolerant``, a column of the table is
            in the way, or ``auto`` folded distinct feature values into one key.
    """
    where = "the features" if isinstance(features, pa.Table) else os.fspath(features.path)
    names = _names(features)
    pair = pair_keys(features, sources, options, names=names, where=where)
    # A join meets labels by the rule of its own options; that is what the table remembers then.
    key = replace(pair.features, rule=options.feature_rule)
    key_column = key.column
    index = index_labels(sources, options.label_options, keys=pair.labels)
    labels = _label_columns(index, options)
    obstacles = list(_collisions(names, key_column, labels.column_names, options, where))
    if obstacles and not tolerant:
        raise obstacles[0]
    matcher = KeyMatcher(options.feature_rule, index.keys)
    place = f"{where}, column {key_column!r}"
    coverage = table_coverage(
        features,
        key_column,
        matcher,
        where=place,
        first_pass=first_pass,
        added=() if options.overwrite else labels.column_names,
        progress=progress,
    )
    if options.feature_rule.guesses and coverage.folded_keys:
        obstacles.append(coverage.guessed_fold(place))
        if not tolerant:
            raise obstacles[-1]
    columns = ColumnsForLabels(matcher, labels, {options.status_column: STATUS_MISSING})
    return Plan(key, index, coverage, columns, tuple(obstacles))


def replaced_columns(
    features: Table | pa.Table, plan: Plan, options: JoinOptions
) -> frozenset[str]:
    """The columns of the features that give way to new ones, under ``--overwrite``."""
    if not options.overwrite:
        return frozenset()
    added = frozenset(plan.columns.schema.names)
    if not isinstance(features, pa.Table) and features.names_in_rows:
        return added  # the engine finds out row by row
    return added & frozenset(features.column_names)


def _label_columns(index: LabelIndex, options: JoinOptions) -> pa.Table:
    """The columns to add, in their order, one row for each label."""
    status = pa.repeat(STATUS_OK, len(index))
    columns = index.columns
    if options.status_column in columns.column_names:
        raise InputError(
            f"the join writes a column {options.status_column!r} already",
            fix="Give --status-column another name",
            code="join.status-column-taken",
        )
    first = columns.select(["mos", RAW_COLUMN]).append_column(options.status_column, status)
    for name in ["mos_label_source", *index.extras]:
        first = first.append_column(columns.schema.field(name), columns[name])
    return first


def _names(features: Table | pa.Table) -> list[str]:
    """The column names; of JSONL those of the first rows, for it takes a full parse to know all.

    The engine meets the others, and whatever collides with them, on its way.
    """
    return features.column_names if isinstance(features, pa.Table) else features.leading_names


def _collisions(
    names: Sequence[str],
    key_column: str,
    added: Sequence[str],
    options: JoinOptions,
    where: str,
) -> Iterator[InputError]:
    if key_column in added:
        yield InputError(
            f"the key column {key_column!r} of the features would be replaced by the labels'",
            where=where,
            fix="Leave it out with --extras, or name another --key-column",
            code="join.key-column-replaced",
        )
        return
    collisions = [name for name in added if name in names]
    if collisions and not options.overwrite:
        error = collision_error(collisions, where)
        error.fix = "Replace them with --overwrite, or leave extra ones out with --extras"
        yield error
