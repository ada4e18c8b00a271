from .executors import executor as executor
from .keys import KEY_COLUMNS as KEY_COLUMNS
from .keys import KEY_NORMALIZE_MODES as KEY_NORMALIZE_MODES
from .keys import KEYLESS_REASONS as KEYLESS_REASONS
from .keys import MEDIA_SUFFIXES as MEDIA_SUFFIXES
from .keys import KeyNormalize as KeyNormalize
from .keys import KeyResult as KeyResult
from .keys import KeyRule as KeyRule
from .keys import folded_keys as folded_keys
from .keys import infer_key_column as infer_key_column
from .attachment import AttachReport as AttachReport
from .attachment import ColumnsForKeys as ColumnsForKeys
from .attachment import PartReport as PartReport
from .attachment import attach as attach
from .tables import Table as Table
from .tables import open_table as open_table

__all__ = [
    "KEYLESS_REASONS",
    "KEY_COLUMNS",
    "KEY_NORMALIZE_MODES",
    "MEDIA_SUFFIXES",
    "KeyNormalize",
    "KeyResult",
    "KeyRule",
    "executor",
    "folded_keys",
    "infer_key_column",
    "AttachReport",
    "ColumnsForKeys",
    "PartReport",
    "attach",
    "Table",
    "open_table",
]
