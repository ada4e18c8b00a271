"""Arrow IPC (Feather version 2) as a table format: record batches are written with more columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.record import EMBEDDED_KEY
from provenance.toolkit import InputError

from labeljoin.formats.arrow.reading import FEATHER_1_MAGIC, MAGIC, opened
from labeljoin.formats.arrow.rewrite import attach_arrow
from labeljoin.formats.arrow.table import ArrowTable
from labeljoin.formats.base import Attachment, Format, PartReport, TableWriter
from labeljoin.formats.sample import Certainty, Sample

if TYPE_CHECKING:
    import pyarrow as pa

    from labeljoin.formats.table import Table


class ArrowFormat(Format):
    """Arrow IPC files, which Feather version 2 files are too."""

    name = "arrow"
    suffixes = (".arrow", ".feather", ".ipc")

    def sniff(self, sample: Sample) -> Certainty:
        """Recognise the magic bytes, those of Feather version 1 too."""
        known = sample.head.startswith((MAGIC, FEATHER_1_MAGIC))
        return Certainty.CERTAIN if known else Certainty.NO

    def open(self, path: Path, parts: Sequence[Path]) -> Table:
        """Open an Arrow file or a directory of them.

        Raises:
            InputError: A file is of Feather version 1.
        """
        for part in parts:
            with part.open("rb") as file:
                if file.read(len(FEATHER_1_MAGIC)) == FEATHER_1_MAGIC:
                    raise InputError(
                        "this is a Feather file of version 1, which is no longer used",
                        where=str(part),
                        fix="Write it again as version 2, which is Arrow IPC",
                        code="arrow.feather-1",
                    )
        return ArrowTable(path, parts)

    def attach(self, task: Attachment) -> PartReport:
        """Write the record batches with the new columns."""
        return attach_arrow(task)

    def read_record(self, path: Path) -> bytes | None:
        """Return the run record in the schema's metadata."""
        return read_record(path)

    @contextmanager
    def writer(self, path: Path, schema: pa.Schema) -> Iterator[TableWriter]:
        """Write an uncompressed Arrow file."""
        import pyarrow as pa

        with pa.ipc.new_file(str(path), schema) as file:
            yield _Writer(file, schema)


class _Writer:
    def __init__(self, file: pa.ipc.RecordBatchFileWriter, schema: pa.Schema) -> None:
        self._file = file
        self._metadata = schema.metadata

    def write(self, rows: pa.Table) -> None:
        self._file.write_table(rows.replace_schema_metadata(self._metadata))


def read_record(path: Path) -> bytes | None:
    """Return the run record that an Arrow file carries, or None.

    This is the ``arrow``, ``feather`` and ``ipc`` reader of the entry points
    ``provenance.embedded``.

    Raises:
        InputError: The file is not an Arrow file, or is damaged.
    """
    with opened(path) as reader:
        metadata: dict[bytes, bytes] = reader.schema.metadata or {}
        return metadata.get(EMBEDDED_KEY.encode())
