"""A comparison for people: Markdown, LaTeX, the terminal, and one page for the browser."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from provenance.toolkit import markdown_templates, page_templates, summary_html, visible

from moshead.comparison.report.figures import base_of, bias_bars, forest, scatters

if TYPE_CHECKING:
    import pyarrow as pa
    from jinja2 import Environment
    from rich.console import RenderableType

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}

COLUMNS = (
    ("plcc", "PLCC"),
    ("srocc", "SROCC"),
    ("krocc", "KROCC"),
    ("rmse", "RMSE"),
    ("rmse_star", "RMSE*"),
    ("outlier_ratio", "outlier ratio"),
)
"""Figures in the order of all tables."""


def comparison_markdown(document: Mapping[str, Any]) -> str:
    """A comparison as Markdown.

    Args:
        document: A ``mos-comparison-v1`` document.
    """
    template = _environment("markdown").get_template("comparison.md.j2")
    return template.render(comparison=document, columns=COLUMNS)


def comparison_latex(document: Mapping[str, Any]) -> str:
    r"""The figures as a LaTeX table for a paper, with ``\usepackage{booktabs}``.

    The best of each column is bold.

    Args:
        document: A ``mos-comparison-v1`` document.
    """
    columns = [
        (name, title)
        for name, title in COLUMNS
        if any(each[name] is not None for each in document["candidates"])
    ]
    best = {}
    for name, _ in columns:
        values = [each[name] for each in document["candidates"] if each[name] is not None]
        best[name] = (max if name in ("plcc", "srocc", "krocc") else min)(values)
    template = _environment("latex").get_template("comparison.tex.j2")
    return template.render(comparison=document, columns=columns, best=best).rstrip() + "\n"


def comparison_page(document: Mapping[str, Any], predictions: pa.Table) -> str:
    """A comparison as one self-contained HTML page.

    Args:
        document: A ``mos-comparison-v1`` document.
        predictions: Predictions as :class:`moshead.comparison.Comparison` has them.
    """
    base = base_of(document)
    parts = [("", document["candidates"], document["pairs"], {})] + [
        (each["name"], each["candidates"], each["pairs"], each["bias"])
        for each in document["corpora"]
    ]
    template = _environment("html").get_template("page.html.j2")
    return template.render(
        comparison=document,
        columns=COLUMNS,
        parts=[
            {
                "name": name,
                "candidates": candidates,
                "pairs": pairs,
                "forest": forest(pairs, base),
                "bias": bias_bars(bias),
            }
            for name, candidates, pairs, bias in parts
        ],
        scatters=scatters(document, predictions),
        version=version("moskit-moshead"),
    )


def comparison_summary(document: Mapping[str, Any]) -> str:
    """A comparison as notebooks show it, as an HTML fragment.

    Args:
        document: A ``mos-comparison-v1`` document.
    """
    columns = [c for c in COLUMNS if any(e[c[0]] is not None for e in document["candidates"])]
    return summary_html(
        "Comparison",
        document["sentence"],
        facts=[("rows", f"{document['protocol']['rows']:,}"), *_protocol_facts(document)],
        tables=[
            (
                "Candidates",
                ("candidate", *(title for _, title in columns), "95 % of PLCC"),
                [
                    [
                        f"{each['name']} {_mark(each)}".strip(),
                        *(each[name] for name, _ in columns),
                        _interval(each["ci"]["plcc"]),
                    ]
                    for each in document["candidates"]
                ],
            ),
            (
                "Differences",
                ("first − second", "PLCC", "95 % interval", "p (Holm)"),
                [
                    [
                        f"{pair['a']} − {pair['b']}",
                        _signed(pair["plcc"]["difference"]),
                        _interval((pair["plcc"]["low"], pair["plcc"]["high"])),
                        _p_value(pair["plcc"]["p_holm"]),
                    ]
                    for pair in document["pairs"]
                ],
            ),
        ],
        notes=document["notes"],
    )


def _protocol_facts(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    protocol = document["protocol"]
    return [
        (protocol["unit"], f"{protocol['units']:,}"),
        (protocol["kind"], f"{protocol['folds'] or protocol['splits']}"),
    ]


def comparison_renderables(document: Mapping[str, Any]) -> Iterator[RenderableType]:
    """A comparison for the terminal.

    Args:
        document: A ``mos-comparison-v1`` document.
    """
    from rich.table import Table
    from rich.text import Text

    yield Text(document["sentence"], style="bold")
    yield Text(_protocol_line(document["protocol"]))
    columns = [c for c in COLUMNS if any(e[c[0]] is not None for e in document["candidates"])]
    table = Table()
    table.add_column("candidate")
    for _, title in columns:
        table.add_column(title, justify="right")
    table.add_column("95 % of PLCC")
    for each in document["candidates"]:
        mark = _mark(each)
        table.add_row(
            Text(visible(each["name"]) + (f" {mark}" if mark else "")),
            *(_number(each[name]) for name, _ in columns),
            _interval(each["ci"]["plcc"], 4),
        )
    yield table
    if document["pairs"]:
        pairs = Table(title="Differences", title_justify="left")
        for heading in ("", "PLCC", "95 % interval", "p (Holm)", "Zou (2007)", "SROCC", "RMSE"):
            pairs.add_column(
                heading, justify="left" if heading in ("", "95 % interval") else "right"
            )
        for pair in document["pairs"]:
            zou = pair["zou"]
            pairs.add_row(
                Text(f"{visible(pair['a'])} − {visible(pair['b'])}"),
                _signed(pair["plcc"]["difference"]),
                _interval((pair["plcc"]["low"], pair["plcc"]["high"])),
                _p_value(pair["plcc"]["p_holm"]),
                "–" if zou is None else _interval((zou["low"], zou["high"])),
                _signed(pair["srocc"]["difference"]),
                _signed(pair["rmse"]["difference"]),
            )
        yield pairs
    for corpus in document["corpora"]:
        table = Table(title=f"{visible(corpus['name'])}, {corpus['rows']:,} rows")
        table.add_column("candidate")
        for _, title in columns:
            table.add_column(title, justify="right")
        for each in corpus["candidates"]:
            table.add_row(
                Text(visible(each["name"])), *(_number(each[name]) for name, _ in columns)
            )
        yield table
    if any(_mark(each) for each in document["candidates"]):
        yield Text("† trained on the judged corpus, or reads a column whose scorer was")
    for note in document["notes"]:
        yield Text(visible(note))
    if document["requirement"] is not None:
        yield Text(visible(document["requirement"]["sentence"]))


def _protocol_line(protocol: Mapping[str, Any]) -> str:
    mapping = {
        "training": "score columns mapped by a logistic fitted on training rows",
        "held-out": "PLCC and RMSE after a four-parameter logistic fitted to the judged rows",
    }[protocol["mapping"]]
    return (
        f"{protocol['rows']:,} rows of {protocol['units']:,} {protocol['unit']}; "
        f"{protocol['source']}; {protocol['statistic']}; {mapping}."
    )


def _mark(candidate: Mapping[str, Any]) -> str:
    doubt = candidate["contamination"]
    own = doubt is not None and doubt["status"] == "contaminated"
    return "†" if own or candidate["contaminated_columns"] else ""


def _latex(text: Any) -> str:
    return "".join(_LATEX.get(c, c) for c in visible(str(text)))


def _number(value: float | None, digits: int = 4) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _signed(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:+z.{digits}f}"


def _interval(ends: Any, digits: int = 3) -> str:
    if not ends or ends[0] is None or ends[1] is None:
        return "–"
    return f"{ends[0]:z.{digits}f} to {ends[1]:z.{digits}f}"


def _p_value(value: float | None) -> str:
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


@functools.cache
def _environment(form: Literal["html", "markdown", "latex"]) -> Environment:
    package = "moshead.comparison.report"
    environment = page_templates(package) if form == "html" else markdown_templates(package)
    if form == "latex":
        # LaTeX is full of braces; comments are not needed.
        environment = environment.overlay(comment_start_string="((#", comment_end_string="#))")
    environment.filters.update(
        n=_number,
        s=_signed,
        ci=_interval,
        p=_p_value,
        mark=_mark,
        line=visible,
        tex=_latex,
        protocol=_protocol_line,
    )
    return environment
