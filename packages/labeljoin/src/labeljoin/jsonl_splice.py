"""Add members to the objects of a JSONL file, line by line, leaving the lines' text as it is.

Blocks of plain lines, one object from the first byte to the last, go through at once: the parser
skips all but the key, and Arrow joins the text with the new members. Lines that are anything else
(blank, indented, with a member to take out) are taken apart one by one.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from provenance.errors import InputError

from labeljoin import json_text
from labeljoin.attachment import Attachment, PartReport, collision_error
from labeljoin.hashing import HashedReader, HashedWriter
from labeljoin.json_members import member_texts
from labeljoin.tables.json_blocks import (
    BOM,
    Block,
    KeyDecoder,
    block_keys,
    block_of,
    blocks,
    without_specials,
)

if TYPE_CHECKING:
    import pyarrow as pa

PENDING_WRITES = 2
"""Blocks that wait to be written; more would only take memory."""


def splice(task: Attachment) -> PartReport:
    """Write a JSONL file with the new members in every object."""
    with (
        HashedReader(task.source, digests=task.digests) as source,
        HashedWriter(task.destination, digests=task.digests) as out,
        ThreadPoolExecutor(1, "write") as writer,
    ):
        splicer = _Splicer(task)
        if source.skip(BOM):
            out.write(BOM)
        pending: deque[Future[int]] = deque()
        for block in blocks(source):
            pending.append(writer.submit(_write, out, splicer.spliced(block)))
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
            source_digest=source.digest(),
            digest=out.digest(),
            prefix_size=0,
        )


def _write(out: HashedWriter, text: Callable[[], Iterable[Any]]) -> int:
    return sum(out.write(piece) for piece in text())


class _Splicer:
    """Splices blocks of one file."""

    def __init__(self, task: Attachment) -> None:
        self._task = task
        self._added = task.columns_for_keys.schema.names
        self._decoder = KeyDecoder(task.key, {*self._added, *task.replace} - {task.key})
        self._replaced = _member_pattern(task.replace)
        # A key that is itself replaced is both read and taken out, member by member.
        self._key_leaves = task.key in {*self._added, *task.replace}
        self._spaced: bool | None = None
        self.rows_in = 0
        self.rows_out = 0

    def spliced(self, block: Block) -> Callable[[], Iterable[Any]]:
        """What puts together the lines of a block and their new members, in any thread."""
        if self._spaced is None:
            self._spaced = b'": ' in block.data[:4096] or b'":' not in block.data[:4096]
        plain = None
        if self._task.keep is None and not self._key_leaves:
            plain = self._plain(block)
        if plain is not None:
            return plain
        return partial(_whole, list(self._one_by_one(block)))

    def _plain(self, block: Block) -> Callable[[], Iterable[Any]] | None:
        """The block at once, None where a line is not plain."""
        import pyarrow as pa

        if self._replaced is not None and _is_flat(block):
            block = block_of(self._replaced.sub(b"", block.data), block.first_line)
        ends = block.braces
        if ends is None:
            return None
        keys = block_keys(self._decoder, block.data)
        if keys is None or len(keys) != len(ends):
            return None
        # Each distinct key is looked up and written out once.
        rows = pa.array(keys, pa.string()).dictionary_encode()
        texts = self._texts(rows.dictionary, b", ")
        nothing = None
        if rows.null_count:
            [nothing] = self._texts(pa.nulls(1, pa.string()), b", ")
        members = pa.array([*texts, nothing], pa.binary())
        additions = members.take(_filled(rows.indices, len(texts)))
        self.rows_in += len(keys)
        self.rows_out += len(keys)
        return partial(_joined, block.data, ends, additions)

    def _one_by_one(self, block: Block) -> Iterator[bytes]:
        import pyarrow as pa

        rows = [
            self._row(line, number) for number, line in enumerate(block.lines(), block.first_line)
        ]
        objects = [row for row in rows if isinstance(row, _Row)]
        values = pa.array([row.key for row in objects], pa.string())
        texts = iter(self._texts(values, b""))
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

    def _texts(self, values: pa.Array, before: bytes) -> list[bytes]:
        """The members that rows of these key values get."""
        batch = self._task.columns_for_keys(values)
        return member_texts(batch, spaced=bool(self._spaced), leading_comma=bool(before))

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
    lines = len(block.line_feeds) + (data[-1:] != b"\n")
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
