"""KonViD: where its drops lie, and the trainer of its head (ADR-0336)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from moshead.training.chug import refuse_chug
from moshead.training.job import Job, as_path, as_text
from moshead.training.trainers import run_job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from moshead.training.destinations import PathLike
    from moshead.training.job import TrainerOptions


KONVID_MODEL_ID = "konvid_mos_head_v1"
KONVID_1K = Path("~/.workingdir2/konvid-1k/konvid_1k.jsonl")
KONVID_150K = Path("~/.workingdir2/konvid-150k/konvid_150k.jsonl")


def train_konvid(
    *,
    konvid_1k: PathLike | None = None,
    konvid_150k: PathLike | None = None,
    feature_parquet: Sequence[PathLike] = (),
    feature_jsonl: Sequence[PathLike] = (),
    model_id: str = KONVID_MODEL_ID,
    **options: Unpack[TrainerOptions],
) -> dict[str, Any]:
    """Train the KonViD head on the schema ``konvid-v1`` (ADR-0336).

    Without any table, the drops at their usual places are read where they exist.

    Args:
        konvid_1k: KoNViD-1k rows, JSON lines.
        konvid_150k: KoNViD-150k rows, JSON lines.
        feature_parquet: Labelled feature tables.
        feature_jsonl: More rows, JSON lines.
        model_id: Name of the head.
        **options: As in :func:`moshead.train`, and so are result and errors.
    """
    given = (konvid_1k, konvid_150k, *feature_parquet, *feature_jsonl)
    if not options.get("smoke") and all(path is None for path in given):
        konvid_1k, konvid_150k = (_where_it_exists(path) for path in (KONVID_1K, KONVID_150K))
    tables = (konvid_1k, konvid_150k, *feature_parquet, *feature_jsonl)
    job = Job(
        entrypoint="moshead train-konvid",
        module=__name__,
        model_id=model_id,
        sources=tuple(Path(path) for path in tables if path is not None),
        schema="konvid-v1",
        inputs={
            "konvid_1k": as_path(konvid_1k),
            "konvid_150k": as_path(konvid_150k),
            "feature_parquet": [Path(path) for path in feature_parquet],
            "feature_jsonl": [Path(path) for path in feature_jsonl],
        },
        args={
            "konvid_1k": as_text(konvid_1k),
            "konvid_150k": as_text(konvid_150k),
            "feature_parquet": [str(path) for path in feature_parquet],
            "feature_jsonl": [str(path) for path in feature_jsonl],
        },
        guard=refuse_chug,
        options=options,
    )
    return run_job(job)


def _where_it_exists(path: Path) -> Path | None:
    path = path.expanduser()
    return path if path.is_file() else None
