from .batch import SCORE_BATCH as SCORE_BATCH
from .batch import run_batch as run_batch
from .columns import ScoreColumn as ScoreColumn
from .columns import score_columns as score_columns
from .inspection import inspect as inspect
from .joining import MissingScoresError as MissingScoresError
from .joining import materialize as materialize
from .options import JoinOptions as JoinOptions
from .payloads import Fields as Fields
from .readers.reader import ScoreReader as ScoreReader
from .score_file import ScoreFile as ScoreFile
from .score_rows import ScoreBatch as ScoreBatch
from .score_rows import ScoreRow as ScoreRow
from .scorers import ScoreFacts as ScoreFacts
from .scorers import direction_of as direction_of

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
]
