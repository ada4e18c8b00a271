"""The JSON Schemas of all documents that secondopinion writes and reads."""

from __future__ import annotations

from typing import Any

from labeljoin.batch import manifest_schema
from provenance.toolkit import published_schema

from secondopinion.facts import (
    AUDIT_SCHEMA,
    INSPECTION_SCHEMA,
    REPORT_SCHEMA,
    AuditDocument,
    BatchDocument,
    InspectionDocument,
)
from secondopinion.joining.batch import MANIFEST_SCHEMA, SCORE_BATCH


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each document, by schema id.

    Example:
        >>> sorted(schemas())[0]
        'second-opinion-inspection-v1'
    """
    return {
        AUDIT_SCHEMA: published_schema(AUDIT_SCHEMA, AuditDocument, "Second-opinion audit"),
        INSPECTION_SCHEMA: published_schema(
            INSPECTION_SCHEMA, InspectionDocument, "Second-opinion inspection"
        ),
        REPORT_SCHEMA: published_schema(
            REPORT_SCHEMA, BatchDocument, "Second-opinion batch report"
        ),
        MANIFEST_SCHEMA: manifest_schema(SCORE_BATCH),
    }
