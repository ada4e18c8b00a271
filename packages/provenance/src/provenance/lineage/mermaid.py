"""A lineage as a Mermaid flowchart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.lineage.words import STATUS_WORDS, artefact_name, signer_words
from provenance.toolkit.canonical import text

if TYPE_CHECKING:
    from provenance.lineage.graph import Lineage


def flowchart(lineage: Lineage) -> str:
    """Return the lineage as a Mermaid flowchart, from the raw files on the left to the right."""
    names = {node: f"n{i}" for i, node in enumerate((*lineage.artefacts, *lineage.runs))}
    lines = ["flowchart LR"]
    for item in lineage.artefacts.values():
        words = [artefact_name(item), item.sha256[:16], STATUS_WORDS[item.status]]
        lines.append(f"  {names[item.sha256]}[{_mermaid_text(words)}]:::{item.status}")
    for run in lineage.runs.values():
        words = [run.entrypoint, run.version or "", signer_words(run)]
        words.append(STATUS_WORDS.get(run.status, ""))
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


def _mermaid_text(words: list[str]) -> str:
    """Return a quoted label; characters with a meaning inside quotes become entity codes."""
    lines = [
        "".join(c if c.isalnum() or c in " ./_-:,+()" else f"#{ord(c)};" for c in text(line))
        for line in words
        if line
    ]
    return '"' + "<br/>".join(lines) + '"'
