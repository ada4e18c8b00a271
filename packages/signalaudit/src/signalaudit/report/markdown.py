"""The Markdown reports. Every text that comes from a table is escaped."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import labeljoin

if TYPE_CHECKING:
    from jinja2 import Environment

_SPECIAL = re.compile(r"([\\`*\[\]<>|~#])")
_SPACE = re.compile(r"\s+")


def render_markdown(document: Mapping[str, Any], top_k: int = 12) -> str:
    """The audit as Markdown.

    Args:
        document: A ``signal-mix-audit-v1`` document.
        top_k: Rows that each of its tables shows at most.
    """
    names = {family["key"]: family["name"] for family in document["families"]}
    return (
        _environment()
        .get_template("report.md.j2")
        .render(audit=document, top_k=top_k, family_names=names)
    )


def render_diff(document: Mapping[str, Any], top_k: int = 12) -> str:
    """A comparison of two audits as Markdown.

    Args:
        document: A ``signal-mix-audit-diff-v1`` document.
        top_k: Rows that each of its tables shows at most.
    """
    return _environment().get_template("diff.md.j2").render(diff=document, top_k=top_k)


def escaped(value: Any) -> str:
    """``value`` as Markdown text that renders as itself, on one line."""
    return _SPECIAL.sub(r"\\\1", _SPACE.sub(" ", str(value))).replace("&", "&amp;")


def code(value: Any) -> str:
    """``value`` as a code span that renders as itself, also in a cell of a table."""
    text = _SPACE.sub(" ", str(value)).replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def number(value: float | None, digits: int = 3) -> str:
    """A number with ``digits`` decimals; a dash where there is none."""
    return "–" if value is None else f"{value:z.{digits}f}"


def signed(value: float | None, digits: int = 3) -> str:
    """A number with its sign; a dash where there is none."""
    return "–" if value is None else f"{value:+z.{digits}f}"


def interval(ends: list[float | None] | None, digits: int = 3) -> str:
    """An interval ``[low, high]``; a dash where there is none."""
    if not ends or ends[0] is None:
        return "–"
    return f"{number(ends[0], digits)} to {number(ends[1], digits)}"


def percent(value: float | None) -> str:
    """A share as a percentage, or a ratio that may be above one; a dash where there is none."""
    return "–" if value is None else labeljoin.keys.percent(value)


@functools.cache
def _environment() -> Environment:
    import jinja2

    environment = jinja2.Environment(  # noqa: S701 - Markdown; its own filters escape
        loader=jinja2.PackageLoader("signalaudit.report"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters.update(t=escaped, c=code, n=number, s=signed, ci=interval, pct=percent)
    return environment
