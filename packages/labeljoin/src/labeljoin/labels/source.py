"""A label table before anything is understood of it: a file, or a table in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from labeljoin.formats.opening import locate, open_table
from labeljoin.labels.remembered import remembered_scale

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from labeljoin.labels.scale import ScaleDecision


@dataclass(frozen=True)
class LabelSource:
    """A label table before anything is understood of it.

    Attributes:
        name: The label file as given; the value of ``mos_label_source``.
        column_names: The names of its columns.
        read: Reads columns, some of them as text exactly as written.
        locate: Where a row is, for errors.
        scale: The scale of MOS that were estimated from ratings and may exceed it, else None.
    """

    name: str
    column_names: Sequence[str]
    read: Callable[[Sequence[str], Sequence[str]], pa.Table]
    locate: Callable[[int], str]
    scale: ScaleDecision | None = None

    @classmethod
    def open(cls, path: str, name: str | None = None) -> LabelSource:
        """Open the label file (or directory of parts) at ``path``."""
        table = open_table(path)
        return cls(
            name=path if name is None else name,
            column_names=table.column_names,
            read=lambda columns, text: table.read(columns, text_columns=text),
            locate=lambda row: locate(table, row),
            scale=remembered_scale(table),
        )

    @classmethod
    def from_table(
        cls, table: pa.Table, name: str, scale: ScaleDecision | None = None
    ) -> LabelSource:
        """Use a table in memory."""
        return cls(
            name=name,
            column_names=table.column_names,
            read=lambda columns, text: table.select(columns),
            locate=lambda row: f"row {row + 1}",
            scale=scale,
        )
