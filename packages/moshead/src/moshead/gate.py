"""The production-flip gate: thresholds that are never lowered, and the verdict against them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

MEAN_PLCC_MIN = 0.85
MEAN_SROCC_MIN = 0.82
MEAN_RMSE_MAX = 0.45
PLCC_SPREAD_MAX = 0.005
SMOKE_PLCC_MIN = 0.75

GateKind = Literal["production-flip", "smoke-surrogate"]


@dataclass(frozen=True)
class FoldScore:
    """How one net did on the rows that it had not seen."""

    fold: int
    seed: int
    rows: int
    plcc: float
    srocc: float
    rmse: float
    krocc: float
    mapped_plcc: float


@dataclass(frozen=True)
class GateReport:
    """The verdict, and every number that it rests on.

    Attributes:
        status: ``Accepted`` for real rows that pass, ``Proposed`` otherwise.
        passed: Whether all thresholds of ``kind`` are met.
        kind: ``production-flip`` for real rows, ``smoke-surrogate`` for synthetic ones.
        thresholds: The thresholds of ``kind``.
        mean_plcc: Mean over folds and seeds.
        mean_srocc: The same.
        mean_rmse: The same, in MOS.
        plcc_spread: Max - min over seeds of the fold-averaged PLCC.
        fold_plcc_spread: Max - min over folds of the seed-averaged PLCC; not gated.
        ci: 95 % bootstrap intervals, ``{number: [low, high]}``, over ``ci_unit``.
        label_noise_ceiling: Highest PLCC that perfect predictions would measure against these
            labels, or None where the table has no rating counts.
        misses: One sentence for each threshold that was missed.
        sentence: The verdict in words, saying whether a miss is the model's or the labels'.
        fold_scores: Every fold by seed.
        extras: Numbers beside the gate: ``mean_krocc, mean_mapped_plcc, outlier_ratio,
            partition_plcc_spread, partitions, ci_unit, clips_per_fold, spread_clips_needed``.
    """

    status: Literal["Accepted", "Proposed"]
    passed: bool
    kind: GateKind
    thresholds: dict[str, float]
    mean_plcc: float
    mean_srocc: float
    mean_rmse: float
    plcc_spread: float
    fold_plcc_spread: float
    ci: dict[str, tuple[float, float]]
    label_noise_ceiling: float | None
    misses: tuple[str, ...]
    sentence: str
    fold_scores: tuple[FoldScore, ...]
    extras: dict[str, Any] = field(default_factory=dict)
