"""The frame of engines that write a text file again with more text in every row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from labeljoin.formats.base import Attachment, PartReport
from labeljoin.formats.encoding import BOM, skip_mark
from labeljoin.formats.hashing import HashedWriter, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa


class Rewrite(ABC):
    """Writes one file again, text by text.

    Args:
        task: What to attach.

    Attributes:
        engine: The name of the engine in audits.
        rows_in: Rows read so far.
        rows_out: Rows written so far.
    """

    engine: ClassVar[str]

    def __init__(self, task: Attachment) -> None:
        self._task = task
        self.rows_in = 0
        self.rows_out = 0

    @abstractmethod
    def pieces(self) -> Iterator[str]:
        """Yield the text of the new file, in order; count the rows on the way."""

    def report(self) -> PartReport:
        """Write the file, keeping a byte-order mark, and return what was done."""
        task = self._task
        with (
            task.source.open("rb") as start,
            HashedWriter(task.destination, digests=task.digests) as out,
        ):
            if skip_mark(start):
                out.write(BOM)
            for piece in self.pieces():
                out.write(piece.encode())
            digest = out.digest()
        return PartReport(
            source=task.source,
            destination=task.destination,
            engine=self.engine,
            reason=None,
            rows_in=self.rows_in,
            rows_out=self.rows_out,
            source_digest=digest_of(task.source) if task.digests else None,
            digest=digest,
        )

    def kept(self, values: pa.Array) -> list[bool]:
        """Return which rows of these key values are kept."""
        return self._task.keep(values).to_pylist() if self._task.keep else [True] * len(values)
