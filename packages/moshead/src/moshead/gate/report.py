"""What the gate judges and what it reports: predictions of held-out rows, scores, the verdict."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from moshead.features.domain import Array
    from moshead.gate.control import Control

_DECIMALS = 6
"""Numbers are reported to this many decimals, so that rounding noise cannot change an artefact."""

GateKind = Literal["production-flip", "smoke-surrogate", "held-out"]


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

    def to_dict(self) -> dict[str, Any]:
        """The scores as JSON; null where a number does not exist."""
        return {name: number(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Cell:
    """Predictions of one net: one fold by one seed.

    Attributes:
        fold: Number of the fold.
        seed: Seed of the net.
        rows: Indices of the held-out rows, (n,).
        predicted: Predicted MOS of those rows, (n,).
    """

    fold: int
    seed: int
    rows: NDArray[np.int64]
    predicted: Array


@dataclass(frozen=True)
class GateReport:
    """The verdict, and every number that it rests on.

    Attributes:
        status: ``Accepted`` for real rows that pass, ``Proposed`` otherwise.
        passed: Whether all thresholds of ``kind`` are met.
        kind: ``production-flip`` for real rows, ``smoke-surrogate`` for synthetic ones,
            ``held-out`` for one head on rows that nothing was fitted to.
        thresholds: The thresholds of ``kind``.
        mean_plcc: Mean over folds and seeds; NaN where any fold has none.
        mean_srocc: The same.
        mean_rmse: The same, in MOS.
        plcc_spread: Max - min over seeds of the fold-averaged PLCC; None for one head.
        fold_plcc_spread: Max - min over folds of the seed-averaged PLCC; not gated.
        ci: 95 % bootstrap intervals, ``{number: (low, high)}``, over ``extras["ci_unit"]``.
        label_noise_ceiling: Highest PLCC that perfect predictions would measure against these
            labels, or None where the table has no rating counts.
        misses: One sentence for each threshold that was missed.
        sentence: The verdict in words, saying whether a miss is the model's or the labels'.
        fold_scores: Every fold by seed.
        extras: Numbers beside the gate: ``mean_krocc, mean_mapped_plcc, outlier_ratio,
            label_noise_ceiling_ci, label_noise_basis, rmse_over_mos_sd, partition_plcc_spread,
            partitions, ci_unit, units, spread_clips_needed``.
        control: Whether held-out rows have twins among their training rows; None where nothing
            was trained. A head whose control fails is never ``Accepted``.
        contents: Clips that look like versions of one content, with the scores that the head
            gets where whole contents are held out; None where nothing looks like that.
        corpora: The verdict on each corpus, where the rows name theirs. With several, a head is
            ``Accepted`` only if each of them passes.
    """

    status: Literal["Accepted", "Proposed"]
    passed: bool
    kind: GateKind
    thresholds: dict[str, float]
    mean_plcc: float
    mean_srocc: float
    mean_rmse: float
    plcc_spread: float | None
    fold_plcc_spread: float | None
    ci: dict[str, tuple[float, float]]
    label_noise_ceiling: float | None
    misses: tuple[str, ...]
    sentence: str
    fold_scores: tuple[FoldScore, ...]
    extras: dict[str, Any] = field(default_factory=dict)
    control: Control | None = None
    contents: dict[str, Any] | None = None
    corpora: tuple[CorpusVerdict, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The report as the manifest's ``gate`` member; null where a number does not exist."""
        return {
            "status": self.status,
            "passed": self.passed,
            "kind": self.kind,
            "thresholds": dict(self.thresholds),
            "mean_plcc": number(self.mean_plcc),
            "mean_srocc": number(self.mean_srocc),
            "mean_rmse": number(self.mean_rmse),
            "plcc_spread": number(self.plcc_spread),
            "fold_plcc_spread": number(self.fold_plcc_spread),
            "ci": {name: [number(bound) for bound in ci] for name, ci in self.ci.items()},
            "label_noise_ceiling": number(self.label_noise_ceiling),
            "misses": list(self.misses),
            "sentence": self.sentence,
            "fold_scores": [score.to_dict() for score in self.fold_scores],
            **{name: number(value) for name, value in self.extras.items()},
        }


@dataclass(frozen=True)
class Coverage:
    """How often prediction intervals hold the MOS of held-out rows.

    Attributes:
        alpha: Level of the intervals.
        covered: Share of rows inside.
        mean_width: Mean width, in MOS.
    """

    alpha: float
    covered: float
    mean_width: float

    def to_dict(self) -> dict[str, float]:
        """As JSON."""
        return {
            "alpha": self.alpha,
            "covered": round(self.covered, 6),
            "mean_width": round(self.mean_width, 6),
        }


@dataclass(frozen=True)
class CorpusVerdict:
    """What a head does on the rows of one corpus.

    Attributes:
        name: The corpus.
        rows: Rows that were judged.
        bias: Mean of predicted minus rated, in MOS.
        gate: The gate on these rows alone.
        coverage: Of the prediction intervals on them; None without intervals.
    """

    name: str
    rows: int
    bias: float
    gate: GateReport
    coverage: Coverage | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON; null where a number does not exist."""
        gate = self.gate
        return {
            "name": self.name,
            "rows": self.rows,
            "plcc": number(gate.mean_plcc),
            "srocc": number(gate.mean_srocc),
            "rmse": number(gate.mean_rmse),
            "plcc_spread": number(gate.plcc_spread),
            "bias": round(self.bias, 6),
            "passed": gate.passed,
            "misses": list(gate.misses),
            "ci": {
                name.removeprefix("mean_"): [number(end) for end in ends]
                for name, ends in gate.ci.items()
            },
            "label_noise_ceiling": number(gate.label_noise_ceiling),
            "control": None if gate.control is None else gate.control.to_dict(),
            "coverage": None if self.coverage is None else self.coverage.to_dict(),
        }


def number(value: Any) -> Any:
    """Return a float as JSON holds it: rounded, and null if it is not finite."""
    if not isinstance(value, float):
        return value
    return round(value, _DECIMALS) if math.isfinite(value) else None
