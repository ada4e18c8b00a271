"""Heads beside stock regressors, on the same folds of the same tables.

    python benchmarks/heads.py [--quick] [--data FOLDER] [--recipe NAME ...] [--out-json PATH]

``--data`` (or ``MOSKIT_REALDATA``) names the folder of the real tables, ``konvid1k`` and
``livevqc``; without it, synthetic tables of the same shapes are used. Every table is measured with
all columns and with each kind of column alone. A row is the mean PLCC over folds and partitions of
the head and of each regressor, and the ratio compares the head with the best of them. The last
measurements are the promised times.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import labeljoin
import numpy as np
import secondopinion
from moshead.baselines.regressors import REGRESSORS, FitJob, Regressor, fit_all
from moshead.corpus import load_corpus
from moshead.corpus.folds import partition
from moshead.features import FeatureSchema
from moshead.features.matrix import column_medians, impute
from moshead.gate.statistics import plcc
from moshead.heads.families import load_family
from moshead.heads.protocol import FitOptions, Plan, TrainingRows
from moshead.training.cross_validation.fitting import predict

FOLDS, SEED = 5, 20260508
CORPORA = ("konvid1k", "livevqc")
COLUMNS = {
    "all columns": ("videval_*", "brisque_*", "second_opinion_*_score"),
    "VIDEVAL": ("videval_*",),
    "BRISQUE": ("brisque_*",),
    "VIDEVAL + BRISQUE": ("videval_*", "brisque_*"),
    "DOVER": ("second_opinion_dover*_score",),
    "BRISQUE + DOVER": ("brisque_*", "second_opinion_dover*_score"),
}
Table = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Features (N, F), MOS (N,), and the clip of each row (N,)."""


def main() -> None:
    """Measure, print, and write the result where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="One partition, a tenth of the rows.")
    parser.add_argument("--data", type=Path, default=os.environ.get("MOSKIT_REALDATA"))
    parser.add_argument("--recipe", action="append", help="Families; by default, blend.")
    parser.add_argument("--partitions", type=int, default=2)
    parser.add_argument("--out-json", type=Path)
    options = parser.parse_args()
    recipes = options.recipe or ["blend"]
    partitions = 1 if options.quick else options.partitions
    named = synthetic_tables(options.quick) if options.data is None else real_tables(options.data)
    tables, measurements = {}, []
    for name, table in named.items():
        tables[name] = found = mean_plcc(table, recipes, partitions)
        print(f"{name}: " + ", ".join(f"{who} {score:.4f}" for who, score in found.items()))
        measurements.append(against_the_best(name, found, recipes[0]))
    shrink = 20 if options.quick else 1
    measurements += [
        promised("31 heads on 1,200 x 100 rows", 1_200 // shrink, 100, 31, 20.0),
        promised("31 heads on 150,000 x 11 rows", 150_000 // shrink, 11, 31, 120.0),
    ]
    for item in measurements:
        print(
            f"{item['what']}: {item['moskit']:.4f} {item['measure']}; "
            f"{item['peer']}: {item['peer_value']:.4f}; ratio {item['ratio']:.4f}"
        )
    document = {
        "title": "Heads beside stock regressors",
        "setting": f"{FOLDS} folds, {partitions} partitions, {os.cpu_count()} cores",
        "measurements": measurements,
        "tables": tables,
    }
    if options.out_json:
        options.out_json.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def mean_plcc(table: Table, recipes: list[str], partitions: int) -> dict[str, float]:
    """Mean PLCC over folds and partitions: heads, regressors, their mean, and the best column."""
    features, mos, units = table
    divisions = [
        partition(units, FOLDS, SEED + number, grouped=False) for number in range(partitions)
    ]
    folds = [fold for division in divisions for fold in division.folds]
    held_out: dict[str, list[np.ndarray]] = {}
    for recipe in recipes:
        heads = load_family(recipe).fit(
            TrainingRows(features, mos, units),
            [Plan(fold.train, (SEED, number)) for number, fold in enumerate(folds)],
            FitOptions(),
        )
        held_out[recipe] = [
            predict([head], impute(features[fold.held_out], head.imputation))
            for head, fold in zip(heads, folds, strict=True)
        ]
    stock = [regressor for regressor in REGRESSORS if regressor.installed]
    for regressor in stock:
        held_out[regressor.name] = stock_predictions(table, regressor, folds)
    trio = [held_out[name] for name in ("ridge", "svr", "lightgbm") if name in held_out]
    scaled = [np.mean(predictions, axis=0) for predictions in zip(*trio, strict=True)]
    held_out["average"] = scaled
    found = {
        name: float(
            np.mean([plcc(mos[f.held_out], p) for f, p in zip(folds, predictions, strict=True)])
        )
        for name, predictions in held_out.items()
    }
    found["best column"] = float(np.mean([best_column(table, fold) for fold in folds]))
    return found


def stock_predictions(table: Table, regressor: Regressor, folds: list[Any]) -> list[np.ndarray]:
    """Held-out predictions of a regressor, fold by fold."""
    features, mos, units = table
    jobs = [FitJob(regressor, fold.train, fold.held_out, SEED) for fold in folds]
    return fit_all(features, mos, units, jobs)


def best_column(table: Table, fold: Any) -> float:
    """PLCC on held-out rows of the column that correlates best on training rows."""
    features, mos, _ = table
    values = impute(features, column_medians(features[fold.train]))
    train = values[fold.train]
    varying = np.flatnonzero(train.std(axis=0) > 0)
    own = [np.corrcoef(train[:, column], mos[fold.train])[0, 1] for column in varying]
    best = int(np.argmax(np.abs(own)))
    return plcc(mos[fold.held_out], np.sign(own[best]) * values[fold.held_out, varying[best]])


def against_the_best(name: str, found: dict[str, float], recipe: str) -> dict[str, Any]:
    """A head's PLCC against that of the best regressor or column; their average is not one."""
    others = {
        who: v for who, v in found.items() if who not in ("blend", "kernel", "mlp", "average")
    }
    if recipe == "ridge":
        others = {who: v for who, v in others.items() if who != "ridge"}
    best = max(others, key=lambda who: others[who])
    return {
        "what": name,
        "measure": "PLCC",
        "moskit": found[recipe],
        "peer": f"best of the others ({best})",
        "peer_value": others[best],
        "ratio": found[recipe] / others[best],
    }


def promised(what: str, rows: int, width: int, heads: int, limit: float) -> dict[str, Any]:
    """The time to fit the heads of all folds of six partitions, against the promise."""
    features, mos, units = synthetic_table(rows, width)
    folds = [
        fold for number in range(6) for fold in partition(units, FOLDS, number, grouped=False).folds
    ]
    plans = [Plan(fold.train, (1, number)) for number, fold in enumerate(folds)]
    plans.append(Plan(np.arange(rows), (1, len(plans))))
    assert len(plans) == heads
    start = time.perf_counter()
    load_family("blend").fit(TrainingRows(features, mos, units), plans, FitOptions())
    taken = time.perf_counter() - start
    return {
        "what": what,
        "measure": "s",
        "moskit": taken,
        "peer": "promised",
        "peer_value": limit,
        "ratio": limit / taken,
    }


def real_tables(folder: Path) -> dict[str, Table]:
    """The real tables under ``folder``, with each kind of column."""
    tables = {}
    with tempfile.TemporaryDirectory() as name:
        for corpus in CORPORA:
            source = folder / corpus
            labelled, joined = Path(name) / f"{corpus}.parquet", Path(name) / f"{corpus}-s.parquet"
            labeljoin.join_file(source / "features.parquet", [source / "labels.csv"], labelled)
            scores = [f"{kind}={source / 'scores' / f'{kind}.csv'}" for kind in ("dover", "niqe")]
            secondopinion.join_file(labelled, scores, joined)
            for kind, columns in COLUMNS.items():
                rows = load_corpus([joined], FeatureSchema("real-v1", columns, ()))
                tables[f"{corpus}, {kind}"] = (rows.features, rows.mos, rows.units)
    return tables


def synthetic_tables(quick: bool) -> dict[str, Table]:
    """Tables of the same shapes where nobody has the real ones."""
    shrink = 10 if quick else 1
    return {
        f"synthetic, {rows:,} x {width}": synthetic_table(rows // shrink, width)
        for rows, width in ((1_200, 100), (1_200, 36), (585, 60), (585, 3))
    }


def synthetic_table(rows: int, width: int) -> Table:
    """Features that report one hidden quality, some of them bent, and labels of it."""
    rng = np.random.default_rng([rows, width])
    quality = rng.normal(size=rows)
    features = quality[:, None] * rng.uniform(0.0, 0.6, width) + rng.normal(size=(rows, width))
    features[:, ::3] = np.exp(features[:, ::3])
    mos = np.clip(3 + 0.6 * quality + 0.2 * rng.normal(size=rows), 1, 5)
    return features, mos, np.arange(rows)


if __name__ == "__main__":
    main()
