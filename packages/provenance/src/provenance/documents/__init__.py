"""The documents of provenance, typed: the record, its short form, and the outcomes of its checks.

These definitions are the only ones. The code that builds a document is checked against them, and
:func:`schemas` makes the published JSON Schemas from them.

- ``record``: the run record;
- ``outcomes``: what the commands find and do.
"""

from __future__ import annotations

from typing import Any

from provenance.documents.outcomes import ArtefactDocument as ArtefactDocument
from provenance.documents.outcomes import ClaimFindingDocument as ClaimFindingDocument
from provenance.documents.outcomes import CleaningDocument as CleaningDocument
from provenance.documents.outcomes import DamagedDocument as DamagedDocument
from provenance.documents.outcomes import EdgeDocument as EdgeDocument
from provenance.documents.outcomes import ErrorDocument as ErrorDocument
from provenance.documents.outcomes import FileFindingDocument as FileFindingDocument
from provenance.documents.outcomes import LeftoverDocument as LeftoverDocument
from provenance.documents.outcomes import OutputComparisonDocument as OutputComparisonDocument
from provenance.documents.outcomes import PlaceDocument as PlaceDocument
from provenance.documents.outcomes import RecordFindingsDocument as RecordFindingsDocument
from provenance.documents.outcomes import ReplayDocument as ReplayDocument
from provenance.documents.outcomes import RunDocument as RunDocument
from provenance.documents.outcomes import SignatureDocument as SignatureDocument
from provenance.documents.outcomes import SignerDocument as SignerDocument
from provenance.documents.outcomes import SigningDocument as SigningDocument
from provenance.documents.outcomes import TraceDocument as TraceDocument
from provenance.documents.outcomes import VerificationDocument as VerificationDocument
from provenance.documents.record import BlockDocument as BlockDocument
from provenance.documents.record import EntryDocument as EntryDocument
from provenance.documents.record import EntrypointDocument as EntrypointDocument
from provenance.documents.record import ManifestDocument as ManifestDocument
from provenance.documents.record import ModuleDocument as ModuleDocument
from provenance.documents.record import ObjectDocument as ObjectDocument
from provenance.documents.record import PartDocument as PartDocument
from provenance.documents.record import PrefixDocument as PrefixDocument
from provenance.documents.record import ShortDocument as ShortDocument
from provenance.documents.record import SlotDocument as SlotDocument
from provenance.toolkit.schemas import published_schema


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each document that provenance writes, by schema id.

    >>> sorted(schemas())[:2]
    ['ai-run-provenance-short-v1', 'ai-run-provenance-v1']
    """
    titles: dict[str, tuple[Any, str]] = {
        "ai-run-provenance-v1": (BlockDocument, "Run record (ADR-0661)"),
        "ai-run-provenance-short-v1": (ShortDocument, "Short form of a run record"),
        "run-manifest-v1": (ManifestDocument, "Run manifest"),
        "provenance-verification-v1": (VerificationDocument, "Outcome of provenance verify"),
        "provenance-replay-v1": (ReplayDocument, "Outcome of provenance replay"),
        "provenance-cleaning-v1": (CleaningDocument, "Outcome of provenance clean"),
        "provenance-signature-v1": (SigningDocument, "Outcome of provenance sign"),
        "provenance-trace-v1": (TraceDocument, "Lineage of a file"),
    }
    made = {name: published_schema(name, kind, title) for name, (kind, title) in titles.items()}
    made["run-manifest-v1"]["additionalProperties"] = True  # the sections that a script adds
    entry = made["ai-run-provenance-v1"]["$defs"]["EntryDocument"]
    entry["if"] = {"properties": {"kind": {"const": "directory"}}}
    entry["then"] = {"required": ["files"]}
    entry["else"] = {"not": {"required": ["files"]}}
    return made
