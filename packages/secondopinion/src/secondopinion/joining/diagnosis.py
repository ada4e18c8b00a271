"""Why a scorer's clips match few rows, and what would raise the match rate."""

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
"""Below this match rate, look for the cause. Labels need this coverage by default."""

SAMPLED = 20_000
"""How many scored clips are tried."""


def diagnose(table: Table, key_column: str, match: ScorerMatch, options: JoinOptions) -> Diagnosis:
    """Find out what would let a scorer match more clips of a table.

    Args:
        table: The feature table.
        key_column: Its key column.
        match: The present matches.
        options: The options behind them.
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
