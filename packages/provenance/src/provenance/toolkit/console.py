"""The console that commands print on.

Text from files cannot control the terminal, and tables wrap between words, never within one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.measure import Measurement
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table

if TYPE_CHECKING:
    from rich.console import ConsoleOptions, RenderableType
    from rich.table import Column

_UNBOUND = 1 << 20


class SafeConsole(Console):
    """A Rich console that writes control characters of what it prints as escapes.

    Cells, keys and the members of a record may hold sequences that a terminal obeys, and characters
    that change the direction of text. Rich's own colours are not text and stay.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render as Rich does, with the text of each segment made harmless."""
        for segment in super().render(renderable, options):
            if segment.control or _is_harmless(segment.text):
                yield segment
            else:
                yield Segment(_harmless(segment.text), segment.style)


def _is_harmless(words: str) -> bool:
    return words.isprintable() or all(map(_is_shown, words))


def _is_shown(character: str) -> bool:
    """Return whether a character moves nothing but the cursor forward; a newline is Rich's own."""
    return character == "\n" or character.isprintable() or unicodedata.category(character) == "Zs"


def _harmless(words: str) -> str:
    return "".join(c if _is_shown(c) else repr(c)[1:-1] for c in words)


def style_tables(renderable: RenderableType) -> None:
    """Give the tables in ``renderable`` the one look of all commands: no lines, a bold header."""
    if isinstance(renderable, Group):
        for part in renderable.renderables:
            style_tables(part)
    elif isinstance(renderable, Padding):
        style_tables(renderable.renderable)
    elif isinstance(renderable, Table):
        renderable.box = None
        renderable.pad_edge = False
        renderable.header_style = renderable.title_style = "bold"
        renderable.title_justify = "left"


def keep_words_whole(renderable: RenderableType, console: Console) -> int:
    """Set the column widths of the tables in ``renderable`` so that no word is broken or cut.

    A terminal continues what is too long on its next line, from where a path can be copied; Rich
    would break it, or leave its end out.

    Args:
        renderable: What is to be printed; tables, and groups of them, are looked at.
        console: Where.

    Returns:
        The width that the widest of the tables then needs, 0 where all fit as they are.
    """
    if isinstance(renderable, Group):
        return max((keep_words_whole(part, console) for part in renderable.renderables), default=0)
    if isinstance(renderable, Padding):
        return keep_words_whole(renderable.renderable, console)
    if not isinstance(renderable, Table):
        return 0
    options = console.options.update(max_width=_UNBOUND)
    whole = Measurement.get(console, options, renderable).maximum
    if whole <= console.width:
        return 0
    ranges = [_range(column, console, options) for column in renderable.columns]
    between = whole - sum(most for _, most in ranges)
    widths = [least for least, _ in ranges]
    for _ in range(console.width - between - sum(widths)):
        growing = [at for at, (_, most) in enumerate(ranges) if widths[at] < most]
        if not growing:
            break
        widths[min(growing, key=widths.__getitem__)] += 1
    for column, width in zip(renderable.columns, widths, strict=True):
        column.width = width
    return between + sum(widths)


def _range(column: Column, console: Console, options: ConsoleOptions) -> tuple[int, int]:
    """Return the width of a column's longest word, and of its longest cell."""
    sizes = [Measurement.get(console, options, cell) for cell in (column.header, *column.cells)]
    most = max(size.maximum for size in sizes)
    return (most if column.no_wrap else max(size.minimum for size in sizes)), most
