"""Text from tables in reports: escaped, so that it shows and does nothing else."""

from __future__ import annotations

import re
from typing import Any

from provenance.toolkit.errors import one_line

# An underscore between letters or digits never starts emphasis, and names are full of them.
_SPECIAL = re.compile(r"([\\`*\[\]<>|~#]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z]))")
_SPACE = re.compile(r"[ \t\n\r\f\v]+")


def visible(value: Any) -> str:
    r"""Return ``value`` on one line, with control characters written as escapes.

    This covers the escape sequences that a terminal obeys and the bidirectional controls of
    Unicode that reorder the text around them.

    Example:
        >>> print(visible("red\x1b[31m \u202eclip"))
        red\x1b[31m \u202eclip
    """
    return one_line(_SPACE.sub(" ", str(value)))


def markdown_text(value: Any) -> str:
    r"""Return ``value`` as Markdown that renders as itself, on one line, also in a table cell.

    Example:
        >>> print(markdown_text("*mos_raw* | <b>"))
        \*mos_raw\* \| \<b\>
    """
    return _SPECIAL.sub(r"\\\1", visible(value)).replace("&", "&amp;")


def markdown_code(value: Any) -> str:
    """Return ``value`` as a code span that renders as itself, also in a table cell.

    Example:
        >>> print(markdown_code("a`b"))
        ``a`b``
    """
    text = visible(value).replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"
