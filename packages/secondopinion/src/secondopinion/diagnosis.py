"""Why a scorer's clips meet so few rows, and what would let them meet more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from labeljoin import KEY_COLUMNS, KeySide, diagnose_coverage

if TYPE_CHECKING:
    from labeljoin import Diagnosis, Table

    from secondopinion.matching import ScorerMatch
    from secondopinion.opinions import Scorer
    from secondopinion.options import JoinOptions

DIAGNOSED_BELOW = 0.95
"""Match rate below which the cause is looked for; the coverage that labels are held to."""

SAMPLED = 20_000
"""Distinct values of a column that are looked at."""


def diagnose(table: Table, key_column: str, match: ScorerMatch, options: JoinOptions) -> Diagnosis:
    """Find out what would let a scorer meet more clips of a table.

    Args:
        table: The feature table.
        key_column: Its key column.
        match: What the two have met.
        options: The options they met under.
    """
    names = {name.casefold(): name for name in table.column_names}
    likely = [names[name] for name in KEY_COLUMNS if name in names]
    columns = {name: _feature_values(table, name) for name in dict.fromkeys((key_column, *likely))}
    return diagnose_coverage(
        KeySide(columns, key_column, options.feature_rule, "--key-column", "--feature-key-regex"),
        KeySide(
            {"key": _score_values(match.scorer)},
            "key",
            options.score_rule,
            "--score-key-field",
            "--score-key-regex",
        ),
        noun="score",
    )


def _feature_values(table: Table, column: str) -> pa.StringArray:
    found: Any = pa.array([], pa.string())
    for batch in table.batches([column], text_columns=[column]):
        values = batch.column(0)
        if pa.types.is_dictionary(values.type):
            values = values.dictionary
        if pa.types.is_nested(values.type):
            return found
        found = pc.unique(pa.concat_arrays([found, values.cast(pa.string())]))
        if len(found) >= SAMPLED:
            break
    return found.drop_null()[:SAMPLED]


def _score_values(scorer: Scorer) -> pa.StringArray:
    return scorer.scores["raw_key"].combine_chunks().slice(0, SAMPLED)
