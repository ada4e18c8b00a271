"""Training runs: from feature tables on disk to a head, its manifest and its card.

:func:`train` is the one trainer; :func:`train_konvid` and :func:`train_chug_hdr` know where their
corpus lies, what its rows look like, and what must be said about it.
"""

from __future__ import annotations

import os
import shlex
import warnings
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from provenance import InputError, ProgressCallback, Run, VerdictError, start_run

from moshead.corpora import Corpus, NoLabelsError, load_corpus
from moshead.cross_validation import TrainingOptions, train_head
from moshead.features import read_display_profile
from moshead.rows import CorpusGuard, RowOptions
from moshead.schemas import BUILT_IN, FeatureSchema, load_schema
from moshead.synthetic import synthetic_corpus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from moshead.network import CorpusKind, TrainingResult

PathLike = str | os.PathLike[str]

KONVID_MODEL_ID = "konvid_mos_head_v1"
CHUG_MODEL_ID = "chug_hdr_mos_head_v1"
KONVID_1K = Path("~/.workingdir2/konvid-1k/konvid_1k.jsonl")
KONVID_150K = Path("~/.workingdir2/konvid-150k/konvid_150k.jsonl")
CHUG_SHARDS = Path(".corpus/chug/training/fr_canonical_shards/output")
CHUG_SHARD_PATTERN = "shard_*.features.jsonl"
MODEL_FOLDER = Path("model")
CHUG_FOLDER = Path(".workingdir2/chug")

HDR_NOTE = (
    "HDR: the labels are people's ratings of HDR clips. VMAF's models are trained on SDR; nothing "
    "here takes their score for a truth about HDR."
)


class SyntheticRowsWarning(UserWarning):
    """Synthetic rows stand in for a corpus without labels."""


class GateMissedError(VerdictError):
    """The gate was missed and was required."""


@dataclass(frozen=True)
class Destinations:
    """Where a training run writes.

    Attributes:
        onnx: The head; ``model/<id>.onnx`` unless given.
        manifest: Its manifest, beside the head unless given.
        card: Its model card, beside the head unless given.
        oof: Out-of-fold predictions, ``.parquet`` or ``.csv``; none unless given.
        registry: Index of heads that this one is entered in; none unless given.
        export: Write the head at all; without it only verdict and card are written.
        require_gate: Write no head that misses the gate, and raise.
        folder: Where default names go.
    """

    onnx: PathLike | None = None
    manifest: PathLike | None = None
    card: PathLike | None = None
    oof: PathLike | None = None
    registry: PathLike | None = None
    export: bool = True
    require_gate: bool = False
    folder: Path = MODEL_FOLDER

    def paths(self, model_id: str, *, smoke: bool, verdict_only: bool) -> tuple[Path, Path, Path]:
        """ONNX, manifest and card.

        Default names of a smoke run end in ``_smoke``. A verdict without a head never replaces a
        head's manifest: its default name ends in ``_verdict``.
        """
        default = self.folder / f"{model_id}{'_smoke' if smoke else ''}.onnx"
        onnx = Path(self.onnx) if self.onnx is not None else default
        mark = "_verdict" if verdict_only else ""
        manifest = onnx.with_name(f"{onnx.stem}{mark}.json")
        card = onnx.with_name(f"{onnx.stem}{mark}_card.md")
        if self.manifest is not None:
            manifest = Path(self.manifest)
            manifest = manifest.with_name(f"{manifest.stem}{mark}{manifest.suffix}")
        if self.card is not None:
            card = Path(self.card)
            card = card.with_name(f"{card.stem}{mark}{card.suffix}")
        return onnx, manifest, card


@dataclass(frozen=True)
class _Job:
    """One training run, as its command describes it."""

    entrypoint: str
    model_id: str
    sources: tuple[Path, ...]
    schema: PathLike
    rows: RowOptions
    training: TrainingOptions
    destinations: Destinations
    smoke: bool
    fallback: bool
    inputs: Mapping[str, Any]
    args: Mapping[str, Any]
    shared_trainer: str | None = None
    notes: tuple[str, ...] = field(default=())


def train(
    features: Sequence[PathLike],
    feature_schema: PathLike,
    model_id: str,
    *,
    smoke: bool = False,
    key_column: str | None = None,
    group_column: str | None = None,
    split_column: str | None = None,
    display_profile_json: PathLike | None = None,
    training: TrainingOptions | None = None,
    destinations: Destinations | None = None,
    allow_synthetic_fallback: bool = False,
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Train a head on labelled feature tables, judge it by the gate, and write it.

    Args:
        features: Feature tables that carry ``mos`` (see ``labeljoin join``).
        feature_schema: Name of a built-in schema, or a TOML file.
        model_id: Name of the head.
        smoke: Train on synthetic rows; ``features`` only serve to resolve globs then.
        key_column: Clip key; inferred unless given.
        group_column: Rows of one group never straddle folds.
        split_column: Column of train, val and test; ``split``, where there is one, unless given.
        display_profile_json: Display that fills display columns which rows lack.
        training: How the head is trained and judged.
        destinations: Where the run writes.
        allow_synthetic_fallback: For old scripts: train on synthetic rows where none has a MOS.
        progress: Called as training advances.

    Returns:
        The manifest, with its run record.

    Raises:
        InputError: The rows cannot train a head, or would train one that only looks like it.
        GateMissedError: The gate was required and missed; verdict and card were written.
    """
    training = training or TrainingOptions()
    destinations = destinations or Destinations()
    _check_model_id(model_id)
    sources = tuple(Path(path) for path in features)
    schema_file = None if str(feature_schema) in BUILT_IN else Path(feature_schema)
    job = _Job(
        entrypoint="moshead train",
        model_id=model_id,
        sources=sources,
        schema=feature_schema,
        rows=_row_options(key_column, group_column, split_column, display_profile_json),
        training=training,
        destinations=destinations,
        smoke=smoke,
        fallback=allow_synthetic_fallback,
        inputs={
            "features": list(sources),
            "feature_schema": schema_file,
            "display_profile_json": _path(display_profile_json),
        },
        args={
            "features": [str(path) for path in sources],
            "feature_schema": str(feature_schema),
            "model_id": model_id,
            "smoke": smoke,
            "key_column": key_column,
            "group_column": group_column,
            "split_column": split_column,
            "display_profile_json": _text(display_profile_json),
            "allow_synthetic_fallback": allow_synthetic_fallback,
        },
    )
    return _run(job, progress)


def train_konvid(
    *,
    konvid_1k: PathLike | None = None,
    konvid_150k: PathLike | None = None,
    feature_parquet: Sequence[PathLike] = (),
    feature_jsonl: Sequence[PathLike] = (),
    model_id: str = KONVID_MODEL_ID,
    smoke: bool = False,
    key_column: str | None = None,
    group_column: str | None = None,
    split_column: str | None = None,
    training: TrainingOptions | None = None,
    destinations: Destinations | None = None,
    allow_synthetic_fallback: bool = False,
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Train the KonViD head on the schema ``konvid-v1`` (ADR-0336).

    Without any table, the drops at their usual places are read where they exist.

    Args:
        konvid_1k: KoNViD-1k rows, JSON lines.
        konvid_150k: KoNViD-150k rows, JSON lines.
        feature_parquet: Labelled feature tables.
        feature_jsonl: More rows, JSON lines.
        model_id: Name of the head.
        smoke: As in :func:`train`, and so are the rest, result and errors.
        key_column: Clip key.
        group_column: Rows of one group never straddle folds.
        split_column: Column of train, val and test.
        training: How the head is trained and judged.
        destinations: Where the run writes.
        allow_synthetic_fallback: For old scripts.
        progress: Called as training advances.
    """
    _check_model_id(model_id)
    given = (konvid_1k, konvid_150k, *feature_parquet, *feature_jsonl)
    if not smoke and all(path is None for path in given):
        konvid_1k, konvid_150k = (_where_it_exists(path) for path in (KONVID_1K, KONVID_150K))
    tables = (konvid_1k, konvid_150k, *feature_parquet, *feature_jsonl)
    job = _Job(
        entrypoint="moshead train-konvid",
        model_id=model_id,
        sources=tuple(Path(path) for path in tables if path is not None),
        schema="konvid-v1",
        rows=_row_options(key_column, group_column, split_column, None, guard=_refuse_chug),
        training=training or TrainingOptions(),
        destinations=destinations or Destinations(),
        smoke=smoke,
        fallback=allow_synthetic_fallback,
        inputs={
            "konvid_1k": _path(konvid_1k),
            "konvid_150k": _path(konvid_150k),
            "feature_parquet": [Path(path) for path in feature_parquet],
            "feature_jsonl": [Path(path) for path in feature_jsonl],
        },
        args={
            "konvid_1k": _text(konvid_1k),
            "konvid_150k": _text(konvid_150k),
            "feature_parquet": [str(path) for path in feature_parquet],
            "feature_jsonl": [str(path) for path in feature_jsonl],
            "model_id": model_id,
            "smoke": smoke,
            "key_column": key_column,
            "group_column": group_column,
            "split_column": split_column,
            "allow_synthetic_fallback": allow_synthetic_fallback,
        },
        shared_trainer=__name__,
    )
    return _run(job, progress)


def train_chug_hdr(
    *,
    feature_jsonl: Sequence[PathLike] = (),
    feature_parquet: Sequence[PathLike] = (),
    shard_dir: PathLike | None = None,
    display_profile_json: PathLike | None = None,
    feature_schema: str | None = None,
    model_id: str = CHUG_MODEL_ID,
    smoke: bool = False,
    key_column: str | None = None,
    group_column: str | None = None,
    split_column: str | None = None,
    training: TrainingOptions | None = None,
    destinations: Destinations | None = None,
    allow_synthetic_fallback: bool = False,
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Train the HDR head on CHUG's rows (ADR-0648).

    Only rows that say that they are CHUG's are read. Clips of one content never straddle folds,
    where the rows name their content.

    Args:
        feature_jsonl: CHUG feature rows, JSON lines.
        feature_parquet: Labelled CHUG feature tables.
        shard_dir: Folder of ``shard_*.features.jsonl``; the usual one where no table is given.
        display_profile_json: Display that the head is for; selects ``chug-hdr-display-v1``.
        feature_schema: ``chug-hdr-wide-v1`` unless given; or ``chug-hdr-display-v1``,
            ``konvid-v1``.
        model_id: Name of the head.
        smoke: As in :func:`train`, and so are the rest, result and errors.
        key_column: Clip key.
        group_column: Rows of one group never straddle folds; ``chug_content_name`` unless given.
        split_column: Column of train, val and test.
        training: How the head is trained and judged.
        destinations: Where the run writes.
        allow_synthetic_fallback: For old scripts.
        progress: Called as training advances.
    """
    _check_model_id(model_id)
    schema = feature_schema
    if schema is None:
        schema = "chug-hdr-wide-v1" if display_profile_json is None else "chug-hdr-display-v1"
    if schema not in BUILT_IN:
        raise InputError(
            f"{schema!r} is no schema of HDR rows", fix=f"Use one of {', '.join(BUILT_IN)}"
        )
    given = [Path(path) for path in (*feature_jsonl, *feature_parquet)]
    shards: list[Path] = []
    if not smoke and (shard_dir is not None or not given):
        shards = _shards(Path(shard_dir or CHUG_SHARDS), required=shard_dir is not None)
    destinations = destinations or Destinations()
    if destinations.folder == MODEL_FOLDER:
        destinations = replace(destinations, folder=CHUG_FOLDER)
    job = _Job(
        entrypoint="moshead train-chug-hdr",
        model_id=model_id,
        sources=(*shards, *given),
        schema=schema,
        rows=_row_options(
            key_column,
            group_column or _content_column([*shards, *given], smoke=smoke),
            split_column,
            display_profile_json,
            guard=_require_chug,
        ),
        training=training or TrainingOptions(),
        destinations=destinations,
        smoke=smoke,
        fallback=allow_synthetic_fallback,
        inputs={
            "feature_jsonl": [Path(path) for path in feature_jsonl],
            "feature_parquet": [Path(path) for path in feature_parquet],
            "shards": shards,
            "display_profile_json": _path(display_profile_json),
        },
        args={
            "feature_jsonl": [str(path) for path in feature_jsonl],
            "feature_parquet": [str(path) for path in feature_parquet],
            "shard_dir": _text(shard_dir),
            "display_profile_json": _text(display_profile_json),
            "feature_schema": feature_schema,
            "model_id": model_id,
            "smoke": smoke,
            "key_column": key_column,
            "group_column": group_column,
            "split_column": split_column,
            "allow_synthetic_fallback": allow_synthetic_fallback,
        },
        shared_trainer=__name__,
        notes=(HDR_NOTE,),
    )
    return _run(job, progress)


def _run(job: _Job, progress: ProgressCallback | None) -> dict[str, Any]:
    from moshead.export import write_head

    job.training.check()
    if job.destinations.oof is not None:
        _oof_writer(Path(job.destinations.oof))
    args = dict(job.args) | _shared_args(job)
    with start_run(
        job.entrypoint,
        distribution="moskit-moshead",
        module=__name__,
        inputs=job.inputs,
        args=args,
        shared_trainer=job.shared_trainer,
        progress=progress,
    ) as run:
        corpus, kind = _rows_of(job, progress)
        corpus = replace(corpus, notes=(*job.notes, *corpus.notes))
        result = train_head(corpus, job.model_id, job.training, corpus_kind=kind, progress=progress)
        refused = job.destinations.require_gate and not result.gate.passed
        head_wanted = job.destinations.export and not refused
        onnx, manifest, card = job.destinations.paths(
            job.model_id, smoke=kind == "smoke", verdict_only=not head_wanted
        )
        _write_oof(run, result, job.destinations.oof, kind)
        write_head(
            run,
            result,
            out_onnx=onnx if head_wanted else None,
            out_manifest=manifest,
            out_card=card,
            registry=_path(job.destinations.registry),
            command=_command(job.entrypoint, args),
            short_args=_content_args(job, corpus.schema),
            display=job.rows.display,
        )
    if refused:
        raise GateMissedError(
            result.gate.sentence.rstrip("."),
            where=job.model_id,
            fix=f"The verdict is in {manifest}; no head was written",
            document=run.document,
        )
    if head_wanted and job.destinations.registry is not None:
        from moshead.registry import register

        register(job.destinations.registry, manifest)
    return run.document


def _rows_of(job: _Job, progress: ProgressCallback | None) -> tuple[Corpus, CorpusKind]:
    schema = load_schema(job.schema)
    if job.smoke:
        return synthetic_corpus(_resolved_for_smoke(schema, job), job.training.seed), "smoke"
    try:
        if not job.sources:
            raise NoLabelsError(
                "there are no rows to train on",
                fix="Give a labelled feature table; --smoke tries the machinery without one",
            )
        return load_corpus(job.sources, schema, job.rows, progress=progress), "real"
    except NoLabelsError:
        if not job.fallback:
            raise
    warnings.warn(
        "no row has a MOS: the head is trained on synthetic rows, says nothing about quality, "
        "and is marked so everywhere",
        SyntheticRowsWarning,
        stacklevel=3,
    )
    corpus = synthetic_corpus(_resolved_for_smoke(schema, job), job.training.seed)
    return corpus, "synthetic-fallback"


def _resolved_for_smoke(schema: FeatureSchema, job: _Job) -> FeatureSchema:
    if not schema.has_globs:
        return schema
    from moshead.sources import resolve_schema

    if not job.sources:
        raise InputError(
            "the schema has globs, and there is no feature table to resolve them",
            where=f"feature schema {schema.id}",
            fix="Give --features; only its column names are read",
        )
    return resolve_schema(schema, job.sources)


def _row_options(
    key_column: str | None,
    group_column: str | None,
    split_column: str | None,
    display_profile: PathLike | None,
    guard: CorpusGuard | None = None,
) -> RowOptions:
    return RowOptions(
        key_column=key_column,
        group_column=group_column,
        split_column=split_column or "split",
        split_required=split_column not in (None, "split"),
        display={} if display_profile is None else read_display_profile(Path(display_profile)),
        guard=guard,
    )


def _refuse_chug(table: pa.Table, where: str) -> None:
    """Refuse rows of the HDR corpus in an SDR head."""
    if any(name.startswith("chug_") for name in table.column_names) or _corpora(table, "chug"):
        raise InputError(
            "these are rows of the HDR corpus CHUG",
            where=where,
            fix="Train them with moshead train-chug-hdr",
        )


def _require_chug(table: pa.Table, where: str) -> None:
    """Refuse rows that do not say that they are CHUG's, KonViD's above all."""
    foreign = [name for name in _corpora(table, "") if not name.startswith("chug")]
    if foreign:
        raise InputError(
            f"rows of the corpus {foreign[0]!r} cannot train an HDR head on CHUG",
            where=where,
            fix="Give CHUG's feature shards only",
        )
    evidence = [name for name in table.column_names if name.startswith("chug_")]
    bare = np.ones(table.num_rows, dtype=bool)
    for name in (*evidence, *(["corpus"] if "corpus" in table.column_names else [])):
        bare &= np.asarray(table.column(name).is_null())
    if bare.any():
        raise InputError(
            f"{int(bare.sum())} of {table.num_rows} rows do not say that they are CHUG's: they "
            "have neither a corpus nor any chug_ column",
            where=where,
            fix="Give the shards that CHUG's feature extraction wrote",
        )


def _corpora(table: pa.Table, prefix: str) -> list[str]:
    if "corpus" not in table.column_names:
        return []
    names = table.column("corpus").cast(pa.string()).unique().to_pylist()
    return sorted(
        name.strip().lower()
        for name in names
        if name and name.strip() and name.strip().lower().startswith(prefix)
    )


def _shards(folder: Path, *, required: bool) -> list[Path]:
    shards = sorted(folder.glob(CHUG_SHARD_PATTERN))
    if required and not shards:
        raise InputError(
            f"there is no {CHUG_SHARD_PATTERN} here",
            where=str(folder),
            fix="Point --shard-dir at the output of CHUG's feature extraction",
        )
    return shards


def _content_column(sources: Sequence[Path], *, smoke: bool) -> str | None:
    """``chug_content_name`` where every table has it."""
    import labeljoin

    if smoke or not sources:
        return None
    name = "chug_content_name"
    return name if all(name in labeljoin.open_table(s).column_names for s in sources) else None


def _check_model_id(model_id: str) -> None:
    if not model_id or any(c in model_id for c in '/\\:*?"<>|') or model_id.startswith("."):
        raise InputError(
            f"the model id {model_id!r} cannot name files", fix="Use letters, digits, - and _"
        )


def _where_it_exists(path: Path) -> Path | None:
    path = path.expanduser()
    return path if path.is_file() else None


def _path(path: PathLike | None) -> Path | None:
    return None if path is None else Path(path)


def _text(path: PathLike | None) -> str | None:
    return None if path is None else os.fspath(path)


def _shared_args(job: _Job) -> dict[str, Any]:
    training, places = job.training, job.destinations
    return {
        **asdict(training),
        "out_onnx": _text(places.onnx),
        "out_manifest": _text(places.manifest),
        "out_card": _text(places.card),
        "out_oof": _text(places.oof),
        "registry": _text(places.registry),
        "no_export": not places.export,
        "require_gate": places.require_gate,
    }


def _content_args(job: _Job, schema: FeatureSchema) -> dict[str, Any]:
    """What shapes the head besides its rows; no paths, for the record that it carries."""
    names = ("smoke", "key_column", "group_column", "split_column")
    return {
        "model_id": job.model_id,
        "feature_schema_id": schema.id,
        **{name: job.args.get(name) for name in names},
        **asdict(job.training),
    }


def _command(entrypoint: str, args: Mapping[str, Any]) -> str:
    """The command line that repeats the run: what was asked for, and seed and counts always."""
    words = entrypoint.split()
    for name, value in args.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif isinstance(value, list):
            for item in value:
                words += [flag, str(item)]
        elif value not in (None, False):
            words += [flag, str(value)]
    return shlex.join(words)


def _oof_writer(path: Path) -> Any:
    writers = {".parquet": pyarrow.parquet.write_table, ".csv": pyarrow.csv.write_csv}
    if path.suffix.lower() not in writers:
        raise InputError(
            "out-of-fold predictions are written as .parquet or .csv",
            where=str(path),
            fix="Name the file so",
        )
    return writers[path.suffix.lower()]


def _write_oof(run: Run, result: TrainingResult, path: PathLike | None, kind: CorpusKind) -> None:
    if path is None:
        return
    destination = Path(path)
    table = result.oof
    if kind != "real":
        # Should anyone take these for labels, the rows give themselves away.
        table = table.append_column("corpus", pa.array(["synthetic"] * table.num_rows))
    staged = run.stage("oof", destination, kind="oof-predictions")
    _oof_writer(destination)(table, os.fspath(staged))
