"""Join MOS labels onto video-quality feature tables by clip key, byte for byte.

The rooms, in reading order:

- ``keys``: how values become clip keys, and how keys are counted and matched;
- ``formats``: table formats, one folder each, behind one protocol;
- ``labels``: label files, their scale and extras, and the index by clip key;
- ``engine``: add columns to a table, alone or inside a recorded run;
- ``diagnose``: why keys do not match, and what would help;
- ``ratings``: make MOS of single ratings;
- ``joining``: the join itself: options, plan, coverage, audit, in memory and on disk;
- ``batch``: many joins by one manifest;
- ``cli``: the command ``labeljoin``.

Examples:
    >>> import pyarrow as pa
    >>> import labeljoin
    >>> features = pa.table({"video": ["a/1.mp4", "a/2.mp4"], "motion": [0.5, 0.7]})
    >>> labels = pa.table({"clip_id": ["1", "2"], "mos": [3.5, 4.0]})
    >>> labeljoin.join(features, labels).table.column_names[:3]
    ['video', 'motion', 'mos']
"""

from provenance.toolkit import public_names

__getattr__, __dir__, __all__ = public_names(
    __name__,
    __file__,
    "moskit-labeljoin",
    moved={
        "labeljoin.keys": (
            "ColumnsForLabels",
            "KEYLESS_REASONS",
            "KEY_COLUMNS",
            "KEY_NORMALIZE_MODES",
            "KeyCounts",
            "KeyMatcher",
            "KeyNormalize",
            "KeyResult",
            "KeyRule",
            "MEDIA_SUFFIXES",
            "Match",
            "infer_key_column",
            "percent",
        ),
        "labeljoin.labels": (
            "LABEL_EXTRAS",
            "LabelIndex",
            "LabelOptions",
            "LabelScale",
            "LabelSource",
            "MOS_COLUMNS",
            "ScaleDecision",
            "index_labels",
            "infer_mos_column",
        ),
        "labeljoin.formats": (
            "ColumnsForKeys",
            "PartReport",
            "column_values",
        ),
        "labeljoin.engine": (
            "AttachReport",
            "attach_in_run",
            "executor",
            "part_executor",
            "stage_table",
            "withhold_table",
        ),
        "labeljoin.diagnose": (
            "Diagnosis",
            "KeySide",
            "Suggestion",
            "diagnose_coverage",
        ),
        "labeljoin.joining": (
            "AUDIT_SCHEMA",
            "ClipKey",
            "Coverage",
            "INSPECTION_SCHEMA",
            "KEY_COLUMN_METADATA",
            "KEY_RULE_METADATA",
            "measure_coverage",
            "possible_keys",
            "remembered_key",
            "table_coverage",
        ),
        "labeljoin.batch": (
            "BatchJob",
            "CORPORA",
            "LABEL_BATCH",
            "ManifestTable",
            "ReportColumn",
            "corpus_manifest",
            "load_manifest",
            "manifest_schema",
            "run_job",
        ),
        "labeljoin.cli": ("render_batch",),
    },
    renamed={
        "Survey": ("labeljoin.engine", "first_pass"),
        "materialize": ("labeljoin", "join_file"),
    },
)
