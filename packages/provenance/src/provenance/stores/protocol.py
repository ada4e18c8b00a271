"""What moskit needs of an object store: the :class:`Storage` protocol and what it works with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from provenance.toolkit import InputError


@dataclass(frozen=True)
class ObjectStat:
    """An object as a store describes it.

    Attributes:
        url: Where it is.
        size: Number of bytes.
        etag: What changes when the object is written again, as the store gives it.
        version_id: Its version, where the bucket keeps versions.
        checksum: The store's own checksum as ``ALGORITHM:value``, where it has one.
        modified_ns: When it was written, in nanoseconds since 1970.
        token: The token of the :class:`Upload` that wrote it, where moskit did.
    """

    url: str
    size: int
    etag: str
    version_id: str | None = None
    checksum: str | None = None
    modified_ns: int = 0
    token: str | None = None


class Storage(Protocol):
    """An object store. One instance serves a process; threads may share it.

    Every method raises an InputError where the store cannot be reached, the bucket does not exist
    or access is denied. Transient errors have been retried by then.
    """

    def stat(self, url: str) -> ObjectStat | None:
        """Return what is at ``url``, or None."""

    def read(self, stat: ObjectStat, start: int, stop: int) -> bytes:
        """Return the bytes of an object from ``start`` up to ``stop``, all of them.

        Raises:
            InputError: The object is not the one of ``stat`` any more.
        """

    def below(self, url: str) -> Iterator[ObjectStat]:
        """Yield the objects whose URLs begin with ``url`` and a slash, in the order of their names.

        What such a listing says has neither version nor checksum.
        """

    def begin(self, url: str) -> Upload:
        """Begin an upload to ``url``. Nothing appears before :meth:`Upload.publish`."""

    def remove(self, stat: ObjectStat) -> None:
        """Remove an object that a run has just published, to take it back.

        Of a bucket that keeps versions, that version goes and the one before it is back.
        """


class Upload(Protocol):
    """An object on its way into a store."""

    def copy(self, source: ObjectStat, size: int) -> None:
        """Let the store itself put the first ``size`` bytes of an object in front.

        Raises:
            CannotCopyError: The store cannot; nothing is kept of the attempt.
            InputError: The object is not the one of ``source`` any more.
        """

    def stream(self, source: ObjectStat, size: int) -> Iterator[bytes]:
        """Download the first ``size`` bytes of an object, upload them, and yield them in order."""

    def write(self, path: Path, start: int) -> None:
        """Add the bytes of a local file from ``start`` on, which end the object."""

    def publish(self, replaced: ObjectStat | None) -> ObjectStat:
        """Let the object appear whole.

        Args:
            replaced: What it replaces; None where nothing may be at its place.

        Raises:
            OutputError: Something else is at its place by now, or the store refuses it.
        """

    def abort(self) -> None:
        """Drop what was uploaded; may be called at any time, and more than once."""


class CannotCopyError(Exception):
    """A store cannot copy a part of an object; ``str`` says why, in words for people."""


def missing_object(url: str) -> InputError:
    """Return the error for a URL where nothing is."""
    return InputError(
        "There is no such object", where=url, fix="Check the URL", code="store.missing"
    )


def changed_object(url: str) -> InputError:
    """Return the error for an object that was written again while it was read."""
    return InputError(
        "The object changed while it was read",
        where=url,
        fix="Run again when nothing writes to it",
        code="store.changed",
    )
