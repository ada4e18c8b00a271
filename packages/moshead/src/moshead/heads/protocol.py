"""What a head family is: fit rows, predict, write ONNX, describe.

To add a family, write one class that follows :class:`Family`, and register an instance under the
entry-point group ``moskit.head_families``:

    [project.entry-points."moskit.head_families"]
    median = "my_package:MEDIAN"

``moshead train --recipe median`` then trains, judges, exports and describes it like the families
that moshead registers in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from moshead.features.domain import Array


@dataclass(frozen=True)
class TrainingRows:
    """The rows that one net is fitted to.

    Attributes:
        features: Raw feature values, (N, F), NaN where a value is missing.
        mos: Labels in [1, 5], (N,).
        units: Clip or group of each row, (N,). Whatever a family leaves out in order to choose
            something, it leaves out by units.
        weights: How much each row counts, (N,), positive with a mean of 1; None where all count
            alike.
    """

    features: Array
    mos: Array
    units: NDArray[np.int64]
    weights: Array | None = None

    def take(self, rows: NDArray[np.int64]) -> TrainingRows:
        """Some of the rows; their weights have a mean of 1 again."""
        weights = None if self.weights is None else self.weights[rows]
        if weights is not None:
            weights = weights / weights.mean()
        return TrainingRows(self.features[rows], self.mos[rows], self.units[rows], weights)

    def of(self, plan: Plan) -> TrainingRows:
        """The rows of a plan, with the weights of the plan where it has any."""
        rows = self.take(plan.rows)
        return rows if plan.weights is None else replace(rows, weights=plan.weights)


@dataclass(frozen=True)
class FitOptions:
    """What a user may ask of a family; a family ignores what does not concern it.

    Attributes:
        epochs: Passes over the rows, for a family that is trained step by step.
        device: ``cpu`` or ``cuda``, for the same.
        size_limit: Bytes that the weights of one head may take, so that a file with the heads of
            all folds stays within 4 MB.
    """

    epochs: int | None = None
    device: str = "cpu"
    size_limit: int = 480_000


@dataclass(frozen=True)
class Plan:
    """One head to fit.

    Attributes:
        rows: Indices of its training rows.
        seed: Entropy of whatever is drawn at random.
        weights: How much each of its rows counts, (n,), positive with a mean of 1, known from
            these rows alone; None where all count alike. A family that cannot weight rows may
            ignore them.
    """

    rows: NDArray[np.int64]
    seed: tuple[int, ...]
    weights: Array | None = None

    @property
    def identity(self) -> bytes:
        """What decides the fit of a family that draws nothing: rows and weights."""
        return self.rows.tobytes() + (b"" if self.weights is None else self.weights.tobytes())


class GraphWriter(Protocol):
    """An ONNX graph under construction, as a family sees it."""

    @property
    def op(self) -> Any:
        """Makes nodes: ``op.Add(a, b)``, one method an operator of opset 17."""

    @property
    def features(self) -> Any:
        """The input ``features``, (N, F), imputed."""

    @property
    def encoder(self) -> Any:
        """The input ``encoder_onehot``, (N, V)."""

    def constant(self, value: Any) -> Any:
        """An initializer: integers become int64, all else float32; equal ones are shared."""

    def shared(self, identity: bytes, make: Callable[[], Any]) -> Any:
        """What ``make`` returns, made once for equal identities: nets may share their scaling."""


class Net(Protocol):
    """What a graph needs to know of a fitted head: what it computes."""

    @property
    def n_parameters(self) -> int:
        """Fitted numbers; measured scaling does not count."""

    def predict(self, features: Array, encoder_onehot: Array) -> Array:
        """Predict MOS in [1, 5], (N,).

        Args:
            features: Imputed feature values, (N, F).
            encoder_onehot: Encoder of each row, (N, V); a family may ignore it.
        """

    def write(self, graph: GraphWriter) -> Any:
        """Write nodes for :meth:`predict`; return the MOS, (N, 1)."""


class FittedHead(Net, Protocol):
    """A head that is fitted, and can predict, be written and be described."""

    @property
    def imputation(self) -> Array:
        """Value that takes the place of a missing one before the graph, (F,)."""

    def describe(self) -> dict[str, Any]:
        """What was chosen and fitted, as JSON for manifest and card.

        ``family``, ``architecture``, ``stored_rows`` (a sentence) and whatever else was chosen.
        """


class Family(Protocol):
    """A way to fit heads.

    Attributes:
        name: What ``--recipe`` calls it.
        deterministic: True where equal rows give equal heads whatever the seed. Folds are then
            fitted once, and the spread over seeds is 0 by construction.
    """

    name: str
    deterministic: bool

    def fit(
        self,
        rows: TrainingRows,
        plans: Sequence[Plan],
        options: FitOptions,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[FittedHead]:
        """Fit one head for each plan.

        Args:
            rows: All rows; each plan names those that its head may see.
            plans: What to fit; several at once, so that a family can share work.
            options: What the user asked for.
            progress: Called with the steps done and the steps in all.

        Returns:
            The heads, in the order of ``plans``.
        """
