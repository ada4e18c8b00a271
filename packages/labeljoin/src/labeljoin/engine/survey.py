"""A first reading of a table, by which its keys are counted and the attaching is prepared."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from labeljoin.engine.executors import run_all
from labeljoin.formats.jsonl.notes import LineNotes
from labeljoin.formats.opening import open_table
from labeljoin.formats.parquet.hash_ahead import HashAhead
from labeljoin.keys.counts import KeyCounts

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from provenance.record import Digest
    from provenance.toolkit import ProgressCallback

    from labeljoin.formats.base import Table

_USUAL_MEMORY = 8 << 30


class Survey:
    """Reads the keys of a table, and keeps what :func:`labeljoin.attach` would read again.

    Coverage is known before the first byte is written, so a table is read twice: for its keys, and
    to be attached to. A parquet file is hashed by a thread of its own from the moment the survey
    opens, unless it is too large to be still in memory when it is copied; a JSONL file is hashed
    while its keys are read, and its lines are noted. Of other formats, and of directories, whose
    parts other processes may attach to, nothing is kept.

    Use it as a context manager.

    Args:
        table: The table.
        executor: Where the parts of a directory are read; one after the other here unless given.

    Attributes:
        status: What the system said of the table's file when the survey opened, None for a
            directory. A file that is another when it was attached to is refused.
    """

    def __init__(self, table: Table, executor: Executor | None = None) -> None:
        self.table = table
        self._executor = executor
        alone = not table.path.is_dir()
        self.status = table.path.stat() if alone else None
        hashes = alone and table.format == "parquet" and _stays_in_memory(table.path)
        self.hashed = HashAhead(table.path) if hashes else None
        self.notes = LineNotes(table.path) if alone and table.format == "jsonl" else None

    def counts(
        self, key: str, added: Collection[str] = (), *, progress: ProgressCallback | None = None
    ) -> KeyCounts:
        """The distinct values of the key column and their rows.

        Args:
            key: The key column.
            added: The columns that will be attached, as far as they are known.
            progress: Called with the rows that were counted, by one thread at a time.

        Raises:
            InputError: The column does not exist, the table cannot be read, or the values are
                lists, structs or the like.
        """
        self.table.require([key])
        if self.notes is not None:
            return self.notes.counts(key, added, progress=progress)
        if not self.table.path.is_dir():
            return KeyCounts.of(self.table.key_values(key), progress=progress)
        # Workers elsewhere start in folders of their own.
        table = open_table(self.table.path.absolute())
        tasks = [_Part(table, part, key) for part in table.parts]
        found: dict[int, KeyCounts] = {}
        rows = 0
        for number, counts in run_all(self._executor, _count, tasks):
            found[number] = counts
            rows += counts.row_count
            if progress:
                progress("match keys", rows, None)
        return KeyCounts.merged(counts for _, counts in sorted(found.items()))

    def digest(self) -> Digest | None:
        """The digest of the table's file, where it was taken on the way."""
        if self.hashed is not None:
            return self.hashed.result().digest
        return None if self.notes is None else self.notes.digest

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.hashed is not None:
            self.hashed.close()
        if self.notes is not None:
            self.notes.close()


class _Part(NamedTuple):
    """The key column of one part of a table; it pickles."""

    table: Table
    path: Path
    key: str


def _count(part: _Part) -> KeyCounts:
    return KeyCounts.of(part.table.part_key_values(part.path, part.key))


def _stays_in_memory(path: Path) -> bool:
    """Whether the system will still have the file's bytes in memory when it has been read once.

    Then hashing and copying apart costs less than one pass; else it reads the disk twice.
    """
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        memory = _USUAL_MEMORY
    return path.stat().st_size <= memory // 4
