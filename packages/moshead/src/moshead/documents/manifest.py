"""The manifest of a head (``mos-head-manifest-v1``)."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from moshead.documents.shared import (
    BaselineDocument,
    ContentDigest,
    ControlDocument,
    CorpusDocument,
    Count,
    Counts,
    GateDocument,
    IntervalMethod,
    Number,
    RunRecord,
    Sha256,
    WorthDocument,
)

SCHEMA = "mos-head-manifest-v1"

OPEN = ("CorpusFacts", "FoldsDocument", "GateDocument", "TrainingRecipe")
"""Parts that may have more members: families of heads and recipes add their own."""


class MosSummary(TypedDict):
    """Range, mean and standard deviation of some MOS."""

    min: float
    mean: float
    max: float
    std: float


class IntervalsDocument(TypedDict):
    """Prediction intervals that the ONNX file holds."""

    method: IntervalMethod
    folds: Annotated[int, Meta(ge=1)]
    residuals: Annotated[Count, Meta(description="Held-out residuals.")]
    residual_quantiles: Annotated[
        dict[str, float],
        Meta(
            description="By alpha: the residual at the CV+ rank, MOS; about half an interval's "
            "width."
        ),
    ]
    guaranteed_coverage: Annotated[
        dict[str, float],
        Meta(
            description="By alpha: least coverage of exchangeable clips (Barber et al. 2021, "
            "theorem 4)."
        ),
    ]


class TrainingRecipe(TypedDict):
    """How the head was trained; each family adds its own members."""

    n_rows: Annotated[Count, Meta(description="Rows that the shipped head was trained on.")]
    smoke: Annotated[bool, Meta(description="Whether the rows were synthetic.")]


class CorpusFacts(TypedDict):
    """The rows that the head was trained on."""

    kind: Literal["real", "smoke", "synthetic-fallback"]
    clips: Annotated[Count, Meta(description="Distinct clip keys.")]
    groups: Annotated[
        Count | None, Meta(description="Distinct groups; null without a group column.")
    ]
    labels_dropped: Annotated[Counts, Meta(description="Rows dropped, by reason.")]
    mos: MosSummary


class FoldsDocument(TypedDict):
    """How the rows were split."""

    kind: str
    k: Count
    sizes: list[dict[str, Any]]
    seed: NotRequired[int | None]


class MeanScores(TypedDict):
    """Mean scores over folds; null if one does not exist."""

    mean_plcc: Number
    mean_srocc: Number
    mean_rmse: Number


class ContentsDocument(TypedDict):
    """Clips that look like versions of one content, and the scores with whole contents held out."""

    source: Literal["column", "keys"]
    column: str | None
    rule: Annotated[str, Meta(description="How the content follows from the key.")]
    groups: Annotated[int, Meta(ge=1)]
    clips: Annotated[int, Meta(ge=1)]
    nearest_share: Annotated[
        float,
        Meta(description="Share of clips whose nearest training row is of the same content."),
    ]
    chance: float
    example: Annotated[
        list[str], Meta(description="Two clips of one content.", min_length=2, max_length=2)
    ]
    sentence: str
    ungrouped: MeanScores
    grouped: MeanScores


class MapDocument(TypedDict):
    """A monotone map: straight lines between knots, and beyond the outer ones."""

    x: Annotated[list[float], Meta(description="Knots, ascending.", min_length=2)]
    y: Annotated[list[float], Meta(description="Values there, in MOS.", min_length=2)]


class RecalibrationFigures(TypedDict):
    """Predictions of the new corpus against its ratings; null if a number does not exist."""

    plcc: Number
    srocc: Number
    rmse: Number
    bias: Annotated[Number, Meta(description="Mean of predicted - rated, MOS.")]
    covered: Annotated[Number, Meta(description="Share of ratings inside the intervals.")]
    mean_width: Number


class CurvePointDocument(TypedDict):
    """What so many labels bring, over random subsamples judged on the labels that they leave."""

    labels: Count
    rmse: Number
    low: Annotated[Number, Meta(description="2.5th percentile over subsamples.")]
    high: Annotated[Number, Meta(description="97.5th percentile.")]


class ParentDocument(TypedDict):
    """The head that another was made from."""

    id: str
    sha256: Sha256
    status: Literal["Accepted", "Proposed"]


class RecalibrationDocument(TypedDict):
    """How a head was made from another, or from a score column, with a few labels."""

    parent: Annotated[ParentDocument | None, Meta(description="Null for a score column.")]
    score: Annotated[str | None, Meta(description="The score column; null for a head.")]
    labels: Count
    map: MapDocument
    alpha: float
    before: Annotated[
        RecalibrationFigures | None,
        Meta(description="The parent on the new rows; null for a score column."),
    ]
    after: Annotated[
        RecalibrationFigures, Meta(description="Each row by a map that had not seen it.")
    ]
    curve: Annotated[list[CurvePointDocument], Meta(description="Learning curve.")]
    curve_sentence: str


class AlignmentDocument(TypedDict):
    """How the MOS scales of several corpora were aligned."""

    kind: Literal["linear", "monotone"]
    reference: Annotated[str, Meta(description="The corpus whose scale the head has.")]
    maps: Annotated[
        dict[str, MapDocument], Meta(description="From the head's scale to that of each corpus.")
    ]
    doubts: Annotated[list[str], Meta(description="Why an alignment may not be identifiable.")]


class AwayDocument(TypedDict):
    """A head of all other corpora, on one corpus; null if a number does not exist."""

    name: str
    trained_on: list[str]
    rows: Count
    plcc: Number
    srocc: Number
    rmse: Number
    bias: Annotated[Number, Meta(description="Mean of predicted - rated, MOS.")]
    covered: Annotated[Number, Meta(description="Share of ratings inside the 90 % intervals.")]
    mean_width: Number
    in_domain: Annotated[Number, Meta(description="Share of rows called like the training rows.")]
    covered_in_domain: Annotated[Number, Meta(description="Share of ratings inside, among them.")]
    covered_without_bias: Annotated[
        Number, Meta(description="The same, with the bias taken from every prediction.")
    ]
    flagged_ratio: Annotated[
        Number,
        Meta(
            description="With intervals of one width: share of foreign rows among rows whose "
            "interval fails, over that among the others."
        ),
    ]
    baselines: Annotated[
        list[BaselineDocument], Meta(description="Trained on the others too, the best first.")
    ]


class ManifestDocument(TypedDict):
    """What a head is, what trained it, the gate's verdict, and the run record of its training."""

    schema: Literal["mos-head-manifest-v1"]
    id: Annotated[str, Meta(description="Name of the head.")]
    kind: Literal["mos-head"]
    onnx: Annotated[
        str | None,
        Meta(
            description="The ONNX file, relative to the manifest's folder if it is in or below it; "
            "null if no file was exported."
        ),
    ]
    card: NotRequired[Annotated[str, Meta(description="The card, in the same form.")]]
    sha256: Sha256 | None
    opset: Annotated[Count | None, Meta(description="ONNX opset.")]
    operators: NotRequired[
        Annotated[
            list[str] | None,
            Meta(description="Operator types of the graph, at any depth, sorted."),
        ]
    ]
    feature_schema: Annotated[str, Meta(description="Id of the feature schema.")]
    feature_order: Annotated[
        list[str], Meta(description="Feature columns in input order.", min_length=1)
    ]
    feature_mean: Annotated[
        list[float], Meta(description="Training mean of each feature, in that order.")
    ]
    feature_std: Annotated[
        list[Annotated[float, Meta(gt=0)]],
        Meta(description="Training standard deviation, 1 for a constant feature."),
    ]
    feature_clip: NotRequired[
        Annotated[Number, Meta(description="Bound of the z-scores; null without a bound.")]
    ]
    imputation: Annotated[
        dict[str, float],
        Meta(
            description="Value of each feature in place of one that is not finite: the training "
            "median, or a number beyond the training range if the head has an indicator for "
            "missing values."
        ),
    ]
    fill: Annotated[
        dict[str, Annotated[float, Meta(ge=0, le=1)]],
        Meta(description="Share of rows filled, for each column that the schema allows to fill."),
    ]
    encoder_vocab: Annotated[list[str], Meta(description="Slots of encoder_onehot.", min_length=1)]
    encoder_vocab_version: Count
    mos_range: Annotated[list[float], Meta(extra_json_schema={"const": [1, 5]})]
    n_nets: NotRequired[Annotated[int, Meta(description="Nets averaged in the graph.", ge=1)]]
    n_parameters: Annotated[Count, Meta(description="Trained numbers of all nets.")]
    intervals: NotRequired[
        Annotated[
            IntervalsDocument | None,
            Meta(
                description="Prediction intervals that the ONNX file holds; null if no row was "
                "held out."
            ),
        ]
    ]
    training_recipe: TrainingRecipe
    corpus: CorpusFacts
    folds: FoldsDocument
    seeds: Annotated[list[int], Meta(description="Seeds of weights and shuffling.")]
    out_of_fold: NotRequired[MosSummary]
    gate: GateDocument
    control: ControlDocument | None
    contents: ContentsDocument | None
    corpora: NotRequired[
        Annotated[
            list[CorpusDocument],
            Meta(description="The head on the rows of each corpus; empty if no row names one."),
        ]
    ]
    worth: NotRequired[
        Annotated[WorthDocument | None, Meta(description="Null if no baseline was measured.")]
    ]
    baselines: NotRequired[
        Annotated[
            list[BaselineDocument],
            Meta(description="Baselines on the folds that judged the head, the best first."),
        ]
    ]
    alignment: NotRequired[
        Annotated[AlignmentDocument | None, Meta(description="Null if no scale was aligned.")]
    ]
    away: NotRequired[
        Annotated[
            list[AwayDocument],
            Meta(description="Each corpus left out in turn; empty if that was not asked for."),
        ]
    ]
    recalibration: NotRequired[
        Annotated[RecalibrationDocument, Meta(description="Only of a recalibrated head.")]
    ]
    notes: NotRequired[Annotated[list[str], Meta(description="Sentences that belong to the head.")]]
    run_provenance: RunRecord
    content_sha256: ContentDigest
