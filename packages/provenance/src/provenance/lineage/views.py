"""A lineage as a tree for the terminal, a Mermaid diagram, and one self-contained HTML page."""

from __future__ import annotations

import html
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from provenance.toolkit.canonical import text
from provenance.toolkit.errors import one_line
from provenance.toolkit.terminal import shown_path

if TYPE_CHECKING:
    from rich.tree import Tree

    from provenance.lineage.graph import Artefact, Edge, Lineage, RunNode

_COLOURS = {
    "same": "green",
    "moved": "yellow",
    "superseded": "yellow",
    "unlocated": "yellow",
    "missing": "red",
    "changed": "red",
    "damaged": "red",
    "embedded": "yellow",
}

_WORDS = {
    "same": "",
    "moved": "moved",
    "superseded": "since replaced by a later run",
    "unlocated": "no record says where it is",
    "missing": "BROKEN: missing",
    "changed": "BROKEN: changed",
    "damaged": "BROKEN: the record is not what was written",
    "embedded": "from the embedded copy; its record is lost",
}


def lineage_tree(lineage: Lineage, *, downstream: bool = False) -> Tree:
    """The lineage as a Rich tree: each node's causes below it, or its effects."""
    from rich.tree import Tree

    shown: set[str] = set()

    def label(node: str, name: str | None) -> str:
        if node in lineage.runs:
            return _run_label(lineage.runs[node])
        return _artefact_label(lineage.artefacts[node], name, raw=not lineage.before(node))

    def grow(tree: Tree, node: str) -> None:
        if node in shown:
            if lineage.after(node) if downstream else lineage.before(node):
                tree.add("[dim](as above)[/dim]")
            return
        shown.add(node)
        for edge in lineage.after(node) if downstream else lineage.before(node):
            other = edge.target if downstream else edge.source
            grow(tree.add(label(other, edge.name)), other)

    root = Tree(label(lineage.target, None))
    grow(root, lineage.target)
    for path, reason in lineage.damaged.items():
        root.add(f"[red]{_markup(shown_path(path))}  {_markup(reason)}[/red]")
    return root


def mermaid(lineage: Lineage) -> str:
    """The lineage as a Mermaid flowchart, from the raw files on the left to the right."""
    names = {node: f"n{i}" for i, node in enumerate((*lineage.artefacts, *lineage.runs))}
    lines = ["flowchart LR"]
    for item in lineage.artefacts.values():
        words = [_artefact_name(item), item.sha256[:16], _WORDS[item.status]]
        lines.append(f"  {names[item.sha256]}[{_mermaid_text(words)}]:::{item.status}")
    for run in lineage.runs.values():
        words = [run.entrypoint, run.version or "", _WORDS.get(run.status, "")]
        lines.append(f"  {names[run.identity]}({_mermaid_text(words)}):::{run.status}")
    for edge in lineage.edges:
        label = _mermaid_text([edge.name])
        lines.append(f"  {names[edge.source]} -->|{label}| {names[edge.target]}")
    lines += [
        "  classDef ok,embedded fill:#eef2ff,stroke:#4f5bd5,color:#111",
        "  classDef same fill:#ecfdf3,stroke:#1a7f37,color:#111",
        "  classDef moved,superseded,unlocated fill:#fff8e1,stroke:#b7791f,color:#111",
        "  classDef missing,changed,damaged fill:#ffebe9,stroke:#cf222e,color:#111",
    ]
    return "\n".join(lines) + "\n"


def html_page(lineage: Lineage) -> str:
    """The lineage as one HTML page without scripts or outside resources: a graph and a table."""
    target = lineage.artefacts.get(lineage.target)
    title = _artefact_name(target) if target else lineage.runs[lineage.target].entrypoint
    verdict = (
        "Nothing in this chain has changed."
        if lineage.ok
        else "Something in this chain has changed; it is marked in red."
    )
    rows = "\n".join(_artefact_row(item, lineage) for item in lineage.artefacts.values())
    runs = "\n".join(_run_row(run) for run in lineage.runs.values())
    damaged = "".join(
        f"<p class=changed>{_escape(shown_path(path))}: {_escape(reason)}</p>"
        for path, reason in lineage.damaged.items()
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Lineage of {_escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Lineage of {_escape(title)}</h1>
<p class="{"same" if lineage.ok else "changed"}">{verdict}</p>
{damaged}
<div class="graph">{_svg(lineage)}</div>
<h2>Files</h2>
<table>
<tr><th>file</th><th>role</th><th>bytes</th><th>sha256</th><th>status</th></tr>
{rows}
</table>
<h2>Runs</h2>
<table>
<tr><th>run</th><th>by</th><th>record</th><th>status</th></tr>
{runs}
</table>
</body>
</html>
"""


_STYLE = """
:root{color-scheme:light dark;--ink:#1f2328;--paper:#fff;--line:#8c959f;
--good:#1a7f37;--odd:#9a6700;--bad:#cf222e;--run:#4f5bd5}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0d1117;--line:#6e7681;
--good:#3fb950;--odd:#d29922;--bad:#f85149;--run:#8b93f8}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:2rem}
.graph{overflow-x:auto;margin:1rem 0}
svg{font:13px system-ui,sans-serif}svg text{fill:var(--ink)}svg .small{font-size:11px;opacity:.75}
rect{fill:var(--paper);stroke-width:1.5}path{fill:none;stroke:var(--line);stroke-width:1.3}
rect.run{stroke:var(--run)}rect.same{stroke:var(--good)}
rect.moved,rect.superseded,rect.unlocated,rect.embedded{stroke:var(--odd);stroke-dasharray:4 3}
rect.missing,rect.changed,rect.damaged{stroke:var(--bad);stroke-width:2.5}
table{border-collapse:collapse}th,td{text-align:left;padding:.3rem .9rem .3rem 0;vertical-align:top;
border-bottom:1px solid color-mix(in srgb,var(--line) 35%,transparent)}
td code{font-size:12px;word-break:break-all}
.same{color:var(--good)}.moved,.superseded,.unlocated,.embedded{color:var(--odd)}
.missing,.changed,.damaged{color:var(--bad);font-weight:600}
"""

_BOX_WIDTH, _BOX_HEIGHT, _COLUMN_GAP, _ROW_GAP = 250, 56, 70, 22


def _svg(lineage: Lineage) -> str:
    columns = _columns(lineage)
    place = {
        node: (
            10 + column * (_BOX_WIDTH + _COLUMN_GAP),
            10 + row * (_BOX_HEIGHT + _ROW_GAP),
        )
        for column, nodes in enumerate(columns)
        for row, node in enumerate(nodes)
    }
    width = 20 + len(columns) * (_BOX_WIDTH + _COLUMN_GAP) - _COLUMN_GAP
    height = 20 + max(map(len, columns)) * (_BOX_HEIGHT + _ROW_GAP) - _ROW_GAP
    parts = [
        f'<svg role="img" aria-label="Graph of runs and files" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">'
    ]
    parts += (_svg_edge(edge, place) for edge in lineage.edges)
    for item in lineage.artefacts.values():
        detail = f"{item.sha256[:16]} {_WORDS[item.status]}"
        parts.append(_svg_box(place[item.sha256], item.status, _artefact_name(item), detail, 3))
    for run in lineage.runs.values():
        kind = "run" if run.status == "ok" else run.status
        parts.append(_svg_box(place[run.identity], kind, run.entrypoint, run.version or "", 26))
    parts.append("</svg>")
    return "\n".join(parts)


def _columns(lineage: Lineage) -> list[list[str]]:
    """Nodes by the longest way to them, so that every edge points to the right."""
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


def _svg_edge(edge: Edge, place: dict[str, tuple[int, int]]) -> str:
    x1, y1 = place[edge.source]
    x2, y2 = place[edge.target]
    x1, y1, y2 = x1 + _BOX_WIDTH, y1 + _BOX_HEIGHT // 2, y2 + _BOX_HEIGHT // 2
    bend = max(30, (x2 - x1) // 2)
    return (
        f'<path d="M{x1},{y1} C{x1 + bend},{y1} {x2 - bend},{y2} {x2},{y2}">'
        f"<title>{_escape(edge.name)}</title></path>"
    )


def _svg_box(place: tuple[int, int], kind: str, title: str, detail: str, radius: int) -> str:
    x, y = place
    return (
        f'<g><title>{_escape(title)}</title><rect class="{kind}" x="{x}" y="{y}" '
        f'width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="{radius}"/>'
        f'<text x="{x + 14}" y="{y + 24}">{_escape(_clipped(title, 34))}</text>'
        f'<text class="small" x="{x + 14}" y="{y + 43}">{_escape(_clipped(detail, 42))}</text></g>'
    )


def _clipped(words: str, length: int) -> str:
    return words if len(words) <= length else f"…{words[1 - length :]}"


def _artefact_row(item: Artefact, lineage: Lineage) -> str:
    raw = "" if lineage.before(item.sha256) else " (raw)"
    size = "" if item.size is None else f"{item.size:,}"
    places = "<br>".join(
        f'{_escape(shown_path(place.path))} <span class="{place.status}">'
        f"{_escape(_WORDS[place.status])}</span>"
        for place in item.places
    )
    return (
        f"<tr><td>{places or 'unknown'}{raw}</td><td>{_escape(', '.join(item.roles))}</td>"
        f"<td>{size}</td><td><code>{item.sha256}</code></td>"
        f'<td class="{item.status}">{item.status}</td></tr>'
    )


def _run_row(run: RunNode) -> str:
    record = "" if run.record is None else shown_path(run.record)
    reason = f": {run.reason}" if run.reason else ""
    return (
        f"<tr><td>{_escape(run.entrypoint)}</td><td>{_escape(run.version or '')}</td>"
        f"<td>{_escape(record)}<br><code>{_escape(run.identity)}</code></td>"
        f'<td class="{run.status}">{run.status}{_escape(reason)}</td></tr>'
    )


def _run_label(run: RunNode) -> str:
    words = [f"[bold]{_markup(run.entrypoint)}[/bold]"]
    if run.version and run.version != run.entrypoint:
        words.append(f"({_markup(run.version)})")
    if run.record is not None:
        words.append(f"[dim]{_markup(shown_path(run.record))}[/dim]")
    if run.status != "ok":
        words.append(f"[{_COLOURS[run.status]}]{_WORDS[run.status]}[/]")
    return " ".join(words)


def _artefact_label(item: Artefact, name: str | None, *, raw: bool) -> str:
    words = [] if name is None else [f"{_markup(name)}:"]
    words.append(f"[bold]{_markup(_artefact_name(item))}[/bold]")
    words.append(f"[dim]{item.sha256[:16]}[/dim]")
    if raw:
        words.append("(raw)")
    if item.status != "same":
        words.append(f"[{_COLOURS[item.status]}]{_WORDS[item.status]}[/]")
    words += _changes(item)
    return " ".join(words)


def _changes(item: Artefact) -> Iterator[str]:
    for place in item.places:
        if place.status == "changed" and place.found:
            yield f"[red]{_markup(shown_path(place.path))} is now {place.found[:16]}[/red]"


def _artefact_name(item: Artefact) -> str:
    return "unknown file" if item.path is None else shown_path(item.path)


def _markup(words: str) -> str:
    from rich.markup import escape

    return escape(one_line(words))


def _escape(words: str | os.PathLike[str]) -> str:
    return html.escape(one_line(text(os.fspath(words))))


def _mermaid_text(words: list[str]) -> str:
    """A quoted Mermaid label; what has a meaning inside quotes is written as an entity code."""
    lines = [
        "".join(c if c.isalnum() or c in " ./_-:,+()" else f"#{ord(c)};" for c in text(line))
        for line in words
        if line
    ]
    return '"' + "<br/>".join(lines) + '"'
