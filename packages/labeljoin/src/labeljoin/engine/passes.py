"""Begin the first pass over a table: by its format for a file, part by part for a directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from labeljoin.engine.executors import run_all
from labeljoin.formats.base import FirstPass
from labeljoin.formats.opening import open_table
from labeljoin.formats.registry import format_named
from labeljoin.keys.counts import KeyCounts

if TYPE_CHECKING:
    from collections.abc import Collection
    from concurrent.futures import Executor
    from pathlib import Path

    from provenance.toolkit import ProgressCallback

    from labeljoin.formats.table import Table


def first_pass(table: Table, executor: Executor | None = None) -> FirstPass:
    r"""Begin the first pass over a table, before columns are attached to it.

    Args:
        table: The table.
        executor: Where the parts of a directory are read; here, one after the other, by default.

    Returns:
        A context manager. Of a directory, whose parts other processes may attach to, nothing is
        kept for :func:`labeljoin.engine.attach`.

    Examples:
        >>> from pathlib import Path
        >>> import labeljoin
        >>> _ = Path("f.csv").write_text("clip,motion\na/1.mp4,0.5\n")
        >>> with first_pass(labeljoin.open_table("f.csv")) as reading:
        ...     type(reading).__name__
        'FirstPass'
    """
    if table.path.is_dir():
        return _PartsPass(table, executor)
    return format_named(table.format).first_pass(table)


class _PartsPass(FirstPass):
    """Reads the keys of a directory of parts, on an executor."""

    def __init__(self, table: Table, executor: Executor | None) -> None:
        super().__init__(table)
        self._executor = executor

    def counts(
        self, key: str, added: Collection[str] = (), *, progress: ProgressCallback | None = None
    ) -> KeyCounts:
        """Count the distinct values of the key column over all parts."""
        self.table.require([key])
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


class _Part(NamedTuple):
    """The key column of one part of a table; it pickles."""

    table: Table
    path: Path
    key: str


def _count(part: _Part) -> KeyCounts:
    return KeyCounts.count(part.table.part_key_values(part.path, part.key))
