"""How paths and text from files are shown on a terminal."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from provenance.toolkit.canonical import text
from provenance.toolkit.errors import one_line


def shown_path(path: os.PathLike[str] | str) -> str:
    r"""Return ``path`` relative to the current folder if it lies below it, with controls escaped.

    >>> print(shown_path("clips\x1b[2J.csv"))
    clips\x1b[2J.csv
    """
    place = os.fspath(path)
    with suppress(ValueError, OSError):
        place = os.fspath(Path(path).relative_to(Path.cwd()))
    return one_line(text(place))
