"""Cross-validation: train folds by seeds, judge them by the gate, train the head that ships."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from provenance.toolkit import InputError, ProgressCallback

from moshead.corpus.fingerprints import row_fingerprints, to_text
from moshead.corpus.folds import Fold, Partition, joined_units, partition, split_partition
from moshead.domain import Domain
from moshead.features.domain import ENCODER_VOCAB, Array, CorpusKind
from moshead.features.matrix import column_medians, impute
from moshead.gate import statistics
from moshead.gate.contents import FEWEST_GROUPS, ContentGroups, content_groups
from moshead.gate.control import twin_control
from moshead.gate.corpora import judge_corpora, out_of_fold_coverage, require_every_corpus
from moshead.gate.gate import judge, mean_scores
from moshead.gate.report import Cell, GateReport
from moshead.gate.twins.search import search_twins
from moshead.heads.families import AUTO, load_family
from moshead.heads.network import Head, TrainingResult
from moshead.heads.protocol import FitOptions, Plan, TrainingRows
from moshead.training.alignment import ALIGN_KINDS, AlignKind, Alignment, alignment_notes
from moshead.training.weighting import (
    WEIGHT_KINDS,
    Paid,
    WeightKind,
    choose_weighting,
    measure_paid,
    weights_document,
    weights_note,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from moshead.corpus.corpus import Corpus
    from moshead.heads.protocol import Family, FittedHead, Net

DEFAULT_SEED = 20260508
OTHER_PARTITIONS = 5
_FILE_LIMIT = 3_700_000
"""Bytes of an ONNX file that weights may fill; the rest of 4 MB is for metadata."""

LARGEST_SEED = 2**52 - 1
"""Its successors, one for each seed and partition, are numbers that all JSON readers know."""


@dataclass(frozen=True)
class TrainingOptions:
    """How a head is trained and judged.

    Attributes:
        recipe: The head family, or ``auto``: ``blend``, and ``ridge`` for a smoke run.
        epochs: Passes over the training rows, where the recipe's own number is not wanted; only
            ``mlp`` is trained step by step.
        k_folds: Folds F.
        seeds: Seeds S of weights and shuffling; the first is ``seed``.
        seed: Draws the fold partition.
        ensemble: Nets averaged in one head, here and in every fold.
        other_partitions: Partitions beside the first that are trained with one seed each, to show
            how much the draw of the folds matters.
        device: ``cpu`` or ``cuda``; concerns ``mlp`` alone.
        weights: ``label-error``: each row counts by the inverse of its variance, label noise
            included; ``none``: all alike. By default ``label-error`` where the standard errors of
            labels are known and differ. Baselines are never weighted.
        align: ``linear`` or ``monotone``: map the MOS of several corpora to one scale for training,
            from the training rows of each fold alone; ``none``: train on them as they are.
    """

    recipe: str = AUTO
    epochs: int | None = None
    k_folds: int = 5
    seeds: int = 5
    seed: int = DEFAULT_SEED
    ensemble: int = 1
    other_partitions: int = OTHER_PARTITIONS
    device: str = "cpu"
    weights: WeightKind | None = None
    align: AlignKind = "none"

    def check(self) -> None:
        """Refuse options that mean nothing.

        Raises:
            InputError: A number is out of its range.
        """
        least = {"epochs": 1, "k_folds": 2, "seeds": 1, "seed": 0, "ensemble": 1}
        for name, minimum in least.items():
            value = getattr(self, name)
            if value is not None and value < minimum:
                raise InputError(
                    f"--{name.replace('_', '-')} {value} is too small",
                    fix=f"Give {minimum} or more",
                    code="training.too-small",
                )
        if self.seed > LARGEST_SEED:
            raise InputError(
                f"--seed {self.seed} is too large",
                fix="Give a number below 2^52, such as 20260508",
                code="training.seed-too-large",
            )
        if self.weights is not None and self.weights not in WEIGHT_KINDS:
            raise InputError(
                f"there are no weights {self.weights!r}",
                fix=f"Use one of {', '.join(WEIGHT_KINDS)}",
                code="training.no-such-weights",
            )
        if self.align not in ALIGN_KINDS:
            raise InputError(
                f"there is no alignment {self.align!r}",
                fix=f"Use one of {', '.join(ALIGN_KINDS)}",
                code="training.no-such-alignment",
            )


@dataclass(frozen=True)
class _Judged:
    """One fold by one seed of one partition, with the nets that predict it."""

    fold: int
    seed: int
    rows: Fold
    nets: tuple[FittedHead, ...]
    alignment: Alignment | None = None


def train_head(
    corpus: Corpus,
    model_id: str,
    options: TrainingOptions | None = None,
    *,
    corpus_kind: CorpusKind = "real",
    progress: ProgressCallback | None = None,
) -> TrainingResult:
    """Train a head on a corpus and judge it.

    Rows of the split ``test`` are left alone: they are for :func:`moshead.validate`. Where the
    corpus has ``train`` and ``val`` rows, the folds are that one split.

    Args:
        corpus: Labelled rows.
        model_id: Name of the head.
        options: How it is trained and judged.
        corpus_kind: Where the rows come from.
        progress: Called after each epoch.

    Raises:
        InputError: There are fewer clips or groups than folds, or an option is out of its range.
    """
    options = options or TrainingOptions()
    options.check()
    corpus, main = _partition(corpus, options)
    seeds = tuple(options.seed + number for number in range(options.seeds))
    fitter = _Fitter(corpus, options, load_family(options.recipe, smoke=corpus_kind != "real"))
    others: list[Partition] = []
    if main.kind != "split":
        others = [
            _drawn(corpus, options.k_folds, options.seed + n)
            for n in range(1, options.other_partitions + 1)
        ]
    search = search_twins(
        corpus.features,
        corpus.mos,
        [fold.held_out for fold in main.folds],
        corpus.units,
        standard_error=corpus.standard_error,
        seed=options.seed,
    )
    contents = None
    if main.kind == "k-fold" and corpus_kind == "real":
        contents = content_groups(
            corpus.keys, search, corpus.texts, fewest=max(FEWEST_GROUPS, options.k_folds)
        )
    judged = fitter.folds([(main, seeds), *((p, seeds[:1]) for p in others)], progress)
    cells = _cells(corpus, judged[0])
    gate = judge(
        corpus.mos,
        cells,
        corpus_kind=corpus_kind,
        units=corpus.units,
        unit_name="groups" if _grouped(corpus) else "clips",
        standard_error=corpus.standard_error,
        error_basis=corpus.error_basis,
        partitions={
            other.seed or 0: _mean_plcc(corpus, items)
            for other, items in zip(others, judged[1:], strict=True)
        },
        control=twin_control(
            search, corpus.features, keys=corpus.keys, columns=corpus.schema.columns
        ),
        contents=None
        if contents is None
        else _content_scores(corpus, contents, cells, options, fitter.family, progress),
        seed=options.seed,
    )
    paid = _paid(corpus, fitter, main, cells, options.seed, progress)
    shipped, trained_on = fitter.shipped(main, seeds[0], progress)
    fold_of_row, _ = mean_predictions(cells, len(corpus.mos))
    domain = Domain.of(corpus.features, corpus.mos, fold_of_row, trained_on)
    scales = domain.held_out_scales(corpus.features, fold_of_row)
    gate = _by_corpus(corpus, gate, cells, scales, options.seed)
    return _result(
        corpus,
        model_id,
        fitter,
        corpus_kind,
        main,
        seeds,
        judged[0],
        cells,
        gate,
        shipped,
        trained_on,
        paid,
        domain,
    )


def _paid(
    corpus: Corpus,
    fitter: _Fitter,
    division: Partition,
    cells: Sequence[Cell],
    seed: int,
    progress: ProgressCallback | None,
) -> Paid | None:
    """Whether weights pay on the folds that judged the head; None where no weights are in question.

    The first seed of the other choice is fitted to the same rows.
    """
    weighting = fitter.weighting
    if not weighting.informative:
        return None
    (judged,) = fitter.folds([(division, (seed,))], progress, weighting.other)
    first = sorted((cell for cell in cells if cell.seed == seed), key=lambda cell: cell.fold)
    other = sorted(_cells(corpus, judged), key=lambda cell: cell.fold)
    weighted, unweighted = (first, other) if weighting.kind == "label-error" else (other, first)
    return measure_paid(corpus.mos, corpus.units, weighted, unweighted, seed)


def _content_scores(
    corpus: Corpus,
    contents: ContentGroups,
    cells: Sequence[Cell],
    options: TrainingOptions,
    family: Family,
    progress: ProgressCallback | None,
) -> dict[str, Any]:
    """What looks like contents, with the scores of the first seed by clips and by contents."""
    first = min(cell.seed for cell in cells)
    # Contents as units, so that a family chooses its recipe by whole contents too.
    whole = replace(corpus, units=joined_units(corpus.units, contents.names))
    folds = partition(whole.units, options.k_folds, options.seed, grouped=True)
    (judged,) = _Fitter(whole, options, family).folds([(folds, (first,))], progress)
    return contents.to_dict() | {
        "ungrouped": mean_scores(corpus.mos, [cell for cell in cells if cell.seed == first]),
        "grouped": mean_scores(corpus.mos, _cells(whole, judged)),
    }


def _grouped(corpus: Corpus) -> bool:
    return corpus.groups is not None


def _drawn(corpus: Corpus, k: int, seed: int) -> Partition:
    """Folds of all rows, an equal part of each corpus in each."""
    return partition(corpus.units, k, seed, grouped=_grouped(corpus), corpora=corpus.corpus_names)


def _by_corpus(
    corpus: Corpus, gate: GateReport, cells: Sequence[Cell], scales: Array, seed: int
) -> GateReport:
    """The verdict with that on each corpus, where rows name theirs."""
    names = corpus.corpus_names
    if names is None or gate.kind == "smoke-surrogate":
        return gate
    fold_of_row, predicted = mean_predictions(cells, len(corpus.mos))
    residuals = np.where(fold_of_row >= 0, np.abs(corpus.mos - predicted), np.nan)
    covered, widths = out_of_fold_coverage(residuals, fold_of_row, scales)
    several = len(np.unique(names)) > 1
    verdicts = judge_corpora(
        corpus.mos,
        cells,
        names,
        corpus.units,
        features=corpus.features if several else None,
        keys=corpus.keys,
        columns=corpus.schema.columns,
        unit_name="groups" if _grouped(corpus) else "clips",
        standard_error=corpus.standard_error,
        error_basis=corpus.error_basis,
        covered=covered,
        widths=widths,
        seed=seed,
    )
    return require_every_corpus(gate, verdicts)


def mean_predictions(cells: Sequence[Cell], rows: int) -> tuple[NDArray[np.int64], Array]:
    """Fold of each row, (N,), -1 where none judged it, and its prediction averaged over seeds."""
    seeds = len({cell.seed for cell in cells})
    fold_of_row, predicted = np.full(rows, -1, dtype=np.int64), np.zeros(rows)
    for cell in cells:
        fold_of_row[cell.rows] = cell.fold
        predicted[cell.rows] += cell.predicted / seeds
    return fold_of_row, predicted


def _partition(corpus: Corpus, options: TrainingOptions) -> tuple[Corpus, Partition]:
    """The rows that training may see, and how they are divided."""
    if corpus.splits is None:
        return corpus, _drawn(corpus, options.k_folds, options.seed)
    corpus = corpus.take(np.flatnonzero(corpus.splits != "test"))
    assert corpus.splits is not None
    train = np.flatnonzero(corpus.splits == "train")
    held_out = np.flatnonzero(corpus.splits == "val")
    if not len(train):
        raise InputError(
            "no labelled row is in the split train",
            fix="Mark rows as train, or point --split-column at another column",
            code="training.no-train-split",
        )
    if not len(held_out):
        corpus = corpus.take(train)
        return corpus, _drawn(corpus, options.k_folds, options.seed)
    if float(np.ptp(corpus.mos[train])) < 1e-6:
        raise InputError(
            "all MOS of the split train are equal",
            fix="Check the labels",
            code="training.constant-train-split",
        )
    return corpus, split_partition(train, held_out)


class _Fitter:
    """Fits heads of one family to rows of one corpus."""

    def __init__(self, corpus: Corpus, options: TrainingOptions, family: Family) -> None:
        self.rows = TrainingRows(corpus.features, corpus.mos, corpus.units)
        self.weighting = choose_weighting(self.rows, corpus.standard_error, options.weights)
        self.options = options
        self.family = family
        self.alignment = Alignment.of(corpus, options.align)
        # Copies of one head have nothing to average.
        self.members = 1 if family.deterministic else options.ensemble

    @property
    def _size_limit(self) -> int:
        """What one head may take, where the file holds those of the folds too, in base64."""
        return int(_FILE_LIMIT / (1 + 4 / 3 * self.options.k_folds) / self.members)

    def _fit(
        self, plans: Sequence[Plan], progress: ProgressCallback | None, step: str
    ) -> list[FittedHead]:
        def advance(done: int, total: int) -> None:
            if progress is not None:
                progress(step, done, total)

        asked = FitOptions(self.options.epochs, self.options.device, self._size_limit)
        if self.alignment is None:
            return self.family.fit(self.rows, plans, asked, advance)
        return self._fit_aligned(plans, asked, advance)

    def _fit_aligned(
        self, plans: Sequence[Plan], asked: FitOptions, advance: Callable[[int, int], None]
    ) -> list[FittedHead]:
        """Fit plans whose labels are on the common scale, under the maps of their own rows."""
        assert self.alignment is not None
        alike: dict[bytes, list[int]] = {}
        for number, plan in enumerate(plans):
            alike.setdefault(plan.rows.tobytes(), []).append(number)
        nets: dict[int, FittedHead] = {}
        for done, numbers in enumerate(alike.values()):
            rows = replace(self.rows, mos=self.alignment.common(plans[numbers[0]].rows))
            own = self.family.fit(rows, [plans[n] for n in numbers], asked)
            nets.update(zip(numbers, own, strict=True))
            advance(done + 1, len(alike))
        return [nets[number] for number in range(len(plans))]

    def folds(
        self,
        wanted: Sequence[tuple[Partition, tuple[int, ...]]],
        progress: ProgressCallback | None,
        weights: WeightKind | None = None,
    ) -> list[list[_Judged]]:
        """Fit every fold by seed of some partitions; a family that draws nothing, once a fold.

        Args:
            wanted: Partitions, each with its seeds.
            progress: Called as training advances.
            weights: How rows are weighted; as the options say by default.
        """
        plans = [
            Plan(fold.train, (seed, number, member), self.weighting.of(fold.train, weights))
            for division, seeds in wanted
            for (number, fold), seed, member in product(
                enumerate(division.folds), self._drawn(seeds), range(self.members)
            )
        ]
        step = "folds by seeds" if weights is None else f"folds with --weights {weights}"
        nets = iter(self._fit(plans, progress, step))
        judged = []
        for division, seeds in wanted:
            items = [
                _Judged(
                    number,
                    seed,
                    fold,
                    tuple(next(nets) for _ in range(self.members)),
                    self.alignment,
                )
                for (number, fold), seed in product(enumerate(division.folds), self._drawn(seeds))
            ]
            if self.family.deterministic:
                items = [replace(item, seed=seed) for item in items for seed in seeds]
            judged.append(items)
        return judged

    def _drawn(self, seeds: tuple[int, ...]) -> tuple[int, ...]:
        return seeds[:1] if self.family.deterministic else seeds

    def shipped(
        self, division: Partition, seed: int, progress: ProgressCallback | None
    ) -> tuple[list[FittedHead], NDArray[np.int64]]:
        """Fit the heads that ship: to all rows, or to those of the split train; and those rows."""
        rows = np.arange(len(self.rows.mos))
        if division.kind == "split":
            rows = division.folds[0].train
        # The fold number after the last, so that no fold's draws are used again.
        weights = self.weighting.of(rows)
        plans = [Plan(rows, (seed, len(division.folds), n), weights) for n in range(self.members)]
        return self._fit(plans, progress, "head"), rows


def _cell(corpus: Corpus, judged: _Judged) -> Cell:
    rows = judged.rows.held_out
    features = impute(corpus.features[rows], judged.nets[0].imputation)
    predicted = predict(judged.nets, features)
    if judged.alignment is not None:
        predicted = judged.alignment.own(judged.rows.train, rows, predicted)
    return Cell(judged.fold, judged.seed, rows, predicted)


def _cells(corpus: Corpus, items: Sequence[_Judged]) -> list[Cell]:
    """The predictions of each fold by seed; what is one head under several seeds predicts once."""
    made: dict[tuple[int, ...], Cell] = {}
    for item in items:
        identity = (item.fold, *map(id, item.nets))
        if identity not in made:
            made[identity] = _cell(corpus, item)
    return [replace(made[item.fold, *map(id, item.nets)], seed=item.seed) for item in items]


def predict(nets: Sequence[Net], features: Array, chunk: int = 20_000) -> Array:
    """MOS of nets averaged, in chunks that fit the cache: finite features (N, F) to (N,)."""
    parts = []
    for start in range(0, len(features), chunk):
        part = features[start : start + chunk]
        onehot = np.ones((len(part), len(ENCODER_VOCAB)))
        parts.append(np.mean([net.predict(part, onehot) for net in nets], axis=0))
    return np.concatenate(parts)


def _mean_plcc(corpus: Corpus, items: Sequence[_Judged]) -> float:
    cells = _cells(corpus, items)
    return float(np.mean([statistics.plcc(corpus.mos[c.rows], c.predicted) for c in cells]))


def _result(
    corpus: Corpus,
    model_id: str,
    fitter: _Fitter,
    corpus_kind: CorpusKind,
    division: Partition,
    seeds: tuple[int, ...],
    judged: Sequence[_Judged],
    cells: Sequence[Cell],
    gate: GateReport,
    shipped: Sequence[FittedHead],
    trained_on: NDArray[np.int64],
    paid: Paid | None,
    domain: Domain,
) -> TrainingResult:
    medians = column_medians(corpus.features[trained_on])
    plain = impute(corpus.features[trained_on], medians)
    facts = shipped[0].describe()
    fold_of_row, predicted = mean_predictions(cells, len(corpus.mos))
    residuals = np.where(fold_of_row >= 0, np.round(np.abs(corpus.mos - predicted), 6), np.nan)
    imputed = corpus.take(trained_on).imputed
    notes = corpus.notes
    if imputed:
        named = ", ".join(f"{name} ({n} of {len(trained_on)})" for name, n in imputed.items())
        notes = (*notes, f"Non-finite values were replaced by training medians: {named}.")
    weighting, weights = fitter.weighting, fitter.weighting.of(trained_on)
    note = weights_note(weighting, weights, paid)
    notes = (*notes, *([note] if note else []), *_family_notes(fitter, facts, gate))
    aligned = None if fitter.alignment is None else fitter.alignment.to_dict(trained_on)
    if aligned is not None:
        notes = (*notes, *alignment_notes(aligned))
    columns = corpus.schema.columns
    return TrainingResult(
        model_id=model_id,
        head=Head(
            nets=tuple(shipped),
            schema=corpus.schema,
            imputation=dict(zip(columns, map(float, shipped[0].imputation), strict=True)),
        ),
        corpus_kind=corpus_kind,
        gate=gate,
        oof=_out_of_fold(corpus, cells),
        fold_nets=tuple(
            tuple(net for item in judged if item.fold == fold for net in item.nets)
            for fold in range(len(division.folds))
        ),
        fold_of_row=fold_of_row,
        residuals=residuals,
        features=impute(corpus.features, shipped[0].imputation),
        feature_mean=plain.mean(axis=0).astype(np.float32).astype(np.float64),
        feature_std=_spread(plain),
        mos=corpus.mos,
        keys=corpus.clip_keys,
        folds=division.to_dict(),
        seeds=seeds,
        recipe=facts
        | {
            "missing_indicators": [columns[n] for n in facts.get("missing_indicators", ())],
            "deterministic": fitter.family.deterministic,
            "ensemble": fitter.members,
            "n_rows": len(trained_on),
            "weights": weights_document(weighting, weights, paid),
        },
        corpus={
            "clips": corpus.clips,
            "groups": len(set(corpus.groups)) if corpus.groups is not None else None,
            "rows": len(corpus.mos),
            "rows_read": corpus.rows_read,
            "keys": list(corpus.key_sources),
            "equal_rows": corpus.equal_rows,
            "units": int(corpus.units.max()) + 1,
            "labels_dropped": dict(corpus.dropped),
            "imputed": imputed,
            "constant_columns": list(corpus.constant),
            "splits": _split_counts(corpus),
        },
        fill=corpus.fill,
        notes=notes,
        # Synthetic rows are nobody's clips, and their bits may differ between machines.
        training_rows=to_text(row_fingerprints(corpus.features, corpus.mos))
        if corpus_kind == "real"
        else "",
        alignment=aligned,
        common_mos=_common(fitter.alignment, division),
        domain=domain,
        scales=domain.held_out_scales(corpus.features, fold_of_row),
    )


def _common(alignment: Alignment | None, division: Partition) -> Array | None:
    """Labels on the common scale, each under the maps of the fold that held it out."""
    if alignment is None:
        return None
    labels = alignment.mos.copy()
    for fold in division.folds:
        labels[fold.held_out] = alignment.common(fold.train)[fold.held_out]
    return labels


def _spread(features: Array) -> Array:
    """Standard deviation of each column, 1 where float32 cannot tell its values apart."""
    spread = features.std(axis=0)
    constant = spread <= 1e-7 * np.maximum(np.abs(features).max(axis=0), 1e-30)
    return np.where(constant, 1.0, spread).astype(np.float32).astype(np.float64)


def _family_notes(fitter: _Fitter, facts: dict[str, Any], gate: GateReport) -> list[str]:
    """What card and manifest must say about the family."""
    name, options, notes = fitter.family.name, fitter.options, []
    if fitter.family.deterministic:
        partitions = gate.extras.get("partition_plcc_spread")
        over = "was not measured (--other-partitions 0)"
        if partitions is not None and np.isfinite(partitions):
            over = f"is {partitions:.4f}"
        notes.append(
            f"The spread over seeds is 0 by construction: the family {name} draws nothing at "
            f"random. The spread over fold partitions {over}."
        )
        ignored = [
            flag
            for flag, given in (
                ("--epochs", options.epochs is not None),
                ("--device cuda", options.device != "cpu"),
                ("--ensemble", options.ensemble > 1),
            )
            if given
        ]
        if ignored:
            notes.append(f"Not used by the family {name}: {', '.join(ignored)}.")
    elif facts.get("device", "cpu") != "cpu":
        notes.append("Trained on CUDA: another run need not give the same bytes.")
    return notes


def _split_counts(corpus: Corpus) -> dict[str, int] | None:
    if corpus.splits is None:
        return None
    names, counts = np.unique(corpus.splits, return_counts=True)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}


def _out_of_fold(corpus: Corpus, cells: Sequence[Cell]) -> pa.Table:
    """Out-of-fold predictions: ``key, fold, seed, mos, mos_pred``, ``corpus`` and ``group``.

    The last two are there where rows name them.
    """
    rows = np.concatenate([cell.rows for cell in cells])
    columns = {
        "key": pa.array([corpus.keys[row] for row in rows], pa.string()),
        "fold": np.concatenate([np.full(len(c.rows), c.fold) for c in cells]),
        "seed": np.concatenate([np.full(len(c.rows), c.seed) for c in cells]),
        "mos": corpus.mos[rows],
        "mos_pred": np.concatenate([cell.predicted for cell in cells]),
    }
    if corpus.corpora is not None:
        columns["corpus"] = pa.array([corpus.corpora[row] or None for row in rows], pa.string())
    if corpus.groups is not None:
        columns["group"] = pa.array([corpus.groups[row] for row in rows], pa.string())
    return pa.table(columns)
