"""SHA-256 digests of files in one pass, several at once, and of directories by relative path."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from provenance.stores import ObjectPath, as_path
from provenance.toolkit import InputError
from provenance.toolkit.process.machine import processors

if TYPE_CHECKING:
    from provenance.toolkit import ProgressCallback

CHUNK_BYTES = 1 << 20
TEMPORARY_PREFIX = ".moskit-"
"""Names that begin so are a run's temporaries and locks; digests of directories pass over them."""


@dataclass(frozen=True)
class Digest:
    """What identifies some bytes.

    Attributes:
        sha256: SHA-256 as 64 lower-case hexadecimal digits.
        size: Number of bytes.
    """

    sha256: str
    size: int


@dataclass(frozen=True)
class DirectoryDigest(Digest):
    """The digest of a directory, and of each file in it.

    Attributes:
        files: Digest of each file by its relative path with ``/`` separators, sorted by path bytes.
    """

    files: tuple[tuple[str, Digest], ...] = ()


def hash_file(path: os.PathLike[str] | str, *, progress: ProgressCallback | None = None) -> Digest:
    """Digest one file in one pass.

    Args:
        path: A regular file, or an object, which is downloaded.
        progress: Called after every MiB with bytes done and the file's size.

    Raises:
        InputError: The file is missing or unreadable, or it is a device or a pipe.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("empty").write_bytes(b"")
        >>> hash_file("empty")
        Digest(sha256='e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', size=0)
    """
    given = as_path(path)
    if isinstance(given, ObjectPath):
        path = given.fetch_all()
    try:
        _refuse_special(path)
        with Path(path).open("rb", buffering=0) as stream:
            total = os.fstat(stream.fileno()).st_size
            state, buffer, done = hashlib.sha256(), bytearray(CHUNK_BYTES), 0
            view = memoryview(buffer)
            while count := stream.readinto(buffer):
                state.update(view[:count])
                done += count
                if progress:
                    progress("hash", done, total)
    except OSError as error:
        raise unreadable(path, error) from error
    return Digest(state.hexdigest(), done)


def hash_prefix(path: os.PathLike[str] | str, size: int) -> Digest:
    """Digest the first ``size`` bytes of a file, or all of them if it is shorter."""
    try:
        _refuse_special(path)
        with Path(path).open("rb", buffering=0) as stream:
            state, left = hashlib.sha256(), size
            while left and (chunk := stream.read(min(left, CHUNK_BYTES))):
                state.update(chunk)
                left -= len(chunk)
    except OSError as error:
        raise unreadable(path, error) from error
    return Digest(state.hexdigest(), size - left)


def hash_files(
    paths: Iterable[os.PathLike[str] | str], *, progress: ProgressCallback | None = None
) -> list[Digest]:
    """Digest several files at once, in threads (SHA-256 runs outside the interpreter lock).

    Args:
        paths: Regular files.
        progress: Called as the files are read, with bytes done and total over all of them.

    Returns:
        One digest for each path, in order.

    Raises:
        InputError: A file is missing or unreadable.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("a").write_bytes(b"1"), Path("b").write_bytes(b"22")
        >>> [digest.size for digest in hash_files(["a", "b"])]
        [1, 2]
    """
    targets = [as_path(path) for path in paths]
    if len(targets) == 1:
        return [hash_file(targets[0], progress=progress)]
    meter = _Meter(progress, targets) if progress else None

    def hash_one(path: Path) -> Digest:
        return hash_file(path, progress=None if meter is None else meter.file())

    with ThreadPoolExecutor(max_workers=min(len(targets), processors()) or 1) as pool:
        return list(pool.map(hash_one, targets))


def hash_directory(
    path: os.PathLike[str] | str,
    *,
    known: Mapping[str, Digest] | None = None,
    progress: ProgressCallback | None = None,
) -> DirectoryDigest:
    r"""Digest a directory by the digests of its files in the order of their relative paths.

    The digest is that of the text which ``sha256sum`` prints for the sorted relative paths, so it
    can be had without this program (as "h1" of Go's ``dirhash`` package)::

        cd DIR; find -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum

    Names, times and modes of the directory itself do not count; empty directories do not either.
    Symbolic links to files count as the files that they point to.

    Args:
        path: A directory.
        known: Digests of files, by relative path, that were taken while they were read or written.
        progress: Called as the files are read, with bytes done and total over all of them.

    Raises:
        InputError: The directory or a file in it is missing or unreadable.

    Example:
        >>> Path("parts").mkdir()
        >>> _ = Path("parts/a.csv").write_bytes(b"1")
        >>> [name for name, digest in hash_directory("parts").files]
        ['a.csv']
    """
    root, known = Path(path), known or {}
    names = sorted(directory_files(root), key=os.fsencode)
    fresh = [name for name in names if name not in known]
    digests = dict(known)
    digests.update(
        zip(fresh, hash_files([root / n for n in fresh], progress=progress), strict=True)
    )
    return combine_digests((name, digests[name]) for name in names)


def combine_digests(files: Iterable[tuple[str, Digest]]) -> DirectoryDigest:
    """Return the digest of a directory from the digests of its files by relative path.

    Example:
        >>> whole = combine_digests([("b", Digest("1" * 64, 3)), ("a", Digest("2" * 64, 4))])
        >>> whole.size, [name for name, digest in whole.files]
        (7, ['a', 'b'])
    """
    listed = tuple(sorted(files, key=lambda item: os.fsencode(item[0])))
    state = hashlib.sha256()
    for name, digest in listed:
        raw = os.fsencode(name)
        # sha256sum escapes such names and marks the line, so that every line is one file.
        if any(byte in raw for byte in b"\\\n\r"):
            raw = raw.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
            state.update(b"\\")
        state.update(digest.sha256.encode() + b"  " + raw + b"\n")
    return DirectoryDigest(state.hexdigest(), sum(digest.size for _, digest in listed), listed)


def directory_files(root: Path) -> Iterator[str]:
    """Relative paths, with ``/`` separators, of all files below ``root`` but a run's temporaries.

    Raises:
        InputError: A folder is unreadable, or is linked into itself.
    """
    if isinstance(root, ObjectPath):
        yield from root.names_below()
        return
    try:
        yield from _walk(root, "", (root.resolve(),))
    except OSError as error:
        raise unreadable(error.filename or root, error) from error


def _walk(folder: Path, prefix: str, above: tuple[Path, ...]) -> Iterator[str]:
    with os.scandir(folder) as entries:
        found = list(entries)
    for entry in found:
        if entry.name.startswith(TEMPORARY_PREFIX):
            continue
        if entry.is_dir():
            inside = Path(entry.path)
            real = inside.resolve()
            if real in above:
                raise InputError(
                    "The directory contains a link to a folder above it",
                    where=os.fspath(inside),
                    fix="Remove the link",
                    code="file.link-circle",
                )
            yield from _walk(inside, f"{prefix}{entry.name}/", (*above, real))
        else:
            yield prefix + entry.name


def _refuse_special(path: os.PathLike[str] | str) -> None:
    """Refuse what has no end or waits for a writer: opening it could take for ever."""
    mode = Path(path).stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise InputError(
            "It is a device or a pipe, and no file",
            where=os.fspath(path),
            fix="Give a regular file",
            code="file.special",
        )


def unreadable(path: os.PathLike[str] | str, error: OSError) -> InputError:
    """Return the error that says why ``path`` cannot be read."""
    if isinstance(error, FileNotFoundError):
        return missing_file(path)
    return InputError(
        error.strerror or str(error),
        where=os.fspath(path),
        fix="Make it readable",
        code="file.unreadable",
    )


def missing_file(path: os.PathLike[str] | str) -> InputError:
    """Return the error for a path where nothing is."""
    return InputError(
        "There is no such file", where=os.fspath(path), fix="Check the path", code="file.missing"
    )


class _Meter:
    """Adds up the progress of files that are hashed in parallel."""

    def __init__(self, progress: ProgressCallback, paths: list[Path]) -> None:
        self._progress = progress
        self._lock = Lock()
        self._done = 0
        self._total = sum(path.stat().st_size for path in paths if path.is_file())

    def file(self) -> ProgressCallback:
        seen = 0

        def advance(step: str, done: int, total: int | None) -> None:
            nonlocal seen
            with self._lock:
                self._done += done - seen
                seen = done
                self._progress(step, self._done, self._total)

        return advance
