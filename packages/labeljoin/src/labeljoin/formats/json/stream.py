"""Read JSON texts as a stream: one after the other, a member or an element at a time.

JSON files can be larger than memory, can have one object after the other with nothing between
them, and contain the bare ``NaN`` of Python's writer. The standard library's decoder decodes values
one by one from a buffer, accepts ``NaN``, and reports where it stopped. orjson decodes long arrays
of flat objects several times faster.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SPACE = re.compile(r"[ \t\n\r\ufeff]*")  # files that were put together have marks inside
_FLAT_OBJECTS_END = re.compile(r"\}[ \t\n\r]*,")
_NUMBER_CUT = re.compile(r"\.|(?:\.[0-9]+)?[eE][+-]?")
_BATCH_CHARACTERS = 1 << 18
_SMALLEST_WINDOW = 1 << 8
_LITERALS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
_LONGEST_TOKEN = 32
_NUMBER_TAIL = len("e+")


def _decoded(text: str) -> list[Any] | None:
    """Decode an array by the fast decoder or, if it contains ``NaN``, by the lenient one."""
    for decode in (orjson.loads, json.loads):
        with suppress(ValueError, RecursionError):
            return list(decode(text))
    return None


_FIX = "Fix that line, or remove it"


class JsonStream:
    """A cursor over JSON texts, which are decoded on demand.

    Args:
        blocks: The text in pieces of any size.
        where: The file, for errors.
        keep: Keep the text that the cursor passes, for :meth:`passed`.

    Attributes:
        row: The number of the row that the cursor is in; errors name it instead of the line.

    Examples:
        >>> stream = JsonStream(['{"rows": [{"a"', ': 1}, {"a": NaN}]}'], "scores.json")
        >>> [[row for batch in stream.batches() for row in batch] for _ in stream.members()]
        [[{'a': 1}, {'a': nan}]]
    """

    def __init__(self, blocks: Iterable[str], where: str, *, keep: bool = False) -> None:
        self._blocks = iter(blocks)
        self._where = where
        self._kept = 0 if keep else None
        self.row: int | None = None
        self._text = ""
        self._at = 0
        self._lines_before = 0
        self._ended = False
        self._decoder = json.JSONDecoder()
        self._by_line = True
        self._window = _BATCH_CHARACTERS

    def peek(self) -> str:
        """Return the next character that is not a space; empty at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._refill():
                return ""

    def passed(self) -> str:
        """Return the text that the cursor passed since the last call, if it is kept."""
        start, self._kept = self._kept or 0, self._at
        return self._text[start : self._at]

    def documents(self) -> Iterator[Any]:
        """Yield the values that follow, decoded one by one to the end of the text.

        Raises:
            InputError: The text is not JSON.
        """
        while self.peek():
            yield self._value_of_line() if self._by_line else self.value()

    def value(self) -> Any:
        """Decode the next value as a whole.

        Raises:
            InputError: The text is not JSON, or ends before the value does.
        """
        if not self.peek():
            raise self._truncated()
        want = 1
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not (self._may_go_on(error) and self._refill(want)):
                    raise self._malformed(error) from None
            except RecursionError:
                raise InputError(
                    "The JSON is nested too deeply",
                    where=self._here(),
                    fix=_FIX,
                    code="json.depth",
                ) from None
            except ValueError as error:  # an integer of thousands of digits
                raise InputError(
                    f"The JSON has a value that cannot be read ({error})",
                    where=self._here(),
                    fix=_FIX,
                    code="json.value",
                ) from None
            else:
                # A number at the end of the buffer may go on in the next block, as `1.` or `1e+`.
                cut = type(value) in (int, float) and end + _NUMBER_TAIL >= len(self._text)
                if not (cut and self._refill(want)):
                    self._at = end
                    return value
            want *= 2

    def end(self, what: str, fix: str) -> None:
        """Go to the end of the text.

        Args:
            what: What is wrong if something is left of it.
            fix: How to fix it.

        Raises:
            InputError: Something but blanks is left.
        """
        if self.peek():
            raise InputError(what, where=self._here(), fix=fix, code="json.text-after-end")

    def members(self) -> Iterator[str]:
        """Yield the names of the next object's members; the caller reads each member's value.

        Raises:
            InputError: No object follows, or the text is not JSON.
        """
        self._take("{", "an object")
        first = True
        while True:
            mark = self.peek()
            if mark == "}":
                self._at += 1
                return
            if not first:
                self._take(",", "a comma or the object's end")
                self.peek()
            name = self.value()
            if not isinstance(name, str):
                raise InputError(
                    "An object's member has no name",
                    where=self._here(),
                    fix=_FIX,
                    code="json.member",
                )
            self._take(":", "a colon")
            first = False
            yield name

    def elements(self) -> Iterator[int]:
        """Yield the positions, from 0, of the next array's elements; the caller reads each element.

        Raises:
            InputError: No array follows, or the text is not JSON.
        """
        self._take("[", "an array")
        position = 0
        while True:
            mark = self.peek()
            if mark == "]":
                self._at += 1
                return
            if position:
                self._take(",", "a comma or the array's end")
                self.peek()
            yield position
            position += 1

    def batches(self) -> Iterator[list[Any]]:
        """Yield the next array's elements, decoded, in lists of some thousand.

        Raises:
            InputError: No array follows, or the text is not JSON.
        """
        for _ in self.elements():
            yield self._flat_objects() or [self.value()]

    def _flat_objects(self) -> list[Any]:
        """Decode many elements at once, if the text up to some ``},`` decodes; else none."""
        if self.peek() != "{":
            return []
        if len(self._text) - self._at < self._window:
            self._refill()
        limit = min(len(self._text), self._at + self._window)
        # Behind the first bracket may be the array's end, and another array's objects.
        bracket = self._text.find("]", self._at, limit)
        limit = limit if bracket < 0 else bracket
        cut = self._text.rfind("}", self._at, limit)
        while cut > self._at and not _FLAT_OBJECTS_END.match(self._text, cut):
            cut = self._text.rfind("}", self._at, cut)
        if cut <= self._at:
            return []
        elements = _decoded(f"[{self._text[self._at : cut + 1]}]")
        if elements is None:
            # The cut went through an object. Try less next time.
            self._window = max(_SMALLEST_WINDOW, self._window // 8)
            return []
        self._window = min(_BATCH_CHARACTERS, self._window * 2)
        self._at = cut + 1
        return elements

    def _value_of_line(self) -> Any:
        """Decode the next value as a line; after the first value that is not a line, any value."""
        while (end := self._text.find("\n", self._at)) < 0 and self._refill():
            if len(self._text) - self._at > _BATCH_CHARACTERS:
                break
        with suppress(orjson.JSONDecodeError):
            stop = len(self._text) if end < 0 and self._ended else end
            if stop >= 0:
                value = orjson.loads(self._text[self._at : stop])
                self._at = stop
                return value
        value = self.value()
        # A line with a NaN goes on line by line; objects with nothing between them do not.
        self._by_line = self._text[self._at : self._at + 1] in ("\n", "\r", "")
        return value

    def _take(self, mark: str, wanted: str) -> None:
        found = self.peek()
        if not found:
            raise self._truncated()
        if found != mark:
            raise InputError(
                f"The text is not JSON ({found!r} in place of {wanted})",
                where=self._here(),
                fix=_FIX,
                code="json.token",
            )
        self._at += 1

    def _refill(self, blocks: int = 1) -> bool:
        """Read more: at least a character, at most ``blocks`` blocks; return False at the end."""
        if self._ended:
            return False
        pieces = []
        for block in self._blocks:
            if block:
                pieces.append(block)
            if len(pieces) == blocks:
                break
        else:
            self._ended = True
        if not pieces:
            return False
        done = self._at if self._kept is None else self._kept
        self._lines_before += self._text.count("\n", 0, done)
        self._text = self._text[done:] + "".join(pieces)
        self._at -= done
        self._kept = None if self._kept is None else 0
        return True

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Return whether more text could resolve ``error``: at the buffer's end, or in a string."""
        return error.pos + _LONGEST_TOKEN > len(self._text) or "Unterminated" in error.msg

    def _malformed(self, error: json.JSONDecodeError) -> InputError:
        rest = self._text[error.pos :].strip()
        cut = "Unterminated" in error.msg or ("escape" in error.msg and len(rest) < 8)
        cut = cut or bool(_NUMBER_CUT.fullmatch(rest))
        if cut or any(word.startswith(rest) for word in _LITERALS):
            return self._truncated()
        message = error.msg[0].lower() + error.msg[1:]
        return InputError(
            f"The text is not JSON ({message})",
            where=self._here(error.pos),
            fix="Fix that line, or remove the row",
            code="json.not-json",
        )

    def _truncated(self) -> InputError:
        return InputError(
            "The JSON ends in the middle of a value",
            where=self._here(),
            fix="Write the whole file again, or remove the unfinished row",
            code="json.truncated",
        )

    def _here(self, position: int | None = None) -> str:
        """Return the place of the cursor, or of another position in the buffer."""
        if self.row is not None:
            return f"{self._where}, row {self.row:,}"
        end = self._at if position is None else position
        line = self._lines_before + self._text.count("\n", 0, end) + 1
        return f"{self._where}, line {line:,}"
