"""The first pass over a JSONL file: its lines and keys are noted for the pass that splices them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from typing import IO, TYPE_CHECKING, NamedTuple, Self

import numpy as np

from labeljoin.formats.base import FirstPass, changed_error
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
)
from labeljoin.formats.jsonl.pipeline import Pipeline, Process
from labeljoin.formats.jsonl.table import line_keys
from labeljoin.keys.counts import KeyCounter, KeyCounts

if TYPE_CHECKING:
    from collections.abc import Collection
    from io import FileIO
    from pathlib import Path

    import pyarrow as pa
    from provenance.record import Digest
    from provenance.toolkit import ProgressCallback

    from labeljoin.formats.table import Table

_NOTHING = np.empty(0, np.int64)

MOST_BYTES = 1 << 30
"""Notes take a dozen bytes a line. A file that has more than these is parsed twice."""


class JsonLinesPass(FirstPass):
    """Reads the keys of a JSONL file, hashes it, and notes the end and the key of each line.

    Parsing is most of the work on a JSONL file: with notes it is done once. The notes are in a
    temporary file, so that memory does not grow with the rows.

    Args:
        table: The table, one file.

    Attributes:
        mark: Whether the file begins with a byte-order mark.
    """

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._path = table.path
        self._notes: IO[bytes] | None = None
        self._made_for: tuple[str, frozenset[str]] | None = None
        self._digest: Digest | None = None
        self.mark = False

    def counts(
        self, key: str, added: Collection[str] = (), *, progress: ProgressCallback | None = None
    ) -> KeyCounts:
        """Count the distinct values of member ``key`` and their rows; earlier notes are dropped.

        Args:
            key: The key member.
            added: The members that lines will get; a noted line has none of them.
            progress: Called with the rows that were counted, by one thread at a time.

        Raises:
            InputError: A line is not a JSON object.
        """
        self.table.require([key])
        self.close()
        with self._path.open("rb", buffering=0) as source, _NotesWriter() as notes_writer:
            self.mark = skip_mark(source)
            reader = _Pass(
                self._path, source, key, {*added} - {key}, notes_writer, KeyCounter(progress)
            )
            if self.mark:
                reader.hash.update(BOM)
            reader.pipeline.run(reader.worker)
            self._digest = make_digest(reader.hash.hexdigest(), source.tell())
            self._notes = notes_writer.finish()
            self._made_for = (key, frozenset(added))
            return reader.counter.counts()

    def serve(self, key: str, added: Collection[str]) -> bool:
        """Return whether there are notes for this key and these new members."""
        return self._notes is not None and self._made_for == (key, frozenset(added))

    def lines(self, file: FileIO, pipeline: Pipeline) -> NotedLines:
        """Return a reader of the lines as they were noted.

        Args:
            file: The file, just opened.
            pipeline: Whose threads read.
        """
        assert self._notes is not None
        return NotedLines(self, self._notes, file, pipeline)

    def digest(self) -> Digest | None:
        """Return the digest of the file, once its keys were read to the end."""
        return self._digest

    def close(self) -> None:
        """Drop the notes."""
        if self._notes is not None:
            self._notes.close()
        self._notes = self._digest = None


class _Pass:
    """Hashes the blocks of a file, counts their keys, and notes their lines."""

    def __init__(
        self,
        path: Path,
        source: FileIO,
        key: str,
        refused: Collection[str],
        notes_writer: _NotesWriter,
        counter: KeyCounter,
    ) -> None:
        self._path = path
        self._key = key
        self._decoder = KeyDecoder(key, refused)
        self._reader = BlockReader(source)
        self._notes_writer = notes_writer
        self._first_line = 1
        self.counter = counter
        self.hash = hashlib.sha256()
        self.pipeline = Pipeline()

    def worker(self) -> Process:
        buffer = Buffer()

        def process(number: int) -> bool:
            with self.pipeline.ordered("read", number):
                data = self._reader.next_lines(buffer)
            if data is None:
                return False
            with self.pipeline.ordered("hash", number):
                self.hash.update(data)
            block = block_of(data)
            keys = block_keys(self._decoder, block)
            with self.pipeline.ordered("note", number):
                self._note(block, keys)
            return True

        return process

    def _note(self, block: Block, keys: pa.DictionaryArray | None) -> None:
        self._notes_writer.add(block, keys)
        if keys is None:
            keys = line_keys(block, self._first_line, self._path, self._key)
        self.counter.add(keys)
        self._first_line += block.line_feeds


class _Place(NamedTuple):
    """Where a block lies: its bytes, its line feeds, and whether its lines are noted."""

    size: int
    line_feeds: int
    noted: bool


class _NotesWriter:
    """Writes notes, an Arrow batch a block; without room for them it gives up quietly."""

    def __init__(self) -> None:
        import pyarrow as pa

        self._schema = pa.schema(
            [("key", pa.dictionary(pa.int32(), pa.string())), ("brace", pa.int64())]
        )
        self._file: IO[bytes] | None = None
        with contextlib.suppress(OSError):
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  # whoever finishes it closes it
            self._stream = pa.ipc.new_stream(self._file, self._schema)

    def add(self, block: Block, keys: pa.DictionaryArray | None) -> None:
        """Note a block: the keys and last braces of its lines, or only where it lies."""
        import pyarrow as pa

        if self._file is None:
            return
        place = _Place(len(block.data), block.line_feeds, keys is not None)
        braces = block.braces
        if keys is None or braces is None:
            keys, braces = pa.array([], pa.string()).dictionary_encode(), _NOTHING
        batch = pa.record_batch([keys, pa.array(braces)], schema=self._schema)
        try:
            self._stream.write_batch(batch, custom_metadata={"place": json.dumps(place)})
            if self._file.tell() > MOST_BYTES:
                self._drop()
        except OSError:
            self._drop()

    def finish(self) -> IO[bytes] | None:
        """The notes, None where there was no room; they are the caller's from here."""
        if self._file is not None:
            try:
                self._stream.close()
                self._file.flush()
            except OSError:
                self._drop()
        notes, self._file = self._file, None
        return notes

    def _drop(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # closing writes what is left, room or none
                self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._drop()


class NotedLines:
    """Reads the lines of a file again as they were noted.

    Attributes:
        mark: Whether the file begins with a byte-order mark.
    """

    def __init__(
        self, about: JsonLinesPass, notes: IO[bytes], file: FileIO, pipeline: Pipeline
    ) -> None:
        import pyarrow as pa

        notes.seek(0)
        self._stream = pa.ipc.open_stream(notes)
        self._about = about
        self._file = file
        self._pipeline = pipeline
        self.mark = about.mark
        file.seek(len(BOM) if self.mark else 0)

    def next_lines(self, number: int, buffer: Buffer) -> Lines | None:
        """Block ``number`` of the file, read into ``buffer``; None behind the last.

        Raises:
            InputError: The file became shorter.
        """
        with self._pipeline.ordered("read", number):
            try:
                batch, metadata = self._stream.read_next_batch_with_custom_metadata()
            except StopIteration:
                return None
            place = _Place(*json.loads(metadata[b"place"]))
            data = buffer.room(place.size)
            self._fill(data)
        if not place.noted:
            return Lines(block_of(data), None)
        return Lines(Block(data, place.line_feeds, batch.columns[1].to_numpy()), batch.columns[0])

    def digest(self) -> Digest | None:
        """The digest of the file as it was when the lines were noted."""
        return self._about.digest()

    def _fill(self, data: memoryview) -> None:
        done = 0
        while done < len(data):
            count = self._file.readinto(data[done:])
            if not count:
                raise changed_error(str(self._file.name))
            done += count
