"""Gain: what each block of columns adds to the rest, and what it predicts alone."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from signalaudit.statistics.bootstrap import DRAWS, Scores, score_folds
from signalaudit.statistics.correlation import shrink
from signalaudit.statistics.ridge import Ridge, Standardiser

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from provenance.toolkit import ProgressCallback

    from signalaudit.documents import BlockGain, BlockKind, GainMethod, NoiseCeiling
    from signalaudit.tables.columns import ColumnPlan
    from signalaudit.tables.sample import Sample

    Matrix = NDArray[np.float64]
    Vector = NDArray[np.float64]

NO_FAMILY = "uncategorised"
"""The block of signals that belong to no family."""

FOLDS = 5
MAX_ROWS = 20_000
"""How many rows the folds use at most; a seeded sample is taken of more."""

MAX_CELLS = 20_000_000

WIDE = 500
"""With more columns than this, all folds use the penalty of the first fold."""

LEAST_ROWS = 40
LEAK = 0.999
"""A column whose |r| with the target reaches this is treated as a copy of it."""

_NUMBERED = re.compile(r"^(.*[^\d_])_?\d+$")
_LEAST_NUMBERED = 5

Unit = Literal["group column", "clip key", "row"]
"""What stays in one fold."""


@dataclass(frozen=True)
class Block:
    """Columns that are added or removed together."""

    name: str
    kind: BlockKind
    columns: tuple[str, ...]


@dataclass
class Gain:
    """The result of :func:`measure_gain`.

    Attributes:
        entries: The blocks as the audit JSON lists them, the largest added PLCC first.
        method: How it was measured; ``omitted`` gives the reason if it was not.
        rows: Indices of the rows used, in the sample.
        predictions: Cross-validated predictions of all columns together for those rows.
    """

    entries: list[BlockGain]
    method: GainMethod
    rows: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    predictions: Vector = field(default_factory=lambda: np.empty(0))


def find_blocks(plan: ColumnPlan, usable: Sequence[str], spare: Sequence[str] = ()) -> list[Block]:
    """Find the blocks: families, scorers, all second opinions, numbered and spare features.

    A feature set is five or more columns that differ only in a trailing number
    (``videval_00`` …).

    Args:
        plan: The table's columns.
        usable: The columns that may take part.
        spare: Redundant columns that another column represents. They form a block of their own,
            so that the cost of dropping them is measured and not assumed.
    """
    allowed = set(usable)
    signals = [column for column in plan.signals if column.name in allowed]
    families: dict[str, list[str]] = {}
    scorers: dict[str, list[str]] = {}
    numbered: dict[str, list[str]] = {}
    for column in signals:
        for key in column.families or (NO_FAMILY,):
            families.setdefault(key, []).append(column.name)
        if column.scorer is not None:
            scorers.setdefault(column.scorer, []).append(column.name)
        elif match := _NUMBERED.match(column.name):
            numbered.setdefault(match[1], []).append(column.name)
    blocks = [Block(key, "family", tuple(columns)) for key, columns in families.items()]
    opinions = tuple(name for columns in scorers.values() for name in columns)
    if opinions:
        blocks.append(Block("second_opinions", "second_opinions", opinions))
    blocks += [Block(slug, "scorer", tuple(columns)) for slug, columns in scorers.items()]
    blocks += [
        Block(stem, "feature_set", tuple(columns))
        for stem, columns in numbered.items()
        if len(columns) >= _LEAST_NUMBERED
    ]
    if unneeded := tuple(name for name in spare if name in allowed):
        blocks.append(Block("redundant_columns", "redundant", unneeded))
    return blocks


def numbered_sets(columns: Sequence[str]) -> dict[str, int]:
    """Return the sizes of sets of five or more columns whose names differ only in a number."""
    stems = [match[1].rstrip("_") for name in columns if (match := _NUMBERED.match(name))]
    return {
        stem: stems.count(stem)
        for stem in dict.fromkeys(stems)
        if stems.count(stem) >= _LEAST_NUMBERED
    }


def measure_gain(
    sample: Sample,
    blocks: Sequence[Block],
    columns: Sequence[str],
    target: str,
    *,
    seed: int,
    progress: ProgressCallback | None = None,
) -> Gain:
    """Measure cross-validated PLCC and SROCC of each block alone, and its increase over the rest.

    Each fold standardises, imputes and fits on its training rows alone
    (:mod:`signalaudit.statistics.ridge`). In tables of more than :data:`WIDE` columns all folds
    use the first one's penalty. PLCC and SROCC are averaged over folds. Rows of one group, or of
    one clip key if keys repeat, stay in one fold. Intervals are 95 % percentiles of a Poisson
    bootstrap (Hanley and MacGibbon 2006) of the held-out rows, by groups if there are at least
    twenty. Predictions with and without the block share each draw, so that the interval is one
    of their difference.

    Args:
        sample: The rows.
        blocks: The blocks.
        columns: All columns that take part.
        target: The target.
        seed: Seed of the fold partition, of the sample of rows, and of the bootstrap.
        progress: Called with the step, the folds done and the total number of folds.

    Returns:
        Per block ``{block, kind, columns, alone_plcc, alone_plcc_ci, alone_srocc,
        alone_srocc_ci, rest_plcc, rest_srocc, all_plcc, all_srocc, added_plcc, ci, added_srocc,
        added_srocc_ci, confirmed}``; ``ci`` is the interval of ``added_plcc`` and ``confirmed``
        is true if it lies above zero. The rest is null for a block of all columns.
    """
    generator = np.random.default_rng(seed)
    goal = sample.column(target)
    rows = np.flatnonzero(np.isfinite(goal))
    if not columns:
        return Gain([], {"omitted": "There is no healthy signal column."})
    if rows.size < LEAST_ROWS:
        return Gain(
            [],
            {
                "omitted": f"{rows.size} rows have a target; "
                f"cross-validation needs at least {LEAST_ROWS}."
            },
        )
    limit = min(MAX_ROWS, max(2_000, MAX_CELLS // len(columns)))
    labelled = int(rows.size)
    if rows.size > limit:
        rows = np.sort(generator.choice(rows, limit, replace=False))
    units, grouped_by = _units(sample, rows)
    folds = _folds(units, generator)
    count = int(folds.max()) + 1
    target_values = goal[rows]
    if count < 2 or float(target_values.min()) == float(target_values.max()):
        return Gain([], {"omitted": "The target does not vary, or all rows are of one group."})
    target_values, _ = shrink(target_values)  # PLCC and SROCC do not change
    fit = _Fit(sample.values, sample.places(list(columns)), rows, target_values)
    places = {name: place for place, name in enumerate(columns)}
    members = [
        np.array([places[name] for name in block.columns], dtype=np.intp) for block in blocks
    ]
    predictions = np.zeros((rows.size, 1 + 2 * len(blocks)))
    penalties = []
    for fold in range(count):
        held = folds == fold
        predictions[held], penalty = fit.predict(held, members)
        penalties.append(penalty)
        if progress:
            progress("measuring gain", fold + 1, count)
    scores = score_folds(predictions, target_values, folds, units, generator)
    entries = _entries(
        blocks, scores, {block.name: len(block.columns) for block in blocks}, len(columns)
    )
    method: GainMethod = {
        "model": "ridge",
        "columns": len(columns),
        "rows": int(rows.size),
        "labelled_rows": labelled,
        "sampled": labelled > rows.size,
        "folds": count,
        "grouped_by": grouped_by,
        "groups": int(np.unique(units).size),
        "penalties": penalties,
        "seed": seed,
        "bootstrap_draws": DRAWS,
        "all_plcc": scores.point[0, 0],
        "all_plcc_ci": scores.interval(scores.draws[:, 0, 0]),
        "all_srocc": scores.point[0, 1],
    }
    return Gain(entries, method, rows, predictions[:, 0])


def noise_ceiling(sample: Sample, target: str, sd_ddof: Literal[0, 1] = 1) -> NoiseCeiling | None:
    """Return the highest PLCC that label noise allows, if the table shows it.

    √(1 − mean(SE²) / Var(MOS)), the square root of the reliability of classical test theory (Lord
    and Novick 1968), with its 95 % interval by the delta method over rows. SE is
    ``mos_standard_error`` where the method that made the MOS states it (``labeljoin ratings``);
    elsewhere ``mos_std_dev`` / √``mos_n_ratings``, which takes raters to be others for every clip.

    Args:
        sample: The rows.
        target: The target column.
        sd_ddof: What published deviations were divided by: 1 for n − 1, 0 for n. Of deviations
            divided by n the error is ``mos_std_dev`` / √(``mos_n_ratings`` − 1).

    Returns:
        None if the table lacks the columns or the target is not on the scale of ``mos_std_dev``.
    """
    if target not in ("mos", "mos_raw_0_100"):
        return None
    mos = sample.column(target) / (25.0 if target == "mos_raw_0_100" else 1.0)
    unknown = np.full(len(mos), np.nan)
    stated = sample.label_noise.get("mos_standard_error", unknown)
    spread = sample.label_noise.get("mos_std_dev", unknown)
    ratings = sample.label_noise.get("mos_n_ratings", unknown)
    ratings = np.where(ratings >= 2, ratings, np.nan)  # one rating has no deviation
    modelled = stated > 0
    error = np.where(modelled, stated**2, spread**2 / (ratings - (1 - sd_ddof)))
    usable = np.isfinite(mos) & np.isfinite(error)
    rows = int(np.count_nonzero(usable))
    if rows < LEAST_ROWS:
        return None
    apart = mos[usable] - mos[usable].mean()
    variance = float(np.mean(apart**2))
    if variance <= 0:
        return None
    noise = float(error[usable].mean())
    reliability = 1 - noise / variance
    influence = (error[usable] - noise) / variance - noise * (apart**2 - variance) / variance**2
    reach = 1.96 * float(influence.std(ddof=1)) / math.sqrt(rows)
    low, high = (math.sqrt(min(max(reliability + sign * reach, 0.0), 1.0)) for sign in (-1.0, 1.0))
    return {
        "plcc": math.sqrt(max(reliability, 0.0)),
        "low": low,
        "high": high,
        "rows": rows,
        "basis": _noise_basis(modelled[usable], sd_ddof),
    }


def _noise_basis(modelled: NDArray[np.bool_], sd_ddof: int) -> str:
    by_method = "mos_standard_error, by the method that made the MOS"
    assumed = (
        "mos_std_dev and mos_n_ratings: raters are taken to be others for every clip, and "
        f"deviations to be divided by {'n - 1' if sd_ddof else 'n'} (--rating-sd-ddof)"
    )
    if modelled.all():
        return by_method
    return f"{by_method}; elsewhere {assumed}" if modelled.any() else assumed


class _Fit:
    """Fit one fold at a time, on rows and columns of the sample that are copied once."""

    def __init__(
        self, values: Matrix, places: list[int], rows: NDArray[np.intp], target: Vector
    ) -> None:
        self._penalty: float | None = None
        self._values = values[np.ix_(rows, np.asarray(places, dtype=np.intp))]
        self._target = target
        for column in self._values.T:
            finite = np.isfinite(column)
            if finite.any():
                column[...] = np.where(finite, column / shrink(column[finite])[1], np.nan)

    def predict(
        self, held: NDArray[np.bool_], blocks: Sequence[NDArray[np.intp]]
    ) -> tuple[Matrix, float]:
        """Predict the held-out rows: from all columns, from each block's rest, from each block."""
        train = self._values[~held]
        standard = Standardiser.fit(train)
        z, y = standard.apply(train), self._target[~held]
        test = standard.apply(self._values[held])
        whole = Ridge.fit(z, y, self._penalty)
        if z.shape[1] > WIDE:
            self._penalty = whole.penalty
        weights = np.column_stack([whole.weights, *(whole.without(block) for block in blocks)])
        predicted = whole.level + (test - whole.centre) @ weights
        alone = []
        for block in blocks:
            if block.size == z.shape[1]:
                alone.append(predicted[:, 0])
                continue
            wide = block.size > WIDE
            part = Ridge.fit(np.ascontiguousarray(z[:, block]), y, whole.penalty if wide else None)
            alone.append(part.level + (test[:, block] - part.centre) @ part.weights)
        return np.column_stack([predicted, *alone]), whole.penalty


def _units(sample: Sample, rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], Unit]:
    """Return what stays in one fold, as whole numbers from 0, and its name."""
    if sample.group_codes is not None:
        codes = sample.group_codes[rows]
        if np.unique(codes).size > 1:
            return np.unique(codes, return_inverse=True)[1], "group column"
    if sample.key_codes is not None:
        codes = sample.key_codes[rows]
        unique, inverse = np.unique(codes, return_inverse=True)
        if 1 < unique.size < codes.size:
            return inverse, "clip key"
    return np.arange(rows.size), "row"


def _folds(units: NDArray[np.intp], generator: np.random.Generator) -> NDArray[np.intp]:
    """Assign rows to folds: units in random order, each to the fold with the fewest rows."""
    sizes = np.bincount(units)
    count = min(FOLDS, sizes.size)
    order = generator.permutation(sizes.size)
    fold_of = np.empty(sizes.size, dtype=np.intp)
    if int(sizes.max()) == 1:
        fold_of[order] = np.arange(sizes.size) % count
        return fold_of[units]
    # Large units first, so that folds end up about equal.
    filled = np.zeros(count)
    for unit in order[np.argsort(-sizes[order], kind="stable")]:
        smallest = int(np.argmin(filled))
        fold_of[unit] = smallest
        filled[smallest] += sizes[unit]
    return fold_of[units]


def _entries(
    blocks: Sequence[Block], scores: Scores, sizes: dict[str, int], total: int
) -> list[BlockGain]:
    entries: list[BlockGain] = []
    whole, whole_draws = scores.point[0], scores.draws[:, 0]
    for place, block in enumerate(blocks):
        everything = sizes[block.name] == total
        rest, alone = 1 + place, 1 + len(blocks) + place
        base = np.zeros(2) if everything else scores.point[rest]
        base_draws = np.zeros_like(whole_draws) if everything else scores.draws[:, rest]
        added = whole - base
        ci = scores.interval((whole_draws - base_draws)[:, 0])
        entries.append(
            {
                "block": block.name,
                "kind": block.kind,
                "columns": list(block.columns),
                "contaminated_columns": [],
                "alone_plcc": scores.point[alone, 0],
                "alone_plcc_ci": scores.interval(scores.draws[:, alone, 0]),
                "alone_srocc": scores.point[alone, 1],
                "alone_srocc_ci": scores.interval(scores.draws[:, alone, 1]),
                "rest_plcc": None if everything else base[0],
                "rest_srocc": None if everything else base[1],
                "all_plcc": whole[0],
                "all_srocc": whole[1],
                "added_plcc": added[0],
                "ci": ci,
                "added_srocc": added[1],
                "added_srocc_ci": scores.interval((whole_draws - base_draws)[:, 1]),
                "confirmed": ci[0] is not None and ci[0] > 0 and bool(np.isfinite(added[0])),
            }
        )
    return sorted(entries, key=lambda entry: -np.nan_to_num(entry["added_plcc"] or 0.0))
