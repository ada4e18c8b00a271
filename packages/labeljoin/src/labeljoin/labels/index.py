"""Labels: one clip's MOS with its extras, read from label files and indexed by clip key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from provenance.toolkit import InputError

from labeljoin.keys.columns import columns_are, infer_column, infer_key_column
from labeljoin.keys.numeric import numbers
from labeljoin.keys.rule import count_reasons
from labeljoin.keys.text import encode
from labeljoin.labels.conflicts import collapse
from labeljoin.labels.extras import (
    LABEL_EXTRAS,
    ExtraColumn,
    choose_extras,
    columns_left,
    extra_values,
)
from labeljoin.labels.options import LabelOptions
from labeljoin.labels.scale import RAW_COLUMN, ScaleDecision, decide_scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labeljoin.facts import KeylessReasons, LabelFileFacts
    from labeljoin.labels.source import LabelSource

MOS_COLUMNS = (
    "mos",
    "mean_mos",
    "mosfull",
    "mos_j",
    "raw_mos",
    RAW_COLUMN,
    "video_score",
)
"""Names that a MOS column is inferred from, the first that a file has, ignoring case."""

ONLY_WHEN_NAMED = ("score", "quality")
"""MOS columns that are often predictions, and so are never inferred."""

AGREEMENT = 1e-3
"""How far ``mos`` and ``mos_raw_0_100`` of one row may differ, in MOS."""


@dataclass(frozen=True)
class LabelKey:
    """The key column of a label file.

    Attributes:
        column: The column.
        decided_by: ``option``, ``name``, or ``values`` where they met those of the features.
    """

    column: str
    decided_by: Literal["option", "name", "values"]


@dataclass(frozen=True)
class LabelFile:
    """What was understood of one label file.

    Attributes:
        name: The label file as given.
        rows: Its rows.
        key: The column that identifies a clip, and what decided it.
        mos_column: The column with the MOS.
        scale: The scale of that column, and why.
        keyless: Rows whose value yields no clip key, by reason.
        clipped: Estimates off their scale that were moved to its end.
        without_mos: Rows with a clip key and a null or blank MOS.
        extras: Extra to the column that it is read from.
        left: Columns that ``--extras`` could take and did not.
    """

    name: str
    rows: int
    key: LabelKey
    mos_column: str
    scale: ScaleDecision
    keyless: dict[str, int]
    clipped: int
    without_mos: int
    extras: dict[str, str]
    left: list[str]

    @property
    def key_column(self) -> str:
        """The column that identifies a clip."""
        return self.key.column

    def to_dict(self) -> LabelFileFacts:
        """Return the file as an element of the audit's ``label_sources``."""
        return {
            "path": self.name,
            "rows": self.rows,
            "key_column": self.key.column,
            "key_decided_by": self.key.decided_by,
            "mos_column": self.mos_column,
            "scale": self.scale.to_dict(),
            "keyless_rows": {
                "count": sum(self.keyless.values()),
                "reasons": cast("KeylessReasons", dict(self.keyless)),
            },
            "labels_without_mos": self.without_mos,
            "labels_clipped": self.clipped,
            "extras": dict(sorted(self.extras.items())),
            "columns_left": self.left,
        }


@dataclass(frozen=True)
class LabelIndex:
    """Labels by clip key.

    Attributes:
        keys: The clip keys, distinct, in the order of the files.
        columns: For each key ``mos`` (float64, [1, 5]), ``mos_raw_0_100`` (float64, [0, 100]),
            ``mos_label_source`` (string) and the extras that any label carries, sorted.
        files: What was understood of each file.
        duplicates_collapsed: Rows that repeated a label already there.
    """

    keys: pa.StringArray
    columns: pa.Table
    files: tuple[LabelFile, ...]
    duplicates_collapsed: int

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def without_mos(self) -> int:
        """Rows with a clip key and no MOS, over all files."""
        return sum(file.without_mos for file in self.files)

    @property
    def extras(self) -> list[str]:
        """The names of the extras, sorted."""
        return [name for name in self.columns.column_names if name not in _OWN]


_OWN = ("mos", RAW_COLUMN, "mos_label_source")


def index_labels(
    sources: Sequence[LabelSource],
    options: LabelOptions | None = None,
    *,
    keys: Sequence[LabelKey] | None = None,
) -> LabelIndex:
    r"""Read label files into one index.

    Args:
        sources: The label files, in the order in which they win the ``mos_label_source`` of
            equal labels.
        options: How to understand them.
        keys: The key column of each file, where that is decided already.

    Raises:
        InputError: A file cannot be understood, a MOS or extra is unusable (file and row are
            named), two rows give one clip different labels (both are shown), or no row of any
            file has a MOS.

    Examples:
        >>> from pathlib import Path
        >>> from labeljoin.labels import LabelSource
        >>> _ = Path("l.csv").write_text("clip_id,mos\n1,3.5\n2,4\n")
        >>> index_labels([LabelSource.open("l.csv")]).files[0].mos_column
        'mos'
    """
    options = options or LabelOptions()
    if not sources:
        raise InputError(
            "no label file is given",
            fix="Give --labels PATH",
            code="labels.no-files",
        )
    plans = choose_extras(options.extras, [source.column_names for source in sources])
    files: list[LabelFile] = []
    tables: list[pa.Table] = []
    for number, (source, extras) in enumerate(zip(sources, plans, strict=True)):
        if keys is None:
            named = label_key_column(source, options)
            key = LabelKey(named, "name" if options.key_column is None else "option")
        else:
            key = keys[number]
        file, rows = _read(source, key, extras, options)
        files.append(file)
        tables.append(rows.append_column("file", pa.array(np.full(len(rows), number, np.int32))))
    rows = _concatenated(tables)
    if not len(rows):
        raise _no_labels(files)
    rows, collapsed = collapse(rows, sources, guessed=options.rule.guesses)
    names = pa.array([source.name for source in sources], pa.string())
    found = [
        name
        for name in sorted(set(rows.column_names) - _WORKING)
        if rows[name].null_count < len(rows)
    ]
    columns = rows.select(["mos", RAW_COLUMN]).append_column(
        "mos_label_source", names.take(rows["file"].combine_chunks())
    )
    for name in found:
        columns = columns.append_column(rows.schema.field(name), rows[name])
    return LabelIndex(
        rows["key"].combine_chunks(), columns.combine_chunks(), tuple(files), collapsed
    )


_WORKING = {"key", "text", "row", "file", "mos", RAW_COLUMN}


def infer_mos_column(names: Sequence[str], *, where: str | None = None) -> str:
    """The MOS column of a label file, by its name.

    Raises:
        InputError: None of :data:`MOS_COLUMNS` is there.

    Examples:
        >>> infer_mos_column(["clip", "MOS"])
        'MOS'
    """
    found = infer_column(names, MOS_COLUMNS)
    if found is not None:
        return found
    maybe = infer_column(names, ONLY_WHEN_NAMED)
    doubt = f", and {maybe!r} may be a prediction" if maybe is not None else ""
    raise InputError(
        f"no column name says that it holds the MOS{doubt}; {columns_are(names)}",
        where=where,
        fix="Name the MOS column with --label-mos-column",
        code="labels.no-mos-column",
    )


def label_key_column(source: LabelSource, options: LabelOptions) -> str:
    """The key column of a label file: the option, else by its name.

    Raises:
        InputError: The file has no such column, or no name tells.
    """
    return _named(source, options.key_column, "--label-key-column") or infer_key_column(
        source.column_names, where=source.name, option="--label-key-column"
    )


def label_mos_column(source: LabelSource, options: LabelOptions) -> str:
    """The MOS column of a label file: the option, else by its name.

    Raises:
        InputError: The file has no such column, or no name tells.
    """
    return _named(source, options.mos_column, "--label-mos-column") or infer_mos_column(
        source.column_names, where=source.name
    )


def _read(
    source: LabelSource, key: LabelKey, extras: dict[str, ExtraColumn], options: LabelOptions
) -> tuple[LabelFile, pa.Table]:
    key_column = key.column
    mos_column = label_mos_column(source, options)
    pair = [infer_column(source.column_names, [name]) for name in ("mos", RAW_COLUMN)]
    numeric = [mos_column, *(name for name in pair if None not in pair and name is not None)]
    text = [key_column, *numeric, *(e.column for e in extras.values() if e.name in LABEL_EXTRAS)]
    wanted = list(dict.fromkeys([*text, *(extra.column for extra in extras.values())]))
    table = source.read(wanted, text)

    values = _numbers(table, mos_column, "MOS", source)
    clipped = 0
    known = source.scale if mos_column == "mos" else None
    if known is not None and options.scale in ("auto", known.scale):
        decision = known
        values, clipped = _within(values, decision)
    else:
        decision = decide_scale(
            values,
            mos_column,
            requested=options.scale,
            where=source.name,
            locate=source.locate,
        )
    if None not in pair:
        _check_agreement(table, pair, mos_column, decision, source)
    try:
        distinct, indices = encode(table[key_column])
    except InputError as error:
        error.where = f"{source.name}, column {key_column!r}"
        raise
    derived = options.rule.derive(distinct)
    rows = pa.table(
        {
            "key": derived.keys.take(indices),
            "text": derived.texts.take(indices),
            "row": pa.array(np.arange(table.num_rows)),
            "mos": decision.mos(values),
            RAW_COLUMN: decision.raw(values),
        }
    )
    for extra in extras.values():
        rows = rows.append_column(
            extra.name, extra_values(extra, table[extra.column], decision, source)
        )
    has_key = rows["key"].is_valid()
    has_mos = rows["mos"].is_valid()
    file = LabelFile(
        name=source.name,
        rows=table.num_rows,
        key=key,
        mos_column=mos_column,
        scale=decision,
        keyless=count_reasons(derived.reasons, indices),
        clipped=clipped,
        without_mos=pc.sum(pc.and_(has_key, pc.invert(has_mos))).as_py() or 0,
        extras={extra.name: extra.column for extra in extras.values()},
        left=columns_left(source.column_names, {*wanted, *filter(None, pair)}, options.extras),
    )
    return file, rows.filter(pc.and_(has_key, has_mos))


def _named(source: LabelSource, name: str | None, option: str) -> str | None:
    if name is None or name in source.column_names:
        return name
    raise InputError(
        f"there is no column {name!r}; {columns_are(source.column_names)}",
        where=source.name,
        fix=f"Give {option} one of them",
        code="labels.no-such-column",
    )


def _numbers(table: pa.Table, column: str, what: str, source: LabelSource) -> pa.DoubleArray:
    return numbers(table[column], what, where=source.name, locate=source.locate)


def _within(values: pa.DoubleArray, scale: ScaleDecision) -> tuple[pa.DoubleArray, int]:
    """Estimates moved to the end of their scale where they lie off it, and how many were."""
    if scale.limits is None:
        return values, 0
    low, high = scale.limits
    off = pc.or_(pc.less(values, low), pc.greater(values, high))
    kept = pc.min_element_wise(
        pc.max_element_wise(values, pa.scalar(low), skip_nulls=False),
        pa.scalar(high),
        skip_nulls=False,
    )
    return kept, pc.sum(off).as_py() or 0


def _check_agreement(
    table: pa.Table,
    pair: Sequence[str | None],
    mos_column: str,
    decision: ScaleDecision,
    source: LabelSource,
) -> None:
    mos_name, raw_name = pair
    assert mos_name is not None
    assert raw_name is not None
    mos = _numbers(table, mos_name, "MOS", source)
    raw = _numbers(table, raw_name, RAW_COLUMN, source)
    from_mos = decision.mos(mos) if mos_name == mos_column else mos
    apart = pc.abs(pc.subtract(from_mos, pc.add(pc.divide(raw, 25.0), 1.0)))
    wrong = pc.indices_nonzero(pc.fill_null(pc.greater(apart, AGREEMENT), False))
    if not len(wrong):
        return
    row = wrong[0].as_py()
    more = f" ({len(wrong) - 1:,} more rows disagree)" if len(wrong) > 1 else ""
    raise InputError(
        f"{mos_name} {mos[row].as_py():.15g} and {raw_name} {raw[row].as_py():.15g} do not say the "
        f"same: {raw_name} should be 25 ({mos_name} - 1){more}",
        where=f"{source.name}, {source.locate(row)}",
        fix="Correct one column, or remove it from the label file",
        code="labels.scales-disagree",
    )


def _concatenated(tables: Sequence[pa.Table]) -> pa.Table:
    try:
        return pa.concat_tables(tables, promote_options="permissive").combine_chunks()
    except (pa.ArrowTypeError, pa.ArrowInvalid) as error:
        raise InputError(
            f"the label files give one extra different types ({error})",
            fix="Write it with one type, or leave it out of --extras",
            code="labels.extra-types",
        ) from None


def _no_labels(files: Sequence[LabelFile]) -> InputError:
    facts = "; ".join(
        f"{file.name}: {file.rows:,} rows, {file.without_mos:,} of them with a key and no MOS in "
        f"{file.mos_column!r}, {sum(file.keyless.values()):,} without a key from "
        f"{file.key_column!r}"
        for file in files
    )
    return InputError(
        f"no row has both a clip key and a MOS ({facts})",
        fix="Check the key column, the key regex and the MOS column of the labels",
        code="labels.none",
    )
