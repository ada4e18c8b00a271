"""JSON tables: a list of objects, alone or as the member ``rows`` of an object.

Read row by row with the standard decoder, which tells where a value ends and knows NaN, so that a
document of any length takes the memory of a few rows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any, TextIO

from provenance.toolkit import InputError

from labeljoin.formats.json import text as json_text
from labeljoin.formats.json.rows import JsonRowTable, Row, require_unicode

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

WINDOW = 1 << 20
ROWS_MEMBER = "rows"
LONGEST_TOKEN = 16
"""Characters of the longest token but strings and numbers, and some more."""


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
        self._file = file
        self._text = ""
        self._position = 0
        self._ended = False
        self._opening = '{"rows": ['
        self.tail = ""

    def __iter__(self) -> Iterator[RowText]:
        number = 0
        try:
            self._enter_rows()
            start = 0
            while self._next() != "]":
                if number:
                    self._expect(",")
                    self._next()
                value_start = self._position
                row = self._value()
                number += 1
                if not isinstance(row, dict):
                    raise self._error("this row is not an object", number)
                text = self._text
                yield RowText(text[start:value_start], text[value_start : self._position], row)
                if self._position > WINDOW:
                    self._text = text[self._position :]
                    self._position = 0
                start = self._position
            self._leave_rows(start)
        except UnicodeDecodeError as error:
            raise self._error(f"this is not UTF-8 text ({error.reason})", number + 1) from None
        except (ValueError, RecursionError) as error:
            raise self._error(f"this is not JSON ({error})", number + 1) from None

    def _error(self, what: str, row: int) -> InputError:
        return InputError(
            what,
            where=f"{self._path}, row {row}",
            fix="Fix the file",
            code="json.unreadable",
        )

    def _repeated(self) -> InputError:
        return InputError(
            f"the member {ROWS_MEMBER!r} stands there twice, and only one can be the rows",
            where=str(self._path),
            fix="Keep one, with all rows in it",
            code="json.repeated-rows",
        )

    def _enter_rows(self) -> None:
        """Go behind the bracket that opens the rows."""
        if self._next() == "[":
            self._position += 1
            self._opening = "["
            return
        if self._next() == "{":
            self._position += 1
            before = 0
            while self._next() == '"':
                name = self._name()
                before += name == ROWS_MEMBER
                if before > 1:
                    raise self._repeated()
                if name == ROWS_MEMBER and self._next() == "[":
                    self._position += 1
                    return
                self._value()
                if self._next() == ",":
                    self._position += 1
        raise InputError(
            "this JSON document holds no rows",
            where=str(self._path),
            fix='Write a list of objects, or {"rows": [...]}',
            code="json.no-rows",
        )

    def _name(self) -> str:
        """A member's name, and go behind its colon."""
        while True:
            try:
                name, end = scanstring(self._text, self._position + 1, True)
                break
            except ValueError:
                if not self._more():
                    raise
        self._position = end
        self._next()
        self._expect(":")
        self._next()
        return str(name)

    def _expect(self, character: str) -> None:
        if self._next() != character:
            raise json.JSONDecodeError(f"Expecting {character!r}", self._text, self._position)
        self._position += 1

    def _next(self) -> str:
        """Skip blanks; the character that follows, empty at the end."""
        while True:
            self._position = json_text.skip_blanks(self._text, self._position)
            if self._position < len(self._text) or not self._more():
                return self._text[self._position : self._position + 1]

    def _value(self) -> Any:
        """The value at the position, and go behind it."""
        self._next()
        while True:
            try:
                value, end = json_text.DECODER.raw_decode(self._text, self._position)
            except ValueError as error:
                if not (_cut_short(error, self._text) and self._more()):
                    raise
                continue
            # A number that ends with what was read may go on.
            if end < len(self._text) or not self._more():
                self._position = end
                return value

    def _more(self) -> bool:
        """Read on, twice as much as there is, so that long values cost no more than short ones."""
        if self._ended:
            return False
        read = self._file.read(max(WINDOW, len(self._text)))
        self._ended = not read
        self._text += read
        return bool(read)

    def _leave_rows(self, start: int) -> None:
        """Read to the end, and see that it is one."""
        while self._more():
            pass
        self.tail = self._text[start:]
        rest = self._opening + self._text[self._position :]
        json.loads(rest)
        if self._opening != "[":
            names = [member.name for member in json_text.members(rest)[0]]
            if names.count(ROWS_MEMBER) > 1:
                raise self._repeated()


def _cut_short(error: ValueError, text: str) -> bool:
    """Whether an error may come from the end of what was read, and not from the text."""
    if not isinstance(error, json.JSONDecodeError) or error.msg.startswith("Unterminated string"):
        return True
    return error.pos > len(text) - LONGEST_TOKEN
