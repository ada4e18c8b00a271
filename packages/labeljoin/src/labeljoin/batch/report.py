"""The report of a batch: one entry a table, for programs and for people."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from provenance.toolkit import markdown_code, markdown_templates, markdown_text, sentence

from labeljoin.keys.shares import percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2 import Template

    from labeljoin.batch.job import BatchJob, ManifestTable, ReportColumn


STATUS_OK, STATUS_FAILED, STATUS_SKIPPED = "ok", "failed", "skipped"


def entry_of(
    table: ManifestTable,
    status: str,
    summary: dict[str, Any] | None = None,
    error: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return one table's entry."""
    return {
        "id": table.id,
        "status": status,
        **{name: table.members.get(name) for name in table.paths},
        "options": dict(sorted(table.options.items())),
        "summary": summary,
        "error": None if error is None else dict(error),
    }


def summary_of(job: BatchJob, audit: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a table's audit that the report shows or adds up."""
    members = dict.fromkeys([*(column.member for column in job.columns), *job.totals])
    return {member: audit.get(member) for member in members}


def report_of(job: BatchJob, manifest: str, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the report."""
    statuses = [entry["status"] for entry in entries]
    return {
        "schema": job.report_schema,
        "status": STATUS_OK if set(statuses) == {STATUS_OK} else STATUS_FAILED,
        "manifest": manifest,
        "summary": {
            "tables": len(entries),
            "ok_tables": statuses.count(STATUS_OK),
            "failed_tables": statuses.count(STATUS_FAILED),
            "skipped_tables": statuses.count(STATUS_SKIPPED),
            **{
                member: sum((entry["summary"] or {}).get(member) or 0 for entry in entries)
                for member in job.totals
            },
        },
        "tables": list(entries),
    }


def markdown(job: BatchJob, report: Mapping[str, Any]) -> str:
    """Return the report for people, as Markdown; text from manifests and tables is escaped."""
    return _template().render(job=job, report=report)


def shown_value(column: ReportColumn, summary: Mapping[str, Any] | None) -> str:
    """A table's value under a column of the report, a dash where it has none."""
    value = None if summary is None else summary.get(column.member)
    if value is None:
        return "–"
    if column.kind == "share":
        return percent(value)
    return f"{value:,}" if column.kind == "count" else str(value)


def error_sentence(table: Mapping[str, Any]) -> str:
    """Why a table failed."""
    error = table["error"]
    return sentence(error["what"], error["where"], error["fix"])


@functools.cache
def _template() -> Template:
    environment = markdown_templates("labeljoin.batch")
    environment.filters.update(
        t=markdown_text, c=markdown_code, value=shown_value, sentence=error_sentence
    )
    return environment.get_template("report.md.j2")
