"""JSON tables: a list of objects, alone or as the member ``rows`` of an object.

A document of any length takes the memory of a few rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from provenance.toolkit import InputError

from labeljoin.formats.json import text as json_text
from labeljoin.formats.json.rows import JsonRowTable, Row, require_unicode
from labeljoin.formats.json.stream import JsonStream

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

WINDOW = 1 << 20
ROWS_MEMBER = "rows"


class JsonTable(JsonRowTable):
    """A JSON file, or a directory of them."""

    format = "json"

    def _part_rows(self, part: Path, text: frozenset[str]) -> Generator[Row]:
        with part.open(encoding="utf-8-sig", newline="") as file:
            for number, element in enumerate(DocumentRows(part, file), 1):
                row = element.row
                for name in text:
                    if isinstance(row.get(name), float):
                        row[name] = element.key_text(name)
                require_unicode(row, text, where=f"{part}, row {number}")
                yield row


@dataclass(frozen=True, slots=True)
class RowText:
    """One row of a document.

    Attributes:
        leading: The text between the row before it and this one.
        text: The text of the object.
        row: Its members.
    """

    leading: str
    text: str
    row: Row

    def key_text(self, name: str) -> str | None:
        """A member as text, numbers exactly as written; raises ValueError for an object or list."""
        value = self.row.get(name)
        if value is None or isinstance(value, str):
            return value
        found, _ = json_text.members(self.text)
        return json_text.key_text(
            self.text, next(member for member in reversed(found) if member.name == name)
        )


class DocumentRows:
    """Iterates over the rows of a JSON document; :attr:`tail` is the text behind the last.

    Args:
        path: The document, for errors.
        file: The same, open as text with its line breaks as they are.
    """

    def __init__(self, path: Path, file: TextIO) -> None:
        self._path = path
        self._stream = JsonStream(self._blocks(file), str(path), keep=True)
        self.tail = ""

    def __iter__(self) -> Iterator[RowText]:
        stream = self._stream
        stream.row = 1
        found = stream.peek() == "["
        if found:
            yield from self._rows()
        elif stream.peek() == "{":
            named = False
            for name in stream.members():
                if name == ROWS_MEMBER:
                    if named:
                        raise self._repeated()
                    named = True
                    if stream.peek() == "[":
                        found = True
                        yield from self._rows()
                        continue
                stream.value()
        if not found:
            raise InputError(
                "this JSON document holds no rows",
                where=str(self._path),
                fix='Write a list of objects, or {"rows": [...]}',
                code="json.no-rows",
            )
        stream.end("this is not JSON: text follows its end", "Keep one list or object in the file")
        self.tail = stream.passed()

    def _rows(self) -> Iterator[RowText]:
        stream = self._stream
        for position in stream.elements():
            stream.row = position + 1
            stream.peek()
            leading = stream.passed()
            row = stream.value()
            if not isinstance(row, dict):
                raise InputError(
                    "this row is not an object",
                    where=f"{self._path}, row {stream.row}",
                    fix="Fix the file",
                    code="json.row-not-an-object",
                )
            yield RowText(leading, stream.passed(), row)
            stream.row += 1

    def _blocks(self, file: TextIO) -> Iterator[str]:
        try:
            while block := file.read(WINDOW):
                yield block
        except UnicodeDecodeError as error:
            raise InputError(
                f"this is not UTF-8 text ({error.reason})",
                where=f"{self._path}, row {self._stream.row}",
                fix="Save it as UTF-8",
                code="json.not-utf-8",
            ) from None

    def _repeated(self) -> InputError:
        return InputError(
            f"the member {ROWS_MEMBER!r} is there twice, and only one can be the rows",
            where=str(self._path),
            fix="Keep one, with all rows in it",
            code="json.repeated-rows",
        )
