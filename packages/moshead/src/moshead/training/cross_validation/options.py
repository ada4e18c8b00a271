"""How a head is trained and judged."""

from __future__ import annotations

from dataclasses import dataclass

from provenance.toolkit import InputError

from moshead.heads.families import AUTO
from moshead.training.alignment import ALIGN_KINDS, AlignKind
from moshead.training.weighting import WEIGHT_KINDS, WeightKind

DEFAULT_SEED = 20260508
OTHER_PARTITIONS = 5

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
