"""Run a batch: many tables by one manifest, here or on a cluster, with one report (ADR-0675)."""

from __future__ import annotations

import os
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance import start_run
from provenance.toolkit import as_moskit_error

from labeljoin.batch.job import BatchError, BatchJob, ManifestTable
from labeljoin.batch.manifest import load_manifest
from labeljoin.batch.report import (
    STATUS_FAILED,
    STATUS_OK,
    STATUS_SKIPPED,
    entry_of,
    markdown,
    report_of,
    summary_of,
)
from labeljoin.engine.executors import executor as open_executor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from provenance import Run
    from provenance.toolkit import ProgressCallback


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
    r"""Run a job for every table of a manifest.

    A table that fails does not stop the others. Tables run side by side where ``jobs`` or
    ``scheduler`` allows, and so do the parts of a table that is a directory.

    Args:
        job: What to do with each table.
        manifest: A JSON file; relative paths in it start from its own folder.
        base_dir: Where they start from instead.
        report_json: Where the report goes; it carries the run record.
        report_md: Where the report for people goes; its record is beside it without a
            ``report_json``.
        fail_fast: Begin no further table once one has failed.
        jobs: How many processes work at a time, 1 by default.
        scheduler: Address of a Dask scheduler whose workers do it instead.
        progress: Called when a table is done.

    Returns:
        The report.

    Raises:
        InputError: The manifest is unusable; nothing was run.
        BatchError: A table failed; the report was written and is the ``document``.
        OutputError: A report cannot be written.

    Examples:
        >>> import json
        >>> from labeljoin.batch import LABEL_BATCH
        >>> _ = Path("f.csv").write_text("clip,motion\na/1.mp4,0.5\n")
        >>> _ = Path("l.csv").write_text("clip_id,mos\n1,3.5\n")
        >>> table = {"id": "a", "features": "f.csv", "labels": ["l.csv"], "out": "o.csv"}
        >>> _ = Path("m.json").write_text(json.dumps({"tables": [table]}))
        >>> run_job(LABEL_BATCH, "m.json")["status"]
        'ok'
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
        report |= report_of(job, os.fspath(manifest), entries)
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
    return [entries.get(table.id) or entry_of(table, STATUS_SKIPPED) for table in tables]


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
        return entry_of(
            table,
            STATUS_FAILED,
            error={
                "type": type(error).__name__,
                "code": "batch.worker-lost",
                "what": f"its worker was lost ({error})",
                "where": None,
                "fix": "Run again, with fewer jobs if memory ran out",
            },
        )


def _run_table(job: BatchJob, table: ManifestTable, pool: Executor | None) -> dict[str, Any]:
    """One table's entry in the report; runs wherever the executor has it run."""
    try:
        audit = job.run(table, pool)
    except Exception as raised:
        error = as_moskit_error(raised)
        if error is None:
            return entry_of(
                table,
                STATUS_FAILED,
                error={
                    "type": type(raised).__name__,
                    "code": "batch.bug",
                    "what": f"this is a bug in moskit, not in your data: {raised}",
                    "where": None,
                    "fix": f"Run the table by itself with {job.entrypoint.split()[0]} join",
                },
            )
        summary = None if error.document is None else summary_of(job, error.document)
        return entry_of(table, STATUS_FAILED, summary, error.to_document()["error"])
    return entry_of(table, STATUS_OK, summary_of(job, audit))


def _written_audits(
    job: BatchJob, tables: Sequence[ManifestTable], entries: Sequence[Mapping[str, Any]]
) -> list[str]:
    """The records of the tables that came as far as having one."""
    return [
        job.outputs(table)[-1]
        for table, entry in zip(tables, entries, strict=True)
        if entry["summary"] is not None
    ]


def _verdict(report: dict[str, Any], manifest: str) -> BatchError:
    failed = [table["id"] for table in report["tables"] if table["status"] == STATUS_FAILED]
    more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
    return BatchError(
        f"{len(failed)} of {len(report['tables'])} tables failed: {', '.join(failed[:3])}{more}",
        where=manifest,
        fix="Read their errors in the report, correct them and run again",
        document=report,
        code="batch.failed",
    )
