"""The documents of secondopinion, typed: the audit of a join, an inspection, a batch report.

These definitions are the only ones. The code that builds a document is checked against them, and
:mod:`secondopinion.documents` makes the published JSON Schemas from them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from labeljoin.facts import (  # read when schemas are made
    ClipKeyFacts,
    ContentDigest,
    Count,
    RunRecord,
)
from msgspec import Meta

AUDIT_SCHEMA = "second-opinion-materializer-v1"
INSPECTION_SCHEMA = "second-opinion-inspection-v1"
REPORT_SCHEMA = "second-opinion-materializer-batch-v1"

Status = Literal["ok", "missing", "bad"]
Direction = Literal["higher", "lower"]
DecidedBy = Literal["file", "label", "format", "file name"]
"""Who named a scorer: the file's content, LABEL=, the layout, or the name of the file."""

Rate = Annotated[float, Meta(ge=0, le=1)]
Counts = dict[str, Count]
Range = Annotated[
    Annotated[list[float], Meta(min_length=2, max_length=2)] | None,
    Meta(description="Lowest and highest score of the scale; null if unbounded or unknown."),
]
Better = Annotated[
    Direction | None,
    Meta(description="Whether higher or lower scores mean better quality; null if unknown."),
]
NamedBy = Annotated[
    list[DecidedBy],
    Meta(
        description="Who named the scorer: the file's content, LABEL=, the layout, or the file's "
        "name.",
        min_length=1,
    ),
]
Statistic = Annotated[float | None, Meta(description="Of the finite scores; null without any.")]


class LackingRows(TypedDict):
    """Rows without an ``ok`` score, by status."""

    missing: Count
    bad: Count


class DroppedRows(TypedDict):
    """Rows left out under `--missing drop`, and the rows that lack each scorer's score.

    A row can lack several scores, so these can sum to more than `count`.
    """

    count: Count
    by_scorer: dict[str, LackingRows]


class KeylessRows(TypedDict):
    """Feature rows whose value yields no clip key; their status is `missing`."""

    count: Count
    rate: Rate
    reasons: Counts


class KeySample(TypedDict):
    """How many keys there are, and the first of them by name."""

    count: Count
    sample: Annotated[list[str], Meta(max_length=20)]


class RowsByStatus(TypedDict):
    """Feature rows by the status of their score."""

    ok: Count
    missing: Count
    bad: Count


class ScoreColumns(TypedDict):
    """The names of a scorer's columns."""

    score: str
    status: str
    runtime_ms: str
    frames: str
    source: str


class SuggestionDocument(TypedDict):
    """A change that would raise the match rate."""

    flags: dict[str, Any]
    command: Annotated[str, Meta(description="The flags to type.")]
    match_rate: Rate
    matched_feature_keys: Count
    total_feature_keys: Count
    sampled: Annotated[bool, Meta(description="Whether the numbers come from a sample.")]


class TrainingDocument(TypedDict):
    """What a scorer was trained on, as published or as `--trained-on` states."""

    corpora: Annotated[
        list[str] | None, Meta(description="Corpora of human ratings; null if unknown.")
    ]
    variants: Annotated[
        list[str], Meta(description="Corpora that published variants were trained on.")
    ]
    source: str | None


class ContaminationDocument(TypedDict):
    """Whether the corpus of the table is among them."""

    status: Literal["contaminated", "possible", "clean", "unknown"]
    sentence: str


class AuditedScorer(TypedDict):
    """One scorer of a join."""

    scorer: Annotated[str, Meta(description="The name as its file or you spell it.")]
    slug: Annotated[str, Meta(pattern="^[a-z0-9]+(_[a-z0-9]+)*$")]
    decided_by: NamedBy
    columns: ScoreColumns
    direction: Better
    direction_decided_by: Annotated[
        str | None, Meta(description="`registry`, `variant of …` or `--direction`.")
    ]
    range: Range
    trained_on: TrainingDocument
    contamination: ContaminationDocument
    scores_loaded: Annotated[Count, Meta(description="Scores in its files.")]
    scores_without_key: Annotated[
        Counts, Meta(description="Scores that yield no clip key, by reason.")
    ]
    reruns_collapsed: Annotated[
        Count, Meta(description="Identical repetitions by a rerun that appended.")
    ]
    rows: RowsByStatus
    bad_scores: Annotated[
        Counts,
        Meta(description="Bad scores of its files: by their own status, or not finite."),
    ]
    out_of_range_scores: Count
    bad_runtimes: Annotated[
        Count, Meta(description="Unusable runtimes of its files; they became null.")
    ]
    bad_frames: Annotated[
        Count, Meta(description="Unusable frame counts of its files; they became null.")
    ]
    matched_feature_keys: Annotated[
        Count, Meta(description="Unique feature clip keys with a score of any status.")
    ]
    match_rate: Rate
    unmatched_feature_keys: KeySample
    stale_score_keys: Annotated[
        KeySample, Meta(description="Scored clips that the table does not have.")
    ]
    suggestions: list[SuggestionDocument]


class ScoreFileDocument(TypedDict):
    """One score file."""

    path: str
    format: Annotated[str, Meta(description="The layout, such as `dover-csv`.")]
    format_decided_by: Literal["content", "--format"]
    label: Annotated[str | None, Meta(description="LABEL= as given with it.")]
    scorers: Annotated[list[str], Meta(description="Slugs of the scorers that it contains.")]
    scores: Count
    key_fields: Annotated[list[str], Meta(description="Members or columns that held the clip key.")]
    score_fields: Annotated[list[str], Meta(description="Members or columns that held the score.")]


class AuditDocument(TypedDict):
    """The audit of `secondopinion join` (ADR-0657, ADR-0661).

    It lists which scorers gave which scores to how many rows of a feature table, where each
    number came from, and the run record.
    """

    schema: Literal["second-opinion-materializer-v1"]
    status: Annotated[
        Literal["ok", "failed"],
        Meta(
            description="`failed` if `--missing fail` found a missing or bad score; the table was "
            "not written."
        ),
    ]
    failures: Annotated[list[str], Meta(description="Why it failed, one sentence each.")]
    min_match_rate: Rate
    feature_table: Annotated[str, Meta(description="The feature table as given.")]
    output: Annotated[str | None, Meta(description="The output as given; null if not written.")]
    feature_key_column: str
    clip_key: ClipKeyFacts
    key_normalize: Literal["auto", "raw", "basename", "stem"]
    feature_key_regex: str | None
    score_key_regex: str | None
    ignore_case: bool
    missing: Annotated[
        Literal["mark", "drop", "fail"], Meta(description="The policy for missing scores.")
    ]
    prefix: Annotated[str, Meta(description="The prefix of the added columns' names.")]
    input_rows: Count
    output_rows: Count | None
    corpora_judged: Annotated[
        list[str],
        Meta(
            description="The corpora of the feature table, if its column `corpus` or `--corpus` "
            "states them."
        ),
    ]
    dropped_rows: DroppedRows
    total_feature_keys: Annotated[Count, Meta(description="Unique clip keys of the feature table.")]
    keyless_rows: KeylessRows
    folded_feature_keys: Annotated[
        Count, Meta(description="Clip keys that several distinct feature values yield.")
    ]
    complete_rows: Annotated[Count, Meta(description="Rows with an `ok` score of every scorer.")]
    ok_scores: Annotated[Count, Meta(description="Rows times scorers with status `ok`.")]
    missing_scores: Annotated[Count, Meta(description="Rows times scorers with status `missing`.")]
    bad_scores: Annotated[Count, Meta(description="Rows times scorers with status `bad`.")]
    scorers: Annotated[list[AuditedScorer], Meta(description="Sorted by slug.")]
    score_files: Annotated[list[ScoreFileDocument], Meta(description="In the order given.")]
    columns_added: Annotated[list[str], Meta(description="In the order of the table.")]
    notes: Annotated[list[str], Meta(description="What you should know, one sentence each.")]
    engine: Annotated[
        str | None, Meta(description="How the columns were attached, such as `parquet-splice`.")
    ]
    engine_reason: Annotated[
        str | None, Meta(description="Why parquet was rewritten and not spliced.")
    ]
    run_provenance: NotRequired[RunRecord]
    content_sha256: NotRequired[ContentDigest]


class KeyExample(TypedDict):
    """What a file calls a clip, and the clip key that it becomes."""

    value: str | None
    key: str


class InspectedMatch(TypedDict):
    """What a scorer would match in the feature table."""

    rows: RowsByStatus
    matched_feature_keys: Count
    match_rate: Rate
    unmatched_feature_keys: list[str]
    stale_score_keys: list[str]
    suggestions: list[SuggestionDocument]


class InspectedScorer(TypedDict):
    """One scorer of an inspection."""

    scorer: str
    slug: str
    decided_by: NamedBy
    direction: Better
    direction_decided_by: str | None
    range: Range
    scores: Count
    clips: Count
    bad: Count
    out_of_range_scores: Count
    bad_runtimes: Count
    bad_frames: Count
    min: Statistic
    mean: Statistic
    max: Statistic
    sample_keys: list[KeyExample]
    match: Annotated[InspectedMatch | None, Meta(description="Null without a feature table.")]


class FeatureKeys(TypedDict):
    """The clip keys of the feature table."""

    rows: Count
    keys: Count
    keyless_rows: Count


class InspectionDocument(TypedDict):
    """The output of `secondopinion inspect --json`.

    Layouts, scorers and keys of score files, and what they would match.
    """

    schema: Literal["second-opinion-inspection-v1"]
    score_files: list[ScoreFileDocument]
    scorers: list[InspectedScorer]
    notes: list[str]
    feature_table: str | None
    feature_key_column: str | None
    feature_keys: FeatureKeys | None


class BatchSummary(TypedDict):
    """Totals over the tables of a batch."""

    tables: Count
    ok_tables: Count
    failed_tables: Count
    skipped_tables: Count
    input_rows: Count
    output_rows: Count
    ok_scores: Count
    missing_scores: Count
    bad_scores: Count


class TableError(TypedDict):
    """Why a table failed."""

    type: str
    code: NotRequired[str | None]
    what: str
    where: str | None
    fix: str | None


class BatchTable(TypedDict):
    """One table of a batch."""

    id: str
    status: Annotated[
        Literal["ok", "failed", "skipped"],
        Meta(description="`skipped` if `--fail-fast` ended the batch before it."),
    ]
    features: str
    scores: list[str]
    out: str
    audit_json: str | None
    options: Annotated[
        dict[str, Any], Meta(description="The join options of the table, defaults applied.")
    ]
    summary: Annotated[
        dict[str, Any] | None, Meta(description="Members of the table's audit, if it has one.")
    ]
    error: TableError | None


class BatchDocument(TypedDict):
    """The report of `secondopinion batch`: the result of each table of a manifest.

    Each finished table has its own audit (second-opinion-materializer-v1). Only files carry
    `run_provenance` and `content_sha256`.
    """

    schema: Literal["second-opinion-materializer-batch-v1"]
    status: Annotated[Literal["ok", "failed"], Meta(description="`failed` if any table failed.")]
    manifest: str
    summary: BatchSummary
    tables: list[BatchTable]
    run_provenance: NotRequired[RunRecord]
    content_sha256: NotRequired[ContentDigest]
