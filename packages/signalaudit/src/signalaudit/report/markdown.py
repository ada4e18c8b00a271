"""Audits and their comparisons as Markdown."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from provenance.toolkit import markdown_code, markdown_templates, markdown_text

from signalaudit.notation import interval, number, percent, signed

if TYPE_CHECKING:
    from jinja2 import Environment

    from signalaudit.documents import AuditDocument, DiffDocument


def render_markdown(document: AuditDocument, top_k: int = 12) -> str:
    r"""Return an audit as Markdown.

    Args:
        document: A ``signal-mix-audit-v1`` document.
        top_k: How many rows each of its tables shows at most.

    Example:
        >>> import tempfile, pathlib
        >>> from signalaudit import audit
        >>> table = pathlib.Path(tempfile.mkdtemp(), "t.csv")
        >>> _ = table.write_text("clip_id,niqe,mos\na,3,4.1\nb,5,3.0\nc,7,1.9\n")
        >>> render_markdown(audit([table])).splitlines()[0]
        '# Signal-mix audit: t (target `mos`)'
    """
    names = {family["key"]: family["name"] for family in document["families"]}
    return (
        _environment()
        .get_template("report.md.j2")
        .render(audit=document, top_k=top_k, family_names=names)
    )


def render_diff(document: DiffDocument, top_k: int = 12) -> str:
    """Return a comparison of two audits as Markdown.

    Args:
        document: A ``signal-mix-audit-diff-v1`` document.
        top_k: How many rows each of its tables shows at most.

    Example:
        >>> from signalaudit.documents import DIFF_SCHEMA
        >>> empty = {"schema": DIFF_SCHEMA, "before": "a.json", "after": "b.json", "tables": []}
        >>> added = empty | {"tables_added": ["new"], "tables_removed": []}
        >>> render_diff(added).splitlines()[2]
        '- New table: `new`'
    """
    return _environment().get_template("diff.md.j2").render(diff=document, top_k=top_k)


@functools.cache
def _environment() -> Environment:
    environment = markdown_templates("signalaudit.report")
    environment.filters.update(
        t=markdown_text, c=markdown_code, n=number, s=signed, ci=interval, pct=percent
    )
    return environment
