"""Joining labels onto a feature table on disk, with an audit beside it."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance import short_record_bytes, start_run
from provenance.errors import InputError

from labeljoin.attachment import attach
from labeljoin.audit import audit_document, failures_of, verdict_of
from labeljoin.diagnosis import diagnose_join
from labeljoin.executors import executor as open_executor
from labeljoin.labels import LabelSource
from labeljoin.options import JoinOptions, join_options
from labeljoin.plan import plan_join, replaced_columns
from labeljoin.tables import open_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

    from provenance import Digest, Run, StagedOutput
    from provenance.command import ProgressCallback

    from labeljoin.attachment import AttachReport
    from labeljoin.tables import Table

PathLike = str | os.PathLike[str]


def materialize(
    features: PathLike,
    labels: PathLike | Sequence[PathLike],
    out: PathLike,
    *,
    audit_json: PathLike | None = None,
    in_place: bool = False,
    label_names: Sequence[str] | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    executor: Executor | None = None,
    progress: ProgressCallback | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Write ``features`` with its labels to ``out``, and the audit beside it.

    Adds ``mos`` (float64 on [1, 5], null where missing), ``mos_raw_0_100``, the status column
    (``ok``, ``missing-label``), ``mos_label_source`` and the extras that any label carries,
    sorted. Coverage is computed over all parts before the first byte is written (ADR-0663).

    Args:
        features: A feature table: parquet, JSONL, JSON or CSV; a file or a directory of parts.
        labels: One label file or several; a directory of parts counts as one.
        out: The labelled table, of the format of ``features``; replaced atomically.
        audit_json: Where the audit goes, ``<out>.audit.json`` unless given.
        in_place: Allow ``out`` to be the feature table.
        label_names: What ``mos_label_source`` says for each label file; its path unless given.
        jobs: How many processes work on the parts of a directory.
        scheduler: Address of a Dask scheduler whose workers do it instead.
        executor: Where they are worked on; overrides ``jobs`` and ``scheduler``.
        progress: Called while reading, attaching and hashing.
        **options: The fields of :class:`JoinOptions`.

    Returns:
        The audit (``mos-label-materializer-v1``), as written.

    Raises:
        InputError: An input or option is unusable; nothing was written.
        CoverageError: A minimum was missed; the audit was written and is its ``document``.
        OutputError: The output cannot be written; nothing was.
    """
    chosen = join_options(options)
    paths = [labels] if isinstance(labels, str | os.PathLike) else list(labels)
    names = [os.fspath(path) for path in paths] if label_names is None else list(label_names)
    audit_path = f"{os.fspath(out)}.audit.json" if audit_json is None else os.fspath(audit_json)
    args = {
        "features": os.fspath(features),
        "labels": [os.fspath(path) for path in paths],
        "out": os.fspath(out),
        "audit_json": audit_path,
        "in_place": in_place,
        **asdict(chosen),
    }
    with start_run(
        "labeljoin join",
        distribution="moskit-labeljoin",
        module="labeljoin.joining",
        inputs={"features": features, "labels": paths},
        args=args,
        in_place=in_place,
        progress=progress,
    ) as run:
        table = open_table(features)
        _refuse_format(table, Path(out))
        directory = table.path.is_dir()
        _refuse_directory_in_place(table, Path(out), in_place)
        sources = [
            LabelSource.open(os.fspath(path), name) for path, name in zip(paths, names, strict=True)
        ]
        staged = run.stage("out", out, kind="feature-table", directory=directory)
        plan = plan_join(table, sources, chosen, progress=progress)
        failures = failures_of(plan, chosen)
        report = None
        if failures:
            run.withdraw("out")
        else:
            with _executor(executor, jobs, scheduler, len(table.parts)) as pool:
                report = attach(
                    table,
                    staged,
                    plan.key_column,
                    plan.columns,
                    replace=replaced_columns(table, plan, chosen),
                    embed=_Embedding.of(run, chosen, names),
                    executor=pool,
                    progress=progress,
                )
            _state_digests(run, staged, report, directory=directory)
        audit = audit_document(plan, chosen, failures, report, os.fspath(features), os.fspath(out))
        if failures:
            audit["diagnosis"] = diagnose_join(table, sources, plan, chosen).to_dict()
        run.record(audit_path, audit, kind="audit")
    if failures:
        raise verdict_of(run.document)
    return run.document


def _refuse_format(table: Table, out: Path) -> None:
    suffixes = {
        ".parquet": "parquet",
        ".pq": "parquet",
        ".jsonl": "jsonl",
        ".ndjson": "jsonl",
        ".json": "json",
        ".csv": "csv",
    }
    promised = suffixes.get(out.suffix.lower())
    if promised in (None, table.format) or table.path.is_dir():
        return
    if out.suffix.lower() == table.path.suffix.lower():
        return
    raise InputError(
        f"the name promises {promised}, and a labelled table keeps the format of its features, "
        f"{table.format}",
        where=os.fspath(out),
        fix=f"Give --out the suffix {table.path.suffix or '.' + table.format}",
    )


def _refuse_directory_in_place(table: Table, out: Path, in_place: bool) -> None:
    if in_place and table.path.is_dir() and out.exists() and out.samefile(table.path):
        raise InputError(
            "a directory of parts is never written in place",
            where=os.fspath(out),
            fix="Give --out a new directory",
        )


@dataclass(frozen=True)
class _Embedding:
    """The short record of one part, from the digest of its source."""

    template: dict[str, Any]

    @classmethod
    def of(cls, run: Run, options: JoinOptions, names: Sequence[str]) -> _Embedding:
        args = {**options.shaping(), "label_names": list(names)}
        return cls(run.short_record(args, digests={"features": None}))

    def __call__(self, source: Digest) -> bytes:
        inputs = {**self.template["inputs"], "features": source.sha256}
        return short_record_bytes({**self.template, "inputs": inputs})


def _state_digests(
    run: Run, staged: StagedOutput, report: AttachReport, *, directory: bool
) -> None:
    """Hand the digests that the engine took while copying to the run."""
    for part in report.parts:
        name = part.destination if directory else None
        if part.source_digest is not None:
            run.set_input_digest("features", part.source, part.source_digest)
        if part.digest is not None:
            staged.set_digest(part.digest, part=name)
        if part.prefix_size:
            staged.claim_prefix(
                input="features", path=part.source, size=part.prefix_size, part=name
            )


def _executor(
    executor: Executor | None, jobs: int | None, scheduler: str | None, parts: int
) -> AbstractContextManager[Executor]:
    if executor is not None:
        return nullcontext(executor)
    return open_executor(min(jobs, parts) if jobs and jobs > 0 else jobs, scheduler)
