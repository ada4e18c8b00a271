"""An audit as the reports are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provenance.toolkit import summary_html

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def audit_html(document: Mapping[str, Any]) -> str:
    """Return an audit as notebooks show it: targets, families and the next steps."""
    names = {family["key"]: family["name"] for family in document["families"]}
    parts = []
    for table in document["tables"]:
        target = table["target"]
        covered = [
            [names[key], family["status"], len(family["healthy_columns"])]
            for key, family in table["families"].items()
            if family["status"] != "missing"
        ]
        correlations = [
            [row["column"], row["pearson"], row["spearman"]]
            for row in table["target_correlations"][:8]
        ]
        steps = table["next_steps"]
        parts.append(
            summary_html(
                f"Signal-mix audit of {table['label']}, "
                + (f"target {target}" if target else "without a target"),
                steps[0]["title"] if steps else "By the rules of this audit, nothing is missing",
                facts=[
                    ("rows", f"{table['rows']:,}"),
                    ("signal columns", f"{len(table['signal_columns']):,}"),
                    ("families covered", f"{len(covered):,}"),
                ],
                tables=[
                    ("Families", ("family", "status", "healthy columns"), covered),
                    (f"Strongest with {target}", ("column", "Pearson", "Spearman"), correlations),
                ],
                notes=[f"{step['kind']}: {step['title']}" for step in steps[1:6]],
            )
        )
    return "\n".join(parts)
