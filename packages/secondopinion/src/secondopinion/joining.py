"""Joining second opinions onto a feature table, with an audit."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labeljoin import attach, open_table
from labeljoin import executor as open_executor
from provenance import short_record_bytes, start_run
from provenance.errors import InputError, VerdictError

from secondopinion.audit import audit_of
from secondopinion.diagnosis import DIAGNOSED_BELOW, diagnose
from secondopinion.matching import plan_join, refuse_strangers
from secondopinion.opinions import read_opinions
from secondopinion.options import JoinOptions, options_of
from secondopinion.score_file import ScoreSpecification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from labeljoin import AttachReport, Diagnosis, Table
    from provenance import Digest, Run, StagedOutput
    from provenance.command import ProgressCallback

    from secondopinion.matching import Plan
    from secondopinion.opinions import Opinions

PathLike = str | os.PathLike[str]


class MissingScoresError(VerdictError):
    """``missing="fail"``, and scores are missing. Its ``document`` is the audit, as written."""


def materialize(
    features: PathLike,
    scores: PathLike | Sequence[PathLike],
    out: PathLike,
    *,
    audit_json: PathLike | None = None,
    in_place: bool = False,
    jobs: int | None = None,
    scheduler: str | None = None,
    executor: Executor | None = None,
    progress: ProgressCallback | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Write ``features`` with the scores of every scorer to ``out``, and the audit beside it.

    Adds for each scorer, in the order of their slugs, ``<prefix>_<slug>_score`` (float64, null
    where there is none), ``_status`` (``ok``, ``missing``, ``bad``), ``_runtime_ms`` (float64,
    milliseconds), ``_frames`` (int64) and ``_source`` (the score file), as ADR-0657 has it. All
    scorers are attached in one pass over the table.

    Args:
        features: A feature table: parquet, JSONL, JSON or CSV; a file or a directory of parts.
        scores: ``[LABEL=]PATH`` each: a file, a directory of files, or a glob pattern.
        out: The table with second opinions, of the format of ``features``; replaced atomically.
        audit_json: Where the audit goes, ``<out>.audit.json`` unless given.
        in_place: Allow ``out`` to be the feature table.
        jobs: How many processes work on the parts of a directory.
        scheduler: Address of a Dask scheduler whose workers do it instead.
        executor: Where they are worked on; overrides ``jobs`` and ``scheduler``.
        progress: Called while reading, attaching and hashing.
        **options: The fields of :class:`JoinOptions`.

    Returns:
        The audit (``second-opinion-materializer-v1``), as written.

    Raises:
        InputError: An input or option is unusable, a scorer scored a clip twice, or scored no
            clip of the table; nothing was written.
        MissingScoresError: ``missing="fail"`` and a row lacks a score; the audit was written and
            is its ``document``.
        OutputError: The output cannot be written; nothing was.
    """
    chosen = options_of(options)
    given = [scores] if isinstance(scores, str | os.PathLike) else list(scores)
    specifications = [ScoreSpecification.parse(text) for text in given]
    audit_path = f"{os.fspath(out)}.audit.json" if audit_json is None else os.fspath(audit_json)
    args = {
        "features": os.fspath(features),
        "scores": [os.fspath(text) for text in given],
        "out": os.fspath(out),
        "audit_json": audit_path,
        "in_place": in_place,
        **chosen.to_dict(),
    }
    with start_run(
        "secondopinion join",
        distribution="moskit-secondopinion",
        module="secondopinion.joining",
        inputs={"features": features, "scores": _inputs(specifications)},
        args=args,
        in_place=in_place,
        progress=progress,
    ) as run:
        table = open_table(features)
        _refuse_format(table, Path(out))
        _refuse_directory_in_place(table, Path(out))
        staged = run.stage("out", out, kind="feature-table", directory=table.path.is_dir())
        opinions = read_opinions(
            given,
            rule=chosen.score_rule,
            format=chosen.format,
            score_key_field=chosen.score_key_field,
            score_field=chosen.score_field,
            directions=chosen.directions,
            progress=progress,
        )
        _state_score_digests(run, opinions)
        plan = plan_join(table, opinions, chosen, progress=progress)
        diagnoses = _diagnoses(table, plan, chosen)
        refuse_strangers(plan, table, diagnoses)
        report = None
        if chosen.missing == "fail" and plan.lacking:
            run.withdraw("out")
        else:
            pool = _executor(executor, jobs, scheduler, len(table.parts))
            report = _attach(run, table, staged, plan, chosen, pool, progress)
        audit = audit_of(
            plan,
            opinions,
            chosen,
            features=os.fspath(features),
            out=os.fspath(out),
            report=report,
            diagnoses=diagnoses,
        )
        run.record(audit_path, audit, kind="audit")
    if report is None:
        raise MissingScoresError(
            "; ".join(run.document["failures"]),
            where=os.fspath(features),
            fix="Score the missing clips, or accept the gaps with --missing mark or drop",
            document=run.document,
        )
    return run.document


@dataclass(frozen=True)
class _Embedding:
    """The short record of one part, from the digest of its source."""

    template: dict[str, Any]

    @classmethod
    def of(cls, run: Run, options: JoinOptions) -> _Embedding:
        return cls(run.short_record(options.to_dict(), digests={"features": None}))

    def __call__(self, source: Digest) -> bytes:
        inputs = {**self.template["inputs"], "features": source.sha256}
        return short_record_bytes({**self.template, "inputs": inputs})


def _attach(
    run: Run,
    table: Table,
    staged: StagedOutput,
    plan: Plan,
    options: JoinOptions,
    pool: Any,
    progress: ProgressCallback | None,
) -> AttachReport:
    added = plan.columns.schema.names
    replaced = frozenset(added) & frozenset(table.column_names) if options.overwrite else ()
    with pool as workers:
        report = attach(
            table,
            staged,
            plan.key_column,
            plan.columns,
            replace=replaced,
            keep=plan.kept if options.missing == "drop" else None,
            embed=_Embedding.of(run, options),
            executor=workers,
            progress=progress,
        )
    directory = table.path.is_dir()
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
    return report


def _inputs(specifications: Sequence[ScoreSpecification]) -> list[Path]:
    """The inputs as a record names them: a directory as one, a pattern as its files."""
    inputs: list[Path] = []
    for specification in specifications:
        path = Path(specification.path)
        inputs += [path] if path.is_dir() else specification.files
    return inputs


def _state_score_digests(run: Run, opinions: Opinions) -> None:
    for file in opinions.score_files:
        if file.digest is not None:
            run.set_input_digest("scores", file.path, file.digest)


def _diagnoses(table: Table, plan: Plan, options: JoinOptions) -> dict[str, Diagnosis]:
    """By slug, what would raise the match rate of scorers that match few clips."""
    keys = plan.coverage.keys
    return {
        match.scorer.slug: diagnose(table, plan.key_column, match, options)
        for match in plan.matches
        if keys and match.matched_keys < DIAGNOSED_BELOW * keys and match.stale_keys
    }


def _executor(
    executor: Executor | None, jobs: int | None, scheduler: str | None, parts: int
) -> Any:
    if executor is not None:
        return nullcontext(executor)
    return open_executor(min(jobs, parts) if jobs and jobs > 0 else jobs, scheduler)


def _refuse_format(table: Table, out: Path) -> None:
    """Raise where the output's name promises another format than the features have."""
    formats = {".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}
    promised = {**formats, ".json": "json", ".csv": "csv"}.get(out.suffix.lower())
    same_suffix = out.suffix.lower() == table.path.suffix.lower()
    if promised in (None, table.format) or same_suffix or table.path.is_dir():
        return
    raise InputError(
        f"The name promises {promised}, and the output keeps the format of the features, "
        f"{table.format}",
        where=os.fspath(out),
        fix=f"Give --out the suffix {table.path.suffix or '.' + table.format}",
    )


def _refuse_directory_in_place(table: Table, out: Path) -> None:
    if table.path.is_dir() and out.exists() and out.samefile(table.path):
        raise InputError(
            "A directory of parts is never written in place",
            where=os.fspath(out),
            fix="Give --out a new directory",
        )
