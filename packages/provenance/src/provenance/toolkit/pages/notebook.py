"""Summaries of results for notebooks: what a cell shows that ends in an audit or a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from provenance.toolkit.pages.environment import page_templates

if TYPE_CHECKING:
    from jinja2 import Template

Tone = Literal["good", "bad", "plain"]


class Shown(dict[str, Any]):
    """A document that notebooks show as a summary; a plain dict in every other respect.

    Args:
        document: The document.
        html: Renders it, as HTML.
    """

    def __init__(
        self, document: Mapping[str, Any], html: Callable[[Mapping[str, Any]], str]
    ) -> None:
        super().__init__(document)
        self._html = html

    def _repr_html_(self) -> str:
        return self._html(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return Shown, (dict(self), self._html)


def summary_html(
    kind: str,
    sentence: str,
    *,
    tone: Tone = "plain",
    facts: Sequence[tuple[str, Any]] = (),
    tables: Iterable[tuple[str, Sequence[str], Iterable[Sequence[Any]]]] = (),
    notes: Sequence[str] = (),
) -> str:
    """Return a summary as an HTML fragment with its own style, for light and dark notebooks.

    All text is escaped.

    Args:
        kind: What it is: ``Signal-mix audit``.
        sentence: The result in one sentence.
        tone: Whether the result is good, bad, or neither.
        facts: Names and values beside the sentence.
        tables: Caption, headings and rows of each table; numbers are aligned right.
        notes: Sentences below.

    Example:
        >>> "3 of 4" in summary_html("Join", "3 of 4 clips matched.", tone="good")
        True
    """
    return _template().render(
        kind=kind,
        sentence=sentence,
        tone=tone,
        facts=facts,
        tables=[(caption, list(heads), [list(r) for r in rows]) for caption, heads, rows in tables],
        notes=notes,
    )


@cache
def _template() -> Template:
    templates = page_templates(__package__ or "")
    templates.filters["cell"] = _cell
    return templates.get_template("summary.html.j2")


def _cell(value: Any) -> Any:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value
