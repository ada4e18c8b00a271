"""The production-flip gate: judge predictions of held-out rows against fixed thresholds.

See ``docs/concepts/the-gate.md``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from moshead.gate import statistics
from moshead.gate.bootstrap import LEAST_UNITS, LEAST_UNITS_PER_FOLD, enough_units, intervals
from moshead.gate.misses import misses_of, sentence_of
from moshead.gate.report import Cell, FoldScore, GateKind, GateReport, number
from moshead.gate.thresholds import (
    HELD_OUT,
    PLCC_SPREAD,
    PRODUCTION,
    SMOKE,
    Threshold,
    bounds_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from moshead.features.domain import Array, CorpusKind
    from moshead.gate.control import Control


@dataclass(frozen=True)
class _Ceiling:
    """The label-noise ceiling, and its 95 % interval."""

    plcc: float | None = None
    ci: tuple[float, float] = (math.nan, math.nan)

    def extras(self, basis: str | None) -> dict[str, Any]:
        """What the report says of it beside the number."""
        known = self.plcc is not None
        return {
            "label_noise_ceiling_ci": [number(end) for end in self.ci] if known else None,
            "label_noise_basis": basis if known else None,
        }


def judge(
    mos: Array,
    cells: Sequence[Cell],
    *,
    corpus_kind: CorpusKind = "real",
    units: NDArray[np.int64] | None = None,
    unit_name: str = "clips",
    standard_error: Array | None = None,
    error_basis: str | None = None,
    partitions: Mapping[int, float] | None = None,
    control: Control | None = None,
    contents: dict[str, Any] | None = None,
    seed: int = 0,
) -> GateReport:
    """Judge out-of-fold predictions by the gate.

    Args:
        mos: Labels of all rows, (N,).
        cells: Predictions, every fold by every seed.
        corpus_kind: Anything but ``real`` is judged by the surrogate and never ``Accepted``.
        units: What the bootstrap draws: clip or group of each row, (N,); by default, rows.
        unit_name: What to call them.
        standard_error: Standard error of each label, (N,), NaN if unknown.
        error_basis: What these rest on, a sentence.
        partitions: PLCC that other fold partitions gave with the first seed, by partition seed.
        control: Result of the twin control.
        contents: Suspected contents with their grouped scores.
        seed: Seed of the bootstrap.

    Example:
        >>> mos = np.linspace(1.5, 4.5, 60)
        >>> cells = [Cell(0, seed, np.arange(60), mos + 1.0) for seed in range(2)]
        >>> report = judge(mos, cells)
        >>> report.status, report.misses
        ('Proposed', ('mean RMSE 1.0000 is above 0.45',))
    """
    scores = tuple(_score(mos, cell) for cell in cells)
    spread = seed_spread(scores)
    numbers = _means(scores) | {"plcc_spread": spread}
    real = corpus_kind == "real"
    thresholds = PRODUCTION if real else SMOKE
    ceiling = _ceiling(mos, cells, standard_error)
    extras = _extras(mos, cells, scores, standard_error) | ceiling.extras(error_basis)
    extras["ci_unit"] = unit_name
    extras["partitions"] = {str(k): number(v) for k, v in (partitions or {}).items()}
    extras["partition_plcc_spread"] = None
    if partitions:
        # The others were trained with the first seed alone, so that one stands for the main one.
        first = min(score.seed for score in scores)
        main = _mean([score.plcc for score in scores if score.seed == first])
        extras["partition_plcc_spread"] = _range([main, *partitions.values()])
    return _report(
        kind="production-flip" if real else "smoke-surrogate",
        accepted=real,
        thresholds=thresholds,
        numbers=numbers,
        fold_spread=_fold_spread(scores),
        ci=intervals(mos, cells, units, seed),
        ceiling=ceiling.plcc,
        scores=scores,
        extras=extras | {"units": _units(cells, units)},
        faults=[*_too_few(cells, units, unit_name), *_leaks(control, contents, thresholds)],
        control=control,
        contents=contents,
    )


def judge_rows(
    mos: Array,
    predicted: Array,
    *,
    units: NDArray[np.int64] | None = None,
    unit_name: str = "clips",
    standard_error: Array | None = None,
    error_basis: str | None = None,
    seed: int = 0,
) -> GateReport:
    """Judge one head on held-out rows: the gate without its spread, which needs several nets.

    Args:
        mos: Labels, (N,).
        predicted: Predicted MOS, (N,).
        units: What the bootstrap draws, (N,); by default, rows.
        unit_name: What to call them.
        standard_error: Standard error of each label, (N,), NaN if unknown.
        error_basis: What these rest on, a sentence.
        seed: Seed of the bootstrap.

    Returns:
        A report whose status is ``Accepted`` if the rows meet the thresholds; the status of
        the head itself is its manifest's.

    Example:
        >>> mos = np.linspace(1.5, 4.5, 60)
        >>> report = judge_rows(mos, mos + 0.1 * np.sin(np.arange(60)))
        >>> report.status, report.kind
        ('Accepted', 'held-out')
    """
    cells = [Cell(0, 0, np.arange(len(mos)), predicted)]
    scores = tuple(_score(mos, cell) for cell in cells)
    ceiling = _ceiling(mos, cells, standard_error)
    extras = _extras(mos, cells, scores, standard_error) | ceiling.extras(error_basis)
    extras["ci_unit"] = unit_name
    return _report(
        kind="held-out",
        accepted=True,
        thresholds=HELD_OUT,
        numbers=_means(scores),
        fold_spread=None,
        ci=intervals(mos, cells, units, seed),
        ceiling=ceiling.plcc,
        scores=scores,
        extras=extras | {"units": _units(cells, units)},
        faults=list(_too_few(cells, units, unit_name)),
    )


def _units(cells: Sequence[Cell], units: NDArray[np.int64] | None) -> int:
    rows = np.unique(np.concatenate([cell.rows for cell in cells]))
    return len(rows) if units is None else len(np.unique(units[rows]))


def _too_few(
    cells: Sequence[Cell], units: NDArray[np.int64] | None, unit_name: str
) -> Iterator[str]:
    if enough_units(cells, units):
        return
    folds = len({cell.fold for cell in cells})
    least = max(LEAST_UNITS, LEAST_UNITS_PER_FOLD * folds)
    yield (
        f"{_units(cells, units)} {unit_name} are too few to judge: a verdict needs an interval, "
        f"and that takes {least}"
        + (f", at least {LEAST_UNITS_PER_FOLD} in each fold" if folds > 1 else "")
    )


def _leaks(
    control: Control | None, contents: Mapping[str, Any] | None, thresholds: Sequence[Threshold]
) -> Iterator[str]:
    if control is not None and not control.passed:
        yield f"the twin control failed: {control.reason}"
    if contents is not None:
        plcc = contents["grouped"]["mean_plcc"]
        floor = next(each for each in thresholds if each.number == "mean_plcc")
        if not floor.is_met_by(plcc):
            shown = "does not exist" if plcc is None else f"is {plcc:.4f}"
            yield (
                f"the clips look like {contents['groups']} contents in several versions, and with "
                f"whole contents held out the mean PLCC {shown}, below {floor.bound} "
                "(see --group-column)"
            )


def seed_spread(scores: Sequence[FoldScore]) -> float:
    """Max - min over seeds of the fold-averaged PLCC (ADR-0325).

    NaN where a fold has no PLCC, and for one seed: a spread of nothing would always pass.
    """
    seeds = sorted({score.seed for score in scores})
    if len(seeds) < 2:
        return math.nan
    return _range([_mean([s.plcc for s in scores if s.seed == seed]) for seed in seeds])


def _fold_spread(scores: Sequence[FoldScore]) -> float | None:
    folds = sorted({score.fold for score in scores})
    if len(folds) < 2:
        return None
    return _range([_mean([s.plcc for s in scores if s.fold == fold]) for fold in folds])


def _range(values: list[float]) -> float:
    # max() would let a NaN through or not, depending on where it stands.
    if not values or any(math.isnan(value) for value in values):
        return math.nan
    return max(values) - min(values)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _means(scores: Sequence[FoldScore]) -> dict[str, float]:
    return {
        "mean_plcc": _mean([score.plcc for score in scores]),
        "mean_srocc": _mean([score.srocc for score in scores]),
        "mean_rmse": _mean([score.rmse for score in scores]),
    }


def _score(mos: Array, cell: Cell) -> FoldScore:
    truth = mos[cell.rows]
    return FoldScore(
        fold=cell.fold,
        seed=cell.seed,
        rows=len(cell.rows),
        plcc=statistics.plcc(truth, cell.predicted),
        srocc=statistics.srocc(truth, cell.predicted),
        rmse=statistics.rmse(truth, cell.predicted),
        krocc=statistics.krocc(truth, cell.predicted),
        mapped_plcc=statistics.mapped_plcc(truth, cell.predicted),
    )


def mean_scores(mos: Array, cells: Sequence[Cell]) -> dict[str, float | None]:
    """Mean PLCC, SROCC and RMSE of cells, as JSON; null where one does not exist.

    Args:
        mos: Labels of all rows, (N,).
        cells: Predictions of held-out rows.
    """
    means = _means([_score(mos, cell) for cell in cells])
    return {name: number(value) for name, value in means.items()}


def _extras(
    mos: Array, cells: Sequence[Cell], scores: Sequence[FoldScore], standard_error: Array | None
) -> dict[str, Any]:
    outliers = [
        statistics.outlier_ratio(mos[cell.rows], cell.predicted, standard_error[cell.rows])
        for cell in cells
        if standard_error is not None
    ]
    mean_plcc = _mean([score.plcc for score in scores])
    needed = None
    if math.isfinite(mean_plcc):
        needed = statistics.clips_for_spread(mean_plcc, PLCC_SPREAD.bound)
    known = [ratio for ratio in outliers if math.isfinite(ratio)]
    spread = _mean([float(mos[cell.rows].std()) for cell in cells])
    error = _mean([score.rmse for score in scores])
    return {
        "mean_krocc": _mean([score.krocc for score in scores]),
        "mean_mapped_plcc": _mean([score.mapped_plcc for score in scores]),
        "outlier_ratio": _mean(known) if known else None,
        "mos_sd": spread,
        "rmse_over_mos_sd": error / spread if spread > 0 else math.nan,
        "rows_per_fold": round(_mean([float(score.rows) for score in scores]), 1),
        "spread_clips_needed": needed,
    }


def _ceiling(mos: Array, cells: Sequence[Cell], standard_error: Array | None) -> _Ceiling:
    """The ceiling of the judged rows, where at least half of them say how they were rated."""
    if standard_error is None:
        return _Ceiling()
    rows = np.unique(np.concatenate([cell.rows for cell in cells]))
    known = rows[np.isfinite(standard_error[rows])]
    # Variance and noise of the same rows: others may vary more, or less.
    variance = float(mos[known].var()) if len(known) else 0.0
    if len(known) < 0.5 * len(rows) or variance <= 0:
        return _Ceiling()
    mean_squared = float(np.mean(standard_error[known] ** 2))
    return _Ceiling(
        statistics.label_noise_ceiling(variance, mean_squared),
        statistics.label_noise_interval(mos[known], standard_error[known]),
    )


def _report(
    *,
    kind: GateKind,
    accepted: bool,
    thresholds: Sequence[Threshold],
    numbers: dict[str, float],
    fold_spread: float | None,
    ci: dict[str, tuple[float, float]],
    ceiling: float | None,
    scores: tuple[FoldScore, ...],
    extras: dict[str, Any],
    faults: list[str],
    control: Control | None = None,
    contents: dict[str, Any] | None = None,
) -> GateReport:
    misses = (*misses_of(thresholds, numbers), *faults)
    passed = not misses
    return GateReport(
        status="Accepted" if passed and accepted else "Proposed",
        passed=passed,
        kind=kind,
        thresholds=bounds_of(thresholds),
        mean_plcc=numbers["mean_plcc"],
        mean_srocc=numbers["mean_srocc"],
        mean_rmse=numbers["mean_rmse"],
        plcc_spread=numbers.get("plcc_spread"),
        fold_plcc_spread=fold_spread,
        ci=ci,
        label_noise_ceiling=ceiling,
        misses=misses,
        sentence=sentence_of(
            kind, misses, tuple(faults), numbers, ci, ceiling, thresholds, extras["mos_sd"]
        ),
        fold_scores=scores,
        extras=extras,
        control=control,
        contents=contents,
    )
