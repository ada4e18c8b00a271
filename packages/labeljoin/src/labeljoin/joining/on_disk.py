"""Joining labels onto a feature table on disk, with an audit beside it."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from provenance import start_run

from labeljoin.engine.executors import part_executor
from labeljoin.engine.passes import first_pass
from labeljoin.engine.run import attach_in_run, stage_table, withhold_table
from labeljoin.formats.opening import open_table
from labeljoin.joining.audit import audit_document, failures_of, verdict_of
from labeljoin.joining.diagnosis import diagnose_join
from labeljoin.joining.options import join_options
from labeljoin.joining.plan import plan_join, replaced_columns
from labeljoin.labels.source import LabelSource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from provenance.toolkit import ProgressCallback

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
        module="labeljoin.joining.on_disk",
        inputs={"features": features, "labels": paths},
        args=args,
        in_place=in_place,
        progress=progress,
    ) as run:
        table = open_table(features)
        staged = stage_table(run, table, out)
        with (
            part_executor(table, jobs, scheduler, executor) as pool,
            first_pass(table, pool) as reading,
        ):
            sources = [
                LabelSource.open(os.fspath(path), name)
                for path, name in zip(paths, names, strict=True)
            ]
            plan = plan_join(table, sources, chosen, first_pass=reading, progress=progress)
            failures = failures_of(plan, chosen)
            report = None
            if failures:
                withhold_table(run, table, reading)
            else:
                report = attach_in_run(
                    run,
                    table,
                    staged,
                    plan.key_column,
                    plan.columns,
                    shaping={**chosen.shaping(), "label_names": names},
                    metadata=plan.key.metadata(),
                    replace=replaced_columns(table, plan, chosen),
                    first_pass=reading,
                    executor=pool,
                    progress=progress,
                )
        audit = audit_document(plan, chosen, failures, report, os.fspath(features), os.fspath(out))
        if failures:
            audit["diagnosis"] = diagnose_join(table, sources, plan, chosen).to_dict()
        run.record(audit_path, audit, kind="audit")
    if failures:
        raise verdict_of(run.document)
    return run.document
