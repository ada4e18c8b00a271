"""The lines of a JSONL file that is read for the first time."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

from labeljoin.formats.encoding import BOM, skip_mark
from labeljoin.formats.hashing import make_digest
from labeljoin.formats.jsonl.blocks import (
    Block,
    BlockReader,
    Buffer,
    KeyDecoder,
    Lines,
    block_keys,
    block_of,
    is_utf8,
)

if TYPE_CHECKING:
    from collections.abc import Collection
    from io import FileIO

    from provenance.record import Digest

    from labeljoin.formats.base import Attachment
    from labeljoin.formats.jsonl.pipeline import Pipeline


def key_leaves(task: Attachment) -> bool:
    """Whether the key is itself replaced: it is both read and taken out, member by member."""
    return task.key in {*task.columns_for_keys.schema.names, *task.replace}


def refused_members(task: Attachment) -> set[str]:
    """The members by which a line cannot go through as it is."""
    return {*task.columns_for_keys.schema.names, *task.replace} - {task.key}


class UnreadLines:
    """Reads the lines of a file, and hashes them where digests are asked for.

    Args:
        task: Whose source it is.
        file: The file, just opened.
        pipeline: Whose threads read.

    Attributes:
        mark: Whether the file begins with a byte-order mark.
    """

    def __init__(self, task: Attachment, file: FileIO, pipeline: Pipeline) -> None:
        self._file = file
        self._pipeline = pipeline
        self._hashes = task.digests
        self._hash = hashlib.sha256()
        self._one_by_one = task.keep is not None or key_leaves(task)
        self._decoder = KeyDecoder(task.key, refused_members(task))
        self._replaced = _member_pattern(task.replace)
        self.mark = skip_mark(file)
        self._size = 0
        if self.mark:
            self._hash.update(BOM)
            self._size += len(BOM)
        self._reader = BlockReader(file)

    def next_lines(self, number: int, buffer: Buffer) -> Lines | None:
        """Block ``number`` of the file, read into ``buffer``; None behind the last."""
        with self._pipeline.ordered("read", number):
            data = self._reader.next_lines(buffer)
        if data is None:
            return None
        if self._hashes:
            with self._pipeline.ordered("hash source", number):
                self._hash.update(data)
                self._size += len(data)
        block = block_of(data)
        if self._one_by_one:
            return Lines(block, None)
        rest = self._without_replaced(block)
        keys = block_keys(self._decoder, rest)
        return Lines(block, None) if keys is None else Lines(rest, keys)

    def digest(self) -> Digest:
        """The digest of what was read; of the file, at its end, where digests are asked for."""
        return make_digest(self._hash.hexdigest(), self._size)

    def _without_replaced(self, block: Block) -> Block:
        if self._replaced is None or not is_utf8(block.data):
            return block
        data = bytes(block.data)
        if not _is_flat(data, block.line_feeds):
            return block
        return block_of(memoryview(self._replaced.sub(b"", data)))


def _member_pattern(names: Collection[str]) -> re.Pattern[bytes] | None:
    """Members of these names with plain values and the commas before them, in flat objects."""
    if not names:
        return None
    either = b"|".join(re.escape(json.dumps(name, ensure_ascii=False).encode()) for name in names)
    number = rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
    value = rb'"[^"\x00-\x1f]*"|%b|true|false|null|NaN|-?Infinity' % number
    return re.compile(rb",[ \t]*(?:%b)[ \t]*:[ \t]*(?:%b)(?=[ \t]*[,}])" % (either, value))


def _is_flat(data: bytes, line_feeds: int) -> bool:
    """Whether all values are plain and all quotes are string ends, so that patterns tell members.

    What is taken out of such a block by mistake, or left in, the parser meets afterwards.
    """
    lines = line_feeds + (data[-1:] != b"\n")
    return b"\\" not in data and b"[" not in data and data.count(b"{") == lines
