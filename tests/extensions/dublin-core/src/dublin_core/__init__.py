"""Export a run record as Dublin Core terms, one description for each output."""

from __future__ import annotations

from typing import Any

from provenance import Record
from provenance.exports import EventTime, run_id


def described_outputs(record: Record, time: EventTime) -> dict[str, Any]:
    """Return the terms of each output: what it is, what made it, what it was made from."""
    sources = [f"sha256:{entry.digest.sha256}" for entry in record.input_entries() if entry.digest]
    return {
        "run": run_id(record),
        "outputs": [
            {
                "dcterms:identifier": f"sha256:{entry.digest.sha256}",
                "dcterms:title": entry.path.name,
                "dcterms:creator": record.version or record.entrypoint,
                "dcterms:source": sources,
                **({"dcterms:created": time.text} if time.given else {}),
            }
            for entry in record.output_entries()
            if entry.digest
        ],
    }
