"""What a table format is: the :class:`Format` protocol and what it works with.

To add a format, subclass :class:`Format` and register the class under the entry-point group
``moskit.table_formats``. The built-in formats are registered in the same way.
``docs/how-to/add-a-table-format.md`` walks through one.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

from provenance.toolkit import InputError

from labeljoin.keys.counts import KeyCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pyarrow as pa
    from provenance.record import Digest
    from provenance.toolkit import ProgressCallback

    from labeljoin.formats.sample import Certainty, Sample
    from labeljoin.formats.table import Table


class ColumnsForKeys(Protocol):
    """Compute the new columns; equal key values get equal columns.

    Must pickle if processes attach the parts. For one part, one thread at a time calls it, not
    always the same; an executor with threads works on several parts at once.
    """

    @property
    def schema(self) -> pa.Schema:
        """The new columns, in order. Field metadata is kept if the format can hold it."""

    def __call__(self, values: pa.Array) -> pa.RecordBatch:
        """Compute the new columns of some consecutive rows.

        Args:
            values: Their values of the key column: text exactly as written for JSON and CSV; the
                column's own type for parquet and Arrow, dictionary-encoded where possible.

        Returns:
            One row per value. A column may be a dictionary-encoded form of its schema type.
        """


@dataclass(frozen=True)
class Attachment:
    """One file to attach columns to; it pickles.

    Attributes:
        source: The file.
        destination: The file to write.
        format: The name of the source's format.
        key: The key column.
        columns_for_keys: Computes the new columns.
        replace: Columns of the source to leave out.
        keep: Returns which rows to keep, from their key values; None keeps all.
        embed: Makes the run record to embed from the digest of the source, None where nobody
            reads all of it.
        metadata: Key-value metadata to add, if the format has a place for it.
        digests: Hash source and destination.
        shared: Whether other processes may work on the same destination.
        first_pass: What is known of the source already; not for other processes.
        front: Whether to write the bytes that the destination has in common with the source at its
            beginning. Else a store puts them there.
    """

    source: Path
    destination: Path
    format: str
    key: str
    columns_for_keys: ColumnsForKeys
    replace: frozenset[str]
    keep: Callable[[pa.Array], pa.BooleanArray] | None
    embed: Callable[[Digest | None], bytes] | None
    metadata: Mapping[str, str]
    digests: bool
    shared: bool = False
    first_pass: FirstPass | None = None
    front: bool = True


@dataclass(frozen=True)
class PartReport:
    """What was done with one file.

    Attributes:
        source: The file.
        destination: What was written.
        engine: How, such as ``parquet-splice`` or ``csv-rewrite``.
        reason: Why the file was rewritten and not spliced, if its format can be spliced.
        rows_in: Rows of the source.
        rows_out: Rows of the destination.
        source_digest: SHA-256 and size of the source, None if none was asked for.
        digest: The same of the destination.
        prefix_size: How many first bytes of the destination equal those of the source.
        prefix_sha256: SHA-256 of those bytes, if digests were asked for.
    """

    source: Path
    destination: Path
    engine: str
    reason: str | None
    rows_in: int
    rows_out: int
    source_digest: Digest | None
    digest: Digest | None
    prefix_size: int = 0
    prefix_sha256: str | None = None


class FirstPass:
    """The first reading of a table: counts its keys, and keeps what attaching would read again.

    Coverage is known before the first byte is written, so a table is read twice: for its keys, and
    to attach to it. This class keeps nothing. A format returns a subclass from
    :meth:`Format.first_pass` to hash the file on the way, or to save a second parse.

    Use it as a context manager.

    Args:
        table: The table.

    Attributes:
        status: The file's status when the pass began, None for a directory. A file that has
            changed when columns are attached is refused.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.status = None if table.path.is_dir() else table.path.stat()

    def counts(
        self, key: str, added: Collection[str] = (), *, progress: ProgressCallback | None = None
    ) -> KeyCounts:
        """Count the distinct values of the key column and their rows.

        Args:
            key: The key column.
            added: The columns that will be attached, as far as they are known.
            progress: Called with the rows that were counted, by one thread at a time.

        Raises:
            InputError: The column does not exist, the table cannot be read, or the values are
                lists, structs or the like.
        """
        self.table.require([key])
        return KeyCounts.count(self.table.key_values(key), progress=progress)

    def digest(self) -> Digest | None:
        """Return the digest of the table's file, or None if it was not taken on the way."""
        return None

    def close(self) -> None:
        """Drop what was kept."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Format(ABC):
    """A table format. One instance serves the process.

    Attributes:
        name: Its name in audits and errors, such as ``parquet``.
        suffixes: The suffixes of its files in lower case, with their point, the usual one first.
        reads_ranges: Whether it reads objects in stores by ranges. Other formats get a local copy.
    """

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    reads_ranges: ClassVar[bool] = False

    @property
    def can_write(self) -> bool:
        """Whether new tables can be written in this format."""
        return type(self).writer is not Format.writer

    @abstractmethod
    def sniff(self, sample: Sample) -> Certainty:
        """Return how certain it is that a file is of this format.

        Must not raise for any bytes.

        Args:
            sample: The beginning of the file, not empty.
        """

    @abstractmethod
    def open(self, path: Path, parts: Sequence[Path]) -> Table:
        """Open a table.

        Args:
            path: A file, or a directory of parts.
            parts: The files that hold the rows, in reading order.
        """

    @abstractmethod
    def attach(self, task: Attachment) -> PartReport:
        """Write one file with more columns; every other column keeps its bytes if possible.

        Raises:
            InputError: The source cannot be read, or already has a column of a new name.
            OSError: A file cannot be read or written.
        """

    def locate(self, part: Path, row: int) -> str:
        """Return where a row is in its file, as a person who opens the file counts.

        Args:
            part: The file.
            row: Position in reading order, from 0.
        """
        return f"row {row + 1}"

    def first_pass(self, table: Table) -> FirstPass:
        """Begin the first reading of a table that is one file."""
        return FirstPass(table)

    def read_record(self, path: Path) -> bytes | None:
        """Return the run record that a file carries, or None if it has none or no place for it.

        Raises:
            InputError: The file cannot be read.
        """
        return None

    def writer(self, path: Path, schema: pa.Schema) -> AbstractContextManager[TableWriter]:
        """Open a new file to write a table to, batch by batch.

        Args:
            path: The file, replaced if it exists.
            schema: The columns. Its metadata is kept if the format has a place for it.

        Raises:
            InputError: Tables of this format cannot be written from nothing.
        """
        raise InputError(
            f"moskit cannot write a new table as {self.name}",
            where=os.fspath(path),
            fix="Choose another format, such as parquet",
            code="formats.no-writer",
        )


class TableWriter(Protocol):
    """Write a table batch by batch."""

    def write(self, rows: pa.Table) -> None:
        """Append rows of the writer's schema."""


def collision_error(names: Collection[str], where: str) -> InputError:
    """Return the error for new columns that the table already has.

    Examples:
        >>> collision_error(["mos"], "f.csv").code
        'attach.column-exists'
    """
    shown = ", ".join(repr(name) for name in list(names)[:6])
    if len(names) > 6:
        shown += f" and {len(names) - 6} more"
    noun = "a column" if len(names) == 1 else "columns"
    return InputError(
        f"the table already has {noun} {shown}",
        where=where,
        fix="Replace them with --overwrite",
        code="attach.column-exists",
    )


def changed_error(where: str) -> InputError:
    """Return the error for a source that another program writes to.

    Examples:
        >>> str(changed_error("f.csv")).partition(":")[0]
        'f.csv'
    """
    return InputError(
        "the file changed while it was read",
        where=where,
        fix="Run again when no other program writes to it",
        code="attach.source-changed",
    )
