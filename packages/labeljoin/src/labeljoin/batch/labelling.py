"""Labelling many feature tables by one manifest."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from provenance.toolkit import InputError

from labeljoin.batch.job import BatchJob, ReportColumn
from labeljoin.batch.options import option_schemas, options_from
from labeljoin.batch.running import run_job
from labeljoin.facts import MANIFEST_SCHEMA, REPORT_SCHEMA
from labeljoin.joining.on_disk import join_file
from labeljoin.joining.options import JoinOptions
from labeljoin.ratings.options import RatingOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor

    from provenance.toolkit import ProgressCallback

    from labeljoin.batch.job import ManifestTable


_PATH = {"type": "string", "minLength": 1}

_INPUTS: dict[str, dict[str, Any]] = {
    "labels": {
        "type": "array",
        "items": _PATH,
        "minItems": 1,
        "description": "Label files; their text here is what mos_label_source says.",
    },
    "ratings": {
        "type": "array",
        "items": _PATH,
        "minItems": 1,
        "description": "Single ratings instead of labels.",
    },
}

# The scale of the votes is the labels' scale, label_scale.
_RATING_OPTIONS = {
    name: schema for name, schema in option_schemas(RatingOptions).items() if name != "scale"
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
    r"""Label every table of a manifest: :func:`labeljoin.batch.run_job` with :data:`LABEL_BATCH`.

    Args:
        manifest: A JSON file: ``{"defaults": {…}, "tables": [{"id", "features", "labels": […]
            or "ratings": […], "out", "audit_json"?, any join option in snake_case}]}``.
        base_dir: Where relative paths start from; the manifest's folder by default.
        report_json: Where the report (``mos-label-materializer-batch-v1``) goes.
        report_md: Where the report for people goes.
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
        >>> from pathlib import Path
        >>> _ = Path("f.csv").write_text("clip,motion\na/1.mp4,0.5\n")
        >>> _ = Path("l.csv").write_text("clip_id,mos\n1,3.5\n")
        >>> table = {"id": "a", "features": "f.csv", "labels": ["l.csv"], "out": "o.csv"}
        >>> _ = Path("m.json").write_text(json.dumps({"tables": [table]}))
        >>> run_batch("m.json")["summary"]["matched_rows"]
        1
    """
    return run_job(
        LABEL_BATCH,
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
        table.paths["labels"],
        table.paths["out"],
        _options(table),
        ratings=table.paths["ratings"],
        rating_options=_rating_options(table),
        audit_json=table.paths["audit_json"],
        label_names=table.members.get("labels") or table.members["ratings"],
        in_place=table.options.get("in_place", False),
        executor=executor,
    )


def _check(table: ManifestTable) -> None:
    labels, ratings = table.paths["labels"], table.paths["ratings"]
    if labels and ratings:
        raise InputError(
            "'labels' and 'ratings' are both given", code="manifest.labels-and-ratings"
        )
    if _rating_options(table) is not None and not ratings:
        raise InputError(
            "an option about ratings is given, and no ratings are", code="manifest.no-ratings"
        )
    options = _options(table)
    # Building the rules compiles the regexes.
    _ = options.feature_rule, options.label_rule


def _options(table: ManifestTable) -> JoinOptions:
    return JoinOptions(**options_from(JoinOptions, table.options))


def _rating_options(table: ManifestTable) -> RatingOptions | None:
    """Return the options about ratings, or None if there is no such member."""
    given = {name: table.options[name] for name in _RATING_OPTIONS if name in table.options}
    return RatingOptions(**given) if given else None


def _inputs(table: ManifestTable) -> list[str]:
    labels = table.paths["labels"] or table.paths["ratings"] or []
    return [table.paths["features"], *labels]


LABEL_BATCH = BatchJob(
    entrypoint="labeljoin batch",
    distribution="moskit-labeljoin",
    module="labeljoin.batch.labelling",
    title="MOS label batch",
    manifest_schema=MANIFEST_SCHEMA,
    report_schema=REPORT_SCHEMA,
    input_schemas=_INPUTS,
    option_schemas=option_schemas(JoinOptions) | _RATING_OPTIONS,
    either=("labels", "ratings"),
    columns=(
        ReportColumn("Coverage", "match_rate", "share"),
        ReportColumn("Rows", "input_rows"),
        ReportColumn("Matched rows", "matched_rows"),
        ReportColumn("Missing rows", "missing_rows"),
        ReportColumn("Engine", "engine", "text"),
    ),
    totals=("input_rows", "output_rows", "matched_rows", "missing_rows"),
    run=_join,
    check=_check,
    inputs=_inputs,
)
"""What ``labeljoin batch`` does with each table."""
