"""A lineage as one HTML page without scripts or outside resources: a graph and a table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from provenance.lineage.words import STATUS_WORDS, artefact_name, signer_words
from provenance.toolkit.canonical import text
from provenance.toolkit.errors import one_line
from provenance.toolkit.pages.environment import page_templates
from provenance.toolkit.terminal import shown_path

if TYPE_CHECKING:
    from jinja2 import Environment

    from provenance.lineage.graph import Artefact, Edge, Lineage, RunNode

_BOX_WIDTH, _BOX_HEIGHT, _COLUMN_GAP, _ROW_GAP = 250, 56, 70, 22  # pixels


def html_page(lineage: Lineage) -> str:
    """Return the lineage as one HTML page."""
    target = lineage.artefacts.get(lineage.target)
    return (
        _templates()
        .get_template("page.html.j2")
        .render(
            title=artefact_name(target) if target else lineage.runs[lineage.target].entrypoint,
            lineage=lineage,
            damaged=[(shown_path(path), reason) for path, reason in lineage.damaged.items()],
            picture=_picture(lineage),
            box_width=_BOX_WIDTH,
            box_height=_BOX_HEIGHT,
            files=[_file_row(item, lineage) for item in lineage.artefacts.values()],
            runs=[_run_row(run) for run in lineage.runs.values()],
        )
    )


@cache
def _templates() -> Environment:
    templates = page_templates("provenance.lineage")
    # Names and digests of a record may hold characters that change the direction of text.
    templates.finalize = lambda value: _harmless(value) if type(value) is str else value
    templates.filters["clipped"] = _clipped
    return templates


def _harmless(words: str) -> str:
    return one_line(text(words))


def _clipped(words: str, length: int) -> str:
    """Return the end of ``words``, at most ``length`` characters."""
    words = _harmless(words)
    return words if len(words) <= length else f"…{words[1 - length :]}"


def _file_row(item: Artefact, lineage: Lineage) -> dict[str, Any]:
    return {
        "places": [
            {
                "path": shown_path(place.path),
                "status": place.status,
                "words": STATUS_WORDS[place.status],
            }
            for place in item.places
        ],
        "raw": not lineage.before(item.sha256),
        "roles": item.roles,
        "size": "" if item.size is None else f"{item.size:,}",
        "sha256": item.sha256,
        "status": item.status,
    }


def _run_row(run: RunNode) -> dict[str, Any]:
    return {
        "entrypoint": run.entrypoint,
        "version": run.version or "",
        "record": "" if run.record is None else shown_path(run.record),
        "identity": run.identity,
        "status": run.status,
        "signed": signer_words(run),
        "reason": run.reason,
    }


# The graph


@dataclass(frozen=True)
class _Box:
    """A file or run in the picture, in pixels."""

    x: int
    y: int
    radius: int
    kind: str
    title: str
    detail: str


@dataclass(frozen=True)
class _Curve:
    """An edge in the picture, as an SVG path."""

    path: str
    name: str


@dataclass(frozen=True)
class _Picture:
    """The graph with every node in its place."""

    width: int
    height: int
    boxes: list[_Box]
    curves: list[_Curve]


def _picture(lineage: Lineage) -> _Picture:
    columns = _columns(lineage)
    place = {
        node: (
            10 + column * (_BOX_WIDTH + _COLUMN_GAP),
            10 + row * (_BOX_HEIGHT + _ROW_GAP),
        )
        for column, nodes in enumerate(columns)
        for row, node in enumerate(nodes)
    }
    boxes = []
    for item in lineage.artefacts.values():
        detail = f"{item.sha256[:16]} {STATUS_WORDS[item.status]}"
        boxes.append(_Box(*place[item.sha256], 3, item.status, artefact_name(item), detail))
    for run in lineage.runs.values():
        kind = "run" if run.status == "ok" else run.status
        boxes.append(_Box(*place[run.identity], 26, kind, run.entrypoint, run.version or ""))
    return _Picture(
        width=20 + len(columns) * (_BOX_WIDTH + _COLUMN_GAP) - _COLUMN_GAP,
        height=20 + max(map(len, columns)) * (_BOX_HEIGHT + _ROW_GAP) - _ROW_GAP,
        boxes=boxes,
        curves=[_curve(edge, place) for edge in lineage.edges],
    )


def _columns(lineage: Lineage) -> list[list[str]]:
    """Return the nodes by the longest way to them, so that every edge points to the right."""
    depth: dict[str, int] = {}

    def measure(node: str, above: frozenset[str]) -> int:
        if node not in depth:
            # A run that wrote what it read (in place, unchanged) would be a circle.
            causes = [e.source for e in lineage.before(node) if e.source not in above]
            depth[node] = max((measure(c, above | {node}) + 1 for c in causes), default=0)
        return depth[node]

    nodes = (*lineage.artefacts, *lineage.runs)
    for node in nodes:
        measure(node, frozenset({node}))
    columns: list[list[str]] = [[] for _ in range(max(depth.values(), default=0) + 1)]
    for node in nodes:
        columns[depth[node]].append(node)
    return columns


def _curve(edge: Edge, place: dict[str, tuple[int, int]]) -> _Curve:
    x1, y1 = place[edge.source]
    x2, y2 = place[edge.target]
    x1, y1, y2 = x1 + _BOX_WIDTH, y1 + _BOX_HEIGHT // 2, y2 + _BOX_HEIGHT // 2
    bend = max(30, (x2 - x1) // 2)
    return _Curve(f"M{x1},{y1} C{x1 + bend},{y1} {x2 - bend},{y2} {x2},{y2}", edge.name)
