"""Judging a head on rows that it has never seen."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from labeljoin.keys import percent
from labeljoin.labels import parse_trained_on
from provenance import start_run
from provenance.toolkit import InputError, VerdictError

from moshead.baselines.alongside import ScoreColumn
from moshead.baselines.held_out import worth_held_out
from moshead.corpus.fingerprints import (
    fingerprints,
    from_text,
    row_fingerprints,
    share_known,
)
from moshead.corpus.loading import load_corpus
from moshead.corpus.rows import RowOptions
from moshead.corpus.sources import Source, named_sources
from moshead.documents.validation import SCHEMA as VALIDATION_SCHEMA
from moshead.export.manifest import load_manifest, manifest_beside
from moshead.export.markdown import render
from moshead.export.tables import HEADINGS, marked_rows
from moshead.features.domain import ENCODER_VOCAB
from moshead.features.matrix import read_display_profile
from moshead.gate.corpora import judge_corpora_rows, require_every_corpus
from moshead.gate.gate import judge_rows
from moshead.gate.thresholds import HELD_OUT
from moshead.heads.conformal import DEFAULT_ALPHA
from moshead.predict.predictor import Predictor
from moshead.training.worth import second_opinions

if TYPE_CHECKING:
    import labeljoin
    from labeljoin.labels import TrainedOn
    from numpy.typing import NDArray
    from provenance.toolkit import ProgressCallback

    from moshead.baselines.worth import Worth
    from moshead.corpus.corpus import Corpus
    from moshead.documents.shared import BaselineDocument
    from moshead.export.metadata import HeadMetadata
    from moshead.gate.report import GateReport

KNOWN_SHARE_ALLOWED = 0.01
"""Held-out keys that may look like trained ones, for clips that share a name by chance."""


class HeldOutMissError(VerdictError):
    """The head misses the gate on held-out rows."""


def validate(
    onnx: str | os.PathLike[str],
    features: str | os.PathLike[str] | list[str | os.PathLike[str]],
    *,
    split: str | None = None,
    split_column: str = "split",
    key_column: str | None = None,
    key_normalize: labeljoin.keys.KeyNormalize | None = None,
    key_regex: str | None = None,
    max_keyless_rate: float = 0.05,
    group_column: str | None = None,
    trained_on: Sequence[str] = (),
    alpha: float = DEFAULT_ALPHA,
    out_json: str | os.PathLike[str] | None = None,
    out_md: str | os.PathLike[str] | None = None,
    display_profile: str | os.PathLike[str] | None = None,
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Judge a head on labelled rows that did not train it, by the gate's thresholds.

    One head has no seeds, so the gate's spread is not judged. Rows whose clips trained the head
    are no test of it: a share of more than 1 % of them is refused.

    Args:
        onnx: The head.
        features: Labelled feature tables, ``[CORPUS=]PATH`` each. With several corpora, the head
            is judged on each of them too, and passes where each does.
        split: Judge the rows of this split only; by default ``test`` if a table has a split
            column, and all rows otherwise.
        split_column: Name of the split column.
        key_column: The column of clip keys, as for :func:`moshead.train`.
        key_normalize: How its values become clip keys, as for :func:`moshead.train`.
        key_regex: Regular expression for them, as for :func:`moshead.train`.
        max_keyless_rate: Largest share of rows without a clip key, as for :func:`moshead.train`.
        group_column: What the bootstrap draws; by default, clips.
        trained_on: ``SCORER=CORPUS`` each: what a scorer was trained on, before what is known.
        alpha: Level of the prediction intervals whose coverage is measured.
        out_json: Where the report goes; by default, it is not written.
        out_md: Where the report goes as Markdown; by default, it is not written.
        display_profile: A display profile (JSON), for schemas with display columns.
        progress: Called after each table.

    Returns:
        The report (``mos-head-validation-v1``).

    Raises:
        InputError: The head is unsound, no row has a MOS, or the rows trained the head.
        HeldOutMissError: The gate is missed; the report was written, and is its ``document``.
    """
    given = [features] if isinstance(features, str | os.PathLike) else list(features)
    named = named_sources(given)
    corrections = parse_trained_on(trained_on)
    display = None if display_profile is None else read_display_profile(Path(display_profile))
    predictor = Predictor(onnx, alpha=alpha, strict=False, display=display)
    if predictor.head is None:
        raise InputError(
            "there is no such file",
            where=os.fspath(onnx),
            fix="Check the path of the head",
            code="validation.no-such-head",
        )
    with start_run(
        "moshead validate",
        distribution="moskit-moshead",
        module="moshead.predict.validation",
        inputs={
            "onnx": onnx,
            # The report shows its baselines, so that a replay needs it too.
            "manifest": predictor.head.manifest_path,
            "features": [path for _, path in named],
            "display_profile_json": display_profile,
        },
        args={
            "onnx": os.fspath(onnx),
            "features": [os.fspath(path) for path in given],
            "split": split,
            "split_column": split_column,
            "key_column": key_column,
            "key_normalize": key_normalize,
            "key_regex": key_regex,
            "max_keyless_rate": max_keyless_rate,
            "group_column": group_column,
            "trained_on": list(trained_on),
            "alpha": alpha,
            "out_json": _text(out_json),
            "out_md": _text(out_md),
            "display_profile_json": _text(display_profile),
        },
        progress=progress,
    ) as run:
        if predictor.head.manifest_path is not None:
            run.foresee_input("the manifest of the head", predictor.head.manifest_path)
        corpus, judged_split = _held_out(
            predictor,
            [Source(path, name) for name, path in named],
            split,
            RowOptions(
                key_column=key_column,
                key_normalize=key_normalize,
                key_regex=key_regex,
                max_keyless_rate=max_keyless_rate,
                group_column=group_column,
                split_column=split_column,
                split_required=split is not None,
                display=predictor.head.metadata.display if display is None else display,
            ),
            progress,
        )
        document = _report(predictor, corpus, judged_split, alpha, corrections)
        if out_md is not None:
            staged = run.stage("out_md", out_md, kind="report")
            Path(staged).write_text(validation_markdown(document), encoding="utf-8")
        if out_json is not None:
            run.record(out_json, document, kind="report")
        elif out_md is not None:
            run.record(f"{os.fspath(out_md)}.audit.json", document, kind="report")
    document = run.document or document
    if not document["gate"]["passed"]:
        raise HeldOutMissError(
            document["gate"]["sentence"].rstrip("."),
            where=os.fspath(onnx),
            document=document,
            code="validation.gate-missed",
        )
    return document


def _held_out(
    predictor: Predictor,
    tables: list[Source],
    split: str | None,
    options: RowOptions,
    progress: ProgressCallback | None,
) -> tuple[Corpus, str | None]:
    assert predictor.head is not None
    metadata = predictor.head.metadata
    corpus = load_corpus(tables, metadata.schema, options, progress=progress)
    where = ", ".join(table.where for table in tables)
    if corpus.splits is not None:
        split = split or "test"
        rows = np.flatnonzero(corpus.splits == split)
        if not len(rows):
            names = ", ".join(sorted({str(name) for name in corpus.splits}))
            raise InputError(
                f"no labelled row is in the split {split!r}",
                where=where,
                fix=f"Name one of {names} with --split",
                code="validation.empty-split",
            )
        corpus = corpus.take(rows)
    by_key = share_known(fingerprints(corpus.clip_keys), from_text(metadata.training_keys))
    by_row = share_known(
        row_fingerprints(corpus.features, corpus.mos), from_text(metadata.training_rows)
    )
    known = max(by_key, by_row)
    if known > KNOWN_SHARE_ALLOWED:
        raise InputError(
            f"{percent(known)} of these clips trained the head, so they are no test of it"
            + ("" if by_key >= by_row else " (their rows are equal, under other keys)"),
            where=where,
            fix="Give held-out clips: another corpus, or rows that a split column kept apart",
            code="validation.training-rows",
        )
    return corpus, split


def _report(
    predictor: Predictor,
    corpus: Corpus,
    split: str | None,
    alpha: float,
    trained_on: Mapping[str, TrainedOn],
) -> dict[str, Any]:
    head = predictor.head
    assert head is not None
    predictions = predictor.predict_mos(corpus.features, ENCODER_VOCAB[0])
    ends = predictions.interval(alpha)
    mos = _on_own_scales(head.metadata, corpus, predictions.mos)
    grouped = corpus.groups is not None
    manifest = manifest_beside(predictor.path)
    trained = None if manifest is None else load_manifest(manifest).get("baselines")
    worth = _worth(corpus, mos, trained, trained_on)
    coverage = inside = None
    if ends is not None:
        low, high = (_on_own_scales(head.metadata, corpus, each) for each in ends)
        ends = low, high
        inside = (ends[0] <= corpus.mos) & (corpus.mos <= ends[1])
        coverage = {
            "alpha": alpha,
            "covered": round(float(inside.mean()), 6),
            "guaranteed": round(head.metadata.conformal.guarantee(alpha), 4)
            if head.metadata.conformal is not None
            else None,
            "mean_width": round(float(np.mean(ends[1] - ends[0])), 6),
        }
    gate = judge_rows(
        corpus.mos,
        mos,
        units=corpus.units,
        unit_name="groups" if grouped else "clips",
        standard_error=corpus.standard_error,
        error_basis=corpus.error_basis,
    )
    if corpus.corpus_names is not None:
        verdicts = judge_corpora_rows(
            corpus.mos,
            mos,
            corpus.corpus_names,
            corpus.units,
            unit_name="groups" if grouped else "clips",
            standard_error=corpus.standard_error,
            error_basis=corpus.error_basis,
            alpha=alpha,
            covered=None if inside is None else inside.astype(np.float64),
            widths=None if ends is None else ends[1] - ends[0],
        )
        gate = require_every_corpus(gate, verdicts)
    if head.metadata.corpus_kind != "real":
        # A head that no rating trained may guess well, and is still no MOS head.
        gate = _never_accepted(gate)
    return {
        "schema": VALIDATION_SCHEMA,
        "id": head.metadata.model_id,
        "onnx": str(predictor.path),
        "sha256": head.sha256,
        "head_status": head.metadata.status,
        "feature_schema": head.metadata.schema.id,
        "feature_tables": list(corpus.sources),
        "split": split,
        "rows": len(corpus.mos),
        "clips": corpus.clips,
        "labels_dropped": dict(corpus.dropped),
        "fill": dict(corpus.fill),
        "imputed": corpus.imputed,
        "worth": worth.to_dict() if worth.baselines else None,
        "baselines": [each.to_dict() for each in worth.baselines],
        "training_baselines": trained,
        "bias": round(float(np.mean(mos - corpus.mos)), 6),
        "intervals": coverage,
        "gate": gate.to_dict(),
        "corpora": [each.to_dict() for each in gate.corpora],
    }


def _on_own_scales(
    metadata: HeadMetadata, corpus: Corpus, values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """MOS of a head of aligned corpora, each on the scale of its row's corpus."""
    names = corpus.corpus_names
    if metadata.alignment is None or names is None:
        return values
    found = values.copy()
    for name in metadata.alignment["maps"]:
        own = names == name
        found[own] = metadata.scale_of(name)(values[own])
    return found


def _worth(
    corpus: Corpus,
    mos: NDArray[np.float64],
    trained: Sequence[BaselineDocument] | None,
    trained_on: Mapping[str, TrainedOn],
) -> Worth:
    """What the head is worth on these rows beside second opinions and training's best column."""
    columns, doubts = second_opinions(corpus, trained_on)
    alone = {each.column for each in columns}
    order = list(corpus.schema.columns)
    columns += [
        ScoreColumn(name, name, corpus.features[:, order.index(name)], doubts.get(name))
        for each in trained or ()
        if (name := each["column"]) in order and name not in alone
    ]
    return worth_held_out(
        corpus.mos,
        corpus.units,
        mos,
        columns,
        trained or (),
        unit_name="groups" if corpus.groups is not None else "clips",
    )


def _text(path: str | os.PathLike[str] | None) -> str | None:
    return None if path is None else os.fspath(path)


def _never_accepted(gate: GateReport) -> GateReport:
    return replace(
        gate,
        status="Proposed",
        passed=False,
        misses=(*gate.misses, "the head was trained on synthetic rows"),
        sentence="The head was trained on synthetic rows, so no result can make it Accepted.",
    )


def validation_markdown(document: Mapping[str, Any]) -> str:
    """Return a validation report as Markdown.

    Args:
        document: A ``mos-head-validation-v1`` document.
    """
    return render(
        "predict",
        "validation.md.j2",
        report=document,
        thresholds=HELD_OUT,
        headings=HEADINGS,
        corpora=marked_rows(document["corpora"]),
    )
