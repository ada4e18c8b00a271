"""What the documents of labeljoin state, typed.

These definitions are the only ones: the code that builds a document is checked against them, and
:func:`labeljoin.documents.schemas` makes the published JSON Schemas from them.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from msgspec import Meta

from labeljoin.keys.modes import KeyNormalize  # noqa: TC001  # read when schemas are made

AUDIT_SCHEMA: Final = "mos-label-materializer-v1"
INSPECTION_SCHEMA: Final = "mos-label-inspection-v1"
REPORT_SCHEMA: Final = "mos-label-materializer-batch-v1"
MANIFEST_SCHEMA: Final = "mos-label-manifest-v1"

Count = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
RunRecord = Annotated[dict[str, Any], Meta(extra_json_schema={"$ref": "ai-run-provenance-v1.json"})]
RatingsAudit = Annotated[dict[str, Any], Meta(extra_json_schema={"$ref": "mos-ratings-v1.json"})]
ContentDigest = Annotated[
    str,
    Meta(
        description="SHA-256 of this document in canonical form (RFC 8785) without this member.",
        pattern="^[0-9a-f]{64}$",
    ),
]


KeylessReasons = TypedDict(
    "KeylessReasons", {"null": Count, "blank": Count, "no-regex-match": Count}
)


class KeylessRows(TypedDict):
    """Feature rows without a clip key."""

    count: Count
    rate: Share
    reasons: KeylessReasons


class KeylessLabels(TypedDict):
    """Label rows without a clip key."""

    count: Count
    reasons: KeylessReasons


class KeySample(TypedDict):
    """A number of keys, and the first of them by name."""

    count: Count
    sample: Annotated[list[str], Meta(max_length=20)]


class Scale(TypedDict):
    """The scale of a MOS column: 1-5, 0-100 or LOW:HIGH; null if the file has no MOS."""

    scale: str | None
    decided_by: Literal["option", "column", "range", "ratings", "nothing"]
    evidence: str


class LabelFileFacts(TypedDict):
    """One label file."""

    path: str
    rows: Count
    key_column: str
    key_decided_by: Literal["option", "name", "values"]
    mos_column: str
    scale: Scale
    keyless_rows: KeylessLabels
    labels_without_mos: Count
    labels_clipped: Annotated[
        Count, Meta(description="Estimates beyond the scale, moved to its end.")
    ]
    extras: Annotated[
        dict[str, str], Meta(description="Added column to the label column that it is read from.")
    ]
    columns_left: Annotated[
        list[str], Meta(description="Label columns that --extras could take and did not.")
    ]


class MadeKey(TypedDict):
    """A value of a key column, and the clip key that it becomes."""

    value: str | None
    key: str | None


class UnmatchedKey(TypedDict):
    """A value whose clip key has no match, and that key."""

    value: str
    key: str


class SuggestionFacts(TypedDict):
    """A change that would raise coverage."""

    flags: dict[str, str | bool]
    command: str
    match_rate: Share
    matched_feature_keys: Count
    total_feature_keys: Count
    sampled: bool


class DiagnosisFacts(TypedDict):
    """Why coverage is low, and what would raise it."""

    unmatched_features: Annotated[list[UnmatchedKey], Meta(max_length=10)]
    stale_labels: Annotated[list[UnmatchedKey], Meta(max_length=10)]
    suggestions: Annotated[list[SuggestionFacts], Meta(max_length=3)]
    findings: list[str]
    advice: str


class ClipKeyFacts(TypedDict):
    """The column with the clip key, how its values become keys, and what decided it.

    An option, the table that remembers it from an earlier join, the column's name, or its values.
    """

    column: str
    normalize: KeyNormalize
    regex: str | None
    ignore_case: bool
    decided_by: Literal["option", "table", "name", "values"]
    evidence: NotRequired[
        Annotated[str, Meta(description="What its values show, if they decided.")]
    ]


class LabelFacts(TypedDict):
    """What was understood of the labels.

    ``label_key_column``, ``label_mos_column`` and ``label_scale`` are those of the one label file,
    or lists with those of each, in the order of ``label_sources``.
    """

    label_key_column: str | list[str]
    label_mos_column: str | list[str]
    label_scale: Scale | list[Scale]
    label_sources: Annotated[list[LabelFileFacts], Meta(min_length=1)]
    labels_loaded: Count
    labels_without_mos: Count
    labels_clipped: Count
    duplicate_labels_collapsed: Count


class CoverageFacts(TypedDict):
    """How the keys of the features matched the labels."""

    total_feature_keys: Count
    matched_feature_keys: Count
    match_rate: Annotated[
        Share, Meta(description="Share of unique feature clip keys that received a label.")
    ]
    matched_rows: Count
    missing_rows: Count
    keyless_rows: KeylessRows
    folded_feature_keys: Annotated[
        Count, Meta(description="Clip keys that several distinct feature values become.")
    ]
    stale_label_keys: KeySample
    unmatched_feature_keys: KeySample


class JoinFacts(LabelFacts, CoverageFacts):
    """What an audit and an inspection share."""

    feature_key_column: str
    key_normalize: KeyNormalize
    feature_key_regex: str | None
    label_key_regex: str | None
    ignore_case: bool
    extras: str
    clip_key: ClipKeyFacts
    input_rows: Count
    diagnosis: DiagnosisFacts | None


class Audit(JoinFacts):
    """What a join did or refused to do, without its run record."""

    schema: Literal["mos-label-materializer-v1"]
    status: Literal["ok", "failed"]
    failures: list[str]
    feature_table: str | None
    output: str | None
    ratings: Annotated[
        RatingsAudit | None, Meta(description="How MOS were made of single ratings, if they were.")
    ]
    min_match_rate: Share
    max_keyless_rate: Share
    output_rows: Count | None
    columns_added: list[str]
    engine: Annotated[
        str | None,
        Meta(
            description="parquet-splice, parquet-splice-streamed, parquet-rewrite, arrow-copy, "
            "arrow-rewrite, jsonl-splice, json-rewrite, csv-rewrite, in-memory, or the engine of "
            "another format; null if no table was written."
        ),
    ]
    engine_reason: str | None


class AuditDocument(Audit):
    """What `labeljoin join` did or refused to do to one feature table (ADR-0663).

    Only files carry the run record; the audit of a join in memory does not.
    """

    run_provenance: NotRequired[RunRecord]
    content_sha256: NotRequired[ContentDigest]


class LabelKeys(TypedDict):
    """The first keys of one label file."""

    path: str
    keys: list[MadeKey]


class Inspection(JoinFacts):
    """What `labeljoin inspect` reports that a join would do."""

    schema: Literal["mos-label-inspection-v1"]
    feature_table: str
    feature_format: Annotated[
        str,
        Meta(description="parquet, arrow, jsonl, json, csv, or a format of another package."),
    ]
    feature_keys: list[MadeKey]
    label_keys: list[LabelKeys]
    columns_to_add: list[str]
    obstacles: list[str]
    failures: Annotated[
        list[str], Meta(description="The minimums that the join would miss, one sentence each.")
    ]


class ReportTotals(TypedDict):
    """What the tables of a batch add up to."""

    tables: Count
    ok_tables: Count
    failed_tables: Count
    skipped_tables: Count
    input_rows: Count
    output_rows: Count
    matched_rows: Count
    missing_rows: Count


class TableSummary(TypedDict):
    """Members of a table's audit."""

    match_rate: Share
    input_rows: Count
    matched_rows: Count
    missing_rows: Count
    output_rows: Count | None
    engine: str | None


class TableError(TypedDict):
    """Why a table failed."""

    type: str
    code: str | None
    what: str
    where: str | None
    fix: str | None


class ReportTable(TypedDict):
    """One table of a batch; paths are as the manifest has them."""

    id: str
    status: Literal["ok", "failed", "skipped"]
    features: str
    labels: list[str] | None
    ratings: Annotated[
        list[str] | None, Meta(description="Files of single ratings instead of labels.")
    ]
    out: str
    audit_json: str | None
    options: dict[str, Any]
    summary: TableSummary | None
    error: TableError | None


class BatchReport(TypedDict):
    """What `labeljoin batch` did with each table of a manifest (ADR-0675).

    Only files carry the run record.
    """

    schema: Literal["mos-label-materializer-batch-v1"]
    status: Literal["ok", "failed"]
    manifest: str
    summary: ReportTotals
    tables: Annotated[list[ReportTable], Meta(min_length=1)]
    run_provenance: NotRequired[RunRecord]
    content_sha256: NotRequired[ContentDigest]
