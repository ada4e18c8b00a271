"""The audit (``signal-mix-audit-v1``), typed."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from labeljoin.facts import ContentDigest, Count, RunRecord, Share  # noqa: TC002
from msgspec import Meta

SCHEMA = "signal-mix-audit-v1"

Need = Literal["reference", "hdr", "encode", ""]
Health = Literal["healthy", "mostly_non_finite", "constant", "flat"]
Status = Literal["covered", "weak", "missing"]
Direction = Literal["higher", "lower"]
DirectionSource = Literal["registry", "metadata", "option", "correlation", "undetermined"]
BlockKind = Literal["family", "scorer", "feature_set", "second_opinions", "redundant"]
ComparisonKind = Literal[
    "full_reference_people",
    "full_reference_second_opinion",
    "second_opinion_people",
    "second_opinions",
    "table_people",
]
StepKind = Literal["fix", "add", "keep", "thin", "look", "later"]

Number = float | None
Correlation = Annotated[float, Meta(ge=-1, le=1)] | None
Interval = Annotated[
    list[Number],
    Meta(
        description="Lower and upper end of a 95 % interval; both null if there is no interval.",
        min_length=2,
        max_length=2,
    ),
]


class FamilyDocument(TypedDict):
    """One family of quality questions, without its patterns."""

    key: str
    name: str
    question: str
    needs: Need
    context: bool
    candidates: list[str]
    recommendation: str


class Thresholds(TypedDict):
    """The thresholds of the audit."""

    redundancy: Share
    complement: Share
    min_finite_ratio: Share


class Sampling(TypedDict):
    """Which rows were read."""

    method: Literal["all", "sample"]
    seed: int


class FamilyStatus(TypedDict):
    """How well the columns of a table answer one family's question."""

    status: Status
    matched_columns: list[str]
    healthy_columns: list[str]


class ColumnStats(TypedDict):
    """Health and summary of one column."""

    health: Health
    kind: Literal["number", "category"]
    finite_ratio: Share
    mean: NotRequired[Number]
    std: NotRequired[Number]
    min: NotRequired[Number]
    p05: NotRequired[Number]
    median: NotRequired[Number]
    p95: NotRequired[Number]
    max: NotRequired[Number]
    most_common_share: NotRequired[Number]
    distinct: NotRequired[Count]


class DecidedDirection(TypedDict):
    """Which direction of a column is better, and what decided it."""

    direction: Direction | None
    source: DirectionSource
    disagrees: Annotated[
        list[DirectionSource], Meta(description="Sources that state the opposite direction.")
    ]


class TargetCorrelation(TypedDict):
    """Correlation of one signal with the target."""

    column: str
    family: str
    pearson: Correlation
    spearman: Correlation
    pearson_ci: Interval
    spearman_ci: Interval
    rows: Count


class RedundantPair(TypedDict):
    """Two columns that carry the same information."""

    left: str
    right: str
    left_family: str
    right_family: str
    pearson: Correlation
    spearman: Correlation
    rows: Count


class Cluster(TypedDict):
    """Columns that redundant pairs connect."""

    columns: list[str]
    representative: str
    weakest_pair: Annotated[
        Correlation, Meta(description="The lowest |Spearman| between two of its columns.")
    ]


class ComplementaryPair(TypedDict):
    """Two columns that both follow the target and differ from each other."""

    left: str
    right: str
    left_family: str
    right_family: str
    pearson: Correlation
    left_target_r: Correlation
    right_target_r: Correlation
    joint_r: Annotated[Correlation, Meta(description="Multiple correlation with the target.")]
    joint_gain: Number


class SaturationEnd(TypedDict):
    """One end of a column's scale, and how much the target still varies there."""

    column: str
    end: Literal["ceiling", "floor"]
    edge: float
    share: Share
    rows: Count
    target_std_inside: float
    target_std: float
    spread_ratio: float
    target_p05_inside: float
    target_p95_inside: float
    saturated: bool


class GroupAgreement(TypedDict):
    """How well two rankings agree within one group of rows."""

    group: str | None
    rows: Count
    spearman: Correlation
    mean_gap: Share


class RankedClip(TypedDict):
    """A clip that two rankings place far apart."""

    key: str
    left_percentile: Share
    right_percentile: Share
    gap: Correlation
    left_value: Number
    right_value: Number
    target: Number


class Disagreement(TypedDict):
    """Two rankings of the same clips, compared."""

    kind: ComparisonKind
    left: str
    right: str
    rows: Count
    spearman: Correlation
    spearman_ci: Interval
    mean_gap: Annotated[Share, Meta(description="Mean absolute difference of the percentiles.")]
    groups: list[GroupAgreement]
    clips: Annotated[list[RankedClip], Meta(description="The clips furthest apart.", max_length=20)]


class ContaminationDocument(TypedDict):
    """Whether the scorer of a column was trained on the corpus of the table."""

    scorer: str
    status: Literal["contaminated", "possible", "clean", "unknown"]
    sentence: Annotated[str, Meta(description="The same for people; empty for `clean`.")]


class BlockGain(TypedDict):
    """What one block of columns adds to the rest, cross-validated."""

    block: str
    kind: BlockKind
    columns: list[str]
    contaminated_columns: Annotated[
        list[str],
        Meta(
            description="Columns whose scorers were trained on this corpus; the gain is in doubt."
        ),
    ]
    alone_plcc: Annotated[Correlation, Meta(description="PLCC of the block alone.")]
    alone_plcc_ci: Interval
    alone_srocc: Correlation
    alone_srocc_ci: Interval
    rest_plcc: Annotated[
        Correlation, Meta(description="PLCC of all other columns; null if there are no others.")
    ]
    rest_srocc: Correlation
    all_plcc: Correlation
    all_srocc: Correlation
    added_plcc: Annotated[Number, Meta(description="all_plcc minus rest_plcc.")]
    ci: Annotated[Interval, Meta(description="The 95 % interval of added_plcc.")]
    added_srocc: Number
    added_srocc_ci: Interval
    confirmed: Annotated[bool, Meta(description="Whether ci lies above zero.")]


class GainMethod(TypedDict, total=False):
    """How the gain was measured; only `omitted`, the reason, if it was not measured."""

    omitted: str
    model: Literal["ridge"]
    columns: Count
    rows: Count
    labelled_rows: Count
    sampled: bool
    folds: Count
    grouped_by: Literal["group column", "clip key", "row"]
    groups: Count
    penalties: list[float]
    seed: int
    bootstrap_draws: Count
    all_plcc: Correlation
    all_plcc_ci: Interval
    all_srocc: Correlation


class NoiseCeiling(TypedDict):
    """The highest PLCC that label noise allows, with its 95 % interval and what it rests on."""

    plcc: Share
    low: Share | None
    high: Share | None
    rows: Count
    basis: str


class Step(TypedDict):
    """One recommendation, and the rule and the numbers behind it."""

    kind: StepKind
    rule: str
    title: str
    why: str
    families: list[str]
    columns: list[str]


class TableDocument(TypedDict):
    """The audit of one table."""

    label: str
    path: Annotated[str, Meta(description="The table as given.")]
    format: str
    rows: Annotated[Count, Meta(description="Rows of the table.")]
    rows_read: Annotated[Count, Meta(description="Rows behind the statistics.")]
    sampling: Sampling
    columns: Annotated[Count, Meta(description="Columns of the table.")]
    target: str | None
    key_column: str | None
    group_column: str | None
    signal_columns: list[str]
    other_targets: list[str]
    excluded_columns: Annotated[
        dict[str, str], Meta(description="Columns that are not signals, each with the reason.")
    ]
    uncategorised_columns: Annotated[
        list[str], Meta(description="Signals that belong to no family.")
    ]
    unnamed_features: Annotated[
        dict[str, Count],
        Meta(description="Sizes of the sets of columns whose names differ only in a number."),
    ]
    families: Annotated[dict[str, FamilyStatus], Meta(description="By family key.")]
    scorers: Annotated[dict[str, str], Meta(description="The score column of each scorer.")]
    column_stats: Annotated[dict[str, ColumnStats], Meta(description="By column.")]
    directions: Annotated[
        dict[str, DecidedDirection],
        Meta(description="Which direction is better in each signal and target, and who decided."),
    ]
    target_correlations: Annotated[
        list[TargetCorrelation], Meta(description="The strongest by |Spearman| first.")
    ]
    redundant_pairs: Annotated[
        list[RedundantPair], Meta(description="At most 2,000, the strongest first.")
    ]
    redundant_pairs_total: Count
    clusters: list[Cluster]
    complementary_pairs: list[ComplementaryPair]
    saturation: list[SaturationEnd]
    disagreement: list[Disagreement]
    gain: list[BlockGain]
    gain_method: GainMethod
    label_noise_ceiling: NoiseCeiling | None
    contamination: Annotated[dict[str, ContaminationDocument], Meta(description="By score column.")]
    leak_suspects: Annotated[list[str], Meta(description="Columns that almost equal the target.")]
    warnings: list[str]
    next_steps: Annotated[
        list[Step], Meta(description="What to do, the most important step first.")
    ]


class AuditDocument(TypedDict):
    """What `signalaudit report` found in one or more feature tables (ADR-0650).

    Coverage of families, redundancy, saturation, disagreement and gain. Files carry the run
    record; the document that `signalaudit.audit` returns does not.
    """

    schema: Literal["signal-mix-audit-v1"]
    families: list[FamilyDocument]
    thresholds: Thresholds
    rules: Annotated[
        dict[str, str], Meta(description="The rules that the next steps follow, by name.")
    ]
    tables: list[TableDocument]
    run_provenance: NotRequired[RunRecord]
    content_sha256: NotRequired[ContentDigest]
