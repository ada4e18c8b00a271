"""Parse a parquet footer and add columns to it.

The footer is ``FileMetaData`` of the parquet format in Thrift compact protocol. It is cut into the
pieces that must change (the root of the schema, the column lists and totals of the row groups, the
key-value metadata, the column orders); all others are copied as they stand.

Format: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from provenance.toolkit import InputError

from labeljoin.formats.parquet import thrift as compact
from labeljoin.formats.parquet.thrift import BINARY, I32, I64, LIST, STRUCT, Field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MAGIC = b"PAR1"
ENCRYPTED_MAGIC = b"PARE"
TAIL_BYTES = 8
"""After the footer: its length, four bytes, little-endian, and the magic."""

# Field ids of FileMetaData
_SCHEMA, _NUM_ROWS, _ROW_GROUPS, _KEY_VALUES, _COLUMN_ORDERS, _ENCRYPTION = 2, 3, 4, 5, 7, 8
# of SchemaElement
_NUM_CHILDREN = 5
# of RowGroup
_COLUMNS, _TOTAL_BYTES, _GROUP_ROWS, _GROUP_OFFSET, _COMPRESSED_BYTES = 1, 2, 3, 5, 6
# of ColumnChunk
_FILE_PATH, _CHUNK_OFFSET, _CHUNK_METADATA, _OFFSET_INDEX, _COLUMN_INDEX = 1, 2, 3, 4, 6
# of ColumnMetaData
_PATH_IN_SCHEMA, _CODEC, _CHUNK_UNCOMPRESSED, _CHUNK_COMPRESSED = 3, 4, 6, 7
_DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE, _BLOOM_FILTER = 9, 10, 11, 14


# Arrow's names of the codecs, by their number; LZO it cannot write.
_CODECS = ("NONE", "SNAPPY", "GZIP", "SNAPPY", "BROTLI", "LZ4", "ZSTD", "LZ4")


class FooterError(ValueError):
    """The footer is not what the parquet format says, or cannot take more columns."""


def read_footer(source: BinaryIO, path: Path) -> tuple[int, bytes]:
    """Where the footer of an open parquet file starts, and its bytes.

    Raises:
        InputError: The file is cut short, encrypted, or no parquet file.
    """
    size = source.seek(0, os.SEEK_END)
    source.seek(max(0, size - TAIL_BYTES))
    tail = source.read(TAIL_BYTES)
    if tail[4:] == ENCRYPTED_MAGIC:
        raise InputError(
            "the footer of this parquet file is encrypted",
            where=str(path),
            fix="Decrypt the file first",
            code="parquet.encrypted",
        )
    length = int.from_bytes(tail[:4], "little")
    start = size - TAIL_BYTES - length
    if tail[4:] != MAGIC or start < len(MAGIC):
        raise InputError(
            "this parquet file has no footer: it was cut short",
            where=str(path),
            fix="Copy or write it again",
            code="parquet.cut-short",
        )
    source.seek(start)
    return start, source.read(length)


@dataclass(frozen=True)
class Footer:
    """A footer in pieces.

    Attributes:
        fields: The fields of ``FileMetaData``; the row groups' value is left out.
        row_groups: The fields of each row group.
    """

    fields: tuple[Field, ...]
    row_groups: tuple[tuple[Field, ...], ...]

    @classmethod
    def parse(cls, data: bytes) -> Footer:
        """Cut a footer into its pieces.

        Raises:
            FooterError: It is not one struct of Thrift compact protocol.
        """
        try:
            return cls._parse(data)
        except (IndexError, ValueError, RecursionError) as error:
            raise FooterError(f"the footer cannot be taken apart ({error})") from None

    @classmethod
    def _parse(cls, data: bytes) -> Footer:
        found: list[Field] = []
        groups: list[tuple[Field, ...]] = []
        number = position = 0
        while True:
            number, kind, position = compact.read_field_header(data, position, number)
            if not kind:
                break
            start = position
            if number == _ROW_GROUPS and kind == LIST:
                # Nearly all of a footer: walked once, here, and not skipped first.
                _, count, position = compact.read_list_header(data, position)
                for _ in range(count):
                    group, position = compact.fields(data, position)
                    groups.append(tuple(group))
                found.append(Field(number, kind, b""))
            else:
                position = compact.skip(data, position, kind)
                found.append(Field(number, kind, data[start:position]))
        if position != len(data):
            raise ValueError(f"{len(data) - position} bytes are left over")
        return cls(tuple(found), tuple(groups))

    def _value(self, number: int) -> bytes | None:
        return _value(self.fields, number)

    @property
    def encrypted(self) -> bool:
        """Whether columns are encrypted, and the footer is signed."""
        return self._value(_ENCRYPTION) is not None

    @property
    def num_rows(self) -> int:
        """The number of rows of the file."""
        return compact.read_integer(self._value(_NUM_ROWS) or b"\0")

    @property
    def group_rows(self) -> list[int]:
        """The number of rows of each row group."""
        return [compact.read_integer(_value(g, _GROUP_ROWS) or b"\0") for g in self.row_groups]

    @property
    def whole(self) -> bool:
        """Whether all column chunks are in this file, and none in another one."""
        # Chunks of other files are listed by `_metadata` files, and all chunks are then.
        for group in self.row_groups:
            _, count, first = compact.read_list_header(_value(group, _COLUMNS) or b"\0", 0)
            if count and _value(compact.fields(_value(group, _COLUMNS) or b"", first)[0], 1):
                return False
        return True

    def codecs(self) -> dict[str, str]:
        """The codec of each leaf column in the first row group, by its path with dots.

        Arrow would tell too, but ends the process where a chunk's statistics are damaged.
        """
        found = {}
        for chunk in compact.elements(_value(self.row_groups[0], _COLUMNS) or b"\0"):
            metadata, _ = compact.fields(_value(compact.fields(chunk)[0], _CHUNK_METADATA) or b"\0")
            steps = compact.elements(_value(metadata, _PATH_IN_SCHEMA) or b"\0")
            path = ".".join(compact.read_binary(step).decode() for step in steps)
            found[path] = _codec_of(metadata)
        return found

    def first_codec(self) -> str:
        """Return the codec of the first column, or Arrow's default without columns."""
        for group in self.row_groups[:1]:
            value = _value(group, _COLUMNS) or b"\0"
            _, count, first = compact.read_list_header(value, 0)
            if count:
                chunk, _ = compact.fields(value, first)
                metadata, _ = compact.fields(_value(chunk, _CHUNK_METADATA) or b"\0")
                return _codec_of(metadata)
        return "SNAPPY"

    def key_values(self) -> dict[bytes, bytes]:
        """The key-value metadata; a key without a value has an empty one."""
        found = {}
        for element in compact.elements(self._value(_KEY_VALUES) or b"\0"):
            pair, _ = compact.fields(element)
            value = _value(pair, 2)
            found[compact.read_binary(_value(pair, 1) or b"\0")] = (
                b"" if value is None else compact.read_binary(value)
            )
        return found

    def with_columns(self, added: Footer, shift: int, key_values: Mapping[bytes, bytes]) -> bytes:
        """This footer, listing the columns of ``added`` behind its own.

        Args:
            added: The footer of a file of the same row groups that holds the new columns.
            shift: How much farther back the new columns' chunks stand in the file than ``added``
                says.
            key_values: Key-value metadata to add or to replace.

        Returns:
            The encoded footer, without its length and magic.

        Raises:
            FooterError: The row groups differ.
        """
        if self.group_rows != added.group_rows:
            raise FooterError(
                f"row groups of {self.group_rows} rows cannot take columns of {added.group_rows}"
            )
        values = {field.id: field for field in self.fields}
        values[_SCHEMA] = Field(_SCHEMA, LIST, self._joined_schema(added))
        values[_ROW_GROUPS] = Field(_ROW_GROUPS, LIST, self._joined_groups(added, shift))
        if key_values:
            values[_KEY_VALUES] = Field(_KEY_VALUES, LIST, self._joined_key_values(key_values))
        if _COLUMN_ORDERS in values:
            values[_COLUMN_ORDERS] = Field(
                _COLUMN_ORDERS,
                LIST,
                _joined(values[_COLUMN_ORDERS].value, _orders(added)),
            )
        return compact.struct(values[number] for number in sorted(values))

    def _joined_schema(self, added: Footer) -> bytes:
        root, *leaves = compact.elements(self._value(_SCHEMA) or b"\0")
        added_root, *added_leaves = compact.elements(added._value(_SCHEMA) or b"\0")
        members, _ = compact.fields(root)
        children = compact.read_integer(_value(members, _NUM_CHILDREN) or b"\0")
        new = compact.read_integer(_value(compact.fields(added_root)[0], _NUM_CHILDREN) or b"\0")
        root = compact.struct(
            _replaced(members, Field(_NUM_CHILDREN, I32, compact.integer(children + new)))
        )
        elements = [root, *leaves, *added_leaves]
        return compact.list_header(STRUCT, len(elements)) + b"".join(elements)

    def _joined_groups(self, added: Footer, shift: int) -> bytes:
        pieces = [compact.list_header(STRUCT, len(self.row_groups))]
        for group, extra in zip(self.row_groups, added.row_groups, strict=True):
            chunks = [
                _relocated(chunk, shift)
                for chunk in compact.elements(_value(extra, _COLUMNS) or b"\0")
            ]
            columns = _joined(_value(group, _COLUMNS) or b"\0", chunks)
            members = _replaced(group, Field(_COLUMNS, LIST, columns))
            sizes = [_chunk_sizes(chunk) for chunk in chunks]
            members = _increased(members, _TOTAL_BYTES, sum(size for size, _ in sizes))
            members = _increased(members, _COMPRESSED_BYTES, sum(size for _, size in sizes))
            pieces.append(compact.struct(members))
        return b"".join(pieces)

    def _joined_key_values(self, key_values: Mapping[bytes, bytes]) -> bytes:
        kept = []
        for element in compact.elements(self._value(_KEY_VALUES) or b"\0"):
            pair, _ = compact.fields(element)
            if compact.read_binary(_value(pair, 1) or b"\0") not in key_values:
                kept.append(element)
        kept += [
            compact.struct(
                [Field(1, BINARY, compact.binary(key)), Field(2, BINARY, compact.binary(value))]
            )
            for key, value in key_values.items()
        ]
        return compact.list_header(STRUCT, len(kept)) + b"".join(kept)


def _codec_of(metadata: Iterable[Field]) -> str:
    """The codec of a column chunk; Arrow's default for one that is not known."""
    codec = compact.read_integer(_value(metadata, _CODEC) or b"\0")
    return _CODECS[codec] if codec < len(_CODECS) else "SNAPPY"


def _value(members: Iterable[Field], number: int) -> bytes | None:
    return next((field.value for field in members if field.id == number), None)


def _replaced(members: Iterable[Field], new: Field) -> list[Field]:
    """``members`` with ``new`` in place of the field of its id."""
    return [new if field.id == new.id else field for field in members]


def _increased(members: list[Field], number: int, amount: int) -> list[Field]:
    """``members`` with ``amount`` added to an integer field, where they have it."""
    value = _value(members, number)
    if value is None:
        return members
    return _replaced(
        members, Field(number, I64, compact.integer(compact.read_integer(value) + amount))
    )


def _joined(value: bytes, more: list[bytes]) -> bytes:
    """An encoded list of structs with more elements; its own are copied unread."""
    _, count, first = compact.read_list_header(value, 0)
    return compact.list_header(STRUCT, count + len(more)) + value[first:] + b"".join(more)


def _orders(added: Footer) -> list[bytes]:
    return compact.elements(added._value(_COLUMN_ORDERS) or b"\0")


def _chunk_sizes(chunk: bytes) -> tuple[int, int]:
    """Uncompressed and compressed bytes of an encoded column chunk."""
    metadata, _ = compact.fields(_value(compact.fields(chunk)[0], _CHUNK_METADATA) or b"\0")
    return (
        compact.read_integer(_value(metadata, _CHUNK_UNCOMPRESSED) or b"\0"),
        compact.read_integer(_value(metadata, _CHUNK_COMPRESSED) or b"\0"),
    )


def _relocated(chunk: bytes, shift: int) -> bytes:
    """An encoded column chunk whose bytes stand ``shift`` farther back in the file."""
    members, _ = compact.fields(chunk)
    metadata, _ = compact.fields(_value(members, _CHUNK_METADATA) or b"\0")
    for number in (_DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE, _BLOOM_FILTER):
        metadata = _increased(metadata, number, shift)
    members = _replaced(members, Field(_CHUNK_METADATA, STRUCT, compact.struct(metadata)))
    for number in (_OFFSET_INDEX, _COLUMN_INDEX):
        members = _increased(members, number, shift)
    if compact.read_integer(_value(members, _CHUNK_OFFSET) or b"\0"):  # 0 says: not given
        members = _increased(members, _CHUNK_OFFSET, shift)
    return compact.struct(members)
