"""Add members to the objects of a JSONL file, line by line, leaving the lines' text as it is.

Blocks of plain lines, one object from the first byte to the last, go through at once: the parser
skips all but the key, and Arrow joins the text with the new members. Lines that are anything else
(blank, indented, with a member to take out) are taken apart one by one.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import numpy as np
from provenance.toolkit import InputError

from labeljoin.formats.base import Attachment, PartReport, collision_error
from labeljoin.formats.encoding import BOM
from labeljoin.formats.hashing import make_digest
from labeljoin.formats.json import text as json_text
from labeljoin.formats.json.members import member_texts
from labeljoin.formats.jsonl.blocks import (
    UNDECODABLE,
    Block,
    Buffer,
    KeyDecoder,
    block_memory,
    without_specials,
)
from labeljoin.formats.jsonl.first_pass import JsonLinesPass
from labeljoin.formats.jsonl.pipeline import Pipeline, Process
from labeljoin.formats.jsonl.unread import UnreadLines, key_leaves, refused_members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from io import FileIO

    import pyarrow as pa

    from labeljoin.formats.jsonl.blocks import Lines
    from labeljoin.formats.jsonl.first_pass import NotedLines


MOST_ADDED = 64 << 20
"""Bytes that lines of a block get at a time."""


def splice(task: Attachment) -> PartReport:
    """Write a JSONL file with the new members in every object."""
    pipeline = Pipeline()
    with task.source.open("rb", buffering=0) as file, task.destination.open("wb") as out:
        source = _source(task, file, pipeline)
        writer = _Writer(task, source, out, pipeline)
        pipeline.run(writer.worker)
        size = out.tell()
    return PartReport(
        source=task.source,
        destination=task.destination,
        engine="jsonl-splice",
        reason=None,
        rows_in=writer.splicer.rows_in,
        rows_out=writer.splicer.rows_out,
        source_digest=source.digest() if task.digests else None,
        digest=make_digest(writer.hash.hexdigest(), size) if task.digests else None,
        prefix_size=0,
    )


def _source(task: Attachment, file: FileIO, pipeline: Pipeline) -> NotedLines | UnreadLines:
    known = task.first_pass
    whole = task.keep is None and not key_leaves(task) and not task.replace
    if (
        isinstance(known, JsonLinesPass)
        and whole
        and known.serve(task.key, task.columns_for_keys.schema.names)
    ):
        return known.lines(file, pipeline)
    return UnreadLines(task, file, pipeline)


class _Writer:
    """Carries blocks of lines from a source to the new file."""

    def __init__(
        self, task: Attachment, source: NotedLines | UnreadLines, out: BinaryIO, pipeline: Pipeline
    ) -> None:
        self._source = source
        self._out = out
        self._pipeline = pipeline
        self._hashes = task.digests
        self.splicer = _Splicer(task)
        self.hash = hashlib.sha256()
        if source.mark:
            out.write(BOM)
            self.hash.update(BOM)

    def worker(self) -> Process:
        """What carries blocks in one thread."""
        buffer = Buffer()

        def process(number: int) -> bool:
            lines = self._source.next_lines(number, buffer)
            if lines is None:
                return False
            with self._pipeline.ordered("look up", number):
                spliced = self.splicer.spliced(lines)
            pieces = spliced()
            with self._pipeline.ordered("write", number):
                if isinstance(pieces, list):
                    self._out.writelines(pieces)
                else:  # more than should be in memory at a time
                    with self._pipeline.ordered("hash", number):
                        self._write_each(pieces)
                    return True
            if self._hashes:
                with self._pipeline.ordered("hash", number):
                    for piece in pieces:
                        self.hash.update(piece)
            return True

        return process

    def _write_each(self, pieces: Iterable[Any]) -> None:
        for piece in pieces:
            self._out.write(piece)
            if self._hashes:
                self.hash.update(piece)


class _Splicer:
    """Splices blocks of one file."""

    def __init__(self, task: Attachment) -> None:
        self._task = task
        self._added = task.columns_for_keys.schema.names
        self._decoder = KeyDecoder(task.key, refused_members(task))
        self._key_leaves = key_leaves(task)
        self._spaced: bool | None = None
        self._first_line = 1
        self.rows_in = 0
        self.rows_out = 0

    def spliced(self, lines: Lines) -> Callable[[], Iterable[Any]]:
        """What puts the next lines and their new members together, in any thread."""
        block, keys = lines
        if self._spaced is None:
            start = bytes(block.data[:4096])
            self._spaced = b'": ' in start or b'":' not in start
        first_line = self._first_line
        self._first_line += block.line_feeds
        if keys is None:
            return partial(list, list(self._one_by_one(block, first_line)))
        assert block.braces is not None
        self.rows_in += len(block.braces)
        self.rows_out += len(block.braces)
        return partial(_joined, block.data, block.braces, *self._additions(keys))

    def _additions(self, keys: pa.DictionaryArray) -> tuple[pa.LargeBinaryArray, pa.Int32Array]:
        """The members that lines get, with the commas before them, and which ones each line."""
        import pyarrow as pa

        # Each distinct key is looked up and written out once.
        texts: list[bytes | None] = [*self._texts(keys.dictionary, leading_comma=True), None]
        if keys.null_count:
            [texts[-1]] = self._texts(pa.nulls(1, pa.string()), leading_comma=True)
        indices = _filled(keys.indices, len(texts) - 1)
        return pa.array(texts, pa.large_binary()), indices

    def _one_by_one(self, block: Block, first_line: int) -> Iterator[bytes]:
        import pyarrow as pa

        rows = [self._row(line, number) for number, line in enumerate(block.lines(), first_line)]
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
        text = line.strip(json_text.BLANKS)
        if not text:
            return line
        if self._decoder_suffices(text):
            brace = line.rindex(b"}")
            try:
                key = self._decoder.of_line(text)
            except UNDECODABLE:
                return self._walked(line, number)
            return _Row(line[:brace], line[brace:], text[1:-1].strip() != b"", key)
        return self._walked(line, number)

    def _decoder_suffices(self, text: bytes) -> bool:
        return (
            self._decoder.fits
            and not self._key_leaves
            and text[-1:] == b"}"
            and text.isascii()
            and text == without_specials(text)
        )

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
                f"this line {json_text.fault(error, 'is not a JSON object')}",
                where=where,
                fix="Fix or remove the line",
                code="jsonl.bad-line",
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


def _filled(indices: pa.Int32Array, position: int) -> pa.Array:
    """``indices`` with ``position`` where they are null."""
    import pyarrow as pa

    if not indices.null_count:
        return indices
    numbers = indices.to_numpy(zero_copy_only=False)
    return pa.array(np.where(np.isnan(numbers), position, numbers).astype(np.int32))


def _joined(
    data: memoryview, ends: Any, members: pa.LargeBinaryArray, indices: pa.Int32Array
) -> Iterable[Any]:
    """``data`` with the members of each line before the brace that ends it, in a list of pieces.

    Where they are longer than :data:`MOST_ADDED`, the pieces are made one by one, as they are
    asked for.
    """
    import pyarrow.compute as pc

    sizes = pc.fill_null(pc.binary_length(members), 0).to_numpy()
    added = np.cumsum(sizes[indices.to_numpy()])
    if added[-1] <= MOST_ADDED:
        return [_piece(data, 0, ends, members, indices), data[int(ends[-1]) :]]
    return _pieces(data, ends, members, indices, added)


def _pieces(
    data: memoryview, ends: Any, members: pa.LargeBinaryArray, indices: pa.Int32Array, added: Any
) -> Iterator[Any]:
    first = done = start = 0
    while first < len(ends):
        last = max(int(np.searchsorted(added, done + MOST_ADDED, side="right")), first + 1)
        yield _piece(data, start, ends[first:last], members, indices[first:last])
        first, done, start = last, int(added[last - 1]), int(ends[last - 1])
    yield data[start:]


def _piece(
    data: memoryview,
    start: int,
    ends: Any,
    members: pa.LargeBinaryArray,
    indices: pa.Int32Array,
) -> memoryview:
    """What stands between ``start`` and each of ``ends``, with members before each of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    # Texts run from brace to brace, so that they lie side by side, as Arrow wants them.
    offsets = np.empty(len(ends) + 1, np.int64)
    offsets[0], offsets[1:] = start, ends
    texts = pa.Array.from_buffers(
        pa.large_binary(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    joined = pc.binary_join_element_wise(
        texts,
        pc.take(members, indices, memory_pool=block_memory()),
        pa.scalar(b"", pa.large_binary()),
        memory_pool=block_memory(),
    )
    _, bounds, text = joined.buffers()
    end = int(np.frombuffer(bounds, np.int64)[len(ends)])
    return memoryview(text)[:end]
