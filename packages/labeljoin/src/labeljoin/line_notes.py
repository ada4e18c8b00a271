"""What reading the keys of a JSONL file tells of its lines, kept for the pass that splices them."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Collection, Generator, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, NamedTuple, Self

import numpy as np

from labeljoin.attachment import changed_error, refuse_changed
from labeljoin.hashing import AsideHash
from labeljoin.tables.json_blocks import (
    BOM,
    Block,
    KeyDecoder,
    block_of,
    blocks,
    hashed,
    read_ahead,
    skip_mark,
)
from labeljoin.tables.json_lines import stretch_keys
from labeljoin.tables.json_stretches import Stretch, stretches

if TYPE_CHECKING:
    import pyarrow as pa
    from provenance import Digest

_NOTHING = np.empty(0, np.int64)

MOST_BYTES = 1 << 30
"""Notes take a dozen bytes a line. A file that has more than these is parsed twice."""


class LineNotes:
    """Where the lines of a JSONL file end and which keys they bear, noted while its keys are read.

    Parsing is most of the work on a JSONL file: with notes it is done once. They lie in a temporary
    file, so that memory does not grow with the rows.

    Args:
        path: The file.

    Attributes:
        digest: The digest of the file, once its keys were read to the end.
        mark: Whether it begins with a byte-order mark.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._notes: IO[bytes] | None = None
        self._made_for: tuple[str, frozenset[str]] | None = None
        self._status: os.stat_result | None = None
        self.digest: Digest | None = None
        self.mark = False

    def key_values(self, key: str, added: Collection[str]) -> Iterator[pa.Array]:
        """The values of member ``key``, some lines at a time; what was noted before is forgotten.

        Args:
            key: The key member.
            added: The members that lines will get; a noted line has none of them.

        Raises:
            InputError: A line is not a JSON object.
        """
        self.close()
        decoder = KeyDecoder(key, {*added} - {key})
        self._status = self._path.stat()
        with (
            self._path.open("rb", buffering=0) as source,
            AsideHash() as digest,
            _Notebook() as notebook,
        ):
            self.mark = skip_mark(source)
            if self.mark:
                digest.update(BOM)
            for stretch in stretches(hashed(blocks(source), digest), decoder):
                notebook.add(stretch)
                yield stretch_keys(stretch, self._path, key)
            self.digest = digest.digest()
            self._notes = notebook.finish()
            self._made_for = (key, frozenset(added))

    def serve(self, key: str, added: Collection[str]) -> bool:
        """Whether there are notes, made for this key and these new members."""
        return self._notes is not None and self._made_for == (key, frozenset(added))

    def stretches(self) -> Generator[Stretch]:
        """The file again, its lines as noted; the next ones are read while some are worked on.

        Raises:
            InputError: The file became shorter.
        """
        assert self._notes is not None
        self._notes.seek(0)
        with self._path.open("rb", buffering=0) as source:
            source.seek(len(BOM) if self.mark else 0)
            noted = _stretches(self._notes, source)
            yield from read_ahead(lambda: next(noted, None))

    def refuse_change(self) -> None:
        """Raise an InputError where the file is no more what was noted."""
        assert self._status is not None
        refuse_changed(self._path, self._status)

    def close(self) -> None:
        """Forget the notes."""
        if self._notes is not None:
            self._notes.close()
        self._notes = self.digest = None


class _Place(NamedTuple):
    """A block of the file: its bytes, its first line, its line feeds, and its braces as noted."""

    size: int
    first_line: int
    line_feeds: int
    braces: int


class _Notebook:
    """Writes notes, an Arrow batch a stretch; without room for them it gives up quietly."""

    def __init__(self) -> None:
        import pyarrow as pa

        self._schema = pa.schema(
            [("key", pa.dictionary(pa.int32(), pa.string())), ("brace", pa.int64())]
        )
        self._file: IO[bytes] | None = None
        with contextlib.suppress(OSError):
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  # whoever finishes it closes it
            self._stream = pa.ipc.new_stream(self._file, self._schema)

    def add(self, stretch: Stretch) -> None:
        """Note a stretch: the keys and last braces of its lines, or only where it lies."""
        import pyarrow as pa

        if self._file is None:
            return
        keys = stretch.keys
        braces = [
            _NOTHING if keys is None or block.braces is None else block.braces
            for block in stretch.blocks
        ]
        if keys is None:
            keys = pa.array([], pa.string()).dictionary_encode()
        places = [
            _Place(len(block.data), block.first_line, block.line_feeds, len(ends))
            for block, ends in zip(stretch.blocks, braces, strict=True)
        ]
        batch = pa.record_batch([keys, pa.array(np.concatenate(braces))], schema=self._schema)
        try:
            self._stream.write_batch(batch, custom_metadata={"places": json.dumps(places)})
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
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._drop()


def _stretches(notes: IO[bytes], source: BinaryIO) -> Iterator[Stretch]:
    import pyarrow as pa

    stream = pa.ipc.open_stream(notes)
    while True:
        try:
            batch, metadata = stream.read_next_batch_with_custom_metadata()
        except StopIteration:
            return
        keys, braces = batch.columns[0], batch.columns[1].to_numpy()
        held, start = [], 0
        for place in (_Place(*numbers) for numbers in json.loads(metadata[b"places"])):
            data = _read(source, place.size)
            if place.braces:
                ends = braces[start : start + place.braces]
                held.append(Block(data, place.first_line, place.line_feeds, ends))
            else:
                held.append(block_of(data, place.first_line))
            start += place.braces
        yield Stretch(held, keys if start else None)


def _read(source: BinaryIO, size: int) -> bytearray:
    data = bytearray(size)
    with memoryview(data) as rest:
        done = 0
        while done < size:
            count = source.readinto(rest[done:])  # type: ignore[attr-defined]
            if not count:
                raise changed_error(source.name)
            done += count
    return data
