from .columns import KEY_COLUMNS as KEY_COLUMNS
from .columns import infer_column as infer_column
from .columns import infer_key_column as infer_key_column
from .counts import KeyCounts as KeyCounts
from .matching import ColumnsForLabels as ColumnsForLabels
from .matching import KeyMatcher as KeyMatcher
from .matching import Match as Match
from .modes import KEY_NORMALIZE_MODES as KEY_NORMALIZE_MODES
from .modes import KeyNormalize as KeyNormalize
from .numeric import number_of as number_of
from .numeric import numbers as numbers
from .numeric import to_float64 as to_float64
from .rule import KEYLESS_REASONS as KEYLESS_REASONS
from .rule import MEDIA_SUFFIXES as MEDIA_SUFFIXES
from .rule import KeyResult as KeyResult
from .rule import KeyRule as KeyRule
from .shares import percent as percent

__all__ = [
    "KEYLESS_REASONS",
    "KEY_COLUMNS",
    "KEY_NORMALIZE_MODES",
    "MEDIA_SUFFIXES",
    "ColumnsForLabels",
    "KeyCounts",
    "KeyMatcher",
    "KeyNormalize",
    "KeyResult",
    "KeyRule",
    "Match",
    "infer_column",
    "infer_key_column",
    "number_of",
    "numbers",
    "percent",
    "to_float64",
]
