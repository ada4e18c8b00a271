"""Predicting for files: a feature table in, a table of predictions with its record out."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import labeljoin
import numpy as np
import pyarrow as pa
from labeljoin.formats import formats
from provenance import Run, start_run
from provenance.record import EMBEDDED_KEY
from provenance.toolkit import InputError, canonical_bytes

from moshead.documents.predictions import SCHEMA as PREDICTIONS_SCHEMA
from moshead.features.domain import ENCODER_VOCAB
from moshead.features.matrix import read_display_profile
from moshead.heads.conformal import DEFAULT_ALPHA
from moshead.predict.blocks import UNNAMED_TABLE, Repairs
from moshead.predict.predictor import Predictor

if TYPE_CHECKING:
    from labeljoin.formats import Format, TableWriter
    from provenance.toolkit import ProgressCallback

    from moshead.predict.foreign import Foreign

COLUMNS = {
    "mos_pred": pa.float64(),
    "mos_pred_lo": pa.float64(),
    "mos_pred_hi": pa.float64(),
    "source": pa.string(),
    "in_domain": pa.bool_(),
    "distance": pa.float64(),
}
"""What predictions get beside the clip key, and its types."""


def predict_file(
    onnx: str | os.PathLike[str],
    features: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    key_column: str | None = None,
    max_keyless_rate: float = 0.05,
    alpha: float = DEFAULT_ALPHA,
    codec: str = ENCODER_VOCAB[0],
    strict: bool = False,
    corpus: str | None = None,
    display_profile: str | os.PathLike[str] | None = None,
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Predict the MOS of every row of a feature table.

    Args:
        onnx: The head.
        features: A feature table: parquet, JSONL, JSON or CSV, or a directory of parts.
        out: Where the predictions go, one row for each feature row in the same order: the key
            column as it stands in the feature table, ``mos_pred, mos_pred_lo, mos_pred_hi,
            source, in_domain, distance``. Parquet, CSV or JSONL by its suffix. Its record goes to
            ``<out>.audit.json``.
        key_column: The column of clip keys; what the table remembers, else what its column names
            tell, by default (:func:`labeljoin.clip_key`).
        max_keyless_rate: Largest share of the rows, in [0, 1], that may lack a clip key. Such
            rows keep their place and get their prediction; the record counts them.
        alpha: Level of the CV+ prediction intervals.
        codec: Encoder of the rows, a slot of the head's vocabulary.
        strict: Refuse a head that is missing or only ``Proposed``.
        corpus: Answer on the MOS scale of this corpus, for a head of aligned corpora.
        display_profile: A display profile (JSON), for schemas with display columns.
        progress: Called after each batch with rows done and rows in all.

    Returns:
        The record (``mos-predictions-v1``).

    Raises:
        InputError: The head is unsound or missing without a VMAF to fall back on, the table lacks
            a required column, nothing tells which column holds the clip key, too many rows lack
            one, or the suffix of ``out`` is unknown.
        OutputError: The predictions cannot be written.
    """
    table = labeljoin.open_table(features)
    form = _form(Path(out))
    clip = labeljoin.clip_key(table, key_column)
    key = clip.column
    if key in COLUMNS:
        raise InputError(
            f"the key column {key!r} has the name of a column that predictions get",
            where=str(features),
            fix="Rename it",
            code="prediction.key-column-name",
        )
    display = None if display_profile is None else read_display_profile(Path(display_profile))
    # A warning a batch would be noise, and the record wants each of them: keep them, say each once.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        predictor = Predictor(onnx, alpha=alpha, strict=strict, display=display, corpus=corpus)
        if key in predictor.columns_read:
            raise InputError(
                f"the key column {key!r} is a column that the prediction reads",
                where=str(features),
                fix="Name the column of clip keys with --key-column",
                code="prediction.key-column-is-feature",
            )
        reads = [n for n in predictor.columns_read if n in table.column_names and n != key]
        with start_run(
            "moshead predict",
            distribution="moskit-moshead",
            module="moshead.predict.file",
            inputs={
                "onnx": onnx if predictor.head is not None else None,
                "features": features,
                "display_profile_json": display_profile,
            },
            args={
                "onnx": str(onnx),
                "features": str(features),
                "out": str(out),
                "key_column": key_column,
                "max_keyless_rate": max_keyless_rate,
                "alpha": alpha,
                "codec": codec,
                "strict": strict,
                "corpus": corpus,
                "display_profile_json": _text(display_profile),
            },
            progress=progress,
        ) as run:
            if predictor.head is None:
                run.foresee_input("the head (--onnx)", onnx)
            elif predictor.head.manifest_path is not None:
                run.foresee_input("the manifest of the head", predictor.head.manifest_path)
            keyless = _keyless_rows(table, clip, max_keyless_rate)
            staged = run.stage("out", out, kind="predictions")
            rows, repairs, foreign = _write(
                run, predictor, table, Path(staged), form, clip, reads, codec, progress
            )
            head = predictor.head
            document = {
                "schema": PREDICTIONS_SCHEMA,
                "output": str(out),
                "feature_table": str(features),
                "key_column": key,
                "clip_key": clip.to_dict(),
                "keyless_rows": keyless,
                "rows": rows,
                "source": predictor.source,
                "scale": corpus,
                "head": None
                if head is None
                else {
                    "id": head.metadata.model_id,
                    "sha256": head.sha256,
                    "status": head.metadata.status,
                    "feature_schema": head.metadata.schema.id,
                },
                "intervals": _interval_facts(predictor),
                "domain": None if foreign is None else foreign.to_dict(),
                "imputed": repairs.imputed,
                "filled": repairs.filled,
                "warnings": list(_distinct(caught)),
            }
            run.record(f"{os.fspath(out)}.audit.json", document, kind="audit")
    for warning in _distinct(caught).values():
        warnings.warn(warning, stacklevel=2)
    return run.document


def _keyless_rows(
    table: labeljoin.Table, clip: labeljoin.joining.ClipKey, most: float
) -> dict[str, Any]:
    """How many rows have no clip key, and why; refused where they are too many."""
    rows = 0
    reasons: Counter[str] = Counter()
    for values in table.key_values(clip.column):
        rows += len(values)
        reasons.update(clip.rule.keys(values).reasons)
    count = sum(reasons.values())
    if count > most * rows:
        raise InputError(
            f"{count:,} of {rows:,} rows have no clip key in the column {clip.column!r}, above "
            f"the maximum of {labeljoin.keys.percent(most)}",
            where=str(table.path),
            fix="Fill the column, name another with --key-column, or raise --max-keyless-rate",
            code="prediction.keyless-rows",
        )
    return {"count": count, "reasons": dict(reasons)}


def _distinct(caught: Sequence[warnings.WarningMessage]) -> dict[str, Warning]:
    return {str(w.message): w.message for w in caught if isinstance(w.message, Warning)}


def _write(
    run: Run,
    predictor: Predictor,
    table: labeljoin.Table,
    target: Path,
    form: Format,
    clip: labeljoin.joining.ClipKey,
    reads: list[str],
    codec: str,
    progress: ProgressCallback | None,
) -> tuple[int, Repairs, Foreign | None]:
    key = clip.column
    key_field = table.schema(text_columns=[key]).field(key)
    fields = [pa.field(name, kind) for name, kind in COLUMNS.items()]
    schema = pa.schema([key_field.remove_metadata(), *fields])
    total, rows, repairs = table.row_count(), 0, Repairs()
    foreign: Foreign | None = None
    with _writer(run, form, target, schema, predictor, clip) as writer:
        for batch in table.batches([key, *reads], text_columns=[key]):
            whole = pa.Table.from_batches([batch])
            try:
                found = predictor.predict_mos(whole.select(reads), codec)
            except InputError as error:
                if error.where == UNNAMED_TABLE:
                    error.where = str(table.path)
                raise
            # What comes after the sixth decimal is rounding noise of float32.
            np.round(found.mos, 6, out=found.mos)
            columns = [whole.column(key), *found.to_table().columns]
            writer.write(pa.Table.from_arrays(columns, schema=schema))
            repairs.add(Repairs(found.imputed, found.filled))
            if foreign is None:
                foreign = found.foreign
            elif found.foreign is not None:
                foreign.add(found.foreign)
            rows += len(found)
            if progress is not None:
                progress("predicting", rows, total)
    return rows, repairs, foreign


@contextmanager
def _writer(
    run: Run,
    form: Format,
    target: Path,
    schema: pa.Schema,
    predictor: Predictor,
    clip: labeljoin.joining.ClipKey,
) -> Iterator[TableWriter]:
    short = run.short_record({"alpha": predictor.alpha})
    metadata = {EMBEDDED_KEY: canonical_bytes(short), **clip.metadata()}
    with form.writer(target, schema.with_metadata(metadata)) as writer:
        yield writer


def _text(path: str | os.PathLike[str] | None) -> str | None:
    return None if path is None else os.fspath(path)


def _form(out: Path) -> Format:
    writable = [each for each in formats().values() if each.can_write]
    for form in writable:
        if out.suffix.lower() in form.suffixes:
            return form
    raise InputError(
        f"the suffix {out.suffix!r} does not say how to write the predictions",
        where=str(out),
        fix=f"Use {', '.join(suffix for form in writable for suffix in form.suffixes)}",
        code="prediction.unknown-suffix",
    )


def _interval_facts(predictor: Predictor) -> dict[str, Any] | None:
    conformal = None if predictor.head is None else predictor.head.metadata.conformal
    if conformal is None:
        return None
    alpha = predictor.alpha
    return {
        "method": conformal.summary()["method"],
        "alpha": alpha,
        "guaranteed_coverage": round(conformal.guarantee(alpha), 4),
        "folds": conformal.n_folds,
        "residuals": conformal.n_residuals,
    }
