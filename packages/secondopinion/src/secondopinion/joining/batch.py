"""Second opinions for many feature tables by one manifest."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labeljoin.batch import BatchJob, ReportColumn, option_schemas, options_from, run_job
from provenance.toolkit import InputError

from secondopinion.facts import REPORT_SCHEMA
from secondopinion.joining.on_disk import join_file
from secondopinion.joining.options import JoinOptions
from secondopinion.scores.file import ScoreSpecification, relocated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Executor

    from labeljoin.batch import ManifestTable
    from provenance.toolkit import ProgressCallback

MANIFEST_SCHEMA = "second-opinion-manifest-v1"


_INPUTS: dict[str, dict[str, Any]] = {
    "scores": {
        "type": "array",
        "items": {"type": "string", "minLength": 1},
        "minItems": 1,
        "description": "[LABEL=]PATH each: a file, a directory of files, or a glob pattern.",
    },
}


def run_batch(
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
    r"""Add second opinions to every table of a manifest.

    Args:
        manifest: A JSON file: ``{"defaults": {…}, "tables": [{"id", "features", "scores": […],
            "out", "audit_json"?, any join option in snake_case}]}``.
        base_dir: The folder that relative paths start from; None takes the manifest's folder.
        report_json: The path of the report (``second-opinion-materializer-batch-v1``).
        report_md: The path of the report as Markdown.
        fail_fast: Do not begin another table once one has failed.
        jobs: How many processes work at a time; None means 1.
        scheduler: Address of a Dask scheduler whose workers do the work.
        progress: Called when a table is done.

    Returns:
        The report.

    Raises:
        InputError: The manifest is unusable. Nothing was run.
        BatchError: A table failed. The report was written and is the error's ``document``.
        OutputError: A report cannot be written.

    Example:
        >>> import tempfile, pathlib
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "f.csv").write_text("clip_id,adm2\na,0.9\nb,0.8\n")
        >>> _ = (folder / "niqe.json").write_text('{"a": 4.1, "b": 7.3}')
        >>> table = '{"id": "t", "features": "f.csv", "scores": ["niqe.json"], "out": "o.csv"}'
        >>> _ = (folder / "m.json").write_text('{"tables": [%s]}' % table)
        >>> run_batch(folder / "m.json")["summary"]["ok_scores"]
        2
    """
    return run_job(
        SCORE_BATCH,
        manifest,
        base_dir=base_dir,
        report_json=report_json,
        report_md=report_md,
        fail_fast=fail_fast,
        jobs=jobs,
        scheduler=scheduler,
        progress=progress,
    )


def _join(table: ManifestTable, executor: Executor | None) -> Mapping[str, Any]:
    return join_file(
        table.paths["features"],
        table.paths["scores"],
        table.paths["out"],
        _options(table),
        audit_json=table.paths["audit_json"],
        in_place=table.options.get("in_place", False),
        executor=executor,
    )


def _check(table: ManifestTable) -> None:
    _options(table)  # they check themselves


def _options(table: ManifestTable) -> JoinOptions:
    return JoinOptions(**options_from(JoinOptions, table.options))


def _inputs(table: ManifestTable) -> list[str]:
    return [table.paths["features"], *_score_files(table.paths["scores"])]


def _score_files(scores: list[str]) -> Iterator[str]:
    for text in scores:
        with suppress(InputError):  # a missing file fails its own table, not the batch
            specification = ScoreSpecification.parse(text)
            directory = Path(specification.path).is_dir()
            files = [specification.path] if directory else specification.files
            yield from map(os.fspath, files)


SCORE_BATCH = BatchJob(
    entrypoint="secondopinion batch",
    distribution="moskit-secondopinion",
    module="secondopinion.joining.batch",
    title="Second-opinion batch",
    manifest_schema=MANIFEST_SCHEMA,
    report_schema=REPORT_SCHEMA,
    input_schemas=_INPUTS,
    option_schemas=option_schemas(JoinOptions),
    required=("scores",),
    columns=(
        ReportColumn("Rows", "input_rows"),
        ReportColumn("Complete rows", "complete_rows"),
        ReportColumn("Missing scores", "missing_scores"),
        ReportColumn("Bad scores", "bad_scores"),
        ReportColumn("Engine", "engine", "text"),
    ),
    totals=("input_rows", "output_rows", "ok_scores", "missing_scores", "bad_scores"),
    run=_join,
    check=_check,
    inputs=_inputs,
    resolve=relocated,
)
"""The work of ``secondopinion batch`` on each table."""
