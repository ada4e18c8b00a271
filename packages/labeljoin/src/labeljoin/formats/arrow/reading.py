"""Open Arrow IPC files, and turn what Arrow cannot read into errors that name the file."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.toolkit import InputError

if TYPE_CHECKING:
    import pyarrow as pa

MAGIC = b"ARROW1"
FEATHER_1_MAGIC = b"FEA1"
_TAIL_MARK = MAGIC
"""The last bytes of a file; the length of the footer and the footer are before it."""
_LENGTH_BYTES = 4
_CONTINUATION = -1

_CODECS = {0: "lz4", 1: "zstd"}
"""``CompressionType`` of Arrow's Message.fbs."""

# Fields of the FlatBuffers tables in File.fbs and Message.fbs, by their position.
_RECORD_BATCHES = 3
_HEADER, _COMPRESSION, _CODEC = 2, 3, 0


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what Arrow cannot read within into an InputError that names the file."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError, struct.error, IndexError) as error:
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise InputError(
            f"this Arrow file cannot be read ({reason})",
            where=str(path),
            fix="Write it again; it is damaged, was cut short, or is of a version unknown to Arrow",
            code="arrow.unreadable",
        ) from error


@contextmanager
def opened(
    path: Path, columns: Sequence[int] | None = None
) -> Iterator[pa.ipc.RecordBatchFileReader]:
    """Open an Arrow file, mapped into memory.

    Args:
        path: The file.
        columns: The positions of the columns to read; all by default.

    Raises:
        InputError: It is not there, or not an Arrow file.
    """
    import pyarrow as pa

    options = pa.ipc.IpcReadOptions(included_fields=None if columns is None else list(columns))
    with ExitStack() as stack:
        with reading(path):
            source = stack.enter_context(pa.memory_map(os.fspath(path)))
            reader = pa.ipc.open_file(source, options=options)
        yield reader


def batches(path: Path, reader: pa.ipc.RecordBatchFileReader) -> Iterator[pa.RecordBatch]:
    """Yield the record batches of an open file.

    Raises:
        InputError: One cannot be read.
    """
    for number in range(reader.num_record_batches):
        with reading(path):
            batch = reader.get_batch(number)
        yield batch


def compression(path: Path) -> str | None:
    """Return the codec of a file's first record batch: ``lz4``, ``zstd``, or None.

    Arrow decompresses without telling the codec, so it is read from the message of the batch.

    Raises:
        InputError: The file cannot be read.
    """
    with reading(path), path.open("rb") as file:
        file.seek(-len(_TAIL_MARK) - _LENGTH_BYTES, os.SEEK_END)
        end = file.tell()
        length = _unpacked("<i", file.read(_LENGTH_BYTES), 0)
        file.seek(end - length)
        footer = file.read(length)
        blocks = _table(footer, _unpacked("<I", footer, 0), _RECORD_BATCHES)
        if blocks is None or not _unpacked("<I", footer, blocks):
            return None
        file.seek(_unpacked("<q", footer, blocks + _LENGTH_BYTES))
        length = _unpacked("<i", file.read(_LENGTH_BYTES), 0)
        if length == _CONTINUATION:
            length = _unpacked("<i", file.read(_LENGTH_BYTES), 0)
        return _codec(file.read(length))


def _codec(data: bytes) -> str | None:
    """Return the codec in the FlatBuffers metadata of a record batch message."""
    (root,) = struct.unpack_from("<I", data, 0)
    batch = _table(data, root, _HEADER)
    body = None if batch is None else _table(data, batch, _COMPRESSION)
    if body is None:
        return None
    place = _field(data, body, _CODEC)
    return _CODECS.get(0 if place is None else data[place])


def _field(data: bytes, table: int, number: int) -> int | None:
    """Return where a field of a FlatBuffers table is, or None if it has its default."""
    vtable = table - _unpacked("<i", data, table)
    if 4 + 2 * number >= _unpacked("<H", data, vtable):
        return None
    offset = _unpacked("<H", data, vtable + 4 + 2 * number)
    return table + offset if offset else None


def _table(data: bytes, table: int, number: int) -> int | None:
    place = _field(data, table, number)
    return None if place is None else place + _unpacked("<I", data, place)


def _unpacked(kind: str, data: bytes, place: int) -> int:
    value: Any = struct.unpack_from(kind, data, place)[0]
    return int(value)
