"""The uploads that are under way from this machine, so that those of killed runs are found.

A store keeps the parts of an upload that was neither completed nor aborted, and bills them. Each
upload has a file here, which its run holds locked; the system releases the lock of a killed run.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import FileLock

FOLDER_VARIABLE = "MOSKIT_STATE"
"""The folder of the journal; ``moskit`` in the user's folder for such files by default."""


@dataclass
class Entry:
    """An upload under way.

    Attributes:
        url: Where the object was to be.
        upload_id: The store's name of the upload.
    """

    url: str
    upload_id: str
    _path: Path
    _lock: FileLock

    def close(self) -> None:
        """Strike the upload out: it is completed, or aborted."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        with suppress(OSError):
            Path(self._lock.lock_file).unlink(missing_ok=True)
        self._lock.release()


def enter(url: str, upload_id: str) -> Entry | None:
    """Enter an upload; None where this machine has no place for a journal."""
    from filelock import FileLock

    try:
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{secrets.token_hex(8)}.json"
        lock = FileLock(path.with_suffix(".lock"))
        lock.acquire(blocking=False)
        path.write_text(json.dumps({"url": url, "upload_id": upload_id}), encoding="utf-8")
    except OSError:
        return None
    return Entry(url, upload_id, path, lock)


def orphans() -> Iterator[Entry]:
    """Yield the uploads of runs that are gone; each is locked until it is closed or released."""
    from filelock import FileLock, Timeout

    for path in sorted(_folder().glob("*.json")):
        lock = FileLock(path.with_suffix(".lock"))
        with suppress(Timeout, OSError, ValueError, KeyError, TypeError):
            lock.acquire(blocking=False)
            try:
                stated = json.loads(path.read_text(encoding="utf-8"))
                yield Entry(str(stated["url"]), str(stated["upload_id"]), path, lock)
            finally:
                lock.release()


def _folder() -> Path:
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen, "uploads")
    state = os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
    return Path(state, "moskit", "uploads")
