"""What a label carries beside its MOS: deviation, number of ratings, split, corpus, version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from provenance.toolkit import InputError

from labeljoin.keys.columns import columns_are, infer_column, plain_name
from labeljoin.keys.numeric import is_text, numbers

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from labeljoin.labels.scale import ScaleDecision
    from labeljoin.labels.source import LabelSource

LABEL_EXTRAS: dict[str, tuple[str, ...]] = {
    "mos_std_dev": ("stddev", "mos_std", "stdfull", "std", "mos_sd", "sd", "sos", "sos_j"),
    "mos_standard_error": (),
    "mos_n_ratings": ("n_ratings", "num_ratings", "rating_count", "x_subjects", "n"),
    "split": (),
    "corpus": (),
    "corpus_version": (),
}
"""The extras that ``auto`` copies, and their other names, without case, blanks and punctuation."""

_RESERVED = ("mos", "mos_raw_0_100", "mos_label_source")


@dataclass(frozen=True)
class ExtraColumn:
    """One extra of one label file.

    Attributes:
        name: The column that the feature table gets.
        column: The label column that it is read from.
    """

    name: str
    column: str


def choose_extras(wanted: str, files: Sequence[Sequence[str]]) -> list[dict[str, ExtraColumn]]:
    """The extras of each label file.

    Args:
        wanted: ``none``, or names separated by commas, each ``NAME`` or ``NAME=COLUMN``;
            ``auto`` among them stands for those of :data:`LABEL_EXTRAS` that are not named.
        files: The column names of each label file.

    Returns:
        For each file, extra name to column. A file may lack an extra that another has.

    Raises:
        InputError: No file has a named extra, or its name is one of the join's own columns.
    """
    items = [item.strip() for item in wanted.split(",") if item.strip()]
    if [item.casefold() for item in items] == ["none"]:
        return [{} for _ in files]
    named = dict(_pair(item) for item in items if item.casefold() != "auto")
    pairs = dict(named)
    if any(item.casefold() == "auto" for item in items):
        pairs = {**{name: name for name in LABEL_EXTRAS}, **named}
    plans = [
        {
            name: ExtraColumn(name, column)
            for name, origin in pairs.items()
            if (column := infer_column(columns, (origin, *LABEL_EXTRAS.get(origin, ()))))
        }
        for columns in files
    ]
    for name, origin in named.items():
        if not any(name in plan for plan in plans):
            columns = list(dict.fromkeys(column for columns in files for column in columns))
            raise InputError(
                f"no label file has the extra {origin!r}; {columns_are(columns)}",
                fix="Correct --extras",
                code="labels.no-such-extra",
            )
    return plans


def columns_left(columns: Sequence[str], taken: Collection[str], wanted: str) -> list[str]:
    """The label columns that ``--extras`` could take and did not; none under ``none``.

    Args:
        columns: The columns of a label file.
        taken: Those that the join reads.
        wanted: The option.
    """
    if wanted.strip().casefold() == "none":
        return []
    own = {plain_name(name) for name in (*_RESERVED, "mos_label_status")}
    return [name for name in columns if name not in taken and plain_name(name) not in own]


def _pair(item: str) -> tuple[str, str]:
    name, _, origin = (part.strip() for part in item.partition("="))
    if name.casefold() in _RESERVED:
        raise InputError(
            f"the join writes the column {name!r} itself",
            fix="Leave it out of --extras",
            code="labels.reserved-extra",
        )
    return name, origin or name


def extra_values(
    extra: ExtraColumn, values: pa.ChunkedArray, scale: ScaleDecision, source: LabelSource
) -> pa.Array | pa.ChunkedArray:
    """The values of an extra under its own type.

    ``mos_std_dev`` and ``mos_standard_error`` are float64 on the scale of the output,
    ``mos_n_ratings`` int64, ``split``, ``corpus`` and ``corpus_version`` are text; any other extra
    keeps its type. Blank text is null.

    Raises:
        InputError: A deviation or a number of ratings is unusable; file and row are named.
    """
    if extra.name in ("mos_std_dev", "mos_standard_error"):
        found = _not_negative(extra, values, source)
        return scale.deviation(found)
    if extra.name == "mos_n_ratings":
        found = _not_negative(extra, values, source)
        _refuse(pc.not_equal(found, pc.floor(found)), found, extra, "is not a whole number", source)
        return found.cast(pa.int64())
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if extra.name in LABEL_EXTRAS or is_text(values.type):
        values = values.cast(pa.string())
    if pa.types.is_string(values.type):
        texts = pc.utf8_trim_whitespace(values)
        return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    return values


def _not_negative(
    extra: ExtraColumn, values: pa.ChunkedArray, source: LabelSource
) -> pa.DoubleArray:
    found = numbers(values, extra.column, where=source.name, locate=source.locate)
    _refuse(pc.less(found, 0.0), found, extra, "is negative", source)
    return found


def _refuse(
    mask: pa.BooleanArray,
    values: pa.DoubleArray,
    extra: ExtraColumn,
    complaint: str,
    source: LabelSource,
) -> None:
    rows = pc.indices_nonzero(mask)
    if len(rows):
        row = rows[0].as_py()
        raise InputError(
            f"the {extra.column} {values[row].as_py():.15g} {complaint}",
            where=f"{source.name}, {source.locate(row)}",
            fix="Correct it, or leave it blank",
            code="labels.bad-extra",
        )
