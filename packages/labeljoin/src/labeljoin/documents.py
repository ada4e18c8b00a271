"""The JSON Schemas of all documents that labeljoin writes and reads."""

from __future__ import annotations

from typing import Any

from provenance.toolkit import published_schema

from labeljoin.batch.labelling import LABEL_BATCH
from labeljoin.batch.manifest import manifest_schema
from labeljoin.facts import (
    AUDIT_SCHEMA,
    INSPECTION_SCHEMA,
    MANIFEST_SCHEMA,
    REPORT_SCHEMA,
    AuditDocument,
    BatchReport,
    Inspection,
)
from labeljoin.ratings.audit import ratings_schema


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each document, by schema id.

    Examples:
        >>> "mos-label-materializer-v1" in schemas()
        True
    """
    ratings = ratings_schema()
    return {
        AUDIT_SCHEMA: published_schema(AUDIT_SCHEMA, AuditDocument, "Audit of a label join"),
        INSPECTION_SCHEMA: published_schema(
            INSPECTION_SCHEMA, Inspection, "Inspection of a label join"
        ),
        REPORT_SCHEMA: published_schema(REPORT_SCHEMA, BatchReport, "Report of a label batch"),
        MANIFEST_SCHEMA: manifest_schema(LABEL_BATCH),
        ratings["$id"].removesuffix(".json"): ratings,
    }
