"""What this process has read of objects, in local files with holes.

Each range of an object is downloaded once, however often it is read. A file that has no holes left
is a copy of the object, which readers of local files can open.
"""

from __future__ import annotations

import atexit
import io
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from provenance.stores.parts import coalesced, downloaded
from provenance.stores.registry import storage_of
from provenance.toolkit.errors import show_instead

if TYPE_CHECKING:
    from provenance.stores.protocol import ObjectStat

_TAIL_BYTES = 64 << 10
"""Whoever reads the last bytes of an object reads more in front of them next: a footer."""

_FRESH_SECONDS = 2.0
"""How long a description of an object is good for opening it. Reading it checks its ETag."""

_FOLDER_PREFIX = "moskit-objects-"


class Shadow:
    """The bytes of one object that were read so far.

    Args:
        stat: The object.
        path: The local file, not yet there.
    """

    def __init__(self, stat: ObjectStat, path: Path) -> None:
        self.stat = stat
        self.path = path
        self._have: list[tuple[int, int]] = []
        self._lock = Lock()
        with path.open("wb") as file:
            file.truncate(stat.size)

    @property
    def whole(self) -> bool:
        """Whether all bytes were read."""
        return not self._missing(0, self.stat.size)

    def fetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Download what is missing of some ranges, several at a time.

        Raises:
            InputError: The object cannot be read, or has changed.
        """
        with self._lock:
            missing = [hole for start, stop in ranges for hole in self._missing(start, stop)]
            if not missing:
                return
            wanted = coalesced(missing)
            with self.path.open("r+b") as file:
                for position, data in downloaded(storage_of(self.stat.url), self.stat, wanted):
                    file.seek(position)
                    file.write(data)
            self._have = _merged([*self._have, *wanted])

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` up to ``stop``, downloaded where they are missing."""
        first = (
            min(start, max(0, self.stat.size - _TAIL_BYTES)) if stop == self.stat.size else start
        )
        self.fetch([(first, stop)])
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(stop - start)

    def fetch_all(self) -> Path:
        """Download what is missing, and return the local copy.

        Errors about the copy name the object.
        """
        self.fetch([(0, self.stat.size)])
        show_instead(os.fspath(self.path), self.stat.url)
        return self.path

    def _missing(self, start: int, stop: int) -> list[tuple[int, int]]:
        holes = []
        for first, last in self._have:
            if last <= start:
                continue
            if first >= stop:
                break
            if first > start:
                holes.append((start, first))
            start = max(start, last)
        if start < stop:
            holes.append((start, stop))
        return holes


class RangedFile(io.RawIOBase):
    """An object, open for reading: each range is downloaded when it is read."""

    def __init__(self, shadow: Shadow) -> None:
        super().__init__()
        self._shadow = shadow
        self._position = 0
        self.name = shadow.stat.url

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, origin: int = os.SEEK_SET) -> int:
        """Move to a position, and return it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._shadow.stat.size}
        self._position = max(0, base[origin] + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the object goes, and return how many bytes came."""
        view = memoryview(buffer).cast("B")
        stop = min(self._position + len(view), self._shadow.stat.size)
        count = max(0, stop - self._position)
        if count:
            view[:count] = self._shadow.read(self._position, stop)
            self._position = stop
        return count

    def readall(self) -> bytes:
        """Return the rest."""
        data = self._shadow.read(self._position, self._shadow.stat.size)
        self._position = self._shadow.stat.size
        return data


class Shadows:
    """The objects that this process knows, by URL."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stats: dict[str, tuple[float, ObjectStat | None]] = {}
        self._shadows: dict[str, Shadow] = {}
        self._origins: dict[str, str] = {}
        self._folder: Path | None = None
        self._number = 0

    def stat(self, url: str, *, fresh: bool = True) -> ObjectStat | None:
        """Return what is at ``url``, or None.

        Args:
            url: An object's URL.
            fresh: Ask the store, even if it was asked a moment ago.
        """
        known = self._stats.get(url)
        if fresh or known is None or time.monotonic() - known[0] > _FRESH_SECONDS:
            known = time.monotonic(), storage_of(url).stat(url)
            self._stats[url] = known
        return known[1]

    def learn(self, stat: ObjectStat) -> None:
        """Take a description that came from a listing or from publishing an object."""
        self._stats[stat.url] = time.monotonic(), stat

    def drop(self, url: str) -> None:
        """Forget an object, and remove what was read of it."""
        with self._lock:
            self._stats.pop(url, None)
            shadow = self._shadows.pop(url, None)
        if shadow is not None:
            self._origins.pop(os.fspath(shadow.path), None)
            with suppress(OSError):
                shadow.path.unlink()

    def shadow(self, url: str) -> Shadow:
        """Return what was read so far of the object that is at ``url`` now.

        Raises:
            FileNotFoundError: Nothing is there.
        """
        stat = self.stat(url, fresh=False)
        if stat is None:
            raise FileNotFoundError(2, "There is no such object", url)
        with self._lock:
            shadow = self._shadows.get(url)
            if shadow is None or _identity(shadow.stat) != _identity(stat):
                self._number += 1
                if self._folder is None:
                    self._folder = _temporary_folder()
                folder = self._folder / str(self._number)
                folder.mkdir()
                # A reader may go by the suffix.
                shadow = Shadow(stat, folder / url.rpartition("/")[2])
                self._shadows[url] = shadow
                self._origins[os.fspath(shadow.path)] = url
            return shadow

    def known_copy(self, url: str) -> Path | None:
        """Return the local copy of an object if all of it was read."""
        shadow = self._shadows.get(url)
        known = self._stats.get(url)
        if shadow is None or known is None or known[1] is None or not shadow.whole:
            return None
        return shadow.path if _identity(shadow.stat) == _identity(known[1]) else None

    def origin(self, path: str) -> str | None:
        """Return the URL whose local copy a path is, or None."""
        return self._origins.get(path)


def shadows() -> Shadows:
    """Return the objects that this process knows; a forked process begins with none."""
    return _shadows_of(os.getpid())


@cache
def _shadows_of(pid: int) -> Shadows:
    return Shadows()


def _identity(stat: ObjectStat) -> tuple[int, str]:
    return stat.size, stat.etag


def _merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(stop, found[-1][1]))
        else:
            found.append((start, stop))
    return found


def _temporary_folder() -> Path:
    """Make a folder that goes when this process ends, and remove those of killed processes."""
    from filelock import FileLock, Timeout

    above = Path(tempfile.gettempdir())
    for left in above.glob(f"{_FOLDER_PREFIX}*"):
        with suppress(Timeout, OSError), FileLock(left / "lock", blocking=False):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX))
    lock = FileLock(folder / "lock")
    lock.acquire()

    def remove() -> None:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder
