"""Removing what killed runs have left: temporary files, and locks that nobody holds.

The next run that writes into a folder does the same for that folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from provenance.record.hashing import TEMPORARY_PREFIX, missing_file
from provenance.run.locks import FORMER, MARK_DIGITS, lock_mode, lock_path, mark_of, remove

if TYPE_CHECKING:
    from provenance.documents import CleaningDocument, LeftoverDocument

_NAME = re.compile(
    re.escape(TEMPORARY_PREFIX)
    + rf"(?P<mark>[0-9a-f]{{{MARK_DIGITS}}})(?P<rest>\.lock|-[0-9a-f]{{8}}.*)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Leftover:
    """A file or folder that a run has made for itself.

    Attributes:
        path: Where it is.
        kind: ``former`` is the old folder of an output, put aside while the new one took its place.
        size: Its bytes.
        kept: Why it stays; None where it is removed.
        failed: Whether it stays because it cannot be removed.
    """

    path: Path
    kind: Literal["temporary", "lock", "former"]
    size: int
    kept: str | None = None
    failed: bool = False

    def to_document(self) -> LeftoverDocument:
        """Return the leftover as cleaning documents have it."""
        return {
            "path": os.fspath(self.path),
            "kind": self.kind,
            "bytes": self.size,
            "kept": self.kept,
        }


@dataclass(frozen=True)
class Cleaning:
    """The outcome of :func:`clean`.

    Attributes:
        leftovers: What was found, in the order of the paths.
        dry_run: Whether nothing was removed, but only looked for.
    """

    leftovers: tuple[Leftover, ...]
    dry_run: bool

    def to_document(self) -> CleaningDocument:
        """Return the outcome as a ``provenance-cleaning-v1`` document."""
        return {
            "schema": "provenance-cleaning-v1",
            "status": "failed" if any(item.failed for item in self.leftovers) else "ok",
            "dry_run": self.dry_run,
            "leftovers": [item.to_document() for item in self.leftovers],
        }


def clean(
    paths: Sequence[os.PathLike[str] | str] | os.PathLike[str] | str, *, dry_run: bool = False
) -> Cleaning:
    """Remove the temporary files and locks of killed runs; those of living runs are not touched.

    The operating system releases the lock of a run when the run ends, however it ends. What belongs
    to an output whose lock is free therefore has no owner.

    Args:
        paths: Folders, which are searched with all folders below, or outputs, whose own leftovers
            are removed. Links are not followed.
        dry_run: Say what would be removed, and remove nothing.

    Returns:
        What was found. What cannot be removed is marked in it and is no exception.

    Raises:
        InputError: There is neither such a file nor a folder that it would be in.

    Example:
        >>> from pathlib import Path
        >>> left = Path(".moskit-0123456789abcdef-89abcdef.csv")
        >>> _ = left.write_text("half a tab")
        >>> [item.path.name for item in clean(".").leftovers]
        ['.moskit-0123456789abcdef-89abcdef.csv']
        >>> left.exists()
        False
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    seen: dict[Path, Leftover] = {}
    for folder, mark in [pair for path in given for pair in _places(Path(path))]:
        for item in _clean_output(folder, mark, dry_run=dry_run):
            seen.setdefault(item.path, item)
    return Cleaning(tuple(seen[path] for path in sorted(seen)), dry_run)


def _places(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the folders with leftovers, and the marks of the outputs that these are of."""
    own = _NAME.fullmatch(path.name)
    if path.is_dir() and not own:
        for folder, folders, files in os.walk(path):
            found = [_NAME.fullmatch(name) for name in (*folders, *files)]
            folders[:] = sorted(name for name in folders if not _NAME.fullmatch(name))
            for mark in sorted({match["mark"] for match in found if match}):
                yield Path(folder), mark
        return
    if not path.parent.is_dir():
        raise missing_file(path)
    yield path.parent, own["mark"] if own else mark_of(path.resolve().name)


def _clean_output(folder: Path, mark: str, *, dry_run: bool) -> Iterator[Leftover]:
    """Yield the leftovers of one output, removed where they may be."""
    found = list(_leftovers(folder, mark))
    if not found:
        return
    with _ownership(folder, mark, dry_run=dry_run) as owner:
        for path, rest in found:
            kind: Literal["temporary", "lock", "former"] = "temporary"
            kept = owner
            if rest == ".lock":
                kind = "lock"
            elif rest.endswith(FORMER):
                kind = "former"
                if kept is None and not _has_output(folder, mark):
                    kept = "the old folder of an output; the output's next run puts it back"
            if not os.path.lexists(path):
                continue  # its run has ended meanwhile
            size = _size(path)
            if kept is None and not dry_run:
                remove(path)
                if os.path.lexists(path):
                    yield Leftover(path, kind, size, "it cannot be removed", failed=True)
                    continue
            yield Leftover(path, kind, size, kept)


@contextmanager
def _ownership(folder: Path, mark: str, *, dry_run: bool) -> Iterator[str | None]:
    """Hold the lock of an output; yield None, or why it cannot be had."""
    from filelock import FileLock, Timeout

    place = lock_path(folder, mark)
    is_new = not place.exists()
    if is_new and dry_run:
        yield None  # whoever writes holds a lock
        return
    lock = FileLock(place, mode=lock_mode())
    try:
        lock.acquire(blocking=False)
    except Timeout:
        yield "a run is writing it"
        return
    except OSError as error:
        yield f"its lock cannot be taken: {error.strerror or error}"
        return
    try:
        yield None
    finally:
        if is_new:
            remove(place)
        lock.release()


def _leftovers(folder: Path, mark: str) -> Iterator[tuple[Path, str]]:
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return
    for path in paths:
        match = _NAME.fullmatch(path.name)
        if match and match["mark"] == mark:
            yield path, match["rest"]


def _has_output(folder: Path, mark: str) -> bool:
    return any(mark_of(path.name) == mark for path in folder.iterdir())


def _size(path: Path) -> int:
    if path.is_dir() and not path.is_symlink():
        return sum(
            Path(folder, name).lstat().st_size
            for folder, _, names in os.walk(path)
            for name in names
        )
    return path.lstat().st_size
