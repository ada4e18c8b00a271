"""The report of a batch: one entry a table, for programs and for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance.toolkit import sentence

from labeljoin.keys.shares import percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    """The report for people, as Markdown."""
    summary = report["summary"]
    heads = ["Table", "Status", *(column.title for column in job.columns), "Output"]
    rules = ["---", "---", *("---:" if c.kind != "text" else "---" for c in job.columns), "---"]
    lines = [
        f"# {job.title}",
        "",
        f"Status: **{report['status']}**: "
        f"{summary['ok_tables']} of {summary['tables']} tables done, "
        f"{summary['failed_tables']} failed, {summary['skipped_tables']} skipped.",
        "",
        f"| {' | '.join(heads)} |",
        f"| {' | '.join(rules)} |",
    ]
    for table in report["tables"]:
        values = [shown_value(column, table["summary"]) for column in job.columns]
        cells = [table["id"], table["status"], *values, f"`{table['out']}`"]
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    failed = [table for table in report["tables"] if table["error"] is not None]
    if failed:
        lines += ["", "## What failed", ""]
        lines += [f"- **{_cell(table['id'])}**: {error_sentence(table)}" for table in failed]
    return "\n".join(lines) + "\n"


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


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
