"""The comparison as one typed document (``mos-comparison-v1``).

These definitions write the JSON and yield its published JSON Schema.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from moshead.documents.shared import ContentDigest, RunRecord

SCHEMA: Literal["mos-comparison-v1"] = "mos-comparison-v1"

Number = float | None
Interval = Annotated[
    tuple[Number, Number],
    Meta(description="Ends of a 95 % interval; null if there is no interval."),
]


class Figures(Struct, kw_only=True):
    """Statistics of one candidate; null where one does not exist."""

    plcc: Annotated[Number, Meta(description="Pearson's correlation.")]
    srocc: Annotated[Number, Meta(description="Spearman's rank correlation.")]
    krocc: Annotated[Number, Meta(description="Kendall's tau-b.")]
    rmse: Annotated[Number, Meta(description="Root mean square error, MOS.")]
    rmse_star: Annotated[
        Number,
        Meta(
            description="RMSE of what exceeds the raters' confidence interval (ITU-T P.1401), MOS; "
            "null where the table has no rating counts and deviations."
        ),
    ]
    outlier_ratio: Annotated[
        Number,
        Meta(
            description="Share of clips outside the raters' confidence interval, by Student's t "
            "(ITU-T P.1401); null as rmse_star."
        ),
    ]


class Intervals(Struct, kw_only=True):
    """95 % bootstrap intervals over clips or groups."""

    plcc: Interval
    srocc: Interval
    rmse: Interval


class Contaminated(Struct, kw_only=True):
    """Whether the scorer behind a column was trained on the judged corpus."""

    status: Literal["contaminated", "possible", "clean", "unknown"]
    sentence: str


class CandidateFigures(Figures, kw_only=True):
    """One candidate: the mean over folds, or the median over splits, of its figures."""

    name: str
    kind: Literal["model", "column", "out-of-fold", "regressor"]
    ci: Intervals
    detail: Annotated[str, Meta(description="What it is and how it was fitted, in one sentence.")]
    columns: Annotated[list[str], Meta(description="The columns that it reads, where known.")]
    missing: Annotated[
        float, Meta(description="Share of its values that were missing and took the median.")
    ]
    contamination: Contaminated | None
    contaminated_columns: Annotated[
        list[str],
        Meta(description="Columns that it reads whose scorers were trained on the judged corpus."),
    ]


class DifferenceFigures(Struct, kw_only=True):
    """A paired difference a - b with its bootstrap interval and p values."""

    difference: Number
    low: Number
    high: Number
    p: Annotated[Number, Meta(description="Two-sided, of the difference being 0.")]
    p_holm: Annotated[Number, Meta(description="The same, adjusted for all pairs (Holm 1979).")]


class ZouInterval(Struct, kw_only=True):
    """Interval of a difference of two PLCC on the same clips (Zou 2007)."""

    difference: Number
    low: Number
    high: Number
    r12: Annotated[Number, Meta(description="Correlation of the two predictors.")]
    clips: int


class Pair(Struct, kw_only=True):
    """Two candidates on the same clips."""

    a: str
    b: str
    plcc: DifferenceFigures
    srocc: DifferenceFigures
    rmse: DifferenceFigures
    zou: Annotated[ZouInterval | None, Meta(description="Null where clips share groups or repeat.")]


class CorpusFigures(Struct, kw_only=True):
    """The comparison on the rows of one corpus."""

    name: str
    rows: int
    candidates: list[CandidateFigures]
    bias: Annotated[
        dict[str, Number], Meta(description="Mean of predicted - rated, MOS, by candidate.")
    ]
    pairs: list[Pair]


class ProtocolFacts(Struct, kw_only=True):
    """How the candidates were judged."""

    kind: Literal["folds", "splits"]
    folds: Annotated[int | None, Meta(description="Folds; null for splits.")]
    splits: Annotated[int | None, Meta(description="Random splits; null for folds.")]
    test_share: Number
    seed: int | None
    seeds: Annotated[list[int], Meta(description="Seeds of candidates that have randomness.")]
    unit: Annotated[str, Meta(description="What never straddles folds and what is resampled.")]
    units: int
    rows: int
    mapping: Literal["training", "held-out"]
    statistic: Literal["mean", "median"]
    resamples: int
    source: str


class Requirement(Struct, kw_only=True):
    """What ``--require-better`` asked for."""

    better: str
    than: str
    passed: bool
    sentence: str


class ComparisonDocument(Struct, kw_only=True):
    """Candidates compared on the same clips and folds; written by `moshead compare`."""

    schema: Literal["mos-comparison-v1"]
    sentence: Annotated[str, Meta(description="The result in one sentence.")]
    feature_tables: list[str]
    corpora_judged: Annotated[
        list[str], Meta(description="Names of the corpora of the rows, where the tables say.")
    ]
    protocol: ProtocolFacts
    candidates: list[CandidateFigures]
    pairs: list[Pair]
    reference: str | None
    requirement: Requirement | None
    corpora: list[CorpusFigures]
    labels_dropped: dict[str, int]
    notes: list[str]
    run_provenance: RunRecord | UnsetType = UNSET
    content_sha256: ContentDigest | UnsetType = UNSET


def plain(document: ComparisonDocument) -> dict[str, Any]:
    """The document as JSON values."""
    built: dict[str, Any] = msgspec.to_builtins(document)
    return built
