"""Files that are hashed as they are written."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

if TYPE_CHECKING:
    from provenance import Digest

CHUNK = 1 << 20

_HASHED_ASIDE = 1 << 16
"""Writes of at least this many bytes are hashed by a thread of their own; fewer are done sooner."""


class HashedWriter:
    """A binary file for writing that knows the SHA-256 and size of what it got.

    Args:
        path: The file, replaced where it exists.
        digests: False leaves the hashing out.
    """

    def __init__(self, path: Path, *, digests: bool = True) -> None:
        self._file: BinaryIO = path.open("wb")
        self._state = hashlib.sha256() if digests else None
        self._hasher: ThreadPoolExecutor | None = None
        self.size = 0
        self.closed = False

    def write(self, data: Any) -> int:
        """Append ``data``, which is any bytes-like object and the caller's again on return."""
        view = memoryview(data)
        if self._state is None:
            self._file.write(view)
        elif view.nbytes < _HASHED_ASIDE:
            self._state.update(view)
            self._file.write(view)
        else:
            self._hasher = self._hasher or ThreadPoolExecutor(1, "hash")
            hashed = self._hasher.submit(self._state.update, view)
            try:
                self._file.write(view)
            finally:
                hashed.result()
        self.size += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        """The number of bytes written so far."""
        return self.size

    def flush(self) -> None:
        """Nothing: closing flushes."""

    def digest(self) -> Digest | None:
        """The digest of all bytes so far."""
        return None if self._state is None else make_digest(self._state.hexdigest(), self.size)

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self.closed = True
            if self._hasher is not None:
                self._hasher.shutdown()
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


class HashedReader:
    """A binary file, read once from front to end, that knows the digest of what it gave.

    Args:
        path: The file.
        digests: False leaves the hashing out.
    """

    def __init__(self, path: Path, *, digests: bool = True) -> None:
        self._file = path.open("rb", buffering=0)
        self._state = hashlib.sha256() if digests else None
        self._unread = b""
        self.size = 0

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` with the next bytes, or its front with fewer; 0 at the end."""
        if self._unread:
            count = min(len(self._unread), len(buffer))
            buffer[:count], self._unread = self._unread[:count], self._unread[count:]
            return count
        count = self._file.readinto(buffer)
        if self._state is not None:
            self._state.update(buffer[:count])
        self.size += count
        return count

    def skip(self, mark: bytes) -> bool:
        """Skip ``mark`` where the file begins with it, and say whether it does."""
        data = self._file.read(len(mark))
        if self._state is not None:
            self._state.update(data)
        self.size += len(data)
        self._unread = b"" if data == mark else data
        return data == mark

    def digest(self) -> Digest | None:
        """The digest of all bytes so far."""
        return None if self._state is None else make_digest(self._state.hexdigest(), self.size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()


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
