"""The JSON Schemas of all documents of the package."""

from __future__ import annotations

from typing import Any

from provenance.toolkit import published_schema

from signalaudit.documents.audit import SCHEMA, AuditDocument
from signalaudit.documents.diff import DIFF_SCHEMA, DiffDocument


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each document that signalaudit writes, by schema id.

    Example:
        >>> sorted(schemas())
        ['signal-mix-audit-diff-v1', 'signal-mix-audit-v1']
    """
    return {
        SCHEMA: published_schema(SCHEMA, AuditDocument, "Signal-mix audit"),
        DIFF_SCHEMA: published_schema(
            DIFF_SCHEMA, DiffDocument, "Comparison of two signal-mix audits"
        ),
    }
