"""A lineage as a tree for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provenance.lineage.words import STATUS_WORDS, artefact_name, signer_words
from provenance.toolkit.errors import one_line
from provenance.toolkit.terminal import shown_path

if TYPE_CHECKING:
    from rich.tree import Tree

    from provenance.lineage.graph import Artefact, Lineage, RunNode

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


def lineage_tree(lineage: Lineage, *, downstream: bool = False) -> Tree:
    """Return the lineage as a Rich tree: each node's causes below it, or its effects."""
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


def _run_label(run: RunNode) -> str:
    words = [f"[bold]{_markup(run.entrypoint)}[/bold]"]
    if run.version and run.version != run.entrypoint:
        words.append(f"({_markup(run.version)})")
    if run.record is not None:
        words.append(f"[dim]{_markup(shown_path(run.record))}[/dim]")
    if run.signers:
        good = all(signer.status == "verified" for signer in run.signers)
        words.append(f"[{'green' if good else 'yellow'}]{_markup(signer_words(run))}[/]")
    if run.status != "ok":
        words.append(f"[{_COLOURS[run.status]}]{STATUS_WORDS[run.status]}[/]")
    return " ".join(words)


def _artefact_label(item: Artefact, name: str | None, *, raw: bool) -> str:
    words = [] if name is None else [f"{_markup(name)}:"]
    words.append(f"[bold]{_markup(artefact_name(item))}[/bold]")
    words.append(f"[dim]{item.sha256[:16]}[/dim]")
    if raw:
        words.append("(raw)")
    if item.status != "same":
        words.append(f"[{_COLOURS[item.status]}]{STATUS_WORDS[item.status]}[/]")
    words += _changes(item)
    return " ".join(words)


def _changes(item: Artefact) -> Iterator[str]:
    for place in item.places:
        if place.status == "changed" and place.found:
            yield f"[red]{_markup(shown_path(place.path))} is now {place.found[:16]}[/red]"


def _markup(words: str) -> str:
    from rich.markup import escape

    return escape(one_line(words))
