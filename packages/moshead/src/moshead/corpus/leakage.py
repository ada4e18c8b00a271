"""Refuse rows that would train a head which looks real but learned no human ratings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from provenance.toolkit import InputError
from scipy import stats

from moshead.features.derivations import VMAF_SIX
from moshead.features.domain import MOS_RANGE, Array

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from moshead.features.schemas import FeatureSchema

COPY_CORRELATION = 0.9999
"""Correlation from which two columns hold one quantity; the best scorers reach .95 with MOS."""

OUTSIDE_SCALE_SHARE = 0.10
_ROWS_TO_TELL = 10
_SYNTHETIC_CORPORA = ("smoke", "synthetic")


def refuse_wrong_scale(mos: Array, *, where: str) -> None:
    """Refuse labels on another scale: many of them lie outside [1, 5].

    Args:
        mos: The labels as written, (N,), NaN where a row has no label.
        where: The table.

    Raises:
        InputError: More than a tenth lie outside.
    """
    known = mos[np.isfinite(mos)]
    low, high = MOS_RANGE
    outside = (known < low) | (known > high)
    if known.size and outside.mean() > OUTSIDE_SCALE_SHARE:
        raise InputError(
            f"{int(outside.sum())} of {known.size} MOS lie outside [1, 5] "
            f"(from {known.min():g} to {known.max():g}): this is another scale",
            where=where,
            fix="Join the labels with labeljoin join --label-scale, which converts them, or name "
            "the column mos_raw_0_100 if it is on [0, 100]",
            code="labels.wrong-scale",
        )


def refuse_wrong_raw_scale(raw: Array, *, where: str) -> None:
    """Refuse ``mos_raw_0_100`` values that are not on [0, 100]; see :func:`refuse_wrong_scale`."""
    known = raw[np.isfinite(raw)]
    if not known.size:
        return
    outside = (known < 0) | (known > 100)
    if outside.mean() > OUTSIDE_SCALE_SHARE or (known.size > 1 and known.max() <= MOS_RANGE[1]):
        raise InputError(
            f"mos_raw_0_100 runs from {known.min():g} to {known.max():g}, "
            "which is not the [0, 100] scale",
            where=where,
            fix="Join the labels with labeljoin join, which decides the scale",
            code="labels.wrong-raw-scale",
        )


LEAST_DISTINCT_ROWS = 5
"""One for each of the usual folds."""


def refuse_few_rows(distinct: int, clips: int, *, where: str) -> None:
    """Refuse clips whose features hold too few distinct rows to train and test on."""
    if distinct < LEAST_DISTINCT_ROWS <= clips:
        raise InputError(
            f"{clips:,} clips have only {distinct} distinct rows of feature values, so they are "
            "the same clips under other keys, or their features were never extracted",
            where=where,
            fix="Check the feature extraction, and the column that --key-column names",
            code="corpus.few-distinct-rows",
        )


def refuse_constant_labels(mos: Array, *, where: str) -> None:
    """Refuse labels that are all, or mostly, one value.

    Raises:
        InputError: They do not vary, or more than half of them are equal.
    """
    if mos.size == 1:
        raise InputError(
            "only one row has a MOS, and nothing can be learned from one clip",
            where=where,
            fix="Label more clips",
            code="labels.one-row",
        )
    if float(np.ptp(mos)) < 1e-6:
        raise InputError(
            f"all {mos.size} MOS are {mos[0]:g}",
            where=where,
            fix="Join the clips' own ratings; a constant looks like a default that was filled in",
            code="labels.constant",
        )
    values, counts = np.unique(mos, return_counts=True)
    most = int(np.argmax(counts))
    if mos.size >= 2 * _ROWS_TO_TELL and counts[most] > mos.size / 2:
        raise InputError(
            f"{counts[most]} of {mos.size} MOS are {values[most]:g}, which looks like a default "
            "that was filled in where ratings were missing",
            where=where,
            fix="Leave mos empty for clips without a rating",
            code="labels.mostly-one-value",
        )


def refuse_copies(mos: Array, columns: dict[str, Array], *, where: str) -> None:
    """Refuse labels that are a copy of a column, on its scale or another.

    Args:
        mos: Labels, (N,).
        columns: Features, scores and predictions of the same rows, each (N,), NaN allowed.
        where: The table.

    Raises:
        InputError: One has the same values or the same order as the labels.
    """
    # With few distinct labels, some column has the same order by chance.
    if len(np.unique(mos)) < _ROWS_TO_TELL:
        return
    ranks = stats.rankdata(mos)
    for name, values in columns.items():
        known = np.isfinite(values)
        if known.sum() < max(_ROWS_TO_TELL, mos.size / 2) or np.ptp(values[known]) == 0:
            continue
        whole = bool(known.all())
        own = ranks if whole else stats.rankdata(mos[known])
        linear = _correlation(mos[known], values[known])
        # Ranking is slow, and a monotone copy is always well correlated.
        monotone = linear
        if abs(linear) > 0.5:
            monotone = _correlation(own, stats.rankdata(values[known]))
        if max(abs(linear), abs(monotone)) >= COPY_CORRELATION:
            raise InputError(
                f"the MOS are a copy of the column {name} (correlation {linear:.6f}): a "
                "prediction or a feature was used as the label",
                where=where,
                fix="Join human ratings as mos; no feature correlates this closely with ratings",
                code="labels.copy-of-column",
            )


def refuse_formula(mos: Array, features: Array, *, where: str) -> None:
    """Refuse labels that are an exact linear formula of the features.

    Args:
        mos: Labels, (N,).
        features: Finite feature values, (N, F).
        where: The table.

    Raises:
        InputError: Least squares explains the labels exactly, with at least three rows a column.
    """
    rows, width = features.shape
    if rows < max(_ROWS_TO_TELL, 3 * (width + 1)):
        return
    centred = features - features.mean(axis=0)
    spread = centred.std(axis=0)
    z = centred[:, spread > 0] / spread[spread > 0]
    target = mos - mos.mean()
    if not z.shape[1]:
        return
    # Normal equations with a trace of ridge: one pass over the rows, collinear columns allowed.
    gram = z.T @ z
    weights = np.linalg.solve(gram + 1e-9 * rows * np.eye(len(gram)), z.T @ target)
    residual = target - z @ weights
    if float(residual @ residual) <= 2 * (1 - COPY_CORRELATION) * float(target @ target):
        raise InputError(
            "the MOS are an exact linear formula of the features, so they were computed from them "
            "and are not ratings",
            where=where,
            fix="Join human ratings as mos",
            code="labels.formula-of-features",
        )


def refuse_synthetic_corpus(corpora: Sequence[str | None], *, where: str) -> None:
    """Refuse rows whose ``corpus`` column marks them as synthetic.

    Raises:
        InputError: The name of a corpus contains smoke or synthetic.
    """
    for name in sorted({name for name in corpora if name}):
        if any(word in name.lower() for word in _SYNTHETIC_CORPORA):
            raise InputError(
                f"rows of the corpus {name!r} are synthetic and cannot train a real head",
                where=where,
                fix="Remove them; --smoke generates its own synthetic rows",
                code="corpus.synthetic",
            )


def refuse_beyond_float32(schema: FeatureSchema, features: Array, *, where: str) -> None:
    """Refuse values that a head's float32 input cannot hold.

    Args:
        schema: The columns.
        features: (N, F), NaN where a value is missing.
        where: The table.

    Raises:
        InputError: A value is beyond float32.
    """
    beyond = np.abs(features) > np.finfo(np.float32).max
    names = [name for name, far in zip(schema.columns, beyond.T, strict=True) if far.any()]
    if names:
        raise InputError(
            f"feature columns hold values beyond float32, which a head reads: {', '.join(names)}",
            where=where,
            fix="Correct these values, or leave them blank",
            code="features.beyond-float32",
        )


def refuse_infinite(infinite: Mapping[str, int], *, where: str) -> None:
    """Refuse infinite feature values: they have no mean, and hide what was measured.

    Args:
        infinite: Infinite values by column, of the labelled rows.
        where: The table.

    Raises:
        InputError: A column has any.
    """
    if infinite:
        counts = ", ".join(f"{name} ({count:,})" for name, count in infinite.items())
        raise InputError(
            f"feature columns hold infinite values: {counts}",
            where=where,
            fix="Cap them at the largest value that can be measured, or leave them blank",
            code="features.infinite",
        )


def refuse_empty_columns(schema: FeatureSchema, features: Array, *, where: str) -> None:
    """Refuse columns without a value in any labelled row.

    Args:
        schema: The columns.
        features: (N, F), NaN where a value is missing.
        where: The table.

    Raises:
        InputError: A column is empty.
    """
    empty = np.flatnonzero(np.isnan(features).all(axis=0))
    names = [schema.columns[place] for place in empty]
    if names:
        raise InputError(
            f"feature columns have no value in any labelled row: {', '.join(names)}",
            where=where,
            fix="Leave them out of the feature schema, or extract them",
            code="features.empty-columns",
        )


def refuse_still_features(schema: FeatureSchema, features: Array, *, where: str) -> tuple[str, ...]:
    """Return the constant columns; refuse rows in which no required column varies.

    Args:
        schema: The columns.
        features: (N, F), NaN where a value is missing.
        where: The table.

    Returns:
        Constant columns, in schema order.

    Raises:
        InputError: No required column varies.
    """
    constant = tuple(
        name for name, values in zip(schema.columns, features.T, strict=True) if _still(values)
    )
    if all(name in constant for name in schema.required or schema.columns):
        self_scored = ". " + SELF_SCORED if scored_against_themselves(constant) else ""
        raise InputError(
            "no required feature column varies over the labelled rows, so a head could only "
            f"learn the mean MOS{self_scored}",
            where=where,
            fix="Extract the features again",
            code="features.none-varies",
        )
    return constant


SELF_SCORED = (
    "Constant adm2 and vif are what full-reference extraction gives for clips that were scored "
    "against themselves: such rows carry motion only"
)


def scored_against_themselves(constant: Sequence[str]) -> bool:
    """Return whether constant adm2 and vif columns show clips scored against themselves."""
    return all(name in constant for name in VMAF_SIX if not name.startswith("motion"))


def _still(values: Array) -> bool:
    known = values[np.isfinite(values)]
    return known.size < 2 or float(np.ptp(known)) <= 1e-9 * max(1.0, float(np.abs(known).max()))


def _correlation(a: Array, b: Array) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b / scale) if scale > 0 else 0.0


def prediction_columns(schema: pa.Schema) -> list[str]:
    """Return the numeric columns whose names suggest predictions; they are checked for copies."""
    tokens = ("pred", "score", "second_opinion", "vmaf", "dover")
    return [
        column.name
        for column in schema
        if any(token in column.name.lower() for token in tokens)
        and (pa.types.is_floating(column.type) or pa.types.is_integer(column.type))
    ]
