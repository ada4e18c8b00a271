"""Types that several documents have."""

from typing import Annotated, Literal, NotRequired, TypedDict

from labeljoin.facts import ContentDigest as ContentDigest
from labeljoin.facts import Count as Count
from labeljoin.facts import RunRecord as RunRecord
from msgspec import Meta

Counts = dict[str, Count]
Number = float | None
"""A measured number; null if it does not exist."""

Sha256 = Annotated[
    str, Meta(description="SHA-256, lower-case hexadecimal.", pattern="^[0-9a-f]{64}$")
]
Status = Literal["Accepted", "Proposed"]
IntervalMethod = Literal["cv+", "split"]
Ends = Annotated[
    list[Number],
    Meta(
        description="Lower and upper end of a 95 % interval; null if there is no interval.",
        min_length=2,
        max_length=2,
    ),
]


class FoldScoreDocument(TypedDict):
    """One net on the rows that it had not seen; null if a number does not exist."""

    fold: Count
    seed: Count
    rows: Count
    plcc: Number
    srocc: Number
    rmse: Number
    krocc: Number
    mapped_plcc: Number


class GateDocument(TypedDict):
    """The verdict and every number that it rests on; null if a number does not exist."""

    status: Status
    passed: Annotated[bool, Meta(description="Whether all thresholds are met.")]
    kind: Literal["production-flip", "smoke-surrogate", "held-out"]
    thresholds: dict[str, float]
    mean_plcc: Annotated[
        Number,
        Meta(description="Mean over folds and seeds of Pearson's correlation, raw predictions."),
    ]
    mean_srocc: Annotated[
        Number, Meta(description="The same of Spearman's, average ranks for ties.")
    ]
    mean_rmse: Annotated[Number, Meta(description="The same of the root mean squared error, MOS.")]
    plcc_spread: Annotated[
        Number,
        Meta(description="Max - min over seeds of the fold-averaged PLCC; null for one head."),
    ]
    fold_plcc_spread: Annotated[
        Number, Meta(description="Max - min over folds of the seed-averaged PLCC; not gated.")
    ]
    ci: Annotated[
        dict[str, Ends], Meta(description="95 % bootstrap interval of each number, by its name.")
    ]
    label_noise_ceiling: Annotated[
        Number,
        Meta(
            description="Highest PLCC that perfect predictions would measure against these labels."
        ),
    ]
    misses: Annotated[
        list[str], Meta(description="One sentence for each threshold that was missed.")
    ]
    sentence: Annotated[str, Meta(description="The verdict in words.")]
    fold_scores: Annotated[list[FoldScoreDocument], Meta(description="Every fold by seed.")]
    label_noise_ceiling_ci: NotRequired[
        Annotated[
            Annotated[list[Number], Meta(min_length=2, max_length=2)] | None,
            Meta(description="Its 95 % interval; nulls below 20 clips."),
        ]
    ]
    label_noise_basis: NotRequired[
        Annotated[
            str | None,
            Meta(
                description="What the standard errors of the labels rest on, and what that assumes."
            ),
        ]
    ]
    mean_krocc: NotRequired[Annotated[Number, Meta(description="Mean of Kendall's tau.")]]
    mean_mapped_plcc: NotRequired[
        Annotated[Number, Meta(description="Mean PLCC after a logistic mapping (VQEG).")]
    ]
    outlier_ratio: NotRequired[
        Annotated[Number, Meta(description="ITU-T P.1401, if labels have standard errors.")]
    ]
    partitions: NotRequired[
        Annotated[
            dict[str, Number],
            Meta(description="PLCC of other fold partitions, by their seed."),
        ]
    ]
    partition_plcc_spread: NotRequired[Annotated[Number, Meta(description="Max - min of those.")]]
    ci_unit: NotRequired[Annotated[str, Meta(description="What the bootstrap draws.")]]
    rows_per_fold: NotRequired[Number]
    spread_clips_needed: NotRequired[
        Annotated[
            Number,
            Meta(
                description="Clips a fold at which sampling noise alone fits in the spread "
                "threshold."
            ),
        ]
    ]
    mos_sd: NotRequired[
        Annotated[Number, Meta(description="Mean standard deviation of the MOS of a fold.")]
    ]
    rmse_over_mos_sd: NotRequired[
        Annotated[
            Number,
            Meta(
                description="Mean RMSE divided by it; 1 is no better than predicting the mean MOS."
            ),
        ]
    ]
    units: NotRequired[Annotated[Count, Meta(description="Clips or groups that were judged.")]]


class EvidenceDocument(TypedDict):
    """Rows, keys or columns that carry a leak."""

    kind: Literal["rows", "copies", "keys", "column"]
    text: str
    rows: Count
    names: Annotated[list[str], Meta(description="Keys or columns.")]


class ControlDocument(TypedDict):
    """Whether held-out rows have twins among their training rows, whatever their keys say."""

    kind: Annotated[
        Literal["twins", "copies", "column", "copied-label"],
        Meta(
            description="What was judged: all features, equal rows, one column, or a column that "
            "copies the MOS."
        ),
    ]
    statistic: Annotated[
        float,
        Meta(description="Standard deviations above coincidence; a correlation for copied-label."),
    ]
    bound: Annotated[float, Meta(description="Statistic from which the control fails.")]
    effect: Annotated[
        float, Meta(description="Estimated share of held-out clips with a twin.", ge=0)
    ]
    effect_bound: Annotated[float, Meta(description="Effect from which the control fails.")]
    passed: Annotated[
        bool, Meta(description="Whether the statistic or the effect is below its bound.")
    ]
    reason: Annotated[str, Meta(description="What was found, in one sentence.")]
    examined: Annotated[Count, Meta(description="Held-out rows that were examined.")]
    same: Annotated[
        float,
        Meta(description="Clips whose nearest training row has exactly the same MOS.", ge=0),
    ]
    expected: Annotated[float, Meta(description="The same by coincidence.", ge=0)]
    evidence: Annotated[list[EvidenceDocument], Meta(description="What carries the leak.")]


class DifferenceDocument(TypedDict):
    """PLCC of the head minus that of the baseline, with its paired 95 % bootstrap interval."""

    plcc: Number
    low: Number
    high: Number


class ContaminationDocument(TypedDict):
    """Whether the column's scorer was trained on the judged corpus."""

    status: Literal["contaminated", "possible", "clean", "unknown"]
    sentence: str


class MappingDocument(TypedDict):
    """A mapping m(x) = low + (high - low) / (1 + exp(-(direction x - centre) / width)).

    Its ``tilt`` (direction x - centre) is added, so that no two scores merge where it is flat.
    """

    direction: Annotated[
        Literal[1, -1], Meta(description="1 if higher scores mean better quality.")
    ]
    low: Annotated[float, Meta(description="MOS.")]
    high: Annotated[float, Meta(description="MOS; the slope of a line.")]
    centre: float
    width: Annotated[Number, Meta(description="Null for a line, low + high direction x.")]
    tilt: float


class BaselineDocument(TypedDict):
    """A baseline on the rows that judged the head."""

    name: str
    kind: Literal["column", "regressor"]
    column: Annotated[
        str | None,
        Meta(
            description="The column, or the one that was chosen in most folds; null for a "
            "regressor."
        ),
    ]
    plcc: Number
    srocc: Number
    rmse: Number
    bias: NotRequired[Annotated[Number, Meta(description="Mean of predicted - rated, MOS.")]]
    difference: DifferenceDocument
    contamination: Annotated[
        ContaminationDocument | None, Meta(description="Null if it is no second opinion.")
    ]
    settings: Annotated[str, Meta(description="How it was fitted, in one sentence.")]
    mapping: NotRequired[
        Annotated[
            MappingDocument | None,
            Meta(
                description="From the column to MOS, fitted to all training rows; null for a "
                "regressor."
            ),
        ]
    ]


class WorthDocument(TypedDict):
    """What the head is worth beside its baselines."""

    sentence: Annotated[str, Meta(description="The first sentence of the verdict.")]
    gained: Annotated[
        bool | None,
        Meta(
            description="Whether the head beats the best single column with an interval above 0; "
            "null if no column could be judged."
        ),
    ]
    notes: Annotated[list[str], Meta(description="What was not run, and what is in doubt.")]


class CorpusCoverage(TypedDict):
    """Coverage of the prediction intervals on one corpus."""

    alpha: float
    covered: Annotated[float, Meta(description="Share of ratings inside.")]
    mean_width: Annotated[float, Meta(description="MOS.")]


class CorpusDocument(TypedDict):
    """A head on the held-out rows of one corpus; null if a number does not exist."""

    name: Annotated[str, Meta(description="The corpus; (no corpus) for rows that name none.")]
    rows: Count
    plcc: Annotated[Number, Meta(description="Mean over folds and seeds, as for all rows.")]
    srocc: Number
    rmse: Number
    plcc_spread: Annotated[Number, Meta(description="Over seeds; null for one head.")]
    bias: Annotated[float, Meta(description="Mean of predicted - rated, MOS.")]
    passed: Annotated[bool, Meta(description="Whether this corpus meets all thresholds.")]
    misses: list[str]
    ci: Annotated[dict[str, Ends], Meta(description="95 % interval of each number, by its name.")]
    label_noise_ceiling: Number
    control: Annotated[
        ControlDocument | None,
        Meta(description="The twin control among these rows; null if it was not needed."),
    ]
    coverage: Annotated[
        CorpusCoverage | None, Meta(description="Of prediction intervals; null without any.")
    ]
    baselines: NotRequired[
        Annotated[
            list[BaselineDocument],
            Meta(description="The baselines on these rows, the best first."),
        ]
    ]
