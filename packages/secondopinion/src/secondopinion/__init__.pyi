from .joining.batch import run_batch as run_batch
from .joining.in_memory import JoinResult as JoinResult
from .joining.in_memory import join as join
from .joining.inspection import inspect as inspect
from .joining.on_disk import MissingScoresError as MissingScoresError
from .joining.on_disk import join_file as join_file
from .joining.options import JoinOptions as JoinOptions
from .scorers.columns import ScoreColumn as ScoreColumn
from .scorers.columns import score_columns as score_columns
from .scorers.facts import ScoreFacts as ScoreFacts
from .scorers.facts import direction_of as direction_of
from .scorers.training import trained_on as trained_on

__version__: str

__all__ = [
    "JoinOptions",
    "JoinResult",
    "MissingScoresError",
    "ScoreColumn",
    "ScoreFacts",
    "direction_of",
    "inspect",
    "join",
    "join_file",
    "run_batch",
    "score_columns",
    "trained_on",
]
