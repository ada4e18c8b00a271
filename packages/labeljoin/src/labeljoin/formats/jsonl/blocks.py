"""JSONL files in blocks of whole lines, and the key member of each line.

The key is read at the speed of a parser that checks the rest of a line and builds nothing of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection
    from io import FileIO

    import pyarrow as pa
    from numpy.typing import NDArray

BLOCK_BYTES = 4 << 20
"""Keys are looked up a block at a time, and a call costs as much for a hundred lines as for
thousands."""

MOST_LINES = 16_384
"""Lines of a block. A line of eight bytes may get kilobytes: without a bound, a block of such lines
would take gigabytes."""

_NEWLINE, _RETURN, _OPEN, _CLOSE, _QUOTE = b'\n\r{}"'


class Block(NamedTuple):
    """Some whole lines of a file.

    ``line_feeds`` is how many line feeds they have; only the last line of a file may lack one.
    ``braces`` is where the last brace of each line is, None where a line is blank, indented, or no
    object.
    """

    data: memoryview
    line_feeds: int
    braces: NDArray[np.int64] | None

    def lines(self) -> list[bytes]:
        """The lines with their line breaks, cut at line feeds and nowhere else."""
        lines = bytes(self.data).split(b"\n")
        last = lines.pop()
        return [line + b"\n" for line in lines] + ([last] if last else [])


class Lines(NamedTuple):
    """A block and the keys of its lines: text, dictionary-encoded, null where a line has none.

    ``keys`` is None for a block that must be looked at line by line.
    """

    block: Block
    keys: pa.DictionaryArray | None


class Buffer:
    """Memory for one block after the other: what was read into it holds until the next."""

    def __init__(self) -> None:
        self._data = bytearray()

    def room(self, size: int, kept: int = 0) -> memoryview:
        """``size`` bytes, of which the first ``kept`` are as they were."""
        if size > len(self._data):
            larger = bytearray(size)
            larger[:kept] = memoryview(self._data)[:kept]
            self._data = larger
        return memoryview(self._data)[:size]

    def last_line_feed(self, start: int, end: int) -> int:
        """Return where the last line feed between two positions is, or -1."""
        return self._data.rfind(b"\n", start, end)

    def line_feeds(self, end: int) -> int:
        """Return how many line feeds stand before a position."""
        return self._data.count(b"\n", 0, end)


class BlockReader:
    """Cuts a file into blocks.

    Args:
        file: The file, at the first line.
    """

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._rest = b""
        self._ended = False

    def next_lines(self, buffer: Buffer) -> memoryview | None:
        """The next whole lines, read into ``buffer``; None at the end, and from then on."""
        if self._ended:
            return None
        filled = len(self._rest)
        data = buffer.room(filled + BLOCK_BYTES)
        data[:filled] = self._rest
        self._rest = b""
        if cut := buffer.last_line_feed(0, filled) + 1:  # lines that were too many for a block
            return self._taken(buffer, data, cut, filled)
        while count := self._file.readinto(data[filled:]):
            end = filled + count
            cut = buffer.last_line_feed(filled, end) + 1
            if cut:
                return self._taken(buffer, data, cut, end)
            filled = end  # no line ends in it
            if filled == len(data):
                data = buffer.room(2 * filled, kept=filled)
        self._ended = True
        return data[:filled] if filled else None

    def _taken(self, buffer: Buffer, data: memoryview, cut: int, end: int) -> memoryview:
        """The lines before ``cut``, as many as a block may have; the others wait for the next."""
        if buffer.line_feeds(cut) > MOST_LINES:
            line_feeds = np.flatnonzero(np.frombuffer(data[:cut], np.uint8) == _NEWLINE)
            cut = int(line_feeds[MOST_LINES - 1]) + 1
        self._rest = bytes(data[cut:end])
        return data[:cut]


def block_of(data: memoryview) -> Block:
    """``data``, whole lines, as a block."""
    text = np.frombuffer(data, np.uint8)
    line_feeds = np.flatnonzero(text == _NEWLINE)
    return Block(data, len(line_feeds), _braces(text, line_feeds))


def _braces(text: NDArray[np.uint8], ends: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Where the last brace of each line is, if every line is an object with nothing around it.

    Returns:
        A position per line; None where a line is blank, indented, or no object.
    """
    starts = np.empty(len(ends) + 1, np.int64)
    starts[0], starts[1:] = 0, ends + 1
    if starts[-1] == len(text):
        starts = starts[:-1]
    else:
        ends = np.append(ends, len(text))
    last = ends - 1
    if not (last > starts).all():
        return None
    last -= text[last] == _RETURN
    plain = (
        (text[starts] == _OPEN).all()
        and (text[starts + 1] == _QUOTE).all()  # it has members, behind which a comma can stand
        and (text[last] == _CLOSE).all()
    )
    return last if plain else None


UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the parser raises for a line that must be looked at more closely."""

_UNFIT = re.compile(r'NaN|Infinity|["\\\x00-\x1f]')
_NOT_ASCII = 0x80


class Refused:
    """The type of a member that a line must not have: decoding one fails."""


class KeyDecoder:
    """Reads one member of JSON objects, and meets those that must not be there.

    Args:
        key: The member.
        refused: Members that make decoding fail.

    Attributes:
        fits: Whether it can be used: the parser has no such names as these, or stand-ins for NaN
            and Infinity would change one. Where it does not fit, lines are looked at one by one.
    """

    def __init__(self, key: str, refused: Collection[str] = ()) -> None:
        names = " ".join([key, *refused])
        self.fits = not _UNFIT.search(names)
        if not self.fits:
            return
        others = [
            (f"refused_{number}", Refused, msgspec.field(name=name, default=None))
            for number, name in enumerate(refused)
            if name != key
        ]
        self._text = self._decoder(str | None, key, others)
        # A key that is a number somewhere: its text is told from the raw JSON.
        self._raw = self._decoder(msgspec.Raw, key, others)

    @staticmethod
    def _decoder(kind: Any, key: str, others: list[Any]) -> msgspec.json.Decoder[Any]:
        members = [("key", kind, msgspec.field(name=key, default=None)), *others]
        row = msgspec.defstruct("Row", members, gc=False)
        return msgspec.json.Decoder(row, dec_hook=_refuse)

    def of_lines(self, data: bytes | memoryview) -> list[str | None]:
        """The keys of consecutive objects, None where one has none.

        Args:
            data: Objects, one a line.

        Raises:
            msgspec.DecodeError: Some text is not JSON as the standard has it, an object has a
                refused member, or a key is an object or a list.
        """
        try:
            return [row.key for row in self._text.decode_lines(data)]
        except msgspec.ValidationError:
            return [key_text(row.key) for row in self._raw.decode_lines(data)]

    def of_line(self, line: bytes) -> str | None:
        """The key of one object; raises as :meth:`of_lines` does."""
        try:
            key: str | None = self._text.decode(line).key
        except msgspec.ValidationError:
            return key_text(self._raw.decode(line).key)
        return key


def key_text(raw: Any) -> str | None:
    """A JSON value as text: strings decoded, numbers exactly as written, null as None."""
    if raw is None:
        return None
    value = bytes(raw)
    if value[:1] == b'"':
        return msgspec.json.decode(value, type=str)
    if value[:1] in (b"{", b"["):
        raise msgspec.ValidationError("the key is an object or a list")
    return None if value == b"null" else value.decode()


STAND_IN = b"[]"
"""Written for bare NaN and Infinity in text that is only looked at. No number can touch it and
stay JSON, and a key that holds it can be told."""


def without_specials(data: bytes) -> bytes:
    """Return ``data`` with a stand-in for NaN and Infinity: writers emit them, JSON has neither."""
    for special in (b"-Infinity", b"Infinity", b"NaN"):
        if special in data:
            data = data.replace(special, STAND_IN)
    return data


def _refuse(kind: type, value: Any) -> NoReturn:
    raise msgspec.ValidationError("a refused member")


def block_keys(decoder: KeyDecoder, block: Block) -> pa.DictionaryArray | None:
    """The keys of all lines of a block, null where one has none.

    Returns:
        Text, dictionary-encoded; None where the lines must be looked at one by one.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if block.braces is None or not decoder.fits or not is_utf8(block.data):
        return None
    keys = _keys_of_lines(decoder, block.data)
    if keys is None or len(keys) != len(block.braces):
        return None
    pool = block_memory()
    return pc.dictionary_encode(pa.array(keys, pa.string(), memory_pool=pool), memory_pool=pool)


def block_memory() -> pa.MemoryPool:
    """Where Arrow's results for a block lie: its own allocator keeps each thread's last blocks."""
    import pyarrow as pa

    return pa.system_memory_pool()


def is_utf8(data: memoryview) -> bool:
    """Whether text is UTF-8; the parser does not look into what it skips."""
    if np.frombuffer(data, np.uint8).max(initial=0) < _NOT_ASCII:
        return True
    try:
        str(data, "utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _keys_of_lines(decoder: KeyDecoder, data: memoryview) -> list[str | None] | None:
    try:
        return decoder.of_lines(data)
    except UNDECODABLE:
        pass
    text = bytes(data)
    substituted = without_specials(text)
    if substituted == text:
        return None
    try:
        keys = decoder.of_lines(substituted)
    except UNDECODABLE:
        return None
    stand_in = STAND_IN.decode()
    return None if any(key is not None and stand_in in key for key in keys) else keys
