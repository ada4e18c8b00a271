"""Gate planning: what a corpus can show, before anyone trains on it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from provenance.toolkit import InputError

from moshead.documents.plan import SCHEMA
from moshead.gate import statistics
from moshead.gate.thresholds import MEAN_PLCC, PLCC_SPREAD

if TYPE_CHECKING:
    import os

    from moshead.documents.plan import GatePlan


@dataclass(frozen=True)
class RatingNoise:
    """How clips are rated.

    Attributes:
        ratings: Ratings a clip, n.
        rating_sd: Standard deviation of the ratings of one clip, in MOS.
        mos_sd: Standard deviation of the measured MOS over clips.
    """

    ratings: float
    rating_sd: float
    mos_sd: float

    @property
    def reliability(self) -> float:
        """1 - mean(SE^2) / Var(MOS), SE^2 = s^2 / n."""
        return max(0.0, 1 - self.rating_sd**2 / self.ratings / self.mos_sd**2)

    @property
    def ceiling(self) -> float:
        """See :func:`moshead.gate.statistics.label_noise_ceiling`."""
        return statistics.label_noise_ceiling(self.mos_sd**2, self.rating_sd**2 / self.ratings)

    def ratings_for(self, ceiling: float) -> int:
        """Ratings a clip that lift the ceiling to ``ceiling``, true quality varying as it does.

        The true variance is Var(MOS) - s^2/n; the ceiling is sqrt(T / (T + s^2/m)) for m ratings.
        """
        true = self.mos_sd**2 - self.rating_sd**2 / self.ratings
        if true <= 0:
            raise InputError(
                "the ratings vary less over clips than their own noise explains",
                fix="Check --ratings, --rating-sd and --mos-sd",
                code="gate-plan.noise-exceeds-spread",
            )
        squared = ceiling**2
        return math.ceil(self.rating_sd**2 * squared / ((1 - squared) * true))


def plan_gate(
    *,
    plcc: float = 0.88,
    clips: int | None = None,
    k_folds: int = 5,
    ratings: float | None = None,
    rating_sd: float | None = None,
    mos_sd: float | None = None,
    features: str | os.PathLike[str] | None = None,
    rating_sd_ddof: Literal[0, 1] = 1,
) -> GatePlan:
    """Return what the gate asks of a corpus.

    Args:
        plcc: PLCC that the head is expected to reach on clean labels.
        clips: Labelled clips of the corpus, if known.
        k_folds: Folds.
        ratings: Ratings a clip, if known; with the next two it gives the label-noise ceiling.
        rating_sd: Standard deviation of the ratings of one clip, in MOS.
        mos_sd: Standard deviation of the measured MOS over clips.
        features: A labelled table; what is not given is taken from its ``mos``,
            ``mos_n_ratings``, and ``mos_standard_error`` or ``mos_std_dev``.
        rating_sd_ddof: What the deviations of ``mos_std_dev`` were divided by: n - this.

    Returns:
        JSON, ``mos-gate-plan-v1``: ``plcc, k_folds, thresholds, clips_per_fold_needed,
        clips_needed``; with ``clips``: ``clips, clips_per_fold, standard_error,
        expected_fold_spread``; with ratings: ``ceiling, reliability, measured_plcc,
        ratings_needed, more_ratings_per_clip``; ``clips_for_verdict``, the clips that put the
        interval of the PLCC above the gate; ``can_pass`` and ``sentences``.

    Raises:
        InputError: A number is out of its range, or the table has no MOS.

    Example:
        >>> plan = plan_gate(plcc=0.90, ratings=5, rating_sd=0.7, mos_sd=0.64)
        >>> plan["can_pass"], plan["measured_plcc"] < 0.85
        (False, True)
    """
    if features is not None:
        found = _from_table(Path(features), rating_sd_ddof)
        clips = clips if clips is not None else int(found["clips"])
        ratings = ratings if ratings is not None else found.get("ratings")
        rating_sd = rating_sd if rating_sd is not None else found.get("rating_sd")
        mos_sd = mos_sd if mos_sd is not None else found.get("mos_sd")
    given = (ratings, rating_sd, mos_sd)
    noise = None
    if ratings is not None and rating_sd is not None and mos_sd is not None:
        noise = RatingNoise(ratings, rating_sd, mos_sd)
    elif features is None and any(value is not None for value in given):
        raise InputError(
            "the label-noise ceiling needs three numbers",
            fix="Give --ratings, --rating-sd and --mos-sd together",
            code="gate-plan.incomplete-noise",
        )
    _check(plcc, clips, k_folds, noise)
    measured = plcc * noise.ceiling if noise else plcc
    needed = statistics.clips_for_spread(measured, PLCC_SPREAD.bound)
    plan: GatePlan = {
        "schema": SCHEMA,
        "plcc": plcc,
        "k_folds": k_folds,
        "thresholds": {
            "mean_plcc_min": MEAN_PLCC.bound,
            "plcc_spread_max": PLCC_SPREAD.bound,
        },
        "clips_per_fold_needed": needed,
        "clips_needed": needed * k_folds,
        "can_pass": False,
        "sentences": [],
    }
    sentences = []
    can_pass = measured >= MEAN_PLCC.bound
    if noise:
        plan["reliability"] = round(noise.reliability, 6)
        plan["ceiling"] = round(noise.ceiling, 6)
        plan["measured_plcc"] = round(measured, 6)
        sentences.append(
            f"With {noise.ratings:g} ratings a clip, perfect predictions would measure a PLCC of "
            f"{noise.ceiling:.3f}; a head worth {plcc:.3f} on clean labels would measure "
            f"{measured:.3f}."
        )
        if not can_pass and plcc > MEAN_PLCC.bound:
            plan["ratings_needed"] = needed_ratings = noise.ratings_for(MEAN_PLCC.bound / plcc)
            plan["more_ratings_per_clip"] = more = math.ceil(needed_ratings - noise.ratings)
            sentences.append(
                f"The gate asks for {MEAN_PLCC.bound}: it takes {needed_ratings} ratings a clip, "
                f"{more} more than now. Test on a part of the corpus that has them."
            )
    if not can_pass and (noise is None or plcc <= MEAN_PLCC.bound):
        sentences.append(f"A head worth {plcc:.3f} cannot meet {MEAN_PLCC.bound} on any corpus.")
    sentences.append(
        f"Sampling noise alone moves the PLCC of five folds by more than {PLCC_SPREAD.bound} "
        f"unless each fold has {needed:,} clips ({needed * k_folds:,} in {k_folds} folds); the "
        "gate therefore takes its spread over seeds, and reports the spread over folds beside it."
    )
    if clips is not None:
        error = statistics.plcc_standard_error(measured, clips / k_folds)
        plan["clips"], plan["clips_per_fold"] = clips, clips // k_folds
        plan["standard_error"] = round(statistics.plcc_standard_error(measured, clips), 6)
        plan["expected_fold_spread"] = round(statistics.EXPECTED_RANGE_OF_5 * error, 6)
        low = measured - 1.96 * plan["standard_error"]
        sentences.append(
            f"{clips:,} clips measure the PLCC to ±{1.96 * plan['standard_error']:.4f} and spread "
            f"over folds by about {plan['expected_fold_spread']:.4f}."
        )
        if can_pass and low < MEAN_PLCC.bound:
            sentences.append("That interval reaches below the threshold: the verdict is open.")
    if can_pass and measured > MEAN_PLCC.bound:
        plan["clips_for_verdict"] = enough = _clips_above(measured, MEAN_PLCC.bound)
        if clips is not None and clips < enough:
            sentences.append(
                f"It takes {enough:,} clips, {enough - clips:,} more than now, for a 95 % interval "
                f"above {MEAN_PLCC.bound}."
            )
    plan["can_pass"] = can_pass
    plan["sentences"] = sentences
    return plan


def _clips_above(plcc: float, bound: float) -> int:
    """Clips at which the 95 % interval of a PLCC, r -+ 1.96 (1 - r^2) / sqrt(n), leaves a bound."""
    return math.ceil((1.96 * (1 - plcc**2) / (plcc - bound)) ** 2)


def _check(plcc: float, clips: int | None, k_folds: int, noise: RatingNoise | None) -> None:
    if not 0 < plcc < 1:
        raise InputError(
            f"an expected PLCC of {plcc} is impossible",
            fix="Give one in (0, 1)",
            code="gate-plan.plcc",
        )
    if k_folds < 2:
        raise InputError(
            f"{k_folds} folds leave nothing to test on",
            fix="Give --k-folds 2 or more",
            code="gate-plan.folds",
        )
    if clips is not None and clips < 3 * k_folds:
        raise InputError(
            f"{clips} clips leave folds of fewer than three",
            fix="Give more clips or fewer folds",
            code="gate-plan.small-folds",
        )
    if noise and not (noise.ratings > 0 and noise.rating_sd >= 0 and noise.mos_sd > 0):
        raise InputError(
            "rating counts and standard deviations must be positive",
            fix="Check --ratings, --rating-sd and --mos-sd",
            code="gate-plan.not-positive",
        )


def _from_table(path: Path, sd_ddof: Literal[0, 1]) -> dict[str, float]:
    """Clips, and where the table has them the ratings, of a labelled table."""
    import labeljoin
    import numpy as np

    from moshead.corpus.labels import label_errors
    from moshead.features.columns import numbers

    table = labeljoin.open_table(path)
    names = table.column_names
    if "mos" not in names:
        raise InputError(
            "the table has no column mos",
            where=str(path),
            fix="Join labels with labeljoin join",
            code="gate-plan.no-mos-column",
        )
    wanted = [
        name
        for name in ("mos", "mos_n_ratings", "mos_std_dev", "mos_standard_error")
        if name in names
    ]
    rows = table.read(wanted)
    columns = {name: numbers(rows.column(name), name, where=str(path)) for name in wanted}
    errors = label_errors(rows, where=str(path), sd_ddof=sd_ddof).standard_error
    labelled = np.isfinite(columns["mos"])
    if not labelled.any():
        raise InputError(
            "no row has a MOS",
            where=str(path),
            fix="Join labels with labeljoin join",
            code="gate-plan.no-mos",
        )
    found = {"clips": float(labelled.sum()), "mos_sd": float(columns["mos"][labelled].std())}
    count = columns.get("mos_n_ratings", np.full(len(errors), np.nan))
    usable = labelled & (count >= 1) & np.isfinite(errors)
    if usable.any():
        # The noise of one rating that stands for the mean of SE^2 over clips.
        found["ratings"] = float(usable.sum() / (1 / count[usable]).sum())
        found["rating_sd"] = float(np.sqrt((errors[usable] ** 2).mean() * found["ratings"]))
    return found
