"""Where bytes are now: at their recorded path, or elsewhere below some roots by their digest."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.record.hashing import Digest, hash_directory, hash_file
from provenance.record.search import files_below
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from provenance.record.entry import FileEntry
    from provenance.toolkit import ProgressCallback


class FileFinder:
    """Hashes each file once, and finds files below the roots by size and digest.

    Args:
        roots: Folders to search in and below.
        progress: Called while files are hashed.
        allows: Whether a path may be read; the others count as absent.
    """

    def __init__(
        self,
        roots: Sequence[os.PathLike[str] | str],
        progress: ProgressCallback | None = None,
        *,
        allows: Callable[[Path], bool] = lambda path: True,
    ) -> None:
        self._allows = allows
        self._roots = [Path(root).absolute() for root in roots]
        self._progress = progress
        self._digests: dict[Path, Digest | None] = {}
        self._by_size: dict[int, list[Path]] | None = None

    def digest(self, path: Path) -> Digest | None:
        """Return the digest of what is at ``path`` now, or None.

        Raises:
            InputError: It is there and cannot be read.
        """
        if path not in self._digests:
            if not self._allows(path):
                digest: Digest | None = None
            elif path.is_dir():
                digest = hash_directory(path, progress=self._progress)
            elif path.exists():
                digest = hash_file(path, progress=self._progress)
            else:
                digest = None
            self._digests[path] = digest
        return self._digests[path]

    def holds(self, path: Path, sha256: str) -> bool:
        """Return whether the bytes of this digest are at ``path``."""
        try:
            digest = self.digest(path)
        except InputError:
            return False  # unreadable, or a device: not the file that is looked for
        return digest is not None and digest.sha256 == sha256

    def locate(self, entry: FileEntry, *, near: Iterable[Path] = ()) -> Path | None:
        """Return where the bytes are: at the entry's path, one of ``near``, or below the roots."""
        if entry.digest is None:
            return None
        if self.holds(entry.path, entry.digest.sha256):
            return entry.path
        for path in (*near, *self._candidates(entry)):
            if path.is_dir() == entry.directory and self.holds(path, entry.digest.sha256):
                return path
        return None

    def _candidates(self, entry: FileEntry) -> list[Path]:
        assert entry.digest is not None
        if entry.directory:
            return [
                path
                for root in self._roots
                for path in sorted(root.rglob(_glob_literal(entry.path.name)))
                if path.is_dir()
            ]
        if self._by_size is None:
            self._by_size = {}
            for path in files_below(self._roots):
                try:
                    self._by_size.setdefault(path.stat().st_size, []).append(path)
                except OSError:
                    continue  # a dangling link, or gone since
        return self._by_size.get(entry.digest.size, [])


def _glob_literal(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
