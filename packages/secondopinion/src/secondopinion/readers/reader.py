"""The one interface of all readers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secondopinion.scores.file import ScoreFile
    from secondopinion.scores.payloads import Fields
    from secondopinion.scores.rows import ScoreBatch


class ScoreReader(ABC):
    """Reads one layout of score files.

    A new layout is a subclass in a module of its own, registered under the entry-point group
    ``secondopinion.readers``.

    Attributes:
        format: The layout's name, as ``--format`` takes it.
        title: One line on what writes it.
        scorer: The scorer that the layout itself gives away, or None. A name in the file and a
            label on the command line go before it.
        appends_reruns: Whether the writer appends to the file of an earlier run, so that a clip
            may stand there twice; identical repetitions are then collapsed and counted.
        generic: Whether the layout is a common one, which is taken only where no other reader
            recognises the file.
    """

    format: ClassVar[str]
    title: ClassVar[str]
    scorer: ClassVar[str | None] = None
    appends_reruns: ClassVar[bool] = False
    generic: ClassVar[bool] = False

    @abstractmethod
    def recognises(self, file: ScoreFile) -> bool:
        """Whether the file has this layout, judged from its first and last bytes.

        Args:
            file: The file; :attr:`~ScoreFile.head` and :attr:`~ScoreFile.tail` are cheap. Its
                name decides nothing.
        """

    @abstractmethod
    def read(self, file: ScoreFile, fields: Fields) -> Iterator[ScoreBatch]:
        """Read the file's scores.

        Args:
            file: The file.
            fields: Names of the members that hold key and score, where the operator gave them.

        Raises:
            InputError: The file does not have the layout; the error names file and row.
        """
