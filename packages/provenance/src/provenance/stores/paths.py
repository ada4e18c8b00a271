"""Paths of tables, records and models that may be URLs."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat as status_bits
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit

from provenance.stores.parts import downloaded
from provenance.stores.protocol import missing_object
from provenance.stores.registry import SCHEMES, storage_of
from provenance.stores.shadow import RangedFile, shadows
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from provenance.stores.protocol import ObjectStat

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(//?)(.*)", re.DOTALL)
"""A URL, or what :class:`pathlib.Path` makes of one: it takes two slashes for one."""

AnyPath = os.PathLike[str] | str


def as_path(path: AnyPath) -> Path:
    """Return a path, or the object that a URL names, which is used as a path.

    Args:
        path: A path, or a URL (``s3://``, ``gs://``, ``az://``, ``file://``).

    Raises:
        InputError: The URL has another scheme, or names no object.

    Example:
        >>> as_path("s3://bucket/tables/features.parquet").name
        'features.parquet'
        >>> as_path("file:///tmp/a%20b.csv")
        PosixPath('/tmp/a b.csv')
    """
    if isinstance(path, ObjectPath):
        return path
    text = os.fspath(path)
    found = _URL.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return Path(path)
    scheme, slashes = found[1].lower(), found[2]
    if scheme in SCHEMES:
        return ObjectPath(f"{scheme}://{found[3]}")
    if slashes == "/":
        return Path(path)  # a folder whose name ends in a colon
    if scheme == "file":
        return _local(text)
    raise InputError(
        f"moskit does not read or write {scheme}:// URLs",
        where=_without_secrets(text),
        fix="Give a path, or a URL that begins with s3://, gs://, az:// or file://",
        code="store.unknown-scheme",
    )


def origin_of(path: Path) -> Path:
    """Return the object whose local copy ``path`` is, else ``path`` itself.

    Examples:
        >>> origin_of(Path("features.csv")).name
        'features.csv'
    """
    url = shadows().origin(os.fspath(path))
    return path if url is None else ObjectPath(url)


class ObjectPath(type(Path())):  # type: ignore[misc]  # Path itself cannot be derived from on 3.11
    """An object in a store, or what lies below a prefix, used as a path.

    It is read as a local file is: :meth:`open` gives a file whose ranges are downloaded when they
    are read, and :meth:`stat` asks the store. A run publishes objects; they are not written here.

    Args:
        url: ``SCHEME://BUCKET/KEY``.

    Raises:
        InputError: The URL has no bucket or no key, or one that a path cannot hold.

    Example:
        >>> path = ObjectPath("s3://bucket/tables/features.parquet")
        >>> path.parent / "labels.csv"
        ObjectPath('s3://bucket/tables/labels.csv')
    """

    __slots__ = ()

    def __new__(cls, *segments: AnyPath) -> Self:
        """Make the path of a URL, as :class:`pathlib.Path` does of segments."""
        return super().__new__(cls, *map(_collapsed, segments))  # type: ignore[no-any-return]

    def __init__(self, *segments: AnyPath) -> None:
        if sys.version_info >= (3, 12):
            super().__init__(*map(_collapsed, segments))
        if segments and isinstance(segments[0], str) and "://" in segments[0]:
            _refuse_unusable(segments[0], self.parts)

    @property
    def url(self) -> str:
        """The URL; above the scheme, where paths are compared, it is a point."""
        if not self.parts:
            return "."
        scheme, *rest = self.parts
        return f"{scheme}//{'/'.join(rest)}"

    def __str__(self) -> str:
        return self.url

    def __fspath__(self) -> str:
        return self.url

    def __repr__(self) -> str:
        return f"ObjectPath({self.url!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return ObjectPath, (self.url,)

    def absolute(self) -> Self:
        """Return the path itself: a URL is absolute."""
        return self

    def resolve(self, strict: bool = False) -> Self:
        """Return the path itself: stores have no links."""
        return self

    def is_absolute(self) -> bool:
        """Return True."""
        return True

    def is_symlink(self) -> bool:
        """Return False: stores have no links."""
        return False

    def describe(self) -> ObjectStat:
        """Return what the store says of the object.

        Raises:
            FileNotFoundError: Nothing is there.
            InputError: The store cannot be reached, or denies access.
        """
        found = shadows().stat(self.url)
        if found is None:
            raise FileNotFoundError(2, "There is no such object", self.url)
        return found

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Return size and time of the object; the inode stands for its ETag.

        Raises:
            FileNotFoundError: Nothing is there.
        """
        found = self.describe()
        inode = int.from_bytes(hashlib.sha256(found.etag.encode()).digest()[:7], "big")
        seconds = found.modified_ns / 1e9
        mode = status_bits.S_IFREG | 0o644
        return os.stat_result((mode, inode, 0, 1, 0, 0, found.size, seconds, seconds, seconds))

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        """Whether there is an object, or objects below it."""
        return self.is_file() or self.is_dir()

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Whether there is an object."""
        return shadows().stat(self.url, fresh=False) is not None

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Whether there is no object, and there are objects below it."""
        return not self.is_file() and next(self.listed(), None) is not None

    def iterdir(self) -> Iterator[Path]:
        """Yield what lies directly below."""
        seen = set()
        for stat in self.listed():
            name = stat.url[len(self.url) + 1 :].partition("/")[0]
            if name not in seen:
                seen.add(name)
                yield self / name

    def names_below(self) -> Iterator[str]:
        """Yield the names of all objects below, without the path itself."""
        for stat in self.listed():
            yield stat.url[len(self.url) + 1 :]

    def glob(self, pattern: str, **options: Any) -> Iterator[Path]:
        """Yield what lies directly below and matches."""
        return (path for path in self.iterdir() if path.match(pattern))

    def open(self, mode: str = "r", *args: Any, **options: Any) -> IO[Any]:
        """Open the object for reading, in binary or as text.

        Raises:
            FileNotFoundError: Nothing is there.
            PermissionError: The mode is one for writing.
        """
        if set(mode) & set("wax+"):
            raise PermissionError(13, "A run publishes objects, they are not written", self.url)
        raw: Any = RangedFile(shadows().shadow(self.url))
        return (
            raw if "b" in mode else io.TextIOWrapper(io.BufferedReader(raw), *args[1:], **options)
        )

    def fetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Download some ranges ahead of their reading, several at a time."""
        shadows().shadow(self.url).fetch(ranges)

    def read_range(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` up to ``stop``."""
        return shadows().shadow(self.url).read(start, stop)

    def fetch_all(self) -> Path:
        """Download the object, and return its local copy, which goes when this process ends.

        Raises:
            InputError: There is no object, or it cannot be read.
        """
        try:
            return shadows().shadow(self.url).fetch_all()
        except FileNotFoundError as error:
            raise missing_object(self.url) from error

    def copy_read(self) -> Path | None:
        """Return the local copy if all of the object was read already, else None."""
        return shadows().known_copy(self.url)

    def stream(self, stop: int) -> Iterator[bytes]:
        """Download the first ``stop`` bytes in order; none is kept."""
        found = shadows().shadow(self.url).stat
        for _, data in downloaded(storage_of(self.url), found, [(0, stop)]):
            yield data

    def listed(self) -> Iterator[ObjectStat]:
        """Yield what the store lists below the path."""
        for stat in storage_of(self.url).below(self.url):
            if not stat.url.endswith("/"):  # what consoles make to show an empty folder
                yield stat


def _collapsed(segment: AnyPath) -> AnyPath:
    """Return a URL as pathlib holds it, with one slash: its parts are scheme, bucket and names."""
    if isinstance(segment, ObjectPath):
        return segment.url.replace("://", ":/", 1)
    return segment.replace("://", ":/", 1) if isinstance(segment, str) else segment


def _refuse_unusable(url: str, parts: tuple[str, ...]) -> None:
    bucket, _, key = url.partition("://")[2].partition("/")
    key = key.removesuffix("/")
    if not bucket or not key or "@" in bucket:
        raise InputError(
            "The URL names no object: it needs a bucket and a key",
            where=_without_secrets(url),
            fix="Give SCHEME://BUCKET/KEY; credentials come from the environment",
            code="store.no-key",
        )
    if "/".join(parts[2:]) != key or ".." in parts:
        raise InputError(
            "The key has an empty part or a part of dots, which moskit does not read",
            where=url,
            fix="Copy the object to a key without //, /./ and /../",
            code="store.odd-key",
        )


def _local(url: str) -> Path:
    split = urlsplit(url)
    if split.netloc not in ("", "localhost") or not split.path:
        raise InputError(
            f"The URL names a file of another machine ({split.hostname})",
            where=_without_secrets(url),
            fix="Give file:///PATH, or the path itself",
            code="store.other-machine",
        )
    return Path(unquote(split.path))


def _without_secrets(url: str) -> str:
    from provenance.toolkit.redaction import redact_text

    return redact_text(url)
