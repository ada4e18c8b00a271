"""A parquet file that is hashed while something else is read of it."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple

from provenance.toolkit import InputError

from labeljoin.formats.hashing import CHUNK, fed, make_digest
from labeljoin.formats.parquet.footer import read_footer

if TYPE_CHECKING:
    from provenance.record import Digest


class Hashed(NamedTuple):
    """SHA-256 of a file, and of its front.

    ``front`` is the hash object fed with the bytes before the footer, ``digest`` is that of the
    whole file.
    """

    front: Any
    digest: Digest


class HashAhead:
    """Hashes a parquet file by a thread of its own, from now on.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stopped = Event()
        self._pool = ThreadPoolExecutor(1, "hash")
        self._hashed = self._pool.submit(self._hash)

    def result(self) -> Hashed:
        """The hashes, waited for.

        Raises:
            OSError: The file cannot be read.
        """
        return self._hashed.result()

    def close(self) -> None:
        """Stop, where nobody has waited for the hashes."""
        self._stopped.set()
        self._pool.shutdown()

    def _hash(self) -> Hashed:
        with self._path.open("rb") as file:
            try:
                footer_start, _ = read_footer(file, self._path)
            except InputError:  # whoever reads the file will say so
                footer_start = os.fstat(file.fileno()).st_size
            front = hashlib.sha256()
            file.seek(0)
            for start in range(0, footer_start, CHUNK):
                if self._stopped.is_set():
                    raise CancelledError
                front.update(file.read(min(CHUNK, footer_start - start)))
            whole = fed(front.copy(), file)
            return Hashed(front, make_digest(whole.hexdigest(), file.tell()))
