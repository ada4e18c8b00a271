"""Candidates: what is compared.

Each says what it is and predicts the held-out rows of every fold. A new kind of candidate is one
more class with :meth:`Candidate.predict`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np
from provenance.toolkit import InputError

from moshead.baselines.mapping import fit_mapping
from moshead.baselines.regressors import FitJob, Regressor, fit_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from provenance.toolkit import ProgressCallback

    from moshead.comparison.rows import Rows
    from moshead.corpus.folds import Fold

    Array = NDArray[np.float64]
    Indices = NDArray[np.int64]

CandidateKind = Literal["model", "column", "out-of-fold", "regressor"]
MOST_MISSING = 0.5


@dataclass(frozen=True)
class Cell:
    """Predictions for the held-out rows of one fold.

    Attributes:
        fold: Number of the fold or split.
        seed: Seed of the candidate; 0 for one without randomness.
        predicted: Predicted MOS of the fold's held-out rows, (n,).
    """

    fold: int
    seed: int
    predicted: Array


@runtime_checkable
class Candidate(Protocol):
    """Something that predicts MOS for held-out rows."""

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    @property
    def kind(self) -> CandidateKind:
        """What it is."""
        ...

    @property
    def detail(self) -> str:
        """The same in one sentence."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads, where known."""
        ...

    @property
    def missing(self) -> float:
        """Share of its values that are missing."""
        ...

    def predict(
        self, rows: Rows, folds: Sequence[Fold], progress: ProgressCallback | None
    ) -> list[Cell]:
        """Predict the held-out rows of each fold, having seen its training rows alone."""
        ...


@dataclass(frozen=True)
class ColumnCandidate:
    """A column as it stands, mapped to MOS within the training rows of each fold."""

    name: str
    column: str
    missing: float = 0.0
    kind: CandidateKind = "column"

    @property
    def detail(self) -> str:
        """What it is."""
        return f"{self.column} as it stands, a logistic mapping fitted on training rows"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return (self.column,)

    def predict(
        self, rows: Rows, folds: Sequence[Fold], progress: ProgressCallback | None
    ) -> list[Cell]:
        """Map the column; see :class:`Candidate`."""
        values = rows.column(self.column)
        cells = []
        for number, fold in enumerate(folds):
            own = values[fold.train]
            known = np.isfinite(own)
            if known.sum() < 3 or float(np.ptp(own[known])) == 0:
                raise InputError(
                    f"the column {self.column!r} does not vary over the training rows of a fold",
                    where=rows.where,
                    fix="Leave it out, or compare on more rows",
                    code="compare.constant-column",
                )
            mapping = fit_mapping(rows.mos[fold.train][known], own[known])
            judged = values[fold.held_out]
            filled = np.where(np.isfinite(judged), judged, float(np.median(own[known])))
            cells.append(Cell(number, 0, mapping(filled)))
            if progress is not None:
                progress(self.name, number + 1, len(folds))
        return cells


@dataclass(frozen=True)
class RegressorCandidate:
    """A stock regressor on some columns."""

    regressor: Regressor
    columns: tuple[str, ...]
    seed: int
    missing: float = 0.0
    kind: CandidateKind = "regressor"

    @property
    def name(self) -> str:
        """The regressor."""
        return self.regressor.name

    @property
    def detail(self) -> str:
        """What it is."""
        return f"{self.regressor.settings}, on {len(self.columns)} columns"

    def predict(
        self, rows: Rows, folds: Sequence[Fold], progress: ProgressCallback | None
    ) -> list[Cell]:
        """Fit and predict; see :class:`Candidate`."""
        jobs = [FitJob(self.regressor, f.train, f.held_out, self.seed) for f in folds]

        def step(done: int) -> None:
            if progress is not None:
                progress(self.name, done, len(jobs))

        found = fit_all(rows.matrix(self.columns), rows.mos, rows.units, jobs, step)
        return [Cell(number, 0, predicted) for number, predicted in enumerate(found)]


@dataclass(frozen=True)
class ModelCandidate:
    """A head that is trained on the columns of a feature schema."""

    name: str
    schema_id: str
    columns: tuple[str, ...]
    seeds: tuple[int, ...]
    recipe: str = "auto"
    missing: float = 0.0
    kind: CandidateKind = "model"

    @property
    def detail(self) -> str:
        """What it is."""
        return (
            f"a head of recipe {self.recipe}, trained on the {len(self.columns)} columns of "
            f"schema {self.schema_id}"
        )

    def predict(
        self, rows: Rows, folds: Sequence[Fold], progress: ProgressCallback | None
    ) -> list[Cell]:
        """Train a head for each fold and seed; see :class:`Candidate`."""
        from moshead.comparison.heads import HeadJob, fit_heads

        jobs = [
            HeadJob(number, seed, fold.train, fold.held_out)
            for number, fold in enumerate(folds)
            for seed in self.seeds
        ]
        found = fit_heads(
            rows.matrix(self.columns),
            rows.mos,
            rows.units,
            jobs,
            standard_error=rows.corpus.standard_error,
            recipe=self.recipe,
            name=self.name,
            progress=progress,
        )
        return [
            Cell(job.fold, job.seed, predicted) for job, predicted in zip(jobs, found, strict=True)
        ]


@dataclass(frozen=True)
class OutOfFoldCandidate:
    """Out-of-fold predictions of an earlier run.

    Attributes:
        name: What reports call it.
        path: The file, for people.
        predicted: Predicted MOS of each row, (S, N), by seed.
        seeds: Seeds of the earlier run.
        same_folds: Whether the rows are judged in the folds that the earlier run had.
    """

    name: str
    path: str
    predicted: Array
    seeds: tuple[int, ...]
    same_folds: bool
    missing: float = 0.0
    kind: CandidateKind = "out-of-fold"

    @property
    def columns(self) -> tuple[str, ...]:
        """Unknown."""
        return ()

    @property
    def detail(self) -> str:
        """What it is."""
        folds = "in its own folds" if self.same_folds else "made under other folds than these"
        return f"out-of-fold predictions of an earlier run ({self.path}), {folds}"

    def predict(
        self, rows: Rows, folds: Sequence[Fold], progress: ProgressCallback | None
    ) -> list[Cell]:
        """Pick the rows; see :class:`Candidate`."""
        return [
            Cell(number, seed, own[fold.held_out])
            for number, fold in enumerate(folds)
            for seed, own in zip(self.seeds, self.predicted, strict=True)
        ]
