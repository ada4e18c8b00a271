"""The interface of all readers of score files, and how to add one.

To add a layout, subclass :class:`ScoreReader` in a module of your own package and register the
class as an entry point::

    [project.entry-points."secondopinion.readers"]
    my-layout = "my_package.my_module:MyReader"

The readers of this package are registered in the same way. ``docs/how-to/add-a-scorer.md`` has a
complete example.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

# Re-exported: what a reader needs besides its base class, and so needed at run time.
from secondopinion.scores.file import ScoreFile as ScoreFile  # noqa: TC001
from secondopinion.scores.payloads import Fields as Fields  # noqa: TC001
from secondopinion.scores.rows import ScoreBatch as ScoreBatch  # noqa: TC001
from secondopinion.scores.rows import ScoreRow as ScoreRow

if TYPE_CHECKING:
    from collections.abc import Iterator


class ScoreReader(ABC):
    """Reads one layout of score files.

    A new layout is a subclass, registered in the entry-point group ``secondopinion.readers``.

    Attributes:
        format: The layout's name, as ``--format`` takes it.
        title: The program that writes it, in one line.
        scorer: The scorer that the layout implies, or None. A name in the file or a label on the
            command line overrides it.
        appends_reruns: Whether the writer appends to the file of an earlier run, so that a clip
            can appear twice. Identical repetitions are then collapsed and counted.
        generic: Whether many programs write the layout. It is used only if no other reader
            recognises the file.
    """

    format: ClassVar[str]
    title: ClassVar[str]
    scorer: ClassVar[str | None] = None
    appends_reruns: ClassVar[bool] = False
    generic: ClassVar[bool] = False

    @abstractmethod
    def recognises(self, file: ScoreFile) -> bool:
        """Return whether the file has this layout, from its first and last bytes.

        Args:
            file: The file; :attr:`~ScoreFile.head` and :attr:`~ScoreFile.tail` are cheap. Do
                not use its name.
        """

    @abstractmethod
    def read(self, file: ScoreFile, fields: Fields) -> Iterator[ScoreBatch]:
        """Read the file's scores.

        Args:
            file: The file.
            fields: The names of the members that hold key and score, if given.

        Raises:
            InputError: The file does not have the layout. The error names file and row.
        """
