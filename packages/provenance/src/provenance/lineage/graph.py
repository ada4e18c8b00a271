"""The graph of runs and artefacts, joined by digest, from a model back to the rating file.

Paths only tell where to look. What connects two runs is that one made the bytes which the other
read, so renamed and copied files still connect, and a changed file no longer does.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from provenance.documents import RunDocument, TraceDocument
    from provenance.record.signatures import Signer

TRACE_SCHEMA: Literal["provenance-trace-v1"] = "provenance-trace-v1"

PlaceStatus = Literal["same", "changed", "superseded", "moved", "missing"]
"""``superseded``: a later run of the graph has put other bytes there."""

ArtefactStatus = Literal["same", "changed", "superseded", "moved", "missing", "unlocated"]

RunStatus = Literal["ok", "damaged", "embedded"]
"""``embedded``: only the short form inside the artefact is left of the record."""


@dataclass
class Place:
    """Where an artefact was recorded, and what is there now."""

    path: Path
    status: PlaceStatus
    found: str | None = None


@dataclass
class Artefact:
    """Some bytes that a run read or made.

    Attributes:
        sha256: Their digest; it identifies the artefact in the graph.
        size: Number of bytes, or None where only a digest is known.
        directory: Whether it is a directory.
        places: Where records have it, and what is there now.
        roles: What it is to its readers, e.g. ``feature-table``.
    """

    sha256: str
    size: int | None = None
    directory: bool = False
    places: list[Place] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)

    @property
    def status(self) -> ArtefactStatus:
        """The worst that happened to it; ``unlocated`` if no record says where it was."""
        found = {place.status for place in self.places}
        if "changed" in found:
            return "changed"
        best: tuple[PlaceStatus, ...] = ("same", "moved", "superseded", "missing")
        return next((status for status in best if status in found), "unlocated")

    @property
    def path(self) -> Path | None:
        """The best place to name it by: one where it still is, else the first recorded."""
        for status in ("same", "moved"):
            for place in self.places:
                if place.status == status:
                    return place.path
        return self.places[0].path if self.places else None


@dataclass(frozen=True)
class RunNode:
    """A run in the graph.

    Attributes:
        identity: What identifies it: the digest of its record.
        entrypoint: What ran.
        version: Distribution and version, where known.
        record: The record's file; None where only an embedded short form is left.
        status: Whether the record is what was written.
        reason: What is wrong with it.
        signers: The keys that have signed the record.
    """

    identity: str
    entrypoint: str
    version: str | None
    record: Path | None
    status: RunStatus
    reason: str | None = None
    signers: tuple[Signer, ...] = ()

    def to_document(self) -> RunDocument:
        """Return the run as trace documents have it."""
        return {
            "id": self.identity,
            "entrypoint": self.entrypoint,
            "version": self.version,
            "record": None if self.record is None else os.fspath(self.record),
            "status": self.status,
            "reason": self.reason,
            "signers": [signer.to_document() for signer in self.signers],
        }


@dataclass(frozen=True)
class Edge:
    """A step in time from ``source`` to ``target``.

    A run reads an artefact (``input``) or makes one (``output``); a file and its directory are
    ``part`` and whole.
    """

    source: str
    target: str
    name: str
    kind: Literal["input", "output", "part"]


@dataclass
class Lineage:
    """The outcome of :func:`trace`.

    Attributes:
        target: The node that was asked about: an artefact's digest or a run's identity.
        artefacts: By digest.
        runs: By identity.
        edges: In the order they were found.
        damaged: Records that could not be read, with the reason.
    """

    target: str
    artefacts: dict[str, Artefact] = field(default_factory=dict)
    runs: dict[str, RunNode] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    damaged: dict[Path, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether no file, record or signature of the graph has changed. Files may be missing."""
        return (
            not self.damaged
            and all(run.status != "damaged" for run in self.runs.values())
            and not any(map(_has_invalid_signature, self.runs.values()))
            and all(item.status != "changed" for item in self.artefacts.values())
        )

    def problem(self) -> str:
        """Return the first file or record that has changed, as a sentence without its full stop."""
        for path, reason in self.damaged.items():
            return f"{path}: {reason}"
        for run in self.runs.values():
            if run.status == "damaged":
                return f"The record {run.record} is not what was written ({run.reason})"
            if _has_invalid_signature(run):
                return f"A signature of the record {run.record} does not fit what was signed"
        for item in self.artefacts.values():
            for place in item.places:
                if place.status == "changed":
                    return f"{place.path} has changed (was {item.sha256}, is {place.found})"
        raise ValueError("nothing has changed")

    def before(self, node: str) -> list[Edge]:
        """Return the edges that lead to ``node``."""
        return [edge for edge in self.edges if edge.target == node]

    def after(self, node: str) -> list[Edge]:
        """Return the edges that lead away from ``node``."""
        return [edge for edge in self.edges if edge.source == node]

    def raw_files(self) -> list[Artefact]:
        """Return the artefacts that no known run has made: where the chain begins."""
        made = {edge.target for edge in self.edges}
        return [item for item in self.artefacts.values() if item.sha256 not in made]

    def to_document(self) -> TraceDocument:
        """Return the graph as a ``provenance-trace-v1`` document."""
        raw = {item.sha256 for item in self.raw_files()}
        return {
            "schema": TRACE_SCHEMA,
            "status": "ok" if self.ok else "failed",
            "target": self.target,
            "artefacts": [
                {
                    "sha256": item.sha256,
                    "bytes": item.size,
                    "kind": "directory" if item.directory else "file",
                    "path": None if item.path is None else os.fspath(item.path),
                    "roles": item.roles,
                    "raw": item.sha256 in raw,
                    "status": item.status,
                    "places": [
                        {
                            "path": os.fspath(place.path),
                            "status": place.status,
                            "found_sha256": place.found,
                        }
                        for place in item.places
                    ],
                }
                for item in self.artefacts.values()
            ],
            "runs": [run.to_document() for run in self.runs.values()],
            "edges": [
                {"from": edge.source, "to": edge.target, "name": edge.name, "kind": edge.kind}
                for edge in self.edges
            ],
            "damaged_records": [
                {"path": os.fspath(path), "reason": reason} for path, reason in self.damaged.items()
            ],
        }


def _has_invalid_signature(run: RunNode) -> bool:
    return any(signer.status == "invalid" for signer in run.signers)
