"""Files that are hashed as they are written."""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

if TYPE_CHECKING:
    from provenance import Digest

CHUNK = 1 << 20

_MOST_PENDING = 2
"""Pieces that wait to be hashed; more would only take memory."""


_WORTH_A_THREAD = 1 << 16
"""Bytes from which hashing takes longer than handing them to another thread."""


class AsideHash:
    """SHA-256 and size of data that comes in order, hashed by a thread of its own."""

    def __init__(self) -> None:
        self._state = hashlib.sha256()
        self._pool = ThreadPoolExecutor(1, "hash")
        self._pending: deque[Future[None]] = deque()
        self._size = 0

    def update(self, data: Any) -> None:
        """Append ``data``, bytes-like, which nobody changes until :meth:`settle`."""
        self._size += len(data)
        if len(data) < _WORTH_A_THREAD and not self._pending:
            self._state.update(data)
            return
        self._pending.append(self._pool.submit(self._state.update, data))
        if len(self._pending) > _MOST_PENDING:
            self._pending.popleft().result()

    def settle(self) -> None:
        """Wait until all data is hashed."""
        while self._pending:
            self._pending.popleft().result()

    def digest(self) -> Digest:
        """The digest of all data so far."""
        self.settle()
        return make_digest(self._state.hexdigest(), self._size)

    def close(self) -> None:
        """Hash no more."""
        # Not for the thread's end: the garbage collector may be who closes this.
        wait([future for future in self._pending if not future.cancel()])
        self._pool.shutdown(wait=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class HashedWriter:
    """A binary file for writing that knows the SHA-256 and size of what it got.

    Args:
        path: The file, replaced where it exists.
        digests: False leaves the hashing out.
    """

    def __init__(self, path: Path, *, digests: bool = True) -> None:
        self._file: BinaryIO = path.open("wb")
        self._hash = AsideHash() if digests else None
        self.size = 0
        self.closed = False

    def write(self, data: Any) -> int:
        """Append ``data``, which is any bytes-like object and the caller's again on return."""
        size = self.append(data)
        if self._hash is not None:
            self._hash.settle()
        return size

    def append(self, data: Any) -> int:
        """Append ``data``, any bytes-like object that nobody changes: it is hashed meanwhile."""
        view = memoryview(data).cast("B")
        if self._hash is not None:
            self._hash.update(view)
        self._file.write(view)
        self.size += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        """The number of bytes written so far."""
        return self.size

    def flush(self) -> None:
        """Nothing: closing flushes."""

    def digest(self) -> Digest | None:
        """The digest of all bytes so far."""
        return None if self._hash is None else self._hash.digest()

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self.closed = True
            if self._hash is not None:
                self._hash.close()
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def make_digest(sha256: str, size: int) -> Digest:
    """A :class:`provenance.Digest`."""
    from provenance import Digest

    return Digest(sha256, size)


def digest_of(path: Path) -> Digest:
    """The digest of a file."""
    with path.open("rb") as file:
        state = hashlib.file_digest(file, "sha256")
        return make_digest(state.hexdigest(), file.tell())


def fed(state: Any, file: BinaryIO) -> Any:
    """The hash object ``state``, fed the rest of ``file``."""
    while chunk := file.read(CHUNK):
        state.update(chunk)
    return state
