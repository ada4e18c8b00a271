"""ORC files as a table format of moskit."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from labeljoin.formats import Attachment, Certainty, Format, PartReport, Sample, Table, digest_of
from pyarrow import orc


class OrcFormat(Format):
    """ORC files."""

    name = "orc"
    suffixes = (".orc",)

    def sniff(self, sample: Sample) -> Certainty:
        """Recognise the magic bytes."""
        return Certainty.CERTAIN if sample.head.startswith(b"ORC") else Certainty.NO

    def open(self, path: Path, parts: Sequence[Path]) -> Table:
        """Open an ORC file or a directory of them."""
        return OrcTable(path, parts)

    def attach(self, task: Attachment) -> PartReport:
        """Rewrite the file stripe by stripe with the new columns."""
        added = task.columns_for_keys.schema.names
        rows_in = rows_out = 0
        with orc.ORCWriter(str(task.destination)) as writer:
            for batch in OrcTable(task.source, [task.source]).batches():
                keys = batch.column(task.key)
                new = task.columns_for_keys(keys)
                table = pa.table(batch).drop_columns([n for n in added if n in task.replace])
                for field in task.columns_for_keys.schema:
                    table = table.append_column(field, new.column(field.name).cast(field.type))
                if task.keep is not None:
                    table = table.filter(task.keep(keys))
                writer.write(table)
                rows_in += batch.num_rows
                rows_out += table.num_rows
        return PartReport(
            source=task.source,
            destination=task.destination,
            engine="orc-rewrite",
            reason=None,
            rows_in=rows_in,
            rows_out=rows_out,
            source_digest=digest_of(task.source) if task.digests else None,
            digest=digest_of(task.destination) if task.digests else None,
        )


class OrcTable(Table):
    """An ORC file, or a directory of them. Each method reads one part."""

    format = "orc"

    def _names(self, part: Path) -> list[str]:
        return list(self._part_schema(part, frozenset()).names)

    def _rows(self, part: Path) -> int:
        with part.open("rb") as file:
            return int(orc.ORCFile(file).nrows)

    def _part_schema(self, part: Path, text: frozenset[str]) -> pa.Schema:
        with part.open("rb") as file:
            return orc.ORCFile(file).schema

    def _read(self, part: Path, columns: Sequence[str] | None, text: frozenset[str]) -> pa.Table:
        with part.open("rb") as file:
            table = orc.ORCFile(file).read(columns=columns)
        return table if columns is None else table.select(list(columns))

    def _batches(
        self, part: Path, columns: Sequence[str] | None, text: frozenset[str]
    ) -> Iterator[pa.RecordBatch]:
        with part.open("rb") as file:
            source = orc.ORCFile(file)
            for stripe in range(source.nstripes):
                yield source.read_stripe(stripe, columns=columns)
