"""The distinct values of a key column and how many rows have each: all that a join must count."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labeljoin.keys import encode

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from provenance.command import ProgressCallback

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
    def of(
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
        gathered = _gathered(_reported(values, progress))
        with closed(values), closing(gathered):
            return cls.merged(_counted(some) for some in gathered)

    @classmethod
    def merged(cls, counts: Iterable[KeyCounts]) -> KeyCounts:
        """What several counts, of the parts of a table in their order, come to together."""
        total, pending = _NOTHING, list[KeyCounts]()
        for some in counts:
            pending.append(some)
            if sum(len(each.texts) for each in pending) > max(_COMPACTED, len(total.texts)):
                total, pending = _sum([total, *pending]), []
        return _sum([total, *pending])


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


def _reported(
    values: Iterable[pa.Array | pa.ChunkedArray], progress: ProgressCallback | None
) -> Generator[pa.Array | pa.ChunkedArray]:
    rows = 0
    for some in values:
        yield some
        rows += len(some)
        if progress:
            progress("match keys", rows, None)
    if progress:
        progress("match keys", rows, rows)


def _gathered(
    values: Iterable[pa.Array | pa.ChunkedArray],
) -> Generator[pa.Array | pa.ChunkedArray]:
    """``values`` in fewer pieces: a call costs as much for a thousand rows as for many more."""
    pending: list[pa.Array] = []
    for some in values:
        gathers = isinstance(some, pa.Array) and pa.types.is_string(some.type)
        if gathers:
            pending.append(some)
        if pending and (not gathers or sum(map(len, pending)) >= _GATHERED):
            yield pa.concat_arrays(pending)
            pending = []
        if not gathers:
            yield some
    if pending:
        yield pa.concat_arrays(pending)
