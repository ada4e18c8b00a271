from .columns import ScoreColumn as ScoreColumn
from .columns import score_columns as score_columns
from .scorers import ScoreFacts as ScoreFacts
from .scorers import direction_of as direction_of

__all__ = ["ScoreColumn", "ScoreFacts", "direction_of", "score_columns"]
