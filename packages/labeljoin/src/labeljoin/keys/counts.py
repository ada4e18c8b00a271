"""The distinct values of a key column and how many rows have each: all that a join must count."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labeljoin.keys.text import encode

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from provenance.toolkit import ProgressCallback

_COMPACTED = 1 << 20
_GATHERED = 1 << 14


@dataclass(frozen=True)
class KeyCounts:
    """The distinct values of a key column, and how many rows have each. Pickles.

    Attributes:
        texts: The values as text, in the order of their first rows.
        rows: How many rows have each, int64, one per text.
        null_rows: How many rows have none.
    """

    texts: pa.StringArray
    rows: NDArray[np.int64]
    null_rows: int = 0

    @property
    def row_count(self) -> int:
        """All rows."""
        return int(self.rows.sum()) + self.null_rows

    @classmethod
    def count(
        cls,
        values: Iterable[pa.Array | pa.ChunkedArray],
        *,
        progress: ProgressCallback | None = None,
    ) -> KeyCounts:
        """Count values, in memory that grows with the distinct ones and not with the rows.

        Args:
            values: The values of a key column, some rows at a time.
            progress: Called with the rows that were counted.

        Raises:
            InputError: They are lists, structs or the like.
        """
        counter = KeyCounter(progress)
        with closed(values):
            for some in values:
                counter.add(some)
        return counter.counts()

    @classmethod
    def merged(cls, counts: Iterable[KeyCounts]) -> KeyCounts:
        """Merge the counts of several parts of a table, in their order."""
        counter = KeyCounter()
        for some in counts:
            counter.add_counts(some)
        return counter.counts()


class KeyCounter:
    """Counts the values of a key column, some rows at a time.

    Args:
        progress: Called with the rows that were counted.
    """

    def __init__(self, progress: ProgressCallback | None = None) -> None:
        self._progress = progress
        self._rows = 0
        self._values: list[pa.Array] = []
        self._counts = [_NOTHING]

    def add(self, values: pa.Array | pa.ChunkedArray) -> None:
        """Count the next rows.

        Raises:
            InputError: They are lists, structs or the like.
        """
        # A call costs as much for a thousand rows as for many more: a few wait for others.
        if self._values and self._values[0].type != values.type:
            self._settle()
        self._values += values.chunks if isinstance(values, pa.ChunkedArray) else [values]
        if sum(map(len, self._values)) >= _GATHERED:
            self._settle()
        self._rows += len(values)
        if self._progress:
            self._progress("match keys", self._rows, None)

    def add_counts(self, counts: KeyCounts) -> None:
        """Add what was counted elsewhere."""
        self._counts.append(counts)
        total, *others = self._counts
        if sum(len(each.texts) for each in others) > max(_COMPACTED, len(total.texts)):
            self._counts = [_sum(self._counts)]

    def counts(self) -> KeyCounts:
        """All counts so far."""
        self._settle()
        if self._progress:
            self._progress("match keys", self._rows, self._rows)
        self._counts = [_sum(self._counts)]
        return self._counts[0]

    def _settle(self) -> None:
        if self._values:
            values, self._values = pa.chunked_array(self._values), []
            self.add_counts(_counted(values if values.num_chunks > 1 else values.chunk(0)))


def closed(values: Iterable[Any]) -> AbstractContextManager[object]:
    """Close a generator of values at the end of a block.

    Where what consumes it raises, the traceback would keep it, and the file that it reads, open.
    """
    return closing(values) if isinstance(values, Generator) else nullcontext()


_NOTHING = KeyCounts(pa.nulls(0, pa.string()), np.empty(0, np.int64))


def _counted(values: pa.Array | pa.ChunkedArray) -> KeyCounts:
    texts, indices = encode(values)
    places = indices.drop_null().to_numpy(zero_copy_only=False)
    rows, nulls = np.bincount(places, minlength=len(texts)), indices.null_count
    if texts.null_count:  # NaN, which is pandas' null
        is_null = np.asarray(texts.is_null().to_numpy(zero_copy_only=False))
        nulls += int(rows[is_null].sum())
        texts, rows = texts.drop_null(), rows[~is_null]
    return KeyCounts(texts, rows, nulls)


def _sum(counts: list[KeyCounts]) -> KeyCounts:
    encoded = pc.dictionary_encode(pa.concat_arrays([each.texts for each in counts]))
    # Whole numbers below 2^53 are added exactly.
    rows = np.bincount(
        encoded.indices.to_numpy(),
        weights=np.concatenate([each.rows for each in counts]),
        minlength=len(encoded.dictionary),
    )
    nulls = sum(each.null_rows for each in counts)
    return KeyCounts(encoded.dictionary, rows.astype(np.int64), nulls)
