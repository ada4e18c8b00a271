from .audit import AUDIT_SCHEMA as AUDIT_SCHEMA
from .clip_keys import KEY_COLUMN_METADATA as KEY_COLUMN_METADATA
from .clip_keys import KEY_RULE_METADATA as KEY_RULE_METADATA
from .clip_keys import ClipKey as ClipKey
from .clip_keys import clip_key as clip_key
from .clip_keys import remembered_key as remembered_key
from .coverage import Coverage as Coverage
from .coverage import CoverageError as CoverageError
from .coverage import measure_coverage as measure_coverage
from .coverage import table_coverage as table_coverage
from .diagnosis import possible_keys as possible_keys
from .in_memory import JoinResult as JoinResult
from .in_memory import join as join
from .inspection import INSPECTION_SCHEMA as INSPECTION_SCHEMA
from .inspection import inspect as inspect
from .on_disk import join_file as join_file
from .options import JoinOptions as JoinOptions
from .options import accepts_option_keywords as accepts_option_keywords
from .pairing import feature_key as feature_key

__all__ = [
    "AUDIT_SCHEMA",
    "INSPECTION_SCHEMA",
    "KEY_COLUMN_METADATA",
    "KEY_RULE_METADATA",
    "ClipKey",
    "Coverage",
    "CoverageError",
    "JoinOptions",
    "JoinResult",
    "accepts_option_keywords",
    "clip_key",
    "feature_key",
    "inspect",
    "join",
    "join_file",
    "measure_coverage",
    "possible_keys",
    "remembered_key",
    "table_coverage",
]
