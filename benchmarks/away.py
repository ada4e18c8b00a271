"""Heads away from home: a corpus left out, foreign rows, and recalibration with 50 labels.

    python benchmarks/away.py [--quick] [--data FOLDER] [--out-json PATH]

``--data`` (or ``MOSKIT_REALDATA``) names the folder of the real tables, ``konvid1k`` and
``livevqc``; without it, two synthetic corpora with different scales are used. The peers are goals:
rows called in-domain are covered at least 80 % once the shift of the scale is taken away, at least
half of the rows of a like corpus are in the domain, foreign rows are 1.5 times as frequent among
failing intervals of one width; 50 labels bring half of what the best monotone map would, with a
bias under .06 and a coverage of .85 to .96, and cost 1 % if nothing is to be corrected.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import labeljoin
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import secondopinion
from moshead.corpus import load_corpus
from moshead.corpus.folds import partition
from moshead.corpus.sources import Source
from moshead.features import FeatureSchema
from moshead.features.matrix import impute
from moshead.heads import CrossConformal
from moshead.heads.families import load_family
from moshead.heads.protocol import FitOptions, Plan, TrainingRows
from moshead.scales import fit_map
from moshead.training.away import leave_one_corpus_out
from moshead.training.cross_validation.fitting import predict
from moshead.training.cross_validation.options import TrainingOptions
from scipy.optimize import isotonic_regression

CORPORA = ("konvid1k", "livevqc")
COLUMNS = {
    "all columns": ("videval_*", "brisque_*", "second_opinion_*_score"),
    "VIDEVAL": ("videval_*",),
}
LABELS, FOLDS, ALPHA, SEED = 50, 10, 0.1, 20260508


def main() -> None:
    """Measure, print, and write the result where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="Ten draws of labels, ridge heads.")
    parser.add_argument("--data", type=Path, default=os.environ.get("MOSKIT_REALDATA"))
    parser.add_argument("--out-json", type=Path)
    options = parser.parse_args()
    draws, recipe = (10, "ridge") if options.quick else (200, "auto")
    measurements: list[dict[str, Any]] = []
    tables: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        if options.data is None:
            paths = synthetic_tables(Path(name))
        else:
            paths = real_tables(Path(options.data), Path(name))
        for kind, columns in COLUMNS.items():
            sources = [Source(path, corpus) for corpus, path in paths.items()]
            corpus = load_corpus(sources, FeatureSchema("away-v1", columns, ()))
            training = TrainingOptions(recipe=recipe, seeds=1)
            tables[kind] = away = leave_one_corpus_out(corpus, training, choice="simple")
            for each in away:
                show(kind, each)
                measurements += away_goals(kind, each)
            for home, there in (CORPORA, CORPORA[::-1]):
                x, mos = predictions(corpus, home, there, recipe)
                what = f"{kind}, {home} to {there}"
                measurements += recalibration_goals(what, x, mos, draws, scores=False)
                line = np.polyval(np.polyfit(x, mos, 1), x)
                measurements.append(nothing_to_correct(what, line, mos, draws))
        for corpus_name, path in paths.items():
            table = pq.read_table(path, columns=["mos", "second_opinion_dover_score"])
            score = table["second_opinion_dover_score"].to_numpy().astype(float)
            known = np.isfinite(score)
            mos = table["mos"].to_numpy()
            measurements += recalibration_goals(
                f"DOVER alone on {corpus_name}", score[known], mos[known], draws, scores=True
            )
    for item in measurements:
        print(f"{item['what']}: {item['moskit']:.4f} {item['measure']}", end="")
        print(f"; {item['peer']}: {item['peer_value']:.4f}" if "peer" in item else "")
    document = {
        "title": "Heads away from home",
        "setting": f"{draws} draws of {LABELS} labels, "
        + ("synthetic corpora" if options.data is None else "KoNViD-1k and LIVE-VQC"),
        "measurements": measurements,
        "tables": tables,
    }
    if options.out_json:
        options.out_json.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def show(kind: str, each: dict[str, Any]) -> None:
    """Print one corpus left out, beside its baselines."""
    print(
        f"{kind}, {' + '.join(each['trained_on'])} to {each['name']}: PLCC {each['plcc']:.3f}, "
        f"SROCC {each['srocc']:.3f}, RMSE {each['rmse']:.3f}, bias {each['bias']:+.3f}, "
        f"covered {each['covered']:.3f}, in domain {each['in_domain']:.3f}"
    )
    for other in each["baselines"]:
        print(f"    {other['name']}: PLCC {other['plcc']:.3f}, bias {other['bias']:+.3f}")


def goal(what: str, measure: str, value: float, peer: str, bound: float) -> dict[str, Any]:
    """A measurement with its goal; at least the bound is good."""
    return {
        "what": what,
        "measure": measure,
        "moskit": value,
        "peer": peer,
        "peer_value": bound,
        "ratio": value / bound,
    }


def away_goals(kind: str, each: dict[str, Any]) -> list[dict[str, Any]]:
    """What a head says of rows that it has not seen, against the goals."""
    what = f"{kind}, {' + '.join(each['trained_on'])} to {each['name']}"
    found = [
        goal(what, "share of rows in domain", each["in_domain"], "at least", 0.5),
        {"what": what, "measure": "coverage of all rows", "moskit": each["covered"]},
        {"what": what, "measure": "bias, MOS", "moskit": each["bias"]},
    ]
    if each["covered_without_bias"] is not None:
        covered = each["covered_without_bias"]
        measure = "coverage of in-domain rows, shift taken away"
        found.append(goal(what, measure, covered, "at least", 0.8))
    if each["flagged_ratio"] is not None:
        measure = "foreign among failing over holding"
        found.append(goal(what, measure, each["flagged_ratio"], "at least", 1.5))
    return found


def predictions(corpus: Any, home: str, there: str, recipe: str) -> tuple[np.ndarray, np.ndarray]:
    """A head of one corpus on the other: predictions and MOS."""
    names = np.asarray(corpus.corpora)
    own, other = np.flatnonzero(names == home), np.flatnonzero(names == there)
    rows = TrainingRows(corpus.features, corpus.mos, corpus.units)
    (head,) = load_family(recipe).fit(rows, [Plan(own, (SEED, 0))], FitOptions())
    return predict([head], impute(corpus.features[other], head.imputation)), corpus.mos[other]


def rmse(a: np.ndarray, b: np.ndarray) -> float:
    """Root mean squared difference."""
    return float(np.sqrt(np.mean((a - b) ** 2)))


def recalibration_goals(
    what: str, x: np.ndarray, mos: np.ndarray, draws: int, *, scores: bool
) -> list[dict[str, Any]]:
    """Maps from random labels, judged on the rows that they leave."""
    rng = np.random.default_rng(SEED)
    found = []
    for _ in range(draws):
        order = rng.permutation(len(mos))
        drawn, left = order[:LABELS], order[LABELS:]
        mapping = fit_map(x[drawn], mos[drawn], scores=scores)
        predicted = mapping(x[left])
        low, high = interval(x, mos, drawn, left, predicted, scores=scores)
        held = float(np.mean((low <= mos[left]) & (mos[left] <= high)))
        found.append(
            (float(rmse(predicted, mos[left])), float(np.mean(predicted - mos[left])), held)
        )
    errors, bias, covered = (float(v) for v in np.mean(found, axis=0))
    order = np.argsort(x)
    best = min(
        rmse(isotonic_regression(mos[order], increasing=up).x, mos[order]) for up in (True, False)
    )
    now = float(mos.std()) if scores else rmse(x, mos)
    return [
        {"what": what, "measure": f"RMSE with {LABELS} labels", "moskit": errors},
        {"what": what, "measure": "RMSE before", "moskit": now},
        goal(what, "share of the possible gain", (now - errors) / (now - best), "at least", 0.5),
        {"what": what, "measure": "mean bias, MOS (goal: under .06)", "moskit": abs(bias)},
        {"what": what, "measure": "coverage (goal: .85 to .96)", "moskit": covered},
    ]


def interval(
    x: np.ndarray,
    mos: np.ndarray,
    drawn: np.ndarray,
    left: np.ndarray,
    predicted: np.ndarray,
    *,
    scores: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """CV+ intervals of the left rows from the labels that were drawn."""
    fold_of_row = np.empty(len(drawn), dtype=np.int64)
    residuals, by_fold = np.empty(len(drawn)), np.empty((len(left), FOLDS))
    folds = partition(np.arange(len(drawn)), FOLDS, SEED, grouped=False).folds
    for number, fold in enumerate(folds):
        train, held_out = drawn[fold.train], drawn[fold.held_out]
        mapping = fit_map(x[train], mos[train], scores=scores)
        residuals[fold.held_out] = np.abs(mos[held_out] - mapping(x[held_out]))
        fold_of_row[fold.held_out] = number
        by_fold[:, number] = mapping(x[left])
    return CrossConformal.from_residuals(residuals, fold_of_row).interval(predicted, by_fold, ALPHA)


def nothing_to_correct(what: str, x: np.ndarray, mos: np.ndarray, draws: int) -> dict[str, Any]:
    """What a map costs where offset and tilt are right already."""
    rng = np.random.default_rng(SEED)
    costs = []
    for _ in range(draws):
        order = rng.permutation(len(mos))
        drawn, left = order[:LABELS], order[LABELS:]
        mapping = fit_map(x[drawn], mos[drawn])
        costs.append(rmse(mapping(x[left]), mos[left]) / rmse(x[left], mos[left]))
    measure = "RMSE before over after, nothing to correct"
    return goal(what, measure, 1 / float(np.mean(costs)), "at least", 0.99)


def real_tables(data: Path, folder: Path) -> dict[str, Path]:
    """The real tables with labels and scores."""
    paths = {}
    for corpus in CORPORA:
        source = data / corpus
        labelled, paths[corpus] = folder / f"{corpus}-l.parquet", folder / f"{corpus}.parquet"
        labeljoin.join_file(source / "features.parquet", [source / "labels.csv"], labelled)
        scores = [f"{kind}={source / 'scores' / f'{kind}.csv'}" for kind in ("dover", "niqe")]
        secondopinion.join_file(labelled, scores, paths[corpus])
    return paths


def synthetic_tables(folder: Path) -> dict[str, Path]:
    """Two corpora of one kind of content; the raters of the second are stricter."""
    rng = np.random.default_rng(SEED)
    paths = {}
    for corpus, rows, shift in zip(CORPORA, (600, 300), (0.0, -0.4), strict=True):
        quality = rng.normal(size=rows)
        columns: dict[str, Any] = {"clip": [f"{corpus}-{n}" for n in range(rows)]}
        for kind, width in (("videval", 20), ("brisque", 10)):
            for number in range(width):
                loading = 0.2 + 0.6 * (number % 5) / 5
                columns[f"{kind}_{number}"] = loading * quality + rng.normal(size=rows)
        columns["second_opinion_dover_score"] = 50 + 12 * quality + 5 * rng.normal(size=rows)
        columns["mos"] = np.clip(3 + shift + 0.6 * quality + 0.2 * rng.normal(size=rows), 1, 5)
        paths[corpus] = folder / f"{corpus}.parquet"
        pq.write_table(pa.table(columns), paths[corpus])
    return paths


if __name__ == "__main__":
    main()
