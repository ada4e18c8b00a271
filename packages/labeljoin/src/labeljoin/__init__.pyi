from .attachment import AttachReport as AttachReport
from .attachment import ColumnsForKeys as ColumnsForKeys
from .attachment import PartReport as PartReport
from .attachment import attach as attach
from .audit import AUDIT_SCHEMA as AUDIT_SCHEMA
from .coverage import Coverage as Coverage
from .coverage import CoverageError as CoverageError
from .coverage import measure_coverage as measure_coverage
from .diagnosis import Diagnosis as Diagnosis
from .diagnosis import KeySide as KeySide
from .diagnosis import Suggestion as Suggestion
from .diagnosis import diagnose_coverage as diagnose_coverage
from .executors import executor as executor
from .extras import LABEL_EXTRAS as LABEL_EXTRAS
from .joining import materialize as materialize
from .keys import KEY_COLUMNS as KEY_COLUMNS
from .keys import KEY_NORMALIZE_MODES as KEY_NORMALIZE_MODES
from .keys import KEYLESS_REASONS as KEYLESS_REASONS
from .keys import MEDIA_SUFFIXES as MEDIA_SUFFIXES
from .keys import KeyNormalize as KeyNormalize
from .keys import KeyResult as KeyResult
from .keys import KeyRule as KeyRule
from .keys import folded_keys as folded_keys
from .keys import infer_key_column as infer_key_column
from .labels import MOS_COLUMNS as MOS_COLUMNS
from .labels import LabelIndex as LabelIndex
from .labels import LabelOptions as LabelOptions
from .labels import LabelSource as LabelSource
from .labels import index_labels as index_labels
from .labels import infer_mos_column as infer_mos_column
from .matching import KeyMatcher as KeyMatcher
from .memory import JoinResult as JoinResult
from .memory import join as join
from .options import JoinOptions as JoinOptions
from .scale import LabelScale as LabelScale
from .scale import ScaleDecision as ScaleDecision
from .tables import Table as Table
from .tables import open_table as open_table

__all__ = [
    "AUDIT_SCHEMA",
    "KEYLESS_REASONS",
    "KEY_COLUMNS",
    "KEY_NORMALIZE_MODES",
    "LABEL_EXTRAS",
    "MEDIA_SUFFIXES",
    "MOS_COLUMNS",
    "AttachReport",
    "ColumnsForKeys",
    "Coverage",
    "CoverageError",
    "Diagnosis",
    "JoinOptions",
    "JoinResult",
    "KeyMatcher",
    "KeyNormalize",
    "KeyResult",
    "KeyRule",
    "KeySide",
    "LabelIndex",
    "LabelOptions",
    "LabelScale",
    "LabelSource",
    "PartReport",
    "ScaleDecision",
    "Suggestion",
    "Table",
    "attach",
    "diagnose_coverage",
    "executor",
    "folded_keys",
    "index_labels",
    "infer_key_column",
    "infer_mos_column",
    "join",
    "materialize",
    "measure_coverage",
    "open_table",
]
