"""Join second opinions onto a feature table on disk, with an audit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from labeljoin import open_table
from labeljoin.engine import attach_in_run, first_pass, part_executor, stage_table, withhold_table
from labeljoin.joining import accepts_option_keywords
from labeljoin.keys import percent
from provenance import start_run
from provenance.stores import as_path
from provenance.toolkit import Shown, VerdictError

from secondopinion.joining.audit import audit_html, audit_of
from secondopinion.joining.collection import read_opinions
from secondopinion.joining.diagnosis import DIAGNOSED_BELOW, diagnose
from secondopinion.joining.matching import check_matches, plan_join
from secondopinion.joining.options import JoinOptions
from secondopinion.scores.file import ScoreSpecification

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Executor
    from typing import Any

    from labeljoin import Table
    from labeljoin.diagnose import Diagnosis
    from provenance import Run
    from provenance.toolkit import ProgressCallback

    from secondopinion.facts import AuditDocument
    from secondopinion.joining.matching import Plan, ScorerMatch
    from secondopinion.scores.opinions import Opinions

PathLike = str | os.PathLike[str]


class MissingScoresError(VerdictError):
    """The options do not accept how many scores are missing. Its ``document`` is the audit."""


@accepts_option_keywords(JoinOptions)
def join_file(
    features: PathLike,
    scores: PathLike | Sequence[PathLike],
    out: PathLike,
    options: JoinOptions | None = None,
    *,
    audit_json: PathLike | None = None,
    in_place: bool = False,
    jobs: int | None = None,
    scheduler: str | None = None,
    executor: Executor | None = None,
    progress: ProgressCallback | None = None,
) -> AuditDocument:
    r"""Write ``features`` with the scores of every scorer to ``out``, and the audit beside it.

    Adds for each scorer, in the order of their slugs, ``<prefix>_<slug>_score`` (float64, null
    if missing), ``_status`` (``ok``, ``missing``, ``bad``), ``_runtime_ms`` (float64,
    milliseconds), ``_frames`` (int64) and ``_source`` (the score file), as ADR-0657 defines. All
    scorers are attached in one pass over the table.

    Args:
        features: A feature table: parquet, JSONL, JSON or CSV; a file or a directory of parts.
        scores: ``[LABEL=]PATH`` each: a file, a directory of files, or a glob pattern.
        out: The table with second opinions, of the format of ``features``; replaced atomically.
        options: How to join; None takes the defaults of :class:`JoinOptions`.
        audit_json: The path of the audit; None writes ``<out>.audit.json``.
        in_place: Allow ``out`` to be the feature table.
        jobs: How many processes work on the parts of a directory.
        scheduler: Address of a Dask scheduler whose workers do the work.
        executor: The executor to use; overrides ``jobs`` and ``scheduler``.
        progress: Called while reading, attaching and hashing.

    Returns:
        The audit (``second-opinion-materializer-v1``), as written.

    Raises:
        InputError: An input or option is unusable, a scorer scored a clip twice, or scored no
            clip of the table. Nothing was written.
        MissingScoresError: ``missing="fail"`` and a row lacks a score, or a scorer matches less
            than ``min_match_rate``. The audit was written and is the error's ``document``.
        OutputError: The output cannot be written. Nothing was written.

    Example:
        >>> import tempfile, pathlib
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "f.csv").write_text("clip,adm2\na.mp4,0.9\nb.mp4,0.8\n")
        >>> _ = (folder / "niqe.json").write_text('{"a": 4.1, "b": 7.3}')
        >>> options = JoinOptions(key_column="clip")
        >>> audit = join_file(
        ...     folder / "f.csv", folder / "niqe.json", folder / "out.csv", options
        ... )
        >>> audit["ok_scores"], audit["scorers"][0]["direction"]
        (2, 'lower')
    """
    chosen = options or JoinOptions()
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
        module="secondopinion.joining.on_disk",
        inputs={"features": features, "scores": _inputs(specifications)},
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
            opinions = read_opinions(given, **chosen.reading(), progress=progress)
            _state_score_digests(run, opinions)
            plan = plan_join(table, opinions, chosen, first_pass=reading, progress=progress)
            diagnoses = diagnoses_of(table, plan, chosen)
            check_matches(plan, table, diagnoses)
            report = None
            if plan.refused_by(chosen):
                withhold_table(run, table, reading)
            else:
                names = set(table.column_names) if chosen.overwrite else set()
                report = attach_in_run(
                    run,
                    table,
                    staged,
                    plan.key_column,
                    plan.columns,
                    shaping=chosen.shaping(),
                    metadata=plan.clip_key.metadata(),
                    replace=names.intersection(plan.columns.schema.names),
                    keep=plan.kept if chosen.missing == "drop" and plan.lacking else None,
                    first_pass=reading,
                    executor=pool,
                    progress=progress,
                )
        audit = audit_of(
            plan,
            opinions,
            chosen,
            features=os.fspath(features),
            out=os.fspath(out),
            report=report,
            diagnoses=diagnoses,
        )
        run.record(audit_path, cast("dict[str, Any]", audit), kind="audit")
    if report is None:
        few = plan.below(chosen.min_match_rate)
        raise missing_scores(run.document, os.fspath(features), few, diagnoses)
    return cast("AuditDocument", Shown(run.document, audit_html))


def missing_scores(
    audit: Mapping[str, Any],
    where: str,
    few: Sequence[ScorerMatch],
    diagnoses: Mapping[str, Diagnosis],
) -> MissingScoresError:
    """Return the error of a join whose options do not accept what is missing.

    Args:
        audit: The audit, whose status is ``failed``.
        where: The feature table.
        few: The matches below the minimum.
        diagnoses: By slug, what would raise the match rate.
    """
    return MissingScoresError(
        "; ".join(audit["failures"]),
        where=where,
        fix=_way_out([match.scorer.slug for match in few], diagnoses),
        code="scores.missing",
        document=audit,
    )


def _way_out(few: Sequence[str], diagnoses: Mapping[str, Diagnosis]) -> str:
    """Return what to do about scores that are missing."""
    for slug in few:
        suggestions = diagnoses[slug].suggestions if slug in diagnoses else ()
        if suggestions:
            best = suggestions[0]
            return f"Try {best.command()}, with which {slug} matches {percent(best.match_rate)}"
    if few:
        return "Score the missing clips, or accept the gaps with a lower --min-match-rate"
    return "Score the missing clips, or accept the gaps with --missing mark or drop"


def _inputs(specifications: Sequence[ScoreSpecification]) -> list[Path]:
    """Return the inputs as a record lists them: a directory as one, a pattern as its files."""
    inputs: list[Path] = []
    for specification in specifications:
        path = as_path(specification.path)
        inputs += [path] if path.is_dir() else specification.files
    return inputs


def _state_score_digests(run: Run, opinions: Opinions) -> None:
    for file in opinions.score_files:
        if file.digest is not None:
            run.set_input_digest("scores", file.path, file.digest)


def diagnoses_of(table: Table, plan: Plan, options: JoinOptions) -> dict[str, Diagnosis]:
    """Return by slug what would raise the match rate of scorers that match few clips."""
    keys = plan.coverage.keys
    return {
        match.scorer.slug: diagnose(table, plan.key_column, match, options)
        for match in plan.matches
        if keys and match.matched_keys < DIAGNOSED_BELOW * keys and match.stale_keys
    }
