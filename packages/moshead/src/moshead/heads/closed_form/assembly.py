"""What the families without randomness share: fitting plans side by side, and adding members up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from provenance.toolkit import processors

from moshead.heads.closed_form.additive import AdditiveHead, LinearTerm, QuadraticTerm, link
from moshead.heads.closed_form.fitting import Fitting, Member
from moshead.heads.closed_form.leave_out import Units
from moshead.heads.closed_form.transforms import TRANSFORMS, Inputs, float32

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from moshead.heads.closed_form.additive import Term
    from moshead.heads.closed_form.transforms import TransformName
    from moshead.heads.protocol import FitOptions, FittedHead, Plan, TrainingRows

MOST_RANKED_INPUTS = 512

STORED_ROWS = (
    "no training row is stored: linear and quadratic members keep weights only, and every centre "
    "of a kernel is the mean of rows of at least two clips"
)


def fit_each(
    rows: TrainingRows,
    plans: Sequence[Plan],
    fit: Callable[[TrainingRows, int], AdditiveHead],
    options: FitOptions,
    progress: Callable[[int, int], None] | None,
) -> list[FittedHead]:
    """Fit each distinct set of rows once, on all processors; equal plans share their head.

    Each fit keeps to one thread, since threads inside its small matrices would wait for each
    other; and how many threads there are then plays no part in the last bits of a sum.
    """
    from threadpoolctl import threadpool_limits

    distinct: dict[bytes, Plan] = {}
    for plan in plans:
        distinct.setdefault(plan.identity, plan)
    made: dict[bytes, FittedHead] = {}
    workers = min(len(distinct), processors())
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        heads = pool.map(lambda plan: fit(rows.of(plan), options.size_limit), distinct.values())
        for identity, head in zip(distinct, heads, strict=True):
            made[identity] = head
            if progress is not None:
                progress(len(made), len(distinct))
    return [made[plan.identity] for plan in plans]


def prepare(rows: TrainingRows, size_limit: int) -> tuple[Inputs, Fitting]:
    """Fit the transforms, and everything that members share."""
    names = list(TRANSFORMS)
    if rows.features.shape[1] > MOST_RANKED_INPUTS:
        names.remove("rank-normal")  # its pieces would take more room than the weights
    inputs = Inputs.of(rows.features, names)
    scores = inputs.scores(rows.features)
    units = Units(rows.units)
    fitting = Fitting(scores, link(rows.mos), rows.units, units, size_limit, rows.weights)
    return inputs, fitting


def combined(
    family: str, inputs: Inputs, fitting: Fitting, weighted: Sequence[tuple[float, Member]]
) -> AdditiveHead:
    """One head from weighted members, those of weight 0 left out.

    Weights apply to deviations from the mean label, so they need not sum to 1.
    """
    mean = fitting.mean
    kept = [(weight, member) for weight, member in weighted if weight > 0]
    intercept = mean + sum(weight * (member.intercept - mean) for weight, member in kept)
    names = tuple(dict.fromkeys(member.transform for _, member in kept))
    facts = {
        "family": family,
        "architecture": " + ".join(dict.fromkeys(member.name for _, member in kept))
        + ", behind a logistic link",
        "loss": ("" if fitting.weights is None else "weighted ")
        + "penalised least squares on the logit of the MOS within [0.5, 5.5]",
        "chosen_by": "exact leave-one-out over the clips or groups of "
        + (
            f"{len(fitting.choosing().target):,} evenly spaced rows of each net's own training "
            "rows; then fitted to all of them"
            if fitting.chooses_on_some
            else "each net's own training rows"
        ),
        "members": [
            {
                "member": member.name,
                "transform": TRANSFORMS[member.transform],
                "weight": round(weight, 6),
                **{name: _rounded(value) for name, value in member.chosen.items()},
            }
            for weight, member in kept
        ],
        "transforms": [TRANSFORMS[name] for name in names],
        "missing_indicators": [int(column) for column in inputs.missing.indicators],
        "feature_clip": max((inputs.scalings[name].clip for name in names), default=0.0) or None,
        "stored_rows": STORED_ROWS,
    }
    return AdditiveHead(inputs.only(names), _merged(kept), float(float32(intercept)), facts)


def _merged(kept: Sequence[tuple[float, Member]]) -> tuple[tuple[TransformName, Term], ...]:
    """The terms of the members, with one polynomial for each transform."""
    linear: dict[TransformName, LinearTerm] = {}
    quadratic: dict[TransformName, QuadraticTerm] = {}
    others: list[tuple[TransformName, Term]] = []
    for weight, member in kept:
        term, name = member.term.scaled(weight), member.transform
        if isinstance(term, LinearTerm):
            linear[name] = term
        elif isinstance(term, QuadraticTerm):
            quadratic[name] = term
        else:
            others.append((name, term.rounded()))
    terms: list[tuple[TransformName, Term]] = []
    for name in dict.fromkeys([*linear, *quadratic]):
        weights = linear[name].weights if name in linear else 0.0
        if name in quadratic:
            bent = quadratic[name]
            terms.append((name, QuadraticTerm(bent.linear + weights, bent.matrix).rounded()))
        else:
            terms.append((name, linear[name].rounded()))
    return (*terms, *others)


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value
