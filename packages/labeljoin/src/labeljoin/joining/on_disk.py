"""Joining labels onto a feature table on disk, with an audit beside it."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from provenance import start_run
from provenance.toolkit import InputError, Shown

from labeljoin.engine.executors import part_executor
from labeljoin.engine.passes import first_pass
from labeljoin.engine.run import attach_in_run, stage_table, withhold_table
from labeljoin.formats.opening import open_table
from labeljoin.joining.audit import audit_document, audit_html, failures_of, verdict_of
from labeljoin.joining.diagnosis import diagnose_join, diagnosis_facts
from labeljoin.joining.options import JoinOptions, accepts_option_keywords
from labeljoin.joining.plan import plan_join, replaced_columns
from labeljoin.labels.source import LabelSource
from labeljoin.ratings.options import RatingOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from provenance.toolkit import ProgressCallback


PathLike = str | os.PathLike[str]


@accepts_option_keywords(JoinOptions, feature_key_column="key_column")
def join_file(
    features: PathLike,
    labels: PathLike | Sequence[PathLike] | None,
    out: PathLike,
    options: JoinOptions | None = None,
    *,
    ratings: PathLike | Sequence[PathLike] | None = None,
    rating_options: RatingOptions | None = None,
    audit_json: PathLike | None = None,
    in_place: bool = False,
    label_names: Sequence[str] | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    executor: Executor | None = None,
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    r"""Join labels onto a feature table on disk; write the result and its audit.

    Adds ``mos`` (float64 on [1, 5], null where missing), ``mos_raw_0_100``, the status column
    (``ok``, ``missing-label``), ``mos_label_source`` and the extras that any label carries,
    sorted. Coverage is computed over all parts before the first byte is written (ADR-0663).

    Args:
        features: A feature table of any installed format; a file or a directory of parts.
        labels: One label file or several; a directory of parts counts as one. None with
            ``ratings``.
        out: The labelled table, of the format of ``features``; replaced atomically.
        options: How to join; the defaults of :class:`JoinOptions` if None.
        ratings: Files of single ratings instead of labels; MOS are made of them.
        rating_options: How; the scale of the votes is ``label_scale``.
        audit_json: Where the audit goes; ``<out>.audit.json`` by default.
        in_place: Allow ``out`` to be the feature table.
        label_names: What ``mos_label_source`` says for each label file (or file of ratings); its
            path by default.
        jobs: How many processes work on the parts of a directory.
        scheduler: Address of a Dask scheduler whose workers do it instead.
        executor: Where they are worked on; overrides ``jobs`` and ``scheduler``.
        progress: Called while reading, attaching and hashing.

    Returns:
        The audit (``mos-label-materializer-v1``), as written.

    Raises:
        InputError: An input or option is unusable; nothing was written.
        CoverageError: A minimum was missed; the audit was written and is its ``document``.
        OutputError: The output cannot be written; nothing was.

    Examples:
        >>> from pathlib import Path
        >>> _ = Path("features.csv").write_text("clip,motion\na/1.mp4,0.5\na/2.mp4,0.7\n")
        >>> _ = Path("labels.csv").write_text("clip_id,mos\n1,3.5\n2,4\n")
        >>> audit = join_file("features.csv", "labels.csv", "labelled.csv")
        >>> audit["match_rate"], audit["engine"]
        (1.0, 'csv-rewrite')
        >>> Path("labelled.csv").read_text().splitlines()[1]
        'a/1.mp4,0.5,3.5,62.5,ok,labels.csv'
    """
    chosen = options or JoinOptions()
    kind, paths = label_files(labels, ratings, chosen)
    names = [os.fspath(path) for path in paths] if label_names is None else list(label_names)
    audit_path = f"{os.fspath(out)}.audit.json" if audit_json is None else os.fspath(audit_json)
    args = {
        "features": os.fspath(features),
        kind: [os.fspath(path) for path in paths],
        "out": os.fspath(out),
        "audit_json": audit_path,
        "in_place": in_place,
        **asdict(chosen),
    }
    shaping = {**chosen.shaping(), "label_names": names}
    if kind == "ratings":
        # The scale of the votes is the join's.
        described = (rating_options or RatingOptions()).to_dict()
        described.pop("scale")
        args["rating_options"] = shaping["rating_options"] = described
    with start_run(
        "labeljoin join",
        distribution="moskit-labeljoin",
        module="labeljoin.joining.on_disk",
        inputs={"features": features, kind: paths},
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
            rated = None
            if kind == "ratings":
                from labeljoin.joining.rated import rated_source  # it imports SciPy

                files = [os.fspath(path) for path in paths]
                source, rated = rated_source(files, names, rating_options, chosen)
                sources = [source]
            else:
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
                    shaping=shaping,
                    metadata=plan.key.metadata(),
                    replace=replaced_columns(table, plan, chosen),
                    first_pass=reading,
                    executor=pool,
                    progress=progress,
                )
        audit = audit_document(plan, chosen, failures, report, os.fspath(features), os.fspath(out))
        if rated is not None:
            audit["ratings"] = rated.audit.to_dict()
        if failures:
            audit["diagnosis"] = diagnosis_facts(diagnose_join(table, sources, plan, chosen))
        run.record(audit_path, audit, kind="audit")
    if failures:
        raise verdict_of(run.document)
    return Shown(run.document, audit_html)


def label_files(
    labels: PathLike | Sequence[PathLike] | None,
    ratings: PathLike | Sequence[PathLike] | None,
    options: JoinOptions,
) -> tuple[Literal["labels", "ratings"], list[PathLike]]:
    """Return which files say what clips are worth, and whether they hold labels or ratings.

    Args:
        labels: Label files, or None.
        ratings: Files of ratings, or None.
        options: The options of the join.

    Raises:
        InputError: There are both or neither, or an option belongs to the other kind.
    """
    given = {
        name: [paths] if isinstance(paths, str | os.PathLike) else list(paths or ())
        for name, paths in (("labels", labels), ("ratings", ratings))
    }
    if given["labels"] and given["ratings"]:
        raise InputError(
            "labels and ratings are both given",
            code="join.labels-and-ratings",
            fix="Give either --labels or --ratings",
        )
    if not given["ratings"]:
        return "labels", given["labels"]
    for name, instead in (("label_key_column", "--clip-column"), ("label_mos_column", "nothing")):
        if getattr(options, name) is not None:
            raise InputError(
                f"--{name.replace('_', '-')} is about label files, and ratings are given",
                code="join.label-option",
                fix=f"Give {instead} in its place",
            )
    return "ratings", given["ratings"]
