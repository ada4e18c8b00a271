"""The audit as one self-contained HTML page, which needs no network."""

from __future__ import annotations

import functools
from importlib.metadata import version
from typing import TYPE_CHECKING

from provenance.toolkit import page_templates

from signalaudit.notation import interval, number, percent, signed
from signalaudit.report.figures import PLOT, heat_map, saturation_plots, scatter_plots

if TYPE_CHECKING:
    from jinja2 import Template

    from signalaudit.documents import AuditDocument, BlockGain, TableDocument
    from signalaudit.report.audited import Audit


def render_page(audit: Audit, top_k: int = 12) -> str:
    """Return the audit as one HTML page with inline style, script and figures.

    The template engine escapes all text from tables, and the content security policy of the page
    forbids it to load anything.

    Args:
        audit: The audit.
        top_k: How many rows the page's tables show at most.
    """
    figures = [
        {
            "heat_map": heat_map(table),
            "scatters": scatter_plots(table),
            "saturation": saturation_plots(table),
        }
        for table in audit.tables
    ]
    return _template().render(
        audit=audit.document,
        figures=figures,
        top_k=top_k,
        plot=PLOT,
        families={family["key"]: family for family in audit.document["families"]},
        version=version("moskit-signalaudit"),
    )


def absent_families(audit: AuditDocument) -> list[str]:
    """Return the keys of the families that no table has a column of."""
    return [
        family["key"]
        for family in audit["families"]
        if all(t["families"][family["key"]]["status"] == "missing" for t in audit["tables"])
    ]


def best_block(table: TableDocument) -> BlockGain | None:
    """Return the block that the page opens with: second opinions, else the largest confirmed."""
    confirmed = [
        row
        for row in table["gain"]
        if row["confirmed"]
        and row["rest_plcc"] is not None
        and row["kind"] in ("second_opinions", "family", "feature_set")
    ]
    return next(
        (row for row in confirmed if row["kind"] == "second_opinions"),
        confirmed[0] if confirmed else None,
    )


def _share(value: float | None) -> str:
    """Return a correlation as a position on a track from 0 to 1, in CSS per cent."""
    return f"{100 * min(1.0, max(0.0, value or 0.0)):.2f}%"


def _turned(value: float | None) -> str:
    """Return a correlation as a position on a track from -1 to 1, in CSS per cent."""
    return f"{50 + 50 * min(1.0, max(-1.0, value or 0.0)):.2f}%"


@functools.cache
def _template() -> Template:
    environment = page_templates("signalaudit.report")
    environment.filters.update(
        n=number,
        s=signed,
        ci=interval,
        pct=percent,
        share=_share,
        turned=_turned,
    )
    environment.globals.update(best_block=best_block, absent_families=absent_families)
    return environment.get_template("page.html.j2")
