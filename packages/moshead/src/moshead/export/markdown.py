"""Markdown from the templates of this package, with the data in it escaped."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from labeljoin.keys import percent
from provenance.toolkit import markdown_code, markdown_templates

if TYPE_CHECKING:
    from jinja2 import Environment

_SPACE = re.compile(r"\s+")
_MARKUP = re.compile(r"([*<]|\[(?=[^\]]*\]\())")
"""What begins emphasis, HTML or a link; an interval in brackets does not."""


def render(room: str, template: str, **context: Any) -> str:
    """Render a template, with one blank line at most between its paragraphs.

    Args:
        room: The room that has the template in its folder ``templates``, such as ``export``.
        template: File name of the template.
        **context: The template's variables.
    """
    text = _environment(room).get_template(template).render(context)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


@functools.cache
def _environment(room: str) -> Environment:
    environment = markdown_templates(f"moshead.{room}")
    environment.filters |= {
        "cell": cell,
        "code": markdown_code,
        "ends": ends,
        "name": name,
        "number": number,
        "percent": percent,
        "prose": prose,
        "signed": signed,
    }
    return environment


def prose(text: str) -> str:
    r"""Return text for a paragraph: on one line, and without markup that begins in it.

    Example:
        >>> prose("a <b>\n# c")
        'a \\<b> # c'
    """
    return _MARKUP.sub(r"\\\1", _SPACE.sub(" ", text).strip())


def name(text: str) -> str:
    r"""Return a name for a paragraph or a table cell, with its underscores as they are.

    Example:
        >>> name("a_b|c")
        'a\\_b\\|c'
    """
    return prose(text).replace("_", "\\_").replace("|", "\\|")


def cell(text: str) -> str:
    r"""Return text for a table cell: on one line, and its bars escaped unless they already are.

    Example:
        >>> cell("a|b")
        'a\\|b'
    """
    return re.sub(r"(?<!\\)\|", r"\\|", _SPACE.sub(" ", text).strip())


def number(value: float | None) -> str:
    """Return a number with four decimals, and counts without.

    Example:
        >>> number(0.5), number(1200), number(None)
        ('0.5000', '1,200', 'none')
    """
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def signed(value: float | None) -> str:
    """Return a difference with its sign.

    Example:
        >>> signed(0.5), signed(None)
        ('+0.5000', 'none')
    """
    return "none" if value is None else f"{value:+.4f}"


def ends(interval: Sequence[float | None] | None, form: str = ".4f") -> str:
    """Return the ends of an interval.

    Example:
        >>> ends((0.5, 0.75)), ends(None)
        ('0.5000 to 0.7500', 'none')
    """
    if not interval or interval[0] is None or interval[1] is None:
        return "none"
    return f"{interval[0]:{form}} to {interval[1]:{form}}"
