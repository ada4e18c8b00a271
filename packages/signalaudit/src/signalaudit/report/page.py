"""The audit as one self-contained HTML page, which needs no network."""

from __future__ import annotations

import functools
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from signalaudit.notation import interval, number, percent, signed
from signalaudit.report.figures import PLOT, heat_map, saturation_plots, scatter_plots
from signalaudit.report.text import visible

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

    from signalaudit.documents import BlockGain, TableDocument
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
        style=_part("page.css"),
        script=_part("page.js"),
        version=version("moskit-signalaudit"),
    )


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


def _breakable(value: Any) -> Markup:
    """Return a column's name that a browser may break after underscores."""
    from markupsafe import Markup, escape

    return Markup(str(escape(visible(value))).replace("_", "_<wbr>"))  # noqa: S704 - escaped first


def _share(value: float | None) -> str:
    """Return a correlation as a position on a track from 0 to 1, in CSS per cent."""
    return f"{100 * min(1.0, max(0.0, value or 0.0)):.2f}%"


def _turned(value: float | None) -> str:
    """Return a correlation as a position on a track from -1 to 1, in CSS per cent."""
    return f"{50 + 50 * min(1.0, max(-1.0, value or 0.0)):.2f}%"


def _shown(value: Any) -> Any:
    """Write control characters in text from tables as escapes; leave markup as it is."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _part(name: str) -> str:
    return files("signalaudit.report").joinpath("templates", name).read_text(encoding="utf-8")


@functools.cache
def _template() -> Template:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("signalaudit.report"),
        autoescape=True,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        n=number,
        s=signed,
        ci=interval,
        pct=percent,
        share=_share,
        turned=_turned,
        wbr=_breakable,
    )
    environment.globals["best_block"] = best_block
    return environment.get_template("page.html.j2")
