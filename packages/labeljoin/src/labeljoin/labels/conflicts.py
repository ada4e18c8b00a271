"""Several rows for one clip: identical ones collapse, differing ones are an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labeljoin.labels.source import LabelSource

# Conversion from 0-100 to 1-5 rounds in the last place; two files may give one MOS on two scales.
_SAME = 1e-9
_PLACE = ("key", "text", "row", "file")


def collapse(
    rows: pa.Table, sources: Sequence[LabelSource], *, guessed: bool
) -> tuple[pa.Table, int]:
    """One row per clip key, in the order of first appearance.

    A value that only one of several rows has (another file lacks the extra) is no difference, and
    is kept.

    Args:
        rows: ``key``, ``text`` (the key value before normalisation acted), ``row``, ``file``, and
            value columns.
        sources: The label files that ``file`` counts.
        guessed: Whether ``auto`` made the keys, so that a conflict may be a fold of its making.

    Returns:
        The rows, and how many collapsed.

    Raises:
        InputError: Rows of one key differ; both are shown.
    """
    if len(pc.unique(rows["key"])) == len(rows):
        return rows, 0
    columns = [name for name in rows.column_names if name not in _PLACE]
    _refuse_conflict(rows, columns, sources, guessed=guessed)
    order = [name for name in rows.column_names if name != "key"]
    firsts = rows.group_by("key", use_threads=False).aggregate([(name, "first") for name in order])
    collapsed = pa.table(
        {name: firsts[name if name == "key" else f"{name}_first"] for name in rows.column_names}
    )
    return collapsed, len(rows) - len(collapsed)


def _refuse_conflict(
    rows: pa.Table, columns: Sequence[str], sources: Sequence[LabelSource], *, guessed: bool
) -> None:
    # In groups, to compare floats by distance and everything else by identity.
    floats = [name for name in columns if pa.types.is_floating(rows.schema.field(name).type)]
    others = [name for name in columns if name not in floats]
    grouped = rows.group_by("key", use_threads=False).aggregate(
        [(name, bound) for name in floats for bound in ("min", "max")]
        + [(name, "count_distinct", pc.CountOptions(mode="only_valid")) for name in others]
    )
    differing = [
        *(_apart(grouped[f"{name}_min"], grouped[f"{name}_max"]) for name in floats),
        *(pc.greater(grouped[f"{name}_count_distinct"], 1) for name in others),
    ]
    conflict = differing[0]
    for mask in differing[1:]:
        conflict = pc.or_(conflict, mask)
    keys = grouped["key"].filter(conflict)
    if not len(keys):
        return
    key = keys[0].as_py()
    first, second, names = _differing_pair(rows.filter(pc.equal(rows["key"], key)), columns)
    more = f"; {len(keys) - 1:,} more clips conflict" if len(keys) > 1 else ""
    fix = "Remove the wrong rows"
    if guessed and first["text"] != second["text"]:
        fix = (
            f"The values {first['text']!r} and {second['text']!r} became one key; if they are two "
            "clips, say how keys are made with --key-normalize or --label-key-regex"
        )
    raise InputError(
        f"the labels of clip {key!r} conflict: {_shown(first, names, sources)}; "
        f"{_shown(second, names, sources)}{more}",
        fix=fix,
        code="labels.conflict",
    )


def _apart(low: pa.ChunkedArray, high: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(pc.greater(pc.subtract(high, low), _SAME), False)


def _differing_pair(
    rows: pa.Table, columns: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Two rows that differ, and the columns in which they do."""
    listed = rows.to_pylist()
    for second in range(1, len(listed)):
        for first in range(second):
            names = [name for name in columns if _differ(listed[first][name], listed[second][name])]
            if names:
                return listed[first], listed[second], names
    raise AssertionError("no two rows differ")


def _differ(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return False
    if isinstance(one, float):
        return bool(abs(one - other) > _SAME)
    return bool(one != other)


def _shown(row: dict[str, Any], names: Sequence[str], sources: Sequence[LabelSource]) -> str:
    source = sources[row["file"]]
    # The raw scale repeats what mos says.
    values = [name for name in names if name != "mos_raw_0_100" or "mos" not in names]
    said = ", ".join(
        f"{name} {row[name]:.15g}" if isinstance(row[name], float) else f"{name} {row[name]}"
        for name in values
    )
    return f"{source.name}, {source.locate(row['row'])}: {said}"
