"""JSONL files in blocks of whole lines, and the key member of each line.

The key is read at the speed of a parser that checks the rest of a line and builds nothing of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, NoReturn, Protocol, TypeVar

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from labeljoin.hashing import AsideHash

T = TypeVar("T")

BOM = b"\xef\xbb\xbf"
BLOCK_BYTES = 1 << 20
READ_AHEAD = 2

_NEWLINE, _RETURN, _OPEN, _CLOSE, _QUOTE = b'\n\r{}"'


class Readable(Protocol):
    """What blocks are read from."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill ``buffer`` with the next bytes, or its front with fewer; 0 at the end."""


class Block(NamedTuple):
    """Some whole lines of a file.

    ``first_line`` is the number of the first of them, counted from 1, and ``line_feeds`` how many
    line feeds they have. Only the last line of a file may lack one. ``braces`` is where the last
    brace of each line is, None where a line is blank, indented, or no object.
    """

    data: bytes | bytearray
    first_line: int
    line_feeds: int
    braces: NDArray[np.int64] | None

    def lines(self) -> list[bytes]:
        """The lines with their line breaks, cut at line feeds and nowhere else."""
        lines = bytes(self.data).split(b"\n")
        last = lines.pop()
        return [line + b"\n" for line in lines] + ([last] if last else [])


def blocks(file: Readable) -> Iterator[Block]:
    """The rest of a file in blocks; the next ones are read while one is worked on."""
    return read_ahead(_Cutter(file).next_block)


def read_ahead(read: Callable[[], T | None]) -> Iterator[T]:
    """What ``read`` returns, call after call until None; a thread is some calls ahead."""
    reader = ThreadPoolExecutor(1, "read")
    coming = deque(reader.submit(read) for _ in range(READ_AHEAD))
    try:
        while (item := coming.popleft().result()) is not None:
            coming.append(reader.submit(read))
            yield item
    finally:
        # The garbage collector may be who drops a generator, in a thread that is just starting and
        # holds what another needs to end: wait for the read under way, not for the reader's end.
        wait([future for future in coming if not future.cancel()])
        reader.shutdown(wait=False)


class _Cutter:
    """Cuts a file into blocks."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._rest = b""
        self._first_line = 1

    def next_block(self) -> Block | None:
        """The next block, None at the end."""
        # Read to where it stays: what is copied from buffer to buffer, other threads wait for.
        data, filled = self._buffer(self._rest), len(self._rest)
        self._rest = b""
        while count := self._read(data, filled):
            cut = data.rfind(b"\n", filled, filled + count) + 1
            filled += count
            if cut:
                self._rest = bytes(memoryview(data)[cut:filled])
                filled = cut
                break
            if filled == len(data):  # no line ends in it
                data = self._buffer(data)
        if not filled:
            return None
        del data[filled:]
        block = block_of(data, self._first_line)
        self._first_line += block.line_feeds
        return block

    def _read(self, buffer: bytearray, start: int) -> int | None:
        with memoryview(buffer) as whole, whole[start:] as rest:
            return self._file.readinto(rest)

    @staticmethod
    def _buffer(front: bytes | bytearray) -> bytearray:
        buffer = bytearray(len(front) + max(len(front), BLOCK_BYTES))
        buffer[: len(front)] = front
        return buffer


def block_of(data: bytes | bytearray, first_line: int) -> Block:
    """``data``, whole lines, as a block."""
    text = np.frombuffer(data, np.uint8)
    line_feeds = np.flatnonzero(text == _NEWLINE)
    return Block(data, first_line, len(line_feeds), _braces(text, line_feeds))


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


class Refused:
    """The type of a member that a line must not have: decoding one fails."""


class KeyDecoder:
    """Reads one member of JSON objects, and meets those that must not be there.

    Args:
        key: The member.
        refused: Members that make decoding fail.
    """

    def __init__(self, key: str, refused: Iterable[str] = ()) -> None:
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

    def of_lines(self, data: bytes | bytearray) -> list[str | None]:
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


def without_specials(data: bytes | bytearray) -> bytes | bytearray:
    """``data`` with a stand-in for NaN and Infinity, which writers emit and JSON has not."""
    for special in (b"-Infinity", b"Infinity", b"NaN"):
        if special in data:
            data = data.replace(special, STAND_IN)
    return data


def _refuse(kind: type, value: Any) -> NoReturn:
    raise msgspec.ValidationError("a refused member")


def block_keys(decoder: KeyDecoder, data: bytes | bytearray) -> list[str | None] | None:
    """The keys of all lines of a block, None where they must be looked at one by one."""
    try:
        return decoder.of_lines(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    substituted = without_specials(data)
    if substituted == data:
        return None
    try:
        keys = decoder.of_lines(substituted)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    stand_in = STAND_IN.decode()
    return None if any(key is not None and stand_in in key for key in keys) else keys


def skip_mark(file: BinaryIO) -> bool:
    """Skip the byte-order mark of a file that was just opened, and say whether it has one."""
    if file.read(len(BOM)) == BOM:
        return True
    file.seek(0)
    return False


def opened_blocks(path: Path) -> Iterator[Block]:
    """The blocks of a file, without its byte-order mark."""
    with path.open("rb", buffering=0) as file:
        skip_mark(file)
        yield from blocks(file)


def hashed(blocks: Iterable[Block], digest: AsideHash) -> Iterator[Block]:
    """``blocks``, hashed meanwhile."""
    for block in blocks:
        digest.update(block.data)
        yield block
