"""An audit as the reports are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signalaudit.documents import AuditDocument
    from signalaudit.findings.table_audit import TableAudit


@dataclass(frozen=True)
class Audit:
    """An audit with the data that its figures show.

    Attributes:
        document: The audit JSON, without its run record.
        tables: The audits of the tables, in the order of the document.
    """

    document: AuditDocument
    tables: list[TableAudit]
