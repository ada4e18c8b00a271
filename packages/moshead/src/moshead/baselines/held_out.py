"""Single columns beside a head, on rows that trained neither.

Training writes into the manifest how each single column maps to MOS. Held-out rows are judged by
that mapping, so that a column has learned from the same rows as the head. A stock regressor was not
kept, and cannot be judged again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from moshead.baselines.alongside import Predicted, ScoreColumn, judged_baselines, mapped_by
from moshead.baselines.mapping import MonotoneMapping
from moshead.baselines.worth import worth_of_baselines
from moshead.corpus.folds import Fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from moshead.baselines.worth import Worth
    from moshead.documents.shared import BaselineDocument

    Array = NDArray[np.float64]
    Indices = NDArray[np.int64]

AS_TRAINED = "the mapping to MOS that training fitted"
HERE = "a logistic mapping fitted to these very rows, which favours it"


def worth_held_out(
    mos: Array,
    units: Indices,
    head: Array,
    columns: Sequence[ScoreColumn],
    trained: Sequence[BaselineDocument],
    *,
    unit_name: str = "clips",
    seed: int = 0,
) -> Worth:
    """Measure single columns beside a head on the same held-out rows.

    Args:
        mos: Labels, (N,).
        units: Clip or group of each row, (N,): what the bootstrap draws.
        head: Predicted MOS, (N,).
        columns: Second opinions of these rows, and other columns to judge.
        trained: Baselines of training, from the manifest; empty without one.
        unit_name: What units are called.
        seed: Seed of the bootstrap.

    Returns:
        The columns, the best first. One that does not vary, or has too few values, is left out.
    """
    mappings = {
        each["column"]: MonotoneMapping.from_dict(document)
        for each in trained
        if (document := each.get("mapping")) is not None
    }
    found = []
    for column in columns:
        mapping = mappings.get(column.column) or mapped_by(column.values, mos)
        known = np.isfinite(column.values)
        if mapping is None or known.sum() < 3:
            continue
        values = np.where(known, column.values, np.median(column.values[known]))
        settings = AS_TRAINED if column.column in mappings else HERE
        found.append(
            Predicted(
                column.name,
                "column",
                column.column,
                [mapping(values)],
                column.contamination,
                settings,
                mapping,
            )
        )
    rows = np.arange(len(mos))
    baselines = judged_baselines(mos, units, [Fold(rows[:0], rows)], [head[None]], found, seed)
    kept = [each["name"] for each in trained if each["kind"] == "regressor"]
    notes = (
        [f"Not judged on these rows, because training keeps no copy of them: {', '.join(kept)}."]
        if kept
        else []
    )
    return worth_of_baselines(baselines, unit_name, notes)
