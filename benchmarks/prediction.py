"""Predicting with a head: what ``Predictor`` adds to onnxruntime, for a table and for one clip.

    python benchmarks/prediction.py [--quick] [--out-json PATH]

A head of the shape of the KoNViD-1k one (100 features, 128 hidden units, 5 folds) predicts a
million rows of an Arrow table of float64 columns, and single rows given as mappings. The peer is
``InferenceSession.run`` on arrays that are already there in float32, so every conversion counts
against us. Each pair is measured in turns and the medians are compared.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import moshead
import numpy as np
import onnxruntime
import pyarrow as pa
from moshead.export.metadata import HeadMetadata
from moshead.features.domain import ENCODER_VOCAB, ENCODER_VOCAB_VERSION
from moshead.features.schemas import FeatureSchema
from moshead.heads.conformal import CrossConformal
from moshead.heads.graph import fold_graph, head_graph
from moshead.heads.network import Head, HeadWeights

FEATURES, HIDDEN, FOLDS, CLIPS = 100, 128, 5, 1200


def main() -> None:
    """Measure, print, and write the result where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="A hundredth of the rows.")
    parser.add_argument("--out-json", type=Path)
    options = parser.parse_args()
    rows, rounds, calls = (10_000, 3, 200) if options.quick else (1_000_000, 7, 5_000)
    warnings.simplefilter("ignore", moshead.predict.ProposedHeadWarning)
    with tempfile.TemporaryDirectory() as folder:
        onnx = Path(folder) / "head.onnx"
        onnx.write_bytes(head_bytes())
        measurements = [*table_measurements(onnx, rows, rounds), *row_measurements(onnx, calls)]
    document = {
        "title": "Predicting with a head",
        "setting": f"{rows:,} rows x {FEATURES} features as an Arrow table of float64, "
        f"{HIDDEN} hidden units, {FOLDS} fold nets for the intervals; the peer gets float32 arrays",
        "measurements": measurements,
    }
    for item in measurements:
        print(
            f"{item['what']}: {item['moskit']:.4g} {item['measure']}, {item['peer']} "
            f"{item['peer_value']:.4g}, we take {1 / item['ratio']:.2f} of it"
        )
    if options.out_json:
        options.out_json.write_text(json.dumps(document, indent=2) + "\n")


def table_measurements(onnx: Path, rows: int, rounds: int) -> list[dict[str, Any]]:
    """A table against one call of the runtime, and against the runtime in cache-sized calls."""
    predictor = moshead.Predictor(onnx)
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    values = np.random.default_rng(1).normal(size=(rows, FEATURES))
    table = pa.table({f"f{column}": values[:, column].copy() for column in range(FEATURES)})
    feed = {
        "features": values.astype(np.float32),
        "encoder_onehot": np.ones((rows, 1), dtype=np.float32),
    }
    del values

    def blocks() -> None:
        for start in range(0, rows, 4096):
            session.run(None, {name: array[start : start + 4096] for name, array in feed.items()})

    ours, one_call, in_blocks, with_intervals = medians(
        rounds,
        lambda: predictor.predict_mos(table),
        lambda: session.run(None, feed),
        blocks,
        lambda: predictor.predict_mos(table).interval(),
    )
    return [
        measured(f"{rows:,} rows, MOS", "wall s", ours, "onnxruntime, one call", one_call),
        measured(f"{rows:,} rows, MOS", "wall s", ours, "onnxruntime, 4,096 at once", in_blocks),
        measured(
            f"{rows:,} rows, MOS and CV+ intervals", "wall s", with_intervals,
            "onnxruntime, one call, MOS only", one_call,
        ),
    ]  # fmt: skip


def row_measurements(onnx: Path, calls: int) -> list[dict[str, Any]]:
    """One clip as a mapping against one call of the runtime."""
    predictor = moshead.Predictor(onnx)
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    values = np.random.default_rng(2).normal(size=FEATURES)
    mapping = {f"f{column}": float(value) for column, value in enumerate(values)}
    feed = {
        "features": values.astype(np.float32)[np.newaxis],
        "encoder_onehot": np.ones((1, 1), dtype=np.float32),
    }

    def repeat(call: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            for _ in range(calls):
                call()

        return run

    ours, raw, with_interval = medians(
        5,
        repeat(lambda: predictor.predict_mos(mapping)),
        repeat(lambda: session.run(None, feed)),
        repeat(lambda: predictor.predict_mos(mapping).interval()),
    )
    scale = 1e6 / calls
    return [
        measured("one row, MOS", "wall us", ours * scale, "onnxruntime", raw * scale),
        measured(
            "one row, MOS and CV+ interval", "wall us", with_interval * scale,
            "onnxruntime, MOS only", raw * scale,
        ),
    ]  # fmt: skip


def measured(what: str, measure: str, ours: float, peer: str, theirs: float) -> dict[str, Any]:
    """One line of the result; the ratio is above 1 where we are better."""
    return {
        "what": what,
        "measure": measure,
        "moskit": ours,
        "peer": peer,
        "peer_value": theirs,
        "ratio": theirs / ours,
    }


def medians(rounds: int, *functions: Callable[[], object]) -> list[float]:
    """Median seconds of each function, called in turns so that a busy moment hits all alike."""
    seconds: list[list[float]] = [[] for _ in functions]
    for turn in range(rounds + 1):
        for function, times in zip(functions, seconds, strict=True):
            start = time.perf_counter()
            function()
            if turn:  # the first turn warms up
                times.append(time.perf_counter() - start)
    return [statistics.median(times) for times in seconds]


def head_bytes() -> bytes:
    """A head with drawn weights: how long it takes does not depend on what it learned."""
    columns = tuple(f"f{column}" for column in range(FEATURES))
    schema = FeatureSchema("benchmark-v1", columns, columns)
    medians_of_columns = dict.fromkeys(columns, 0.0)
    head = Head((net(0),), schema, medians_of_columns)
    residuals = np.abs(np.random.default_rng(3).normal(0, 0.28, CLIPS))
    metadata = HeadMetadata(
        model_id="benchmark",
        status="Proposed",
        corpus_kind="smoke",
        schema=schema,
        imputation=medians_of_columns,
        encoder_vocab=ENCODER_VOCAB,
        encoder_vocab_version=ENCODER_VOCAB_VERSION,
        gate={},
        conformal=CrossConformal.from_residuals(residuals, np.arange(CLIPS) % FOLDS),
        fold_models=fold_graph(head, [net(1 + fold) for fold in range(FOLDS)]),
        training_keys="",
        run_record={},
    )
    return head_graph(head, metadata.to_props())


def net(seed: int) -> HeadWeights:
    """A net with drawn weights."""
    rng = np.random.default_rng(seed)
    inputs = FEATURES + len(ENCODER_VOCAB)
    return HeadWeights(
        mean=rng.normal(size=FEATURES),
        std=rng.uniform(0.5, 2, FEATURES),
        clip=2.5,
        w1=rng.normal(0, 0.1, (inputs, HIDDEN)),
        b1=rng.normal(0, 0.1, HIDDEN),
        ln_gamma=np.ones(HIDDEN),
        ln_beta=np.zeros(HIDDEN),
        w2=rng.normal(0, 0.1, HIDDEN),
        b2=np.asarray(0.2),
        skip=rng.normal(0, 0.02, inputs),
        quadratic=rng.normal(0, 0.001, (inputs, inputs)),
    )


if __name__ == "__main__":
    main()
