"""The gate by corpus: a head of several corpora is accepted where each of them passes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from moshead.gate.control import twin_control
from moshead.gate.gate import judge, judge_rows
from moshead.gate.report import Cell, CorpusVerdict, Coverage, GateReport
from moshead.gate.twins.search import search_twins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from moshead.features.domain import Array

ALPHA = 0.1
"""Level of the intervals whose coverage is measured by corpus."""


def judge_corpora(
    mos: Array,
    cells: Sequence[Cell],
    corpora: NDArray[np.str_],
    units: NDArray[np.int64],
    *,
    features: Array | None = None,
    keys: Sequence[str] = (),
    columns: Sequence[str] = (),
    unit_name: str = "clips",
    standard_error: Array | None = None,
    error_basis: str | None = None,
    covered: Array | None = None,
    widths: Array | None = None,
    seed: int = 0,
) -> tuple[CorpusVerdict, ...]:
    """Judge the out-of-fold predictions of each corpus by the gate.

    Args:
        mos: Labels of all rows, (N,).
        cells: Predictions, every fold by every seed.
        corpora: Name of the corpus of each row, (N,).
        units: Clip or group of each row, (N,).
        features: Feature values, (N, F), for the twin control of each corpus; None for none.
        keys: Clip keys, (N,), for the same.
        columns: Names of the features, for the same.
        unit_name: What units are called.
        standard_error: Standard error of each label, (N,), NaN if unknown.
        error_basis: What these rest on, a sentence.
        covered: 1 where the interval of a row holds its MOS, 0 where not, NaN where it has none,
            (N,); None without intervals.
        widths: Widths of these intervals, (N,).
        seed: Seed of the bootstrap.

    Returns:
        One verdict a corpus, by name.
    """
    found = []
    for name in np.unique(corpora):
        within = corpora == name
        own = [
            Cell(c.fold, c.seed, c.rows[within[c.rows]], c.predicted[within[c.rows]]) for c in cells
        ]
        own = [cell for cell in own if len(cell.rows)]
        if not own:
            continue
        control = None
        if features is not None and len({cell.fold for cell in own}) > 1:
            control = _control(features, mos, own, within, units, keys, columns, standard_error)
        gate = judge(
            mos,
            own,
            units=units,
            unit_name=unit_name,
            standard_error=standard_error,
            error_basis=error_basis,
            control=control,
            seed=seed,
        )
        found.append(
            CorpusVerdict(
                str(name),
                int(within.sum()),
                float(np.mean([np.mean(c.predicted - mos[c.rows]) for c in own])),
                gate,
                _coverage(within, covered, widths),
            )
        )
    return tuple(found)


def judge_corpora_rows(
    mos: Array,
    predicted: Array,
    corpora: NDArray[np.str_],
    units: NDArray[np.int64],
    *,
    unit_name: str = "clips",
    standard_error: Array | None = None,
    error_basis: str | None = None,
    alpha: float = ALPHA,
    covered: Array | None = None,
    widths: Array | None = None,
) -> tuple[CorpusVerdict, ...]:
    """Judge one head on the held-out rows of each corpus; arguments as :func:`judge_corpora`."""
    found = []
    for name in np.unique(corpora):
        rows = np.flatnonzero(corpora == name)
        gate = judge_rows(
            mos[rows],
            predicted[rows],
            units=np.unique(units[rows], return_inverse=True)[1].reshape(-1),
            unit_name=unit_name,
            standard_error=None if standard_error is None else standard_error[rows],
            error_basis=error_basis,
        )
        bias = float(np.mean(predicted[rows] - mos[rows]))
        within = corpora == name
        found.append(
            CorpusVerdict(
                str(name), len(rows), bias, gate, _coverage(within, covered, widths, alpha)
            )
        )
    return tuple(found)


def require_every_corpus(gate: GateReport, corpora: Sequence[CorpusVerdict]) -> GateReport:
    """Add the corpora that miss the gate to its verdict: such a head is never ``Accepted``.

    Args:
        gate: The verdict on all rows.
        corpora: The verdicts by corpus; fewer than two change nothing.
    """
    gate = replace(gate, corpora=tuple(corpora))
    missed = [each for each in corpora if not each.gate.passed]
    if len(corpora) < 2 or not missed or gate.kind == "smoke-surrogate":
        return gate
    misses = [f"on the corpus {each.name}, {', '.join(each.gate.misses)}" for each in missed]
    names = " and ".join(each.name for each in missed)
    word = "the corpus" if len(missed) == 1 else "the corpora"
    opening = (
        f"Not accepted: {word} {names} of {len(corpora)} "
        f"{'misses' if len(missed) == 1 else 'miss'} the gate ({'; '.join(misses)})."
    )
    pooled = gate.sentence
    if gate.passed:
        pooled = pooled.replace("The gate is met.", "All rows together would meet it.", 1)
        pooled = pooled.replace("Accepted, and the interval", "The interval", 1)
    return replace(
        gate,
        status="Proposed",
        passed=False,
        misses=(*gate.misses, *misses),
        sentence=f"{opening} {pooled}",
    )


def out_of_fold_coverage(
    residuals: Array,
    fold_of_row: NDArray[np.int64],
    scale: Array | None = None,
    alpha: float = ALPHA,
) -> tuple[Array, Array]:
    """Whether intervals made from the residuals of the other folds hold each row's MOS.

    The half-width of a row is the conformal quantile (the ceil((1 - alpha)(n + 1))-th smallest) of
    the n residuals of all other folds, times the row's scale; no row judges its own interval.

    Args:
        residuals: Absolute out-of-fold residuals, (N,), NaN where no fold judged the row.
        fold_of_row: Fold that judged each row, (N,), -1 where none did.
        scale: Factor of each row's width, (N,); 1 by default.
        alpha: Level: the share of rows that may lie outside.

    Returns:
        1 where the MOS is inside and 0 where it is not, and widths, (N,) each; NaN where no fold
        judged the row, or there is one fold only.
    """
    scale = np.ones(len(residuals)) if scale is None else scale
    covered, widths = np.full(len(residuals), np.nan), np.full(len(residuals), np.nan)
    judged = fold_of_row >= 0
    for fold in np.unique(fold_of_row[judged]):
        own = fold_of_row == fold
        others = np.sort((residuals / scale)[judged & ~own])
        rank = int(np.ceil((1 - alpha) * (len(others) + 1)))
        if rank > len(others):
            continue
        half = others[rank - 1] * scale[own]
        covered[own] = residuals[own] <= half
        widths[own] = 2 * half
    return covered, widths


def _coverage(
    within: NDArray[np.bool_],
    covered: Array | None,
    widths: Array | None,
    alpha: float = ALPHA,
) -> Coverage | None:
    if covered is None or widths is None:
        return None
    known = within & np.isfinite(covered)
    if not known.any():
        return None
    return Coverage(alpha, float(covered[known].mean()), float(widths[known].mean()))


def _control(
    features: Array,
    mos: Array,
    cells: Sequence[Cell],
    within: NDArray[np.bool_],
    units: NDArray[np.int64],
    keys: Sequence[str],
    columns: Sequence[str],
    standard_error: Array | None,
) -> Any:
    """The twin control among the rows of one corpus."""
    rows = np.flatnonzero(within)
    place = np.full(len(within), -1)
    place[rows] = np.arange(len(rows))
    held_out = {cell.fold: place[cell.rows] for cell in cells}
    search = search_twins(
        features[rows],
        mos[rows],
        list(held_out.values()),
        np.unique(units[rows], return_inverse=True)[1].reshape(-1),
        standard_error=None if standard_error is None else standard_error[rows],
    )
    return twin_control(
        search, features[rows], keys=[keys[int(row)] for row in rows], columns=columns
    )
