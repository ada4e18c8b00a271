"""Templates: HTML pages on the shared base, and Markdown with its own escaping."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from provenance.toolkit.pages.escaping import markdown_code, markdown_text, visible

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def page_templates(package: str) -> Environment:
    """Return the environment of a package's HTML pages.

    A page extends ``base.html.j2`` and fills its blocks ``title``, ``heading``, ``main`` and
    ``footer``. Its own style is ``page.css`` in the package's folder ``templates``, after the
    shared one; a ``page.js`` there is its script. All text is escaped, and control characters are
    written as escapes.

    Args:
        package: The package whose folder ``templates`` has the pages.

    Examples:
        >>> templates = page_templates("provenance.lineage")
        >>> templates.from_string("{{ text }}").render(text="<b>")
        '&lt;b&gt;'
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader(__package__ or "")]),
        autoescape=True,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.globals.update(
        shared_style=_part(__package__ or "", "base.css"),
        own_style=_part(package, "page.css"),
        own_script=_part(package, "page.js"),
    )
    environment.filters.update(wbr=breakable, visible=visible)
    return environment


def markdown_templates(package: str) -> Environment:
    """Return the environment of a package's Markdown reports, with the filters ``md`` and ``code``.

    Nothing is escaped on its own: text from tables goes through a filter.

    Args:
        package: The package whose folder ``templates`` has the reports.

    Examples:
        >>> templates = markdown_templates("provenance.lineage")
        >>> templates.from_string("{{ text | code }}").render(text="mos")
        '`mos`'
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(package),
        autoescape=False,  # noqa: S701 - the filters escape for Markdown, which HTML escapes break
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(md=markdown_text, code=markdown_code, visible=visible)
    return environment


def breakable(value: Any) -> Markup:
    """Return a name that a browser may break after underscores, slashes and dots.

    Example:
        >>> print(breakable("a_b"))
        a_<wbr>b
    """
    from markupsafe import Markup, escape

    text = str(escape(visible(value)))
    for mark in "_/.":
        text = text.replace(mark, f"{mark}<wbr>")
    return Markup(text)  # noqa: S704 - escaped first


def _shown(value: Any) -> Any:
    """Write control characters in text from tables as escapes; leave markup as it is."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


@cache
def _part(package: str, name: str) -> Markup:
    from markupsafe import Markup

    part = files(package).joinpath("templates", name)
    return Markup(part.read_text("utf-8") if part.is_file() else "")  # noqa: S704 - our own file
