"""The validation of a head (``mos-head-validation-v1``)."""

from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta

from moshead.documents.shared import (
    BaselineDocument,
    ContentDigest,
    CorpusDocument,
    Count,
    Counts,
    GateDocument,
    RunRecord,
    Sha256,
    Status,
    WorthDocument,
)

SCHEMA: Literal["mos-head-validation-v1"] = "mos-head-validation-v1"


class CoverageDocument(TypedDict):
    """Coverage of the prediction intervals."""

    alpha: float
    covered: Annotated[float, Meta(description="Share of ratings inside.")]
    guaranteed: Annotated[float, Meta(description="Least coverage of exchangeable clips.")]
    mean_width: Annotated[float, Meta(description="MOS.")]


class ValidationDocument(TypedDict):
    """The gate's verdict on a head, on labelled rows that did not train it."""

    schema: Literal["mos-head-validation-v1"]
    id: Annotated[str, Meta(description="Name of the head.")]
    onnx: Annotated[str, Meta(description="The ONNX file as given.")]
    sha256: Sha256
    head_status: Annotated[Status, Meta(description="Status that training gave the head.")]
    feature_schema: str
    feature_tables: Annotated[list[str], Meta(description="Labelled tables as given.")]
    split: Annotated[
        str | None, Meta(description="Split that was judged; null if the tables have no splits.")
    ]
    rows: Count
    clips: Count
    labels_dropped: Annotated[Counts, Meta(description="Rows dropped, by reason.")]
    fill: NotRequired[dict[str, float]]
    imputed: NotRequired[Counts]
    worth: NotRequired[
        Annotated[WorthDocument | None, Meta(description="Null if no column could be judged.")]
    ]
    baselines: Annotated[
        list[BaselineDocument] | None,
        Meta(
            description="Second opinions and the best single column of training on these rows, the "
            "best first."
        ),
    ]
    training_baselines: NotRequired[
        Annotated[
            list[BaselineDocument] | None,
            Meta(
                description="Baselines of training, from the manifest beside the head; null "
                "without a manifest."
            ),
        ]
    ]
    bias: Annotated[float, Meta(description="Mean of predicted - rated, MOS.")]
    intervals: Annotated[
        CoverageDocument | None,
        Meta(
            description="Coverage of the prediction intervals on these rows; null if the head has "
            "no intervals."
        ),
    ]
    gate: GateDocument
    corpora: NotRequired[
        Annotated[
            list[CorpusDocument],
            Meta(description="The head on the rows of each corpus; empty if no row names one."),
        ]
    ]
    run_provenance: NotRequired[RunRecord]
    content_sha256: NotRequired[ContentDigest]
