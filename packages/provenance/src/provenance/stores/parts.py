"""How an object is cut into parts: within what stores allow, and few enough to be quick."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provenance.stores.protocol import ObjectStat, Storage

MIB = 1 << 20
LEAST_PART = 5 * MIB
"""The least size of a part that is not the last one."""
LARGEST_PART = 5 << 30
MOST_PARTS = 10_000

READ_BYTES = 8 * MIB
"""Downloads are cut into ranges of this size, several of which are on their way at a time."""
CONNECTIONS = 8
"""How many ranges or parts are on their way at a time."""

_GAP = 64 << 10
"""Two ranges with less than this between them are read as one: a request costs more."""


def cut(start: int, stop: int, usual: int, most: int) -> list[tuple[int, int]]:
    """Cut a range into parts of at least :data:`LEAST_PART` bytes each.

    Args:
        start: Where the range begins.
        stop: Where it ends.
        usual: The size of a part; larger where there would be more than ``most``.
        most: How many parts there may be.

    Raises:
        ValueError: Parts would have to be larger than stores take, or the range is smaller than a
            part may be.

    Example:
        >>> cut(0, 100 * MIB, 48 * MIB, 9)
        [(0, 50331648), (50331648, 104857600)]
    """
    size = stop - start
    if size < LEAST_PART:
        raise ValueError(f"{size} bytes are fewer than a part may have")
    step = max(usual, -(-size // most))
    edges = list(range(start, stop, step))
    if len(edges) > 1 and stop - edges[-1] < LEAST_PART:
        edges.pop()  # the last piece is too small to be a part of its own
    found = list(zip(edges, [*edges[1:], stop], strict=True))
    if any(last - first > LARGEST_PART for first, last in found):
        raise ValueError(f"{size} bytes are more than {most} parts may have")
    return found


def coalesced(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join ranges that overlap or nearly touch.

    Example:
        >>> coalesced([(200_000, 300_000), (0, 10), (5, 20), (30_000, 40_000)])
        [(0, 40000), (200000, 300000)]
    """
    found: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if found and start - found[-1][1] < _GAP:
            found[-1] = (found[-1][0], max(stop, found[-1][1]))
        else:
            found.append((start, stop))
    return found


def downloaded(
    storage: Storage, stat: ObjectStat, ranges: Iterable[tuple[int, int]]
) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes of some ranges of an object in order, with their positions.

    Several requests are on their way at a time; no more is held in memory than they bring.

    Raises:
        InputError: The object cannot be read, or has changed.
    """
    pieces = (
        (first, min(first + READ_BYTES, stop))
        for start, stop in ranges
        for first in range(start, stop, READ_BYTES)
    )
    pool = ThreadPoolExecutor(CONNECTIONS, "download")
    coming: list[tuple[int, Future[bytes]]] = []
    try:
        for first, last in pieces:
            coming.append((first, pool.submit(storage.read, stat, first, last)))
            if len(coming) == CONNECTIONS:
                position, future = coming.pop(0)
                yield position, future.result()
        for position, future in coming:
            yield position, future.result()
    finally:
        pool.shutdown(cancel_futures=True)
