from .joining.batch import SCORE_BATCH as SCORE_BATCH
from .joining.batch import run_batch as run_batch
from .joining.inspection import inspect as inspect
from .joining.on_disk import MissingScoresError as MissingScoresError
from .joining.on_disk import materialize as materialize
from .joining.options import JoinOptions as JoinOptions
from .readers.reader import ScoreReader as ScoreReader
from .scorers.columns import ScoreColumn as ScoreColumn
from .scorers.columns import score_columns as score_columns
from .scorers.facts import ScoreFacts as ScoreFacts
from .scorers.facts import direction_of as direction_of
from .scorers.training import trained_on as trained_on
from .scores.file import ScoreFile as ScoreFile
from .scores.payloads import Fields as Fields
from .scores.rows import ScoreBatch as ScoreBatch
from .scores.rows import ScoreRow as ScoreRow

__all__ = [
    "SCORE_BATCH",
    "Fields",
    "JoinOptions",
    "MissingScoresError",
    "ScoreBatch",
    "ScoreColumn",
    "ScoreFacts",
    "ScoreFile",
    "ScoreReader",
    "ScoreRow",
    "direction_of",
    "inspect",
    "materialize",
    "run_batch",
    "score_columns",
    "trained_on",
]
