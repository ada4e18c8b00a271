"""Training runs: from feature tables on disk to a head, its manifest and its card.

:func:`train` is the one trainer, without a corpus in its name. A corpus that has places, rows and
notes of its own describes them in a :class:`Job` (``moshead.training.konvid``,
``moshead.training.chug``).
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

from labeljoin.formats import is_frame
from labeljoin.labels import parse_trained_on
from provenance import start_run
from provenance.toolkit import InputError, Shown, VerdictError

from moshead.corpus.loading import NoLabelsError, load_corpus
from moshead.corpus.sources import Source, named_source, resolve_schema
from moshead.corpus.synthetic import synthetic_corpus
from moshead.features.schemas import BUILT_IN, FeatureSchema, load_schema
from moshead.training.away import leave_one_corpus_out
from moshead.training.cross_validation.running import train_head
from moshead.training.destinations import PathLike, oof_writer, write_oof
from moshead.training.job import Job, TrainerOptions, as_path, as_text
from moshead.training.worth import without_gain, worth_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labeljoin.formats import Frame

    from moshead.corpus.corpus import Corpus
    from moshead.features.domain import CorpusKind


class SyntheticRowsWarning(UserWarning):
    """Synthetic rows stand in for a corpus without labels."""


class GateMissedError(VerdictError):
    """The gate was missed and was required."""


def train(
    features: Sequence[PathLike | Frame] | Frame,
    feature_schema: PathLike,
    model_id: str,
    *,
    display_profile_json: PathLike | None = None,
    **options: Unpack[TrainerOptions],
) -> dict[str, Any]:
    """Train a head on labelled feature tables, judge it by the gate, and write it.

    Args:
        features: Feature tables that carry ``mos`` (see ``labeljoin join``): ``[CORPUS=]PATH``, or
            data frames (anything with the Arrow PyCapsule interface: pandas, polars, pyarrow). The
            name of a corpus wins over a column ``corpus``. With several corpora, the head is judged
            on each of them too.
        feature_schema: Name of a built-in schema, or a TOML file.
        model_id: Name of the head.
        display_profile_json: Display that fills display columns which rows lack.
        **options: See :class:`moshead.training.job.TrainerOptions`: ``smoke``, ``key_column``,
            ``key_normalize``, ``key_regex``, ``max_keyless_rate``, ``group_column``,
            ``split_column``, ``training``, ``destinations``, ``allow_synthetic_fallback``,
            ``progress``.

    Returns:
        The manifest, with its run record.

    Raises:
        InputError: The rows cannot train a head, or would train one that only looks like it.
        GateMissedError: The gate was required and missed; verdict and card were written.
    """
    load_schema(feature_schema)  # a misspelled name is no file that is missing
    given: list[Any] = [features] if is_frame(features) else [*cast("Sequence[Any]", features)]
    named = [named_source(each, number) for number, each in enumerate(given, start=1)]
    sources = tuple(source for _, source in named)
    job = Job(
        entrypoint="moshead train",
        module=__name__,
        model_id=model_id,
        sources=sources,
        schema=feature_schema,
        inputs={
            "features": [each for each in sources if isinstance(each, Path)],
            "feature_schema": None if str(feature_schema) in BUILT_IN else Path(feature_schema),
            "display_profile_json": as_path(display_profile_json),
        },
        args={
            "features": [
                source.recorded() if isinstance(source, Source) else os.fspath(each)
                for each, source in zip(given, sources, strict=True)
            ],
            "feature_schema": str(feature_schema),
            "display_profile_json": as_text(display_profile_json),
        },
        display_profile=display_profile_json,
        corpora=tuple(name for name, _ in named),
        options=options,
    )
    return run_job(job)


def run_job(job: Job) -> dict[str, Any]:
    """Train, judge and write what a job describes.

    Returns:
        The manifest, with its run record.

    Raises:
        InputError: As :func:`train`.
        GateMissedError: As :func:`train`.
    """
    _check_extra()
    from moshead.export.card import verdict_html
    from moshead.export.head import write_head

    _check_model_id(job.model_id)
    job.training.check()
    if job.destinations.oof is not None:
        oof_writer(Path(job.destinations.oof))
    display = job.rows.display
    trained_on = parse_trained_on(job.options.get("trained_on") or ())
    progress = job.options.get("progress")
    args = job.all_args()
    with start_run(
        job.entrypoint,
        distribution="moskit-moshead",
        module=job.module,
        inputs=job.inputs,
        args=args,
        shared_trainer=None if job.module == __name__ else __name__,
        progress=progress,
    ) as run:
        if job.destinations.registry is not None:
            run.foresee_output("the registry (--registry)", job.destinations.registry)
        corpus, kind = _rows_of(job)
        corpus = replace(corpus, notes=(*job.notes, *corpus.notes))
        result = train_head(corpus, job.model_id, job.training, corpus_kind=kind, progress=progress)
        worth = worth_of(
            corpus,
            result,
            choice=job.options.get("baselines", "auto") if kind == "real" else "simple",
            trained_on=trained_on,
            seed=job.training.seed,
            progress=progress,
        )
        if job.options.get("leave_one_corpus_out") and kind == "real":
            away = leave_one_corpus_out(
                corpus,
                job.training,
                choice=job.options.get("baselines", "auto"),
                trained_on=trained_on,
                progress=progress,
            )
            result = replace(result, away=away)
        refused = job.destinations.require_gate and not result.gate.passed
        if job.destinations.require_gain and not worth.gained:
            result = replace(result, gate=without_gain(result.gate, worth))
            refused = True
        head_wanted = job.destinations.export and not refused
        onnx, manifest, card = job.destinations.paths(
            job.model_id, smoke=kind == "smoke", verdict_only=not head_wanted
        )
        write_oof(run, result, job.destinations.oof, kind)
        write_head(
            run,
            result,
            out_onnx=onnx if head_wanted else None,
            out_manifest=manifest,
            out_card=card,
            worth=worth,
            registry=as_path(job.destinations.registry),
            command=_command(job.entrypoint, args),
            short_args=job.content_args(corpus.schema),
            display=display,
        )
    if refused:
        raise GateMissedError(
            f"{worth.sentence} {result.gate.sentence.rstrip('.')}",
            where=job.model_id,
            fix=f"The verdict is in {manifest}; no head was written",
            document=run.document,
            code="training.gate-missed",
        )
    if head_wanted and job.destinations.registry is not None:
        from moshead.export.registry import register

        register(job.destinations.registry, manifest)
    return Shown(run.document, verdict_html)


def _rows_of(job: Job) -> tuple[Corpus, CorpusKind]:
    schema = load_schema(job.schema)
    if job.smoke:
        return synthetic_corpus(_resolved_for_smoke(schema, job), job.training.seed), "smoke"
    try:
        if not job.sources:
            raise NoLabelsError(
                "there are no rows to train on",
                fix="Give a labelled feature table; --smoke tries the machinery without one",
                code="training.no-rows",
            )
        names = job.corpora or (None,) * len(job.sources)
        tables = [
            each if isinstance(each, Source) else Source(each, name)
            for each, name in zip(job.sources, names, strict=True)
        ]
        corpus = load_corpus(tables, schema, job.rows, progress=job.options.get("progress"))
    except NoLabelsError:
        if not job.options.get("allow_synthetic_fallback"):
            raise
    else:
        return corpus, "real"
    warnings.warn(
        "no row has a MOS: the head is trained on synthetic rows, says nothing about quality, "
        "and is marked so everywhere",
        SyntheticRowsWarning,
        stacklevel=3,
    )
    corpus = synthetic_corpus(_resolved_for_smoke(schema, job), job.training.seed)
    return corpus, "synthetic-fallback"


def _resolved_for_smoke(schema: FeatureSchema, job: Job) -> FeatureSchema:
    if not schema.has_globs:
        return schema
    if not job.sources:
        raise InputError(
            "the schema has globs, and there is no feature table to resolve them",
            where=f"feature schema {schema.id}",
            fix="Give --features; only its column names are read",
            code="training.globs-without-table",
        )
    return resolve_schema(schema, job.sources)


def _check_extra() -> None:
    """Refuse to start where a library of the extra ``train`` is missing."""
    missing = [name for name in ("matplotlib", "onnxscript", "threadpoolctl") if not _has(name)]
    if missing:
        raise InputError(
            f"training needs {' and '.join(missing)}, which are not installed"
            if len(missing) > 1
            else f"training needs {missing[0]}, which is not installed",
            fix='Install them: pip install "moskit-moshead[train]"',
            code="training.extra-missing",
        )


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _check_model_id(model_id: str) -> None:
    if not model_id or any(c in model_id for c in '/\\:*?"<>|') or model_id.startswith("."):
        raise InputError(
            f"the model id {model_id!r} cannot name files",
            fix="Use letters, digits, - and _",
            code="training.model-id",
        )


def _command(entrypoint: str, args: Mapping[str, Any]) -> str:
    """The command line that repeats the run: what was asked for, and seed and counts always."""
    words = entrypoint.split()
    for name, value in args.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif isinstance(value, list):
            for item in value:
                shown = f"<{item['in_memory']}>" if isinstance(item, Mapping) else str(item)
                words += [flag, shown]
        elif value not in (None, False):
            words += [flag, str(value)]
    return shlex.join(words)
