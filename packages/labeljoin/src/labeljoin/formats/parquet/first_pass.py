"""The first pass over a parquet file, which hashes the file while its keys are read."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import CancelledError, ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple

from provenance.stores import ObjectPath
from provenance.toolkit import InputError

from labeljoin.formats.base import FirstPass
from labeljoin.formats.hashing import CHUNK, make_digest, update_from
from labeljoin.formats.parquet.footer import read_footer

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.record import Digest

    from labeljoin.formats.table import Table

_USUAL_MEMORY = 8 << 30


class Hashed(NamedTuple):
    """SHA-256 of a file, and of its front.

    ``front`` is the hash object of the bytes before the footer, ``digest`` is that of the whole
    file.
    """

    front: Any
    digest: Digest


class ParquetPass(FirstPass):
    """Reads the keys of a parquet file while a thread hashes all of it.

    Nothing is hashed if the file is too large to be still in memory when it is copied, or is an
    object in a store.

    Args:
        table: The table, one file.
    """

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._stopped = Event()
        self._pool: ThreadPoolExecutor | None = None
        if not isinstance(table.path, ObjectPath) and _stays_in_memory(table.path):
            self._pool = ThreadPoolExecutor(1, "hash")
            self._hashed = self._pool.submit(self._hash)

    @property
    def hashing(self) -> bool:
        """Whether the file is hashed."""
        return self._pool is not None

    def hashes(self) -> Hashed | None:
        """Return the hashes when they are there, or None if none are taken.

        Raises:
            OSError: The file cannot be read.
        """
        return self._hashed.result() if self.hashing else None

    def digest(self) -> Digest | None:
        """Return the digest of the file, or None if it is hashed when it is copied."""
        hashed = self.hashes()
        return None if hashed is None else hashed.digest

    def close(self) -> None:
        """Stop hashing, if nobody has waited for the result."""
        self._stopped.set()
        if self._pool is not None:
            self._pool.shutdown()

    def _hash(self) -> Hashed:
        path = self.table.path
        with path.open("rb") as file:
            try:
                footer_start, _ = read_footer(file, path)
            except InputError:  # reading the file raises it again
                footer_start = os.fstat(file.fileno()).st_size
            front = hashlib.sha256()
            file.seek(0)
            for start in range(0, footer_start, CHUNK):
                if self._stopped.is_set():
                    raise CancelledError
                front.update(file.read(min(CHUNK, footer_start - start)))
            whole = update_from(front.copy(), file)
            return Hashed(front, make_digest(whole.hexdigest(), file.tell()))


def _stays_in_memory(path: Path) -> bool:
    """Whether the system will still have the file's bytes in memory when it has been read once.

    Then hashing and copying apart costs less than one pass; else it reads the disk twice.
    """
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        memory = _USUAL_MEMORY
    return path.stat().st_size <= memory // 4
