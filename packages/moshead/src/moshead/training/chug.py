"""CHUG: its shards of HDR clips, how its rows are known, and the trainer of its head (ADR-0648)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pyarrow as pa
from provenance.toolkit import InputError

from moshead.features.schemas import BUILT_IN
from moshead.training.destinations import MODEL_FOLDER, Destinations
from moshead.training.job import Job, as_path, as_text
from moshead.training.trainers import run_job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from moshead.training.destinations import PathLike
    from moshead.training.job import TrainerOptions


CHUG_MODEL_ID = "chug_hdr_mos_head_v1"
CHUG_SHARDS = Path(".corpus/chug/training/fr_canonical_shards/output")
CHUG_SHARD_PATTERN = "shard_*.features.jsonl"
CHUG_FOLDER = Path(".workingdir2/chug")

_LABEL_FILE = {"Video", "mos_j"}
_SIX = ("adm2", "vif_scale0", "vif_scale1", "vif_scale2", "vif_scale3", "motion2")

HDR_NOTE = (
    "HDR: the head is made to predict how people rate HDR clips. VMAF's models are trained on SDR; "
    "nothing here takes their score for a truth about HDR."
)


def train_chug_hdr(
    *,
    feature_jsonl: Sequence[PathLike] = (),
    feature_parquet: Sequence[PathLike] = (),
    shard_dir: PathLike | None = None,
    display_profile_json: PathLike | None = None,
    feature_schema: str | None = None,
    model_id: str = CHUG_MODEL_ID,
    **options: Unpack[TrainerOptions],
) -> dict[str, Any]:
    """Train the HDR head on CHUG's rows (ADR-0648).

    Only rows that say that they are CHUG's are read. Clips of one content never straddle folds,
    where the rows name their content.

    Args:
        feature_jsonl: CHUG feature rows, JSON lines.
        feature_parquet: Labelled CHUG feature tables.
        shard_dir: Folder of ``shard_*.features.jsonl``; the usual one where no table is given.
        display_profile_json: Display that the head is for; selects ``chug-hdr-display-v1``.
        feature_schema: ``chug-hdr-wide-v1`` by default, or ``chug-hdr-display-v1``,
            ``konvid-v1``.
        model_id: Name of the head.
        **options: As in :func:`moshead.train`, and so are result and errors; ``group_column`` is
            ``chug_content_name``, else ``content_name``, by default.
    """
    schema = feature_schema
    if schema is None:
        schema = "chug-hdr-wide-v1" if display_profile_json is None else "chug-hdr-display-v1"
    if schema not in BUILT_IN:
        raise InputError(
            f"{schema!r} is not a feature schema for HDR rows",
            fix=f"Use one of {', '.join(BUILT_IN)}",
            code="chug.feature-schema",
        )
    smoke = options.get("smoke", False)
    given = [Path(path) for path in (*feature_jsonl, *feature_parquet)]
    if not smoke:
        for path in given:
            explain_lacks(path)
    shards: list[Path] = []
    if not smoke and (shard_dir is not None or not given):
        shards = _shards(Path(shard_dir or CHUG_SHARDS), required=shard_dir is not None)
    content = options.get("group_column") or _content_column([*shards, *given], smoke=smoke)
    destinations = options.get("destinations") or Destinations()
    if destinations.folder == MODEL_FOLDER:
        options["destinations"] = replace(destinations, folder=CHUG_FOLDER)
    job = Job(
        entrypoint="moshead train-chug-hdr",
        module=__name__,
        model_id=model_id,
        sources=(*shards, *given),
        schema=schema,
        inputs={
            "feature_jsonl": [Path(path) for path in feature_jsonl],
            "feature_parquet": [Path(path) for path in feature_parquet],
            "shards": shards,
            "display_profile_json": as_path(display_profile_json),
        },
        args={
            "feature_jsonl": [str(path) for path in feature_jsonl],
            "feature_parquet": [str(path) for path in feature_parquet],
            "shard_dir": as_text(shard_dir),
            "display_profile_json": as_text(display_profile_json),
            "feature_schema": feature_schema,
        },
        display_profile=display_profile_json,
        usual_group_column=None if options.get("group_column") else content,
        guard=require_chug,
        notes=(HDR_NOTE, *(() if smoke else (_content_note(content),))),
        options=options,
    )
    return run_job(job)


def explain_lacks(path: Path) -> None:
    """Say what a table of CHUG lacks, where it holds labels alone or other features.

    Raises:
        InputError: It is CHUG's label file, or has none of the features that an HDR head reads.
    """
    import labeljoin

    names = labeljoin.open_table(path).column_names
    if set(names) >= _LABEL_FILE:
        raise InputError(
            "this is CHUG's label file: it has ratings, and no features to learn them from",
            where=str(path),
            fix="Extract features of its clips, join these labels to them with the entry of "
            "`labeljoin manifest chug`, and give the table that it writes",
            code="chug.label-file",
        )
    known = [name for name in names if name in _SIX or name.removesuffix("_mean") in _SIX]
    if not known:
        raise InputError(
            f"the table has none of VMAF's features that the HDR head reads ({', '.join(_SIX)})",
            where=str(path),
            fix="Give CHUG's feature shards; or train its other features by moshead train with a "
            "--feature-schema of your own and --group-column content_name",
            code="chug.other-features",
        )


def refuse_chug(table: pa.Table, where: str) -> None:
    """Refuse rows of the HDR corpus in an SDR head."""
    if any(name.startswith("chug_") for name in table.column_names) or _corpus_names(table, "chug"):
        raise InputError(
            "these are rows of the HDR corpus CHUG",
            where=where,
            fix="Train them with moshead train-chug-hdr",
            code="chug.rows-in-sdr-head",
        )


def require_chug(table: pa.Table, where: str) -> None:
    """Refuse rows that are not marked as CHUG's, KonViD's above all."""
    foreign = [name for name in _corpus_names(table, "") if not name.startswith("chug")]
    if foreign:
        raise InputError(
            f"rows of the corpus {foreign[0]!r} cannot train an HDR head on CHUG",
            where=where,
            fix="Give CHUG's feature shards only",
            code="chug.rows-of-another-corpus",
        )
    evidence = [name for name in table.column_names if name.startswith("chug_")]
    bare = np.ones(table.num_rows, dtype=bool)
    for name in (*evidence, *(["corpus"] if "corpus" in table.column_names else [])):
        bare &= np.asarray(table.column(name).is_null())
    if bare.any():
        raise InputError(
            f"{int(bare.sum())} of {table.num_rows} rows are not marked as CHUG's: they "
            "have neither a corpus nor any chug_ column",
            where=where,
            fix="Give the shards that CHUG's feature extraction wrote",
            code="chug.rows-of-no-corpus",
        )


def _corpus_names(table: pa.Table, prefix: str) -> list[str]:
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
            f"this folder has no {CHUG_SHARD_PATTERN}",
            where=str(folder),
            fix="Point --shard-dir at the output of CHUG's feature extraction",
            code="chug.no-shards",
        )
    return shards


def _content_note(column: str | None) -> str:
    if column is None:
        return (
            "The rows do not name their content (chug_content_name), so versions of one content "
            "may be in different folds, and the figures are then too good: give --group-column."
        )
    return f"Clips of one content never straddle folds: grouped by {column}."


def _content_column(sources: Sequence[Path], *, smoke: bool) -> str | None:
    """The first of the columns that name contents which every table has."""
    import labeljoin

    if smoke or not sources:
        return None
    tables = [labeljoin.open_table(source).column_names for source in sources]
    for name in ("chug_content_name", "content_name"):
        if all(name in names for names in tables):
            return name
    return None
