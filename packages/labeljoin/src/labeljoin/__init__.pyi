from .batch.corpora import CORPORA as CORPORA
from .batch.corpora import corpus_manifest as corpus_manifest
from .batch.job import BatchError as BatchError
from .batch.job import BatchJob as BatchJob
from .batch.job import ReportColumn as ReportColumn
from .batch.job import run_job as run_job
from .batch.labelling import LABEL_BATCH as LABEL_BATCH
from .batch.labelling import run_batch as run_batch
from .batch.manifest import ManifestTable as ManifestTable
from .batch.manifest import load_manifest as load_manifest
from .batch.manifest import manifest_schema as manifest_schema
from .cli.rendering import render_batch as render_batch
from .diagnose.suggestions import Diagnosis as Diagnosis
from .diagnose.suggestions import KeySide as KeySide
from .diagnose.suggestions import Suggestion as Suggestion
from .diagnose.suggestions import diagnose_coverage as diagnose_coverage
from .engine.attach import AttachReport as AttachReport
from .engine.attach import ColumnsForKeys as ColumnsForKeys
from .engine.attach import PartReport as PartReport
from .engine.attach import attach as attach
from .engine.executors import executor as executor
from .engine.executors import part_executor as part_executor
from .engine.run import attach_in_run as attach_in_run
from .engine.run import stage_table as stage_table
from .engine.run import withhold_table as withhold_table
from .engine.survey import Survey as Survey
from .formats.base import Table as Table
from .formats.base import column_values as column_values
from .formats.opening import open_table as open_table
from .joining.audit import AUDIT_SCHEMA as AUDIT_SCHEMA
from .joining.audit import percent as percent
from .joining.clip_key import KEY_COLUMN_METADATA as KEY_COLUMN_METADATA
from .joining.clip_key import KEY_RULE_METADATA as KEY_RULE_METADATA
from .joining.clip_key import ClipKey as ClipKey
from .joining.clip_key import clip_key as clip_key
from .joining.clip_key import remembered_key as remembered_key
from .joining.coverage import Coverage as Coverage
from .joining.coverage import CoverageError as CoverageError
from .joining.coverage import measure_coverage as measure_coverage
from .joining.coverage import table_coverage as table_coverage
from .joining.diagnosis import possible_keys as possible_keys
from .joining.in_memory import JoinResult as JoinResult
from .joining.in_memory import join as join
from .joining.inspection import INSPECTION_SCHEMA as INSPECTION_SCHEMA
from .joining.inspection import inspect as inspect
from .joining.on_disk import materialize as materialize
from .joining.options import JoinOptions as JoinOptions
from .keys.columns import KEY_COLUMNS as KEY_COLUMNS
from .keys.columns import infer_key_column as infer_key_column
from .keys.counts import KeyCounts as KeyCounts
from .keys.matching import ColumnsForLabels as ColumnsForLabels
from .keys.matching import KeyMatcher as KeyMatcher
from .keys.matching import Match as Match
from .keys.rule import KEY_NORMALIZE_MODES as KEY_NORMALIZE_MODES
from .keys.rule import KEYLESS_REASONS as KEYLESS_REASONS
from .keys.rule import MEDIA_SUFFIXES as MEDIA_SUFFIXES
from .keys.rule import KeyNormalize as KeyNormalize
from .keys.rule import KeyResult as KeyResult
from .keys.rule import KeyRule as KeyRule
from .labels.extras import LABEL_EXTRAS as LABEL_EXTRAS
from .labels.scale import LabelScale as LabelScale
from .labels.scale import ScaleDecision as ScaleDecision
from .labels.source import MOS_COLUMNS as MOS_COLUMNS
from .labels.source import LabelIndex as LabelIndex
from .labels.source import LabelOptions as LabelOptions
from .labels.source import LabelSource as LabelSource
from .labels.source import index_labels as index_labels
from .labels.source import infer_mos_column as infer_mos_column

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
