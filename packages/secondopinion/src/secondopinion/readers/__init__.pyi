from .reader import Fields as Fields
from .reader import ScoreBatch as ScoreBatch
from .reader import ScoreFile as ScoreFile
from .reader import ScoreReader as ScoreReader
from .reader import ScoreRow as ScoreRow
from .registry import readers as readers

__all__ = ["Fields", "ScoreBatch", "ScoreFile", "ScoreReader", "ScoreRow", "readers"]
