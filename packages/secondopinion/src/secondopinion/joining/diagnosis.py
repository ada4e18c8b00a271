"""Why a scorer's clips meet so few rows, and what would let them meet more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labeljoin.diagnose import KeySide, diagnose_coverage
from labeljoin.joining import possible_keys

if TYPE_CHECKING:
    import pyarrow as pa
    from labeljoin import Table
    from labeljoin.diagnose import Diagnosis

    from secondopinion.joining.matching import ScorerMatch
    from secondopinion.joining.options import JoinOptions
    from secondopinion.scores.opinions import Scorer

DIAGNOSED_BELOW = 0.95
"""Match rate below which the cause is looked for; the coverage that labels are held to."""

SAMPLED = 20_000
"""Scored clips that are looked at."""


def diagnose(table: Table, key_column: str, match: ScorerMatch, options: JoinOptions) -> Diagnosis:
    """Find out what would let a scorer meet more clips of a table.

    Args:
        table: The feature table.
        key_column: Its key column.
        match: What the two have met.
        options: The options they met under.
    """
    return diagnose_coverage(
        KeySide(
            possible_keys(table, key_column),
            key_column,
            options.feature_rule,
            "--key-column",
            "--feature-key-regex",
        ),
        KeySide(
            {"key": _score_values(match.scorer)},
            "key",
            options.score_rule,
            "--score-key-field",
            "--score-key-regex",
        ),
        noun="score",
    )


def _score_values(scorer: Scorer) -> pa.StringArray:
    return scorer.scores["raw_key"].combine_chunks().slice(0, SAMPLED)
