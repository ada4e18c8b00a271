"""Arrow IPC tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.toolkit import InputError

from labeljoin.formats.arrow.reading import batches, opened, reading
from labeljoin.formats.table import Table

if TYPE_CHECKING:
    import pyarrow as pa


class ArrowTable(Table):
    """An Arrow IPC file, or a directory of them."""

    format = "arrow"

    def __init__(self, path: Path, parts: Sequence[Path]) -> None:
        super().__init__(path, parts)
        self._schemas: dict[Path, pa.Schema] = {}

    def _names(self, part: Path) -> list[str]:
        return list(self._schema_of(part).names)

    def _metadata(self, part: Path) -> dict[bytes, bytes]:
        metadata = self._schema_of(part).metadata or {}
        return {k: v for k, v in metadata.items() if k.startswith(b"moskit.")}

    def _schema_of(self, part: Path) -> pa.Schema:
        if part not in self._schemas:
            with opened(part) as reader:
                self._schemas[part] = reader.schema
        return self._schemas[part]

    def _rows(self, part: Path) -> int:
        # One column suffices, and no other one is decompressed.
        with opened(part, [0] if self._names(part) else None) as reader:
            return sum(batch.num_rows for batch in batches(part, reader))

    def _part_schema(self, part: Path, text: frozenset[str]) -> pa.Schema:
        return self._schema_of(part)

    def _read(self, part: Path, columns: Sequence[str] | None, text: frozenset[str]) -> pa.Table:
        import pyarrow as pa

        with opened(part, self._positions(part, columns)) as reader:
            table = pa.Table.from_batches(list(batches(part, reader)), reader.schema)
            with reading(part):
                table.validate(full=True)
        return table if columns is None else table.select(list(columns))

    def _key_values(self, part: Path, name: str) -> Iterator[pa.Array]:
        import pyarrow as pa

        kind = self._schema_of(part).field(name).type
        if pa.types.is_nested(kind):
            raise InputError(
                f"the key column {name!r} holds values of type {kind}, "
                "which is neither text nor a number",
                where=str(part),
                fix="Choose another key column",
                code="arrow.nested-key",
            )
        yield from (batch.column(0) for batch in self._batches(part, [name], frozenset()))

    def _batches(
        self, part: Path, columns: Sequence[str] | None, text: frozenset[str]
    ) -> Iterator[pa.RecordBatch]:
        with opened(part, self._positions(part, columns)) as reader:
            for batch in batches(part, reader):
                with reading(part):
                    batch.validate(full=True)  # Arrow believes a damaged body
                yield batch if columns is None else batch.select(list(columns))

    def _positions(self, part: Path, columns: Sequence[str] | None) -> list[int] | None:
        """Return the positions of some columns; all for an empty selection."""
        if not columns:
            return None
        names = self._names(part)
        return sorted({names.index(name) for name in columns})
