"""Add members to the objects of a JSONL file, line by line, leaving the lines' text as it is.

Blocks of plain lines, one object from the first byte to the last, go through at once: the parser
skips all but the key, and Arrow joins the text with the new members. Lines that are anything else
(blank, indented, with a member to take out) are taken apart one by one.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from io import FileIO
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np
from provenance.errors import InputError

from labeljoin import json_text
from labeljoin.attachment import Attachment, PartReport, collision_error
from labeljoin.hashing import AsideHash, HashedWriter
from labeljoin.json_members import member_texts
from labeljoin.tables.json_blocks import (
    BOM,
    Block,
    KeyDecoder,
    block_of,
    blocks,
    hashed,
    skip_mark,
    without_specials,
)
from labeljoin.tables.json_stretches import STRETCH_BLOCKS, Stretch, stretches

if TYPE_CHECKING:
    import pyarrow as pa
    from provenance import Digest

PENDING_WRITES = STRETCH_BLOCKS
"""Blocks that wait to be written: while one stretch is, the next is parsed."""


def splice(task: Attachment) -> PartReport:
    """Write a JSONL file with the new members in every object."""
    with (
        _opened(task) as source,
        HashedWriter(task.destination, digests=task.digests) as out,
        ThreadPoolExecutor(1, "join") as joiner,
        ThreadPoolExecutor(1, "write") as writer,
    ):
        splicer = _Splicer(task)
        if source.mark:
            out.write(BOM)
        pending: deque[Future[int]] = deque()
        with closing(source.stretches()) as found:
            for text in chain.from_iterable(map(splicer.spliced, found)):
                pending.append(writer.submit(_write, out, joiner.submit(text)))
                if len(pending) > PENDING_WRITES:
                    pending.popleft().result()
        for write in pending:
            write.result()
        return PartReport(
            source=task.source,
            destination=task.destination,
            engine="jsonl-splice",
            reason=None,
            rows_in=splicer.rows_in,
            rows_out=splicer.rows_out,
            source_digest=source.digest if task.digests else None,
            digest=out.digest(),
            prefix_size=0,
        )


class _Source(Protocol):
    """A JSONL file in stretches: the notes of a survey, or a file read for the first time."""

    @property
    def mark(self) -> bool: ...

    @property
    def digest(self) -> Digest | None: ...

    def stretches(self) -> Generator[Stretch]: ...


@contextmanager
def _opened(task: Attachment) -> Iterator[_Source]:
    notes = None if task.survey is None else task.survey.notes
    served = notes is not None and notes.serve(task.key, task.columns_for_keys.schema.names)
    if notes is not None and served and not _needs_each_line(task) and not task.replace:
        yield notes
        notes.refuse_change()
        return
    with task.source.open("rb", buffering=0) as file, AsideHash() as digest:
        yield _Unread(task, file, digest)


class _Unread:
    """A file that is read for the first time."""

    def __init__(self, task: Attachment, file: FileIO, digest: AsideHash) -> None:
        self._task = task
        self._replaced = _member_pattern(task.replace)
        self._original: Block
        self._hash = digest
        self.mark = skip_mark(file)
        if self.mark:
            digest.update(BOM)
        self._file = file

    @property
    def digest(self) -> Digest:
        return self._hash.digest()

    def stretches(self) -> Generator[Stretch]:
        found = blocks(self._file)
        if self._task.digests:
            found = hashed(found, self._hash)
        if _needs_each_line(self._task):
            yield from (Stretch([block], None) for block in found)
            return
        for stretch in stretches(map(self._without_replaced, found), _decoder(self._task)):
            # A block to look at line by line is the last that was read; nothing is taken out yet.
            yield stretch if stretch.keys is not None else Stretch([self._original], None)

    def _without_replaced(self, block: Block) -> Block:
        self._original = block
        if self._replaced is None or not _is_flat(block):
            return block
        return block_of(self._replaced.sub(b"", block.data), block.first_line)


def _needs_each_line(task: Attachment) -> bool:
    return task.keep is not None or _key_leaves(task)


def _key_leaves(task: Attachment) -> bool:
    """Whether the key is itself replaced: it is both read and taken out, member by member."""
    return task.key in {*task.columns_for_keys.schema.names, *task.replace}


def _decoder(task: Attachment) -> KeyDecoder:
    return KeyDecoder(task.key, {*task.columns_for_keys.schema.names, *task.replace} - {task.key})


def _write(out: HashedWriter, text: Future[Iterable[Any]]) -> int:
    return sum(out.append(piece) for piece in text.result())


class _Splicer:
    """Splices blocks of one file."""

    def __init__(self, task: Attachment) -> None:
        self._task = task
        self._added = task.columns_for_keys.schema.names
        self._decoder = _decoder(task)
        self._key_leaves = _key_leaves(task)
        self._spaced: bool | None = None
        self.rows_in = 0
        self.rows_out = 0

    def spliced(self, stretch: Stretch) -> Iterator[Callable[[], Iterable[Any]]]:
        """For each block what puts its lines and their new members together, in any thread."""
        if self._spaced is None:
            start = stretch.blocks[0].data[:4096]
            self._spaced = b'": ' in start or b'":' not in start
        if stretch.keys is None:
            for block in stretch.blocks:
                yield partial(_whole, list(self._one_by_one(block)))
            return
        additions = self._additions(stretch.keys)
        row = 0
        for block in stretch.blocks:
            assert block.braces is not None
            rows = len(block.braces)
            yield partial(_joined, block.data, block.braces, additions[row : row + rows])
            row += rows
        self.rows_in += row
        self.rows_out += row

    def _additions(self, keys: pa.DictionaryArray) -> pa.BinaryArray:
        """The members that each line gets, with the commas before them."""
        import pyarrow as pa

        # Each distinct key is looked up and written out once.
        texts: list[bytes | None] = [*self._texts(keys.dictionary, leading_comma=True), None]
        if keys.null_count:
            [texts[-1]] = self._texts(pa.nulls(1, pa.string()), leading_comma=True)
        return pa.array(texts, pa.binary()).take(_filled(keys.indices, len(texts) - 1))

    def _one_by_one(self, block: Block) -> Iterator[bytes]:
        import pyarrow as pa

        rows = [
            self._row(line, number) for number, line in enumerate(block.lines(), block.first_line)
        ]
        objects = [row for row in rows if isinstance(row, _Row)]
        values = pa.array([row.key for row in objects], pa.string())
        texts = iter(self._texts(values, leading_comma=False))
        kept = iter(
            self._task.keep(values).to_pylist() if self._task.keep else [True] * len(objects)
        )
        self.rows_in += len(objects)
        for row in rows:
            if isinstance(row, bytes):
                yield row
                continue
            text = next(texts)
            if next(kept):
                self.rows_out += 1
                comma = b", " if self._spaced else b","
                yield b"".join(
                    (row.head, comma if row.has_members and text else b"", text, row.tail)
                )

    def _texts(self, values: pa.Array, *, leading_comma: bool) -> list[bytes]:
        """The members that rows of these key values get."""
        batch = self._task.columns_for_keys(values)
        return member_texts(batch, spaced=bool(self._spaced), leading_comma=leading_comma)

    def _row(self, line: bytes, number: int) -> _Row | bytes:
        """One line, taken apart; a blank one as it is."""
        text = line.strip(b" \t\r\n")
        if not text:
            return line
        if self._decoder_suffices(text):
            brace = line.rindex(b"}")
            try:
                key = self._decoder.of_line(text)
            except (msgspec.DecodeError, UnicodeDecodeError):
                return self._walked(line, number)
            return _Row(line[:brace], line[brace:], text[1:-1].strip() != b"", key)
        return self._walked(line, number)

    def _decoder_suffices(self, text: bytes) -> bool:
        return not self._key_leaves and text[-1:] == b"}" and text == without_specials(text)

    def _walked(self, line: bytes, number: int) -> _Row:
        """One line, by all its members."""
        task = self._task
        where = f"{task.source}, line {number}"
        try:
            text = line.decode()
            start = json_text.skip_blanks(text, 0)
            found, brace = json_text.members(text, start)
            if json_text.skip_blanks(text, brace + 1) != len(text):
                raise json.JSONDecodeError("Extra data", text, brace + 1)
            keys = [member for member in found if member.name == task.key]
            key = json_text.key_text(text, keys[-1] if keys else None)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"this line is not a JSON object ({error})",
                where=where,
                fix="Mend or remove the line",
            ) from None
        names = {member.name for member in found}
        collisions = [name for name in self._added if name in names and name not in task.replace]
        if collisions:
            raise collision_error(collisions, where)
        text, brace, has_members = json_text.without(text, found, brace, task.replace)
        return _Row(text[:brace].encode(), text[brace:].encode(), has_members, key)


class _Row(msgspec.Struct, gc=False):
    """An object: the text up to its last brace, the text from there, and its key."""

    head: bytes
    tail: bytes
    has_members: bool
    key: str | None


def _member_pattern(names: Collection[str]) -> re.Pattern[bytes] | None:
    """Members of these names with plain values and the commas before them, in flat objects."""
    if not names:
        return None
    either = b"|".join(re.escape(json.dumps(name, ensure_ascii=False).encode()) for name in names)
    value = rb'"[^"\n]*"|-?[0-9][0-9.eE+-]*|true|false|null|NaN|-?Infinity'
    return re.compile(rb",[ \t]*(?:%b)[ \t]*:[ \t]*(?:%b)(?=[ \t]*[,}])" % (either, value))


def _is_flat(block: Block) -> bool:
    """Whether all values are plain and all quotes are string ends, so that patterns tell members.

    What is taken out of such a block by mistake, or left in, the parser meets afterwards.
    """
    data = block.data
    lines = block.line_feeds + (data[-1:] != b"\n")
    return b"\\" not in data and b"[" not in data and data.count(b"{") == lines


def _filled(indices: pa.Int32Array, position: int) -> pa.Array:
    """``indices`` with ``position`` where they are null."""
    import pyarrow as pa

    if not indices.null_count:
        return indices
    numbers = indices.to_numpy(zero_copy_only=False)
    return pa.array(np.where(np.isnan(numbers), position, numbers).astype(np.int32))


def _whole(lines: list[bytes]) -> list[bytes]:
    return [b"".join(lines)]


def _joined(data: bytes | bytearray, ends: Any, additions: pa.BinaryArray) -> list[Any]:
    """``data`` with each addition written before the brace that ends its line, in two pieces."""
    import pyarrow as pa
    import pyarrow.compute as pc

    # Pieces run from brace to brace, so that they lie side by side, as Arrow wants them.
    offsets = np.empty(len(ends) + 1, np.int64)
    offsets[0], offsets[1:] = 0, ends
    pieces = pa.Array.from_buffers(
        pa.large_binary(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    joined = pc.binary_join_element_wise(
        pieces, additions.cast(pa.large_binary()), pa.scalar(b"", pa.large_binary())
    )
    _, bounds, text = joined.buffers()
    end = int(np.frombuffer(bounds, np.int64)[len(ends)])
    return [memoryview(text)[:end], memoryview(data)[int(ends[-1]) :]]
