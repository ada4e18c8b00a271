"""The keys that a join could use, read from its tables for a diagnosis."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import pyarrow as pa
import pyarrow.compute as pc
from provenance.toolkit import InputError

from labeljoin.diagnose.suggestions import EVALUATED, Diagnosis, KeySide, diagnose_coverage
from labeljoin.formats.table import column_values
from labeljoin.keys.columns import named_columns
from labeljoin.keys.counts import closed
from labeljoin.keys.text import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from labeljoin.facts import DiagnosisFacts
    from labeljoin.formats.table import Table
    from labeljoin.joining.options import JoinOptions
    from labeljoin.joining.plan import Plan
    from labeljoin.labels.source import LabelSource

T = TypeVar("T")

OTHER_COLUMNS = 12
"""Other columns of a side that are tried."""


def diagnose_join(
    features: Table | pa.Table, sources: Sequence[LabelSource], plan: Plan, options: JoinOptions
) -> Diagnosis:
    """Diagnose a planned join; reads the columns of both sides that might be keys.

    Args:
        features: The feature table.
        sources: The label files.
        plan: The join.
        options: Its options.
    """
    chosen = [file.key_column for file in plan.index.files]
    # Each file's own key column is one side together; a flag names one column for every file.
    columns = {chosen[0]: list(chosen)}
    for name in _candidates(sources[0].column_names, chosen[:1]):
        if all(name in source.column_names for source in sources):
            columns.setdefault(name, [name] * len(sources))
    return diagnose_coverage(
        KeySide(
            possible_keys(features, plan.key_column),
            plan.key_column,
            options.feature_rule,
            "--key-column",
            "--feature-key-regex",
        ),
        KeySide(
            _usable(columns, chosen[0], lambda in_each: _values(sources, in_each)),
            chosen[0],
            options.label_rule,
            "--label-key-column",
            "--label-key-regex",
        ),
    )


def diagnosis_facts(diagnosis: Diagnosis) -> DiagnosisFacts:
    """Return the diagnosis of a label join as a member of its documents."""
    return cast("DiagnosisFacts", diagnosis.to_dict())


def possible_keys(features: Table | pa.Table, key_column: str) -> dict[str, pa.StringArray]:
    """The columns whose names say that they might be keys, for a :class:`KeySide`.

    Args:
        features: A table on disk or in memory.
        key_column: The key column, which comes first.

    Returns:
        Column name to its first distinct values, as many as coverage is predicted from. Columns of
        lists, structs, images and the like are left out.

    Raises:
        InputError: The key column itself holds such values, or the table cannot be read.

    Examples:
        >>> import pyarrow as pa
        >>> table = pa.table({"clip": ["1"], "video_path": ["a/1.mp4"], "motion": [0.5]})
        >>> sorted(possible_keys(table, "clip"))
        ['clip', 'video_path']
    """
    names = {name: name for name in _candidates(features.column_names, [key_column])}
    return _usable(names, key_column, lambda name: _distinct(column_values(features, name)))


def _usable(
    columns: Mapping[str, T], chosen: str, values: Callable[[T], pa.StringArray]
) -> dict[str, pa.StringArray]:
    """The values of columns, without those that cannot be keys."""
    found = {}
    for name, place in columns.items():
        try:
            found[name] = values(place)
        except InputError:
            if name == chosen:
                raise
    return found


def _candidates(names: Sequence[str], chosen: Sequence[str]) -> list[str]:
    """The chosen columns that are there, then others whose name says that they might be keys."""
    here = [name for name in chosen if name in names]
    likely = [name for name in named_columns(names) if name not in here]
    return [*here, *likely[:OTHER_COLUMNS]]


def _values(sources: Sequence[LabelSource], columns: Sequence[str]) -> pa.StringArray:
    """The first distinct values of a column of each label file."""
    arrays = []
    for source, name in zip(sources, columns, strict=True):
        arrays.append(_distinct([source.read([name], [name])[name]]))
    return pa.concat_arrays(arrays)[:EVALUATED]


def _distinct(values: Iterable[pa.Array | pa.ChunkedArray]) -> pa.StringArray:
    """The first distinct values as text, as many as coverage is predicted from."""
    found = pa.array([], pa.string())
    with closed(values):
        for some in values:
            texts, _ = encode(some)
            found = pc.unique(pa.concat_arrays([found, texts.drop_null()]))
            if len(found) >= EVALUATED:
                break
    return found[:EVALUATED]
