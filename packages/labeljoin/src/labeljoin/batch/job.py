"""Many tables by one manifest, here or on a cluster, with one report (ADR-0675)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from provenance import start_run
from provenance.toolkit import MoskitError, VerdictError

from labeljoin.batch.manifest import ManifestTable, load_manifest, resolve_path
from labeljoin.engine.executors import executor as open_executor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance import Run
    from provenance.toolkit import ProgressCallback

STATUS_OK, STATUS_FAILED, STATUS_SKIPPED = "ok", "failed", "skipped"


class BatchError(VerdictError):
    """Tables of a batch failed. Its ``document`` is the report."""


@dataclass(frozen=True)
class ReportColumn:
    """A column of the report for people.

    Attributes:
        title: Its heading.
        member: The member of a table's audit that it shows.
        kind: How: a count, a share, or text.
    """

    title: str
    member: str
    kind: Literal["count", "share", "text"] = "count"


@dataclass(frozen=True)
class BatchJob:
    """What a batch does with each table of its manifest; it pickles.

    Attributes:
        entrypoint: The command, e.g. ``labeljoin batch``.
        distribution: The distribution that it belongs to.
        module: The module whose source the record digests.
        title: The heading of the report for people.
        manifest_schema: Schema id of the manifest.
        report_schema: Schema id of the report.
        path_schemas: JSON Schemas of a table's members that are paths, by name.
        option_schemas: JSON Schemas of its options, by name.
        required: The members that a table must have, ``id`` apart.
        columns: What the report shows of each table's audit; it also goes into its ``summary``.
        totals: Members of the audits that the report adds up.
        run: Works on one table, from its path members resolved and the table itself, and returns
            its audit; a module-level function.
        check: Raises an InputError where a table's options cannot be right.
        inputs: The files that a table reads, its feature table first.
        outputs: The files that a table writes, its audit last.
        resolve: A path of the manifest from the base folder.
    """

    entrypoint: str
    distribution: str
    module: str
    title: str
    manifest_schema: str
    report_schema: str
    path_schemas: Mapping[str, Mapping[str, Any]]
    option_schemas: Mapping[str, Mapping[str, Any]]
    required: Sequence[str]
    columns: Sequence[ReportColumn]
    totals: Sequence[str]
    run: Callable[[ManifestTable, Executor | None], Mapping[str, Any]]
    check: Callable[[ManifestTable], None]
    inputs: Callable[[ManifestTable], Sequence[str]]
    outputs: Callable[[ManifestTable], Sequence[str]]
    resolve: Callable[[str, Path], str] = resolve_path


def run_job(
    job: BatchJob,
    manifest: str | os.PathLike[str],
    *,
    base_dir: str | os.PathLike[str] | None = None,
    report_json: str | os.PathLike[str] | None = None,
    report_md: str | os.PathLike[str] | None = None,
    fail_fast: bool = False,
    jobs: int | None = None,
    scheduler: str | None = None,
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Run a job for every table of a manifest.

    A table that fails does not stop the others. Tables run side by side where ``jobs`` or
    ``scheduler`` allows, and so do the parts of a table that is a directory.

    Args:
        job: What to do with each table.
        manifest: A JSON file; relative paths in it start from its own folder.
        base_dir: Where they start from instead.
        report_json: Where the report goes; it carries the run record.
        report_md: Where the report for people goes; its record is beside it where there is no
            ``report_json``.
        fail_fast: Begin no further table once one has failed.
        jobs: How many processes work at a time, 1 unless given.
        scheduler: Address of a Dask scheduler whose workers do it instead.
        progress: Called when a table is done.

    Returns:
        The report.

    Raises:
        InputError: The manifest is unusable; nothing was run.
        BatchError: A table failed; the report was written and is the ``document``.
        OutputError: A report cannot be written.
    """
    args = {
        "manifest": os.fspath(manifest),
        "base_dir": None if base_dir is None else os.fspath(base_dir),
        "report_json": None if report_json is None else os.fspath(report_json),
        "report_md": None if report_md is None else os.fspath(report_md),
        "fail_fast": fail_fast,
    }
    with start_run(
        job.entrypoint,
        distribution=job.distribution,
        module=job.module,
        inputs={"manifest": manifest},
        args=args,
    ) as run:
        tables = load_manifest(manifest, job, base_dir=base_dir)
        for table in tables:
            _foresee_inputs(run, job, table)
        for table in tables:
            _foresee_outputs(run, job, table)
        # The reports' places are tried before hours of work, not after.
        staged = None if report_md is None else run.stage("report_md", report_md, kind="report")
        report: dict[str, Any] = {}
        if report_json is not None:
            run.record(report_json, report, kind="report")
        elif report_md is not None:
            run.record(f"{os.fspath(report_md)}.audit.json", report, kind="report")
        entries = _run_tables(job, tables, fail_fast, jobs, scheduler, progress)
        report |= _report(job, os.fspath(manifest), entries)
        if staged is not None:
            staged.path.write_text(markdown(job, report), encoding="utf-8")
        run.describe("audits", _written_audits(job, tables, entries), kind="audit")
    document = run.document or report
    if report["status"] != STATUS_OK:
        raise _verdict(document, os.fspath(manifest))
    return document


def _foresee_inputs(run: Run, job: BatchJob, table: ManifestTable) -> None:
    features, *others = job.inputs(table)
    run.foresee_input(_features_of(table), features)
    for path in others:
        run.foresee_input(f"an input of table {table.id!r}", path)


def _foresee_outputs(run: Run, job: BatchJob, table: ManifestTable) -> None:
    """Refuse a table that would replace what this batch reads or writes elsewhere."""
    out, audit = job.outputs(table)
    run.foresee_output(
        f"the output of table {table.id!r}",
        out,
        replaces=(_features_of(table),) if table.options.get("in_place") else (),
    )
    run.foresee_output(f"the audit of table {table.id!r}", audit)


def _features_of(table: ManifestTable) -> str:
    return f"the feature table of table {table.id!r}"


def _run_tables(
    job: BatchJob,
    tables: Sequence[ManifestTable],
    fail_fast: bool,
    jobs: int | None,
    scheduler: str | None,
    progress: ProgressCallback | None,
) -> list[dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {}
    for table, entry in _finished(job, tables, fail_fast, jobs, scheduler):
        entries[table.id] = entry
        if progress:
            progress("tables", len(entries), len(tables))
    return [entries.get(table.id) or _entry(table, STATUS_SKIPPED) for table in tables]


def _finished(
    job: BatchJob,
    tables: Sequence[ManifestTable],
    fail_fast: bool,
    jobs: int | None,
    scheduler: str | None,
) -> Iterator[tuple[ManifestTable, dict[str, Any]]]:
    """The tables with their entries, as they are done."""
    if jobs in (None, 1) and scheduler is None:
        for table in tables:
            entry = _run_table(job, table, None)
            yield table, entry
            if fail_fast and entry["status"] == STATUS_FAILED:
                return
        return
    with (
        open_executor(jobs, scheduler) as pool,
        ThreadPoolExecutor(jobs or len(tables)) as drivers,
    ):
        futures: dict[Future[dict[str, Any]], ManifestTable] = {}
        for table in tables:
            if Path(table.paths["features"]).is_dir():
                # Its parts are tasks of their own; only who waits for them is here.
                future = drivers.submit(_run_table, job, table, pool)
            else:
                future = pool.submit(_run_table, job, table, None)
            futures[future] = table
        for future in as_completed(futures):
            if future.cancelled():
                continue
            entry = _result(future, futures[future])
            yield futures[future], entry
            if fail_fast and entry["status"] == STATUS_FAILED:
                for other in futures:
                    other.cancel()


def _result(future: Future[dict[str, Any]], table: ManifestTable) -> dict[str, Any]:
    try:
        return future.result()
    except Exception as error:
        # The table's own errors are in its entry; this is about who worked on it.
        return _entry(
            table,
            STATUS_FAILED,
            error={
                "type": type(error).__name__,
                "what": f"its worker was lost ({error})",
                "where": None,
                "fix": "Run again, with fewer jobs if memory ran out",
            },
        )


def _run_table(job: BatchJob, table: ManifestTable, pool: Executor | None) -> dict[str, Any]:
    """One table's entry in the report; runs wherever the executor has it run."""
    try:
        audit = job.run(table, pool)
    except MoskitError as error:
        summary = None if error.document is None else _summary(job, error.document)
        return _entry(table, STATUS_FAILED, summary, error.to_document()["error"])
    except Exception as error:
        return _entry(
            table,
            STATUS_FAILED,
            error={
                "type": type(error).__name__,
                "what": f"this is a bug in moskit, not in your data: {error}",
                "where": None,
                "fix": f"Run the table by itself with {job.entrypoint.split()[0]} join",
            },
        )
    return _entry(table, STATUS_OK, _summary(job, audit))


def _written_audits(
    job: BatchJob, tables: Sequence[ManifestTable], entries: Sequence[Mapping[str, Any]]
) -> list[str]:
    """The records of the tables that came as far as having one."""
    return [
        job.outputs(table)[-1]
        for table, entry in zip(tables, entries, strict=True)
        if entry["summary"] is not None
    ]


def _entry(
    table: ManifestTable,
    status: str,
    summary: dict[str, Any] | None = None,
    error: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "id": table.id,
        "status": status,
        **{name: table.members.get(name) for name in table.paths},
        "options": dict(sorted(table.options.items())),
        "summary": summary,
        "error": None if error is None else dict(error),
    }


def _summary(job: BatchJob, audit: Mapping[str, Any]) -> dict[str, Any]:
    members = dict.fromkeys([*(column.member for column in job.columns), *job.totals])
    return {member: audit.get(member) for member in members}


def _report(job: BatchJob, manifest: str, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
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
    from labeljoin.joining.audit import percent

    value = None if summary is None else summary.get(column.member)
    if value is None:
        return "–"
    if column.kind == "share":
        return percent(value)
    return f"{value:,}" if column.kind == "count" else str(value)


def error_sentence(table: Mapping[str, Any]) -> str:
    """Why a table failed."""
    error = table["error"]
    return str(MoskitError(error["what"], where=error["where"], fix=error["fix"]))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _verdict(report: dict[str, Any], manifest: str) -> BatchError:
    failed = [table["id"] for table in report["tables"] if table["status"] == STATUS_FAILED]
    more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
    return BatchError(
        f"{len(failed)} of {len(report['tables'])} tables failed: {', '.join(failed[:3])}{more}",
        where=manifest,
        fix="Read their errors in the report, correct them and run again",
        document=report,
    )
