"""Who is writing an output, and what a killed run has left of it.

The operating system releases a lock when its owner dies, so temporaries whose lock is free are
known to have no owner.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.record.hashing import TEMPORARY_PREFIX
from provenance.toolkit import OutputError

if TYPE_CHECKING:
    from filelock import FileLock

MARK_DIGITS = 16
"""Hexadecimal digits in a temporary's name that stand for its output."""

FORMER = "-former"
"""Ends the name of an old directory while the new one takes its place."""


def lock_output(target: Path, mark: str) -> FileLock:
    """Take the lock of an output, which says that a living run owns its temporaries.

    Raises:
        OutputError: Another run has it.
        OSError: No file can be made beside the output.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(lock_path(target.parent, mark), mode=lock_mode())
    for pause in (0.02, 0.05, 0.1, 0):
        try:
            lock.acquire(blocking=False)
        except Timeout:
            # A run that looks for leftovers holds it for a moment.
            time.sleep(pause)
            continue
        return lock
    # The lock's library waits as well where its file cannot be made at all, as in /proc.
    with tempfile.TemporaryFile(dir=target.parent):
        pass
    raise OutputError(
        "Another run is writing it at this moment",
        where=os.fspath(target),
        fix="Wait for that run to end, or choose another output",
        code="output.locked",
    )


def mark_of(name: str) -> str:
    """Return what stands for the output of this file name in the names of its temporaries."""
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:MARK_DIGITS]


def lock_mode() -> int:
    """Return the permissions of a lock file: who shares a folder may share its locks."""
    # The mask can only be read by setting it; meanwhile another thread's files are private.
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask | 0o600


def lock_path(folder: Path, mark: str) -> Path:
    """Return the lock file of the output that ``mark`` stands for."""
    return folder / f"{TEMPORARY_PREFIX}{mark}.lock"


def remove_leftovers(target: Path, own_mark: str) -> None:
    """Remove the temporaries beside ``target`` whose owner is gone: those whose lock is free."""
    from filelock import FileLock, Timeout

    folder = target.parent
    left = [path for path in folder.iterdir() if path.name.startswith(TEMPORARY_PREFIX)]
    for path in left:
        if path.name.startswith(f"{TEMPORARY_PREFIX}{own_mark}-"):
            if path.name.endswith(FORMER) and not target.exists():
                path.rename(target)  # the killed run had put it aside
            else:
                remove(path)
    marks = {path.name.removeprefix(TEMPORARY_PREFIX)[:MARK_DIGITS] for path in left}
    for mark in marks - {own_mark}:
        lock = FileLock(lock_path(folder, mark), mode=lock_mode())
        with suppress(Timeout, OSError):
            lock.acquire(blocking=False)
            try:
                for path in folder.iterdir():
                    begins = path.name.startswith(f"{TEMPORARY_PREFIX}{mark}-")
                    if begins and not path.name.endswith(FORMER):
                        remove(path)
                lock_path(folder, mark).unlink(missing_ok=True)
            finally:
                lock.release()


def remove(path: Path) -> None:
    """Remove a file or a directory, if it is there and may be removed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)
