"""Add members to the rows of a JSON document, leaving the text around them as it is."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from provenance.toolkit import InputError

from labeljoin.formats.base import collision_error
from labeljoin.formats.json import text as json_text
from labeljoin.formats.json.document import DocumentRows, RowText
from labeljoin.formats.json.members import member_texts
from labeljoin.formats.rewriting import Rewrite

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

BATCH_ROWS = 4_096


class JsonRewrite(Rewrite):
    """Writes a JSON document with the new members in every row."""

    engine = "json-rewrite"

    def pieces(self) -> Iterator[str]:
        """Yield the text of the new document, row by row."""
        source = self._task.source
        with source.open(encoding="utf-8-sig", newline="") as file:
            yield from self._rows(DocumentRows(source, file))

    def _rows(self, document: DocumentRows) -> Iterator[str]:
        rows = iter(document)
        opening: str | None = None  # what stands before the first row, kept where that is dropped
        while batch := list(islice(rows, BATCH_ROWS)):
            opening = batch[0].leading if opening is None else opening
            for row, addition, keep in self._decided(batch):
                if keep:
                    yield (row.leading if self.rows_out else opening) + self._spliced(row, addition)
                    self.rows_out += 1
            self.rows_in += len(batch)
        yield document.tail

    def _decided(self, batch: list[RowText]) -> Iterator[tuple[RowText, list[str], bool]]:
        import pyarrow as pa

        values = pa.array(
            [self._key(row, number) for number, row in enumerate(batch, self.rows_in + 1)],
            pa.string(),
        )
        additions = _additions(self._task.columns_for_keys(values))
        return zip(batch, additions, self.kept(values), strict=True)

    def _key(self, row: RowText, number: int) -> str | None:
        task = self._task
        where = f"{task.source}, row {number}"
        collisions = [
            name
            for name in task.columns_for_keys.schema.names
            if name in row.row and name not in task.replace
        ]
        if collisions:
            raise collision_error(collisions, where)
        try:
            return row.key_text(task.key)
        except ValueError as error:
            raise InputError(
                f"{error} (column {task.key!r})",
                where=where,
                fix="Fix the row, or choose a text or numeric column",
                code="json.bad-key",
            ) from None

    def _spliced(self, row: RowText, addition: list[str]) -> str:
        """The text of a row with its new members, set apart as its own members are."""
        found, brace = json_text.members(row.text)
        indent = row.text[1 : found[0].start] if found else ""
        text, brace, has_members = json_text.without(row.text, found, brace, self._task.replace)
        separator = "," + (indent or " ")
        added = separator.join(addition)
        if has_members and added:
            end = len(text[:brace].rstrip())
            return text[:end] + separator + added + text[end:]
        return text[:brace] + added + text[brace:]


def _additions(batch: pa.RecordBatch) -> list[list[str]]:
    """The new members of each row."""
    import pyarrow as pa

    columns = [
        [text.decode() for text in member_texts(pa.record_batch([column], names=[name]))]
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return [list(row) for row in zip(*columns, strict=True)] or [[]] * batch.num_rows
