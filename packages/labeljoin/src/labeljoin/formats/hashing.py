"""Files that are hashed as they are written."""

from __future__ import annotations

import hashlib
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from provenance.record import Digest

CHUNK = 1 << 20


class HashedWriter:
    """A binary file for writing that knows the SHA-256 and size of what it got.

    Args:
        path: The file, replaced where it exists.
        digests: False leaves the hashing out.
    """

    def __init__(self, path: Path, *, digests: bool = True) -> None:
        self._file: BinaryIO = path.open("wb")
        self._hash = hashlib.sha256() if digests else None
        self.size = 0
        self.closed = False

    def write(self, data: Any) -> int:
        """Append ``data``, which is any bytes-like object."""
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
        return None if self._hash is None else make_digest(self._hash.hexdigest(), self.size)

    def close(self) -> None:
        """Close the file."""
        self.closed = True
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
    """A :class:`provenance.record.Digest`."""
    from provenance.record import Digest

    return Digest(sha256, size)


def digest_of(path: Path) -> Digest:
    r"""The digest of a file.

    Examples:
        >>> from pathlib import Path
        >>> _ = Path("f.csv").write_text("clip\n")
        >>> digest_of(Path("f.csv")).size
        5
    """
    with path.open("rb") as file:
        state = hashlib.file_digest(file, "sha256")
        return make_digest(state.hexdigest(), file.tell())


def update_from(state: Any, file: IO[bytes]) -> Any:
    """Update the hash object ``state`` with the rest of ``file``, and return it."""
    while chunk := file.read(CHUNK):
        state.update(chunk)
    return state
