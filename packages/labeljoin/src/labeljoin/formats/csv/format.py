"""CSV as a table format: rewritten with more fields in every record."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from labeljoin.formats.base import Attachment, Format, PartReport, TableWriter
from labeljoin.formats.csv.rewrite import CsvRewrite
from labeljoin.formats.csv.table import DelimitedTable, line_of
from labeljoin.formats.sample import Certainty, Sample, text_format

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from labeljoin.formats.table import Table


class CsvFormat(Format):
    """CSV files, delimited by comma, semicolon, tab or bar."""

    name = "csv"
    suffixes = (".csv",)

    def sniff(self, sample: Sample) -> Certainty:
        """Take any text that is not JSON."""
        return Certainty.LIKELY if text_format(sample) == self.name else Certainty.NO

    def open(self, path: Path, parts: Sequence[Path]) -> Table:
        """Open a CSV file or a directory of them."""
        return DelimitedTable(path, parts)

    def attach(self, task: Attachment) -> PartReport:
        """Rewrite the file; the text of every record stays."""
        return CsvRewrite(task).report()

    def locate(self, part: Path, row: int) -> str:
        """Return the line on which a record begins, counting the header and blank lines."""
        return f"line {line_of(part, row)}"

    @contextmanager
    def writer(self, path: Path, schema: pa.Schema) -> Iterator[TableWriter]:
        """Write a header and records, quoted as needed; there is no place for metadata."""
        import pyarrow.csv as pacsv

        options = pacsv.WriteOptions(quoting_style="needed")
        with pacsv.CSVWriter(path, schema, write_options=options) as csv:
            yield csv
