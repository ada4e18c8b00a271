"""The training recipe: every number that shapes a head besides its rows and seeds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """How one net is trained.

    Attributes:
        hidden: Hidden units H.
        clip: Bound of the z-scores, in standard deviations.
        ridge_alpha: Penalty of the closed-form start.
        reach: How stiff the quadratic part of the start is, whose kernel is
            (1 + x . x' / (reach F))^2; 0 leaves it out.
        epochs: Passes over the training rows.
        batch: Rows a step.
        skip_rate: Share of the learning rate that the skip gets: it starts at its solution.
        learning_rate: Of AdamW (Loshchilov and Hutter 2019), decayed to 0 by a cosine.
        weight_decay: Decoupled, of AdamW.
        plcc_weight: Weight of (1 - PLCC) of the batch, beside MSE / Var(MOS).
    """

    hidden: int = 128
    clip: float = 2.5
    ridge_alpha: float = 50.0
    reach: float = 5.0
    epochs: int = 8
    batch: int = 128
    skip_rate: float = 0.1
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    plcc_weight: float = 0.5

    def to_dict(self, *, weighted: bool = False) -> dict[str, Any]:
        """The recipe as JSON.

        Args:
            weighted: Whether rows are weighted.
        """
        return {
            "architecture": (
                "clip(z) -> Gemm -> LayerNorm -> Tanh -> Gemm + linear skip + quadratic form"
            ),
            "optimizer": "AdamW, cosine",
            "loss": "MSE / Var(MOS) + plcc_weight * (1 - PLCC)"
            + (", both weighted" if weighted else ""),
            "start": "closed-form kernel ridge of degree 2 on logit((MOS - 1) / 4)",
            "precision": "float64",
            **asdict(self),
        }


def recipe_for(rows: int, features: int, epochs: int | None = None) -> Recipe:
    """Return the default recipe for a corpus of this size.

    Args:
        rows: Training rows of a fold.
        features: Feature columns.
        epochs: Passes over the rows, if you want another number than the recipe's.

    Example:
        >>> recipe_for(rows=1200, features=11).hidden
        32
    """
    recipe = Recipe()
    if features < 32:
        recipe = replace(recipe, hidden=32)
    if rows > 20_000:
        recipe = replace(recipe, batch=512)
    return recipe if epochs is None else replace(recipe, epochs=epochs)
