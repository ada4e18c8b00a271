"""Outputs in object stores: uploaded while nobody sees them, and published in one step."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from provenance.record.hashing import Digest
from provenance.run.staging import StagedOutput, is_replay
from provenance.stores import ObjectPath, storage_of
from provenance.stores.parts import LEAST_PART
from provenance.stores.protocol import CannotCopyError
from provenance.stores.shadow import shadows
from provenance.toolkit import InputError, MoskitError
from provenance.toolkit.invocation import is_dry_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from provenance.run.placing import Placeable
    from provenance.stores import ObjectStat, Upload


class Composed(NamedTuple):
    """How the bytes of another object came in front of an output.

    Attributes:
        reason: Why the store could not copy them; None where it did.
        digest: The digest of the other object, where all of it was read.
    """

    reason: str | None
    digest: Digest | None


class StagedObject(StagedOutput):
    """An output in a store while it is made: write to it as to a path, a local file.

    The file may have a hole in front, where :meth:`compose` lets the store put bytes of another
    object. What is uploaded appears when the run ends.

    Attributes:
        destination: The object.
        path: The local file to write to.
        stat: What the store says of the object, once it is published.
    """

    destination: ObjectPath
    stat: ObjectStat | None = None

    def _prepare_place(self) -> None:
        if self.directory:
            raise InputError(
                "moskit does not write directories of parts into a store yet",
                where=os.fspath(self.destination),
                fix="Give --out a local folder, and copy that",
                code="store.no-directories",
            )
        self._upload: Upload | None = None
        self._front = 0
        self._replaced = shadows().stat(self.destination.url)
        self._folder = Path(tempfile.mkdtemp(prefix="moskit-out-"))
        self.path = self._folder / self.destination.name

    def can_compose(self, source: Path) -> bool:
        """Whether the store of the output may be able to copy bytes of ``source`` by itself."""
        scheme = self.destination.url.partition("://")[0]
        return os.fspath(source).startswith(f"{scheme}://") and scheme == "s3"

    def compose(self, source: ObjectPath, size: int) -> Composed:
        """Put the first ``size`` bytes of an object in front of what was written behind them.

        The store copies them where it can. Else they are downloaded and uploaded again, and the
        digests of the object and of the output are then known.

        Args:
            source: The object.
            size: How many bytes. The local file has as many bytes of no meaning in front.

        Returns:
            How it was done.

        Raises:
            InputError: The object has changed, or cannot be read.
            OutputError: The store refuses the upload.
        """
        found = shadows().shadow(source.url).stat
        self._upload = storage_of(self.destination.url).begin(self.destination.url)
        try:
            self._upload.copy(found, size)
        except CannotCopyError as error:
            front = hashlib.sha256()
            if size < LEAST_PART:
                front.update(source.read_range(0, size))
                with self.path.open("r+b") as file:
                    file.write(source.read_range(0, size))
            else:
                self._front = size
                for data in self._upload.stream(found, size):
                    front.update(data)
            self.set_digest(_with_rest(front, self.path, size))
            return Composed(str(error), _with_rest(front, source, size))
        self._front = size
        return Composed(None, None)

    @property
    def objects(self) -> dict[str, ObjectStat]:
        """What the store says of the object, once it is published."""
        return {} if self.stat is None else {"": self.stat}

    @property
    def composed(self) -> bool:
        """Whether the store has put bytes of another object in front, which nobody read."""
        return self._front > 0 and self.digest is None

    def flush(self) -> None:
        """Upload what was written."""
        if not self.path.exists():
            raise RuntimeError(f"the output {self.name} was staged and never written")
        if self._upload is None:
            self._upload = storage_of(self.destination.url).begin(self.destination.url)
        self._upload.write(self.path, self._front)

    def prepare(self) -> None:
        """Nothing stands in the way of an object."""

    def commit(self) -> None:
        """Publish the object.

        Raises:
            OutputError: Something else was written there meanwhile, or the store refuses it.
        """
        assert self._upload is not None
        self.stat = self._upload.publish(self._replaced)
        shadows().drop(self.destination.url)
        shadows().learn(self.stat)

    def undo(self) -> None:
        """Take the object back: where it is new, or the bucket keeps the version before it."""
        if self.stat is None or (self._replaced is not None and self.stat.version_id is None):
            return
        with suppress(MoskitError):
            storage_of(self.destination.url).remove(self.stat)
        shadows().drop(self.destination.url)

    def finish(self) -> None:
        """Remove the local file."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def discard(self) -> None:
        """Abort the upload; what is in the store stays as it was."""
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._upload is not None and self.stat is None:
            self._upload.abort()


def _with_rest(front: Any, path: Path, start: int) -> Digest:
    """Return the digest of a file whose first ``start`` bytes are hashed in ``front``."""
    state = front.copy()
    with path.open("rb") as file:
        file.seek(start)
        while chunk := file.read(1 << 20):
            state.update(chunk)
        return Digest(state.hexdigest(), file.tell())


class _LateRecord:
    """A record that is written when its outputs are in their places.

    It names an object by what the store says of it, which only then is known.
    """

    def __init__(self, record: StagedOutput, write: Callable[[], None]) -> None:
        self._record = record
        self._write = write

    def commit(self) -> None:
        self._write()
        self._record.commit()

    def undo(self) -> None:
        self._record.undo()

    def finish(self) -> None:
        self._record.finish()

    def discard(self) -> None:
        self._record.discard()


def written_last(
    record: StagedOutput, outputs: Iterable[StagedOutput], write: Callable[[], None]
) -> Placeable:
    """Write a record: now, or when its outputs are in their places if one is an object.

    In a dry run no output gets there, so the record is written now, too.
    """
    if any(isinstance(output, StagedObject) for output in outputs) and not is_dry_run():
        return _LateRecord(record, write)
    write()
    return record


def stage_output(name: str, target: Path, *, role: str, directory: bool = False) -> StagedOutput:
    """Stage an output: a local file, or an object. A replay writes no object."""
    if isinstance(target, ObjectPath) and not is_replay():
        return StagedObject(name, target, role=role, directory=directory)
    return StagedOutput(name, target, role=role, directory=directory)
