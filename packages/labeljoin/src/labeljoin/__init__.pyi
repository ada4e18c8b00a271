from .attachment import AttachReport as AttachReport
from .attachment import ColumnsForKeys as ColumnsForKeys
from .attachment import PartReport as PartReport
from .attachment import attach as attach
from .audit import AUDIT_SCHEMA as AUDIT_SCHEMA
from .audit import percent as percent
from .batch import BatchError as BatchError
from .batch import BatchJob as BatchJob
from .batch import ReportColumn as ReportColumn
from .batch import run_job as run_job
from .clip_key import KEY_COLUMN_METADATA as KEY_COLUMN_METADATA
from .clip_key import KEY_RULE_METADATA as KEY_RULE_METADATA
from .clip_key import ClipKey as ClipKey
from .clip_key import clip_key as clip_key
from .clip_key import remembered_key as remembered_key
from .corpora import CORPORA as CORPORA
from .corpora import corpus_manifest as corpus_manifest
from .coverage import Coverage as Coverage
from .coverage import CoverageError as CoverageError
from .coverage import measure_coverage as measure_coverage
from .coverage import table_coverage as table_coverage
from .diagnosis import Diagnosis as Diagnosis
from .diagnosis import KeySide as KeySide
from .diagnosis import Suggestion as Suggestion
from .diagnosis import diagnose_coverage as diagnose_coverage
from .executors import executor as executor
from .executors import part_executor as part_executor
from .extras import LABEL_EXTRAS as LABEL_EXTRAS
from .inspection import INSPECTION_SCHEMA as INSPECTION_SCHEMA
from .inspection import inspect as inspect
from .join_diagnosis import possible_keys as possible_keys
from .joining import materialize as materialize
from .key_columns import KEY_COLUMNS as KEY_COLUMNS
from .key_columns import infer_key_column as infer_key_column
from .key_counts import KeyCounts as KeyCounts
from .keys import KEY_NORMALIZE_MODES as KEY_NORMALIZE_MODES
from .keys import KEYLESS_REASONS as KEYLESS_REASONS
from .keys import MEDIA_SUFFIXES as MEDIA_SUFFIXES
from .keys import KeyNormalize as KeyNormalize
from .keys import KeyResult as KeyResult
from .keys import KeyRule as KeyRule
from .label_batch import LABEL_BATCH as LABEL_BATCH
from .label_batch import run_batch as run_batch
from .labels import MOS_COLUMNS as MOS_COLUMNS
from .labels import LabelIndex as LabelIndex
from .labels import LabelOptions as LabelOptions
from .labels import LabelSource as LabelSource
from .labels import index_labels as index_labels
from .labels import infer_mos_column as infer_mos_column
from .manifest import ManifestTable as ManifestTable
from .manifest import load_manifest as load_manifest
from .manifest import manifest_schema as manifest_schema
from .matching import ColumnsForLabels as ColumnsForLabels
from .matching import KeyMatcher as KeyMatcher
from .matching import Match as Match
from .memory import JoinResult as JoinResult
from .memory import join as join
from .options import JoinOptions as JoinOptions
from .rendering import render_batch as render_batch
from .run_attachment import attach_in_run as attach_in_run
from .run_attachment import stage_table as stage_table
from .run_attachment import withhold_table as withhold_table
from .scale import LabelScale as LabelScale
from .scale import ScaleDecision as ScaleDecision
from .survey import Survey as Survey
from .tables import Table as Table
from .tables import column_values as column_values
from .tables import open_table as open_table

__all__ = [
    "AUDIT_SCHEMA",
    "CORPORA",
    "INSPECTION_SCHEMA",
    "KEYLESS_REASONS",
    "KEY_COLUMNS",
    "KEY_COLUMN_METADATA",
    "KEY_NORMALIZE_MODES",
    "KEY_RULE_METADATA",
    "LABEL_BATCH",
    "LABEL_EXTRAS",
    "MEDIA_SUFFIXES",
    "MOS_COLUMNS",
    "AttachReport",
    "BatchError",
    "BatchJob",
    "ClipKey",
    "ColumnsForKeys",
    "ColumnsForLabels",
    "Coverage",
    "CoverageError",
    "Diagnosis",
    "JoinOptions",
    "JoinResult",
    "KeyCounts",
    "KeyMatcher",
    "KeyNormalize",
    "KeyResult",
    "KeyRule",
    "KeySide",
    "LabelIndex",
    "LabelOptions",
    "LabelScale",
    "LabelSource",
    "ManifestTable",
    "Match",
    "PartReport",
    "ReportColumn",
    "ScaleDecision",
    "Suggestion",
    "Survey",
    "Table",
    "attach",
    "attach_in_run",
    "clip_key",
    "column_values",
    "corpus_manifest",
    "diagnose_coverage",
    "executor",
    "index_labels",
    "infer_key_column",
    "infer_mos_column",
    "inspect",
    "join",
    "load_manifest",
    "manifest_schema",
    "materialize",
    "measure_coverage",
    "open_table",
    "part_executor",
    "percent",
    "possible_keys",
    "remembered_key",
    "render_batch",
    "run_batch",
    "run_job",
    "stage_table",
    "table_coverage",
    "withhold_table",
]
