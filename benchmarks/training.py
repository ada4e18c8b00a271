"""Training folds by seeds: in one batch, against one net after the other.

    python benchmarks/training.py [--quick] [--konvid FOLDER] [--out-json PATH]

Work is equal: the same recipe, epochs, batch size, rows and code; only how many nets are trained
at once differs. ``--konvid`` names the folder ``konvid1k`` of real tables and measures their 25
nets, and the mean scores over fold partitions beside clipped ridge, LightGBM and SVR on the same
folds.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import labeljoin
import numpy as np
import secondopinion
from moshead.corpus import load_corpus
from moshead.corpus.folds import Partition, partition
from moshead.features import FeatureSchema
from moshead.features.matrix import column_medians, impute
from moshead.gate.statistics import plcc, rmse, srocc
from moshead.heads import recipe_for
from moshead.heads.neural.starts import NetPlan
from moshead.heads.neural.training import train_nets
from moshead.training.cross_validation.fitting import predict

FOLDS, SEEDS, PARTITIONS = 5, 5, 5
DEFAULT_SEED = 20260508


def main() -> None:
    """Measure, print, and write the result where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="A twentieth of the rows.")
    parser.add_argument("--konvid", type=Path, help="Folder with features.parquet and labels.csv.")
    parser.add_argument("--out-json", type=Path)
    options = parser.parse_args()
    shrink = 20 if options.quick else 1
    measurements = [batched_against_loop(20_000 // shrink, 11), large(150_000 // shrink, 11)]
    document: dict[str, Any] = {
        "title": "Training folds by seeds",
        "setting": f"{FOLDS} folds x {SEEDS} seeds, {os.cpu_count()} cores, float64",
        "measurements": measurements,
    }
    if options.konvid:
        document["konvid_1k"] = konvid(options.konvid)
        measurements.append(document["konvid_1k"].pop("time"))
    for item in measurements:
        print(
            f"{item['what']}: {item['moskit']:.2f} {item['measure']}; "
            f"{item['peer']}: {item['peer_value']:.2f}; we take {1 / item['ratio']:.2f} of it"
        )
    for name, scores in document.get("konvid_1k", {}).items():
        print(f"KoNViD-1k, {name}: " + ", ".join(f"{k} {v:.4f}" for k, v in scores.items()))
    if options.out_json:
        options.out_json.write_text(json.dumps(document, indent=2) + "\n")


def batched_against_loop(rows: int, width: int) -> dict[str, Any]:
    """25 nets at once, and one after the other."""
    features, mos = synthetic_rows(rows, width)
    plans = plans_of(partition(np.arange(rows), FOLDS, 1, grouped=False))
    recipe = recipe_for(len(plans[0].rows), width)
    batched = seconds(lambda: train_nets(features, mos, plans, recipe))

    def loop() -> None:
        for plan in plans:
            train_nets(features, mos, [plan], recipe)

    one_by_one = seconds(loop)
    return {
        "what": f"{len(plans)} nets on {rows:,} x {width} rows, {recipe.epochs} epochs",
        "measure": "s",
        "moskit": batched,
        "peer": "one net after the other",
        "peer_value": one_by_one,
        "ratio": one_by_one / batched,
    }


def large(rows: int, width: int) -> dict[str, Any]:
    """A corpus of KoNViD-150k's size, against the promise."""
    features, mos = synthetic_rows(rows, width)
    plans = plans_of(partition(np.arange(rows), FOLDS, 1, grouped=False))
    taken = seconds(lambda: train_nets(features, mos, plans, recipe_for(len(plans[0].rows), width)))
    return promise(f"{len(plans)} nets on {rows:,} x {width} rows", taken, 90.0)


def konvid(folder: Path) -> dict[str, Any]:
    """Time and scores on real tables, over several partitions, and the peers on the same folds."""
    corpus = real_rows(folder)
    first = partition(corpus.units, FOLDS, DEFAULT_SEED, grouped=False)
    recipe = recipe_for(len(first.folds[0].train), corpus.features.shape[1])
    taken = seconds(lambda: train_nets(corpus.features, corpus.mos, plans_of(first), recipe))
    divisions = [
        partition(corpus.units, FOLDS, DEFAULT_SEED + number, grouped=False)
        for number in range(PARTITIONS)
    ]
    ours = []
    for division in divisions:
        nets = iter(train_nets(corpus.features, corpus.mos, plans_of(division), recipe))
        cells = np.empty((FOLDS, SEEDS, 3))
        for number, fold in enumerate(division.folds):
            medians = column_medians(corpus.features[fold.train])
            held_out = impute(corpus.features[fold.held_out], medians)
            for seed in range(SEEDS):
                predicted = predict([next(nets)], held_out)
                cells[number, seed] = scores(corpus.mos[fold.held_out], predicted)
        means = cells.mean(axis=(0, 1))
        ours.append([*means, np.ptp(cells[:, :, 0].mean(axis=0))])
    plcc_, srocc_, rmse_, spread = np.mean(ours, axis=0)
    result: dict[str, Any] = {
        "time": promise("25 nets on KoNViD-1k", taken, 6.0),
        "moskit": {"plcc": plcc_, "srocc": srocc_, "rmse": rmse_, "seed_spread": spread},
    }
    for name, fit in peers().items():
        found = np.mean([peer_scores(corpus, division, fit) for division in divisions], axis=0)
        result[name] = dict(zip(("plcc", "srocc", "rmse"), found.tolist(), strict=True))
    return result


def real_rows(folder: Path) -> Any:
    """KoNViD-1k with VIDEVAL, BRISQUE, DOVER's branches and NIQE."""
    with tempfile.TemporaryDirectory() as name:
        labelled, joined = Path(name) / "labelled.parquet", Path(name) / "joined.parquet"
        labeljoin.join_file(folder / "features.parquet", [folder / "labels.csv"], labelled)
        scores_ = folder / "scores"
        secondopinion.join_file(
            labelled,
            [str(scores_ / "dover_branches.jsonl"), f"niqe={scores_ / 'niqe.csv'}"],
            joined,
        )
        columns = ("videval_*", "brisque_*", "second_opinion_*_score")
        return load_corpus([joined], FeatureSchema("konvid-1k-all", columns, ()))


def peers() -> dict[str, Callable[..., np.ndarray]]:
    """What people train on such tables, with settings that do well on them."""
    import lightgbm
    from sklearn.linear_model import Ridge
    from sklearn.svm import SVR

    def scaled(model: Any) -> Callable[..., np.ndarray]:
        def fit(train: np.ndarray, mos: np.ndarray, test: np.ndarray) -> np.ndarray:
            mean, std = train.mean(axis=0), train.std(axis=0)
            z, held_out = (np.clip((rows - mean) / std, -2.5, 2.5) for rows in (train, test))
            return np.asarray(model.fit(z, mos).predict(held_out))

        return fit

    return {
        "clipped ridge": scaled(Ridge(alpha=100.0)),
        "SVR": scaled(SVR(C=2.0, gamma=0.001, epsilon=0.1)),
        "LightGBM": scaled(
            lightgbm.LGBMRegressor(
                n_estimators=400,
                learning_rate=0.03,
                num_leaves=15,
                min_child_samples=10,
                subsample=0.7,
                subsample_freq=1,
                colsample_bytree=0.3,
                verbose=-1,
                n_jobs=1,
            )
        ),
    }


def peer_scores(corpus: Any, division: Partition, fit: Callable[..., np.ndarray]) -> np.ndarray:
    """Mean scores of a peer over folds."""
    found = []
    for fold in division.folds:
        medians = column_medians(corpus.features[fold.train])
        features = impute(corpus.features, medians)
        with warnings.catch_warnings():
            # LightGBM wants names that arrays do not have.
            warnings.simplefilter("ignore", UserWarning)
            predicted = fit(features[fold.train], corpus.mos[fold.train], features[fold.held_out])
        found.append(scores(corpus.mos[fold.held_out], predicted))
    return np.asarray(np.mean(found, axis=0))


def scores(truth: np.ndarray, predicted: np.ndarray) -> tuple[float, float, float]:
    """PLCC, SROCC and RMSE."""
    return plcc(truth, predicted), srocc(truth, predicted), rmse(truth, predicted)


def plans_of(division: Partition) -> list[NetPlan]:
    """Every fold by every seed."""
    return [
        NetPlan(fold.train, (DEFAULT_SEED + seed, number, 0))
        for number, fold in enumerate(division.folds)
        for seed in range(SEEDS)
    ]


def promise(what: str, taken: float, limit: float) -> dict[str, Any]:
    """A time against the one that was promised."""
    return {
        "what": what,
        "measure": "s",
        "moskit": taken,
        "peer": "promised",
        "peer_value": limit,
        "ratio": limit / taken,
    }


def synthetic_rows(rows: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Features that report one hidden quality, and labels of it."""
    rng = np.random.default_rng(0)
    quality = rng.normal(size=rows)
    features = quality[:, None] * rng.uniform(0.2, 1, width) + rng.normal(size=(rows, width))
    return features, np.clip(3 + 0.6 * quality + 0.2 * rng.normal(size=rows), 1, 5)


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
