"""How files and runs of a lineage are named and their statuses said, in every view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.toolkit.terminal import shown_path

if TYPE_CHECKING:
    from provenance.lineage.graph import Artefact, RunNode

STATUS_WORDS = {
    "same": "",
    "moved": "moved",
    "superseded": "since replaced by a later run",
    "unlocated": "no record says where it is",
    "missing": "BROKEN: missing",
    "changed": "BROKEN: changed",
    "damaged": "BROKEN: the record is not what was written",
    "embedded": "from the embedded copy; its record is lost",
}


def signer_words(run: RunNode) -> str:
    """Say by which keys a run's record is signed; empty where it is not."""
    return ", ".join(f"signed by {s.keyid[:16]} ({s.status})" for s in run.signers)


def artefact_name(item: Artefact) -> str:
    """Return the best path of an artefact, as it is shown."""
    return "unknown file" if item.path is None else shown_path(item.path)
