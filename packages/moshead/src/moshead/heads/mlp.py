"""The family ``mlp``: a small neural net that torch trains from a start in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provenance.toolkit import InputError

from moshead.features.matrix import column_medians
from moshead.heads.neural.recipe import recipe_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from moshead.features.domain import Array
    from moshead.heads.network import HeadWeights
    from moshead.heads.protocol import FitOptions, FittedHead, GraphWriter, Plan, TrainingRows

STORED_ROWS = "no training row is stored: the net keeps weights only"


@dataclass(frozen=True)
class NetHead:
    """A trained net with what it needs before it.

    Attributes:
        weights: The net.
        imputation: Median of each feature over its training rows, (F,).
        facts: What :meth:`describe` tells.
    """

    weights: HeadWeights
    imputation: Array
    facts: dict[str, Any]

    @property
    def n_parameters(self) -> int:
        """Trained numbers."""
        return self.weights.n_parameters

    def predict(self, features: Array, encoder_onehot: Array) -> Array:
        """Predict MOS, (N,)."""
        return self.weights.predict(features, encoder_onehot)

    def write(self, graph: GraphWriter) -> Any:
        """Nodes for :meth:`predict`, (N, 1)."""
        return self.weights.write(graph)

    def describe(self) -> dict[str, Any]:
        """The recipe, as JSON."""
        return self.facts


class Mlp:
    """One hidden layer beside a linear and a quadratic part, trained by AdamW."""

    name = "mlp"
    deterministic = False

    def fit(
        self,
        rows: TrainingRows,
        plans: Sequence[Plan],
        options: FitOptions,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[FittedHead]:
        """Train one net for each plan, all together.

        Raises:
            InputError: torch is not installed, or the device does not exist here.
        """
        try:
            from moshead.heads.neural.starts import NetPlan
            from moshead.heads.neural.training import train_nets
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise InputError(
                "the family mlp is trained with torch, which is not installed",
                fix="Run pip install 'moskit-moshead[mlp]', or leave --recipe out",
                code="training.no-torch",
            ) from error

        recipe = recipe_for(len(plans[0].rows), rows.features.shape[1], options.epochs)
        nets = train_nets(
            rows.features,
            rows.mos,
            [NetPlan(plan.rows, plan.seed, plan.weights) for plan in plans],
            recipe,
            device=options.device,
            progress=progress,
        )
        facts = {
            "family": self.name,
            **recipe.to_dict(weighted=plans[0].weights is not None),
            "device": options.device,
            "transforms": [f"z-scores clipped at {recipe.clip:g}"],
            "feature_clip": recipe.clip,
            "stored_rows": STORED_ROWS,
        }
        medians: dict[bytes, Array] = {}
        for plan in plans:
            identity = plan.rows.tobytes()
            if identity not in medians:
                medians[identity] = column_medians(rows.features[plan.rows])
        return [
            NetHead(net, medians[plan.rows.tobytes()], facts)
            for net, plan in zip(nets, plans, strict=True)
        ]


FAMILY = Mlp()
