"""The record of predictions (``mos-predictions-v1``)."""

from typing import Annotated, Literal, NotRequired, TypedDict

from labeljoin.facts import ClipKeyFacts
from msgspec import Meta

from moshead.documents.shared import (
    ContentDigest,
    Count,
    Counts,
    IntervalMethod,
    RunRecord,
    Sha256,
    Status,
)

SCHEMA = "mos-predictions-v1"


class KeylessRows(TypedDict):
    """Rows whose value yields no clip key, by reason. They are predicted like the others."""

    count: Count
    reasons: Counts


class HeadFacts(TypedDict):
    """The head that predicted."""

    id: str
    sha256: Sha256
    status: Status
    feature_schema: str


class PredictionIntervals(TypedDict):
    """The prediction intervals."""

    method: IntervalMethod
    alpha: float
    guaranteed_coverage: Annotated[float, Meta(description="Least coverage of exchangeable clips.")]
    folds: Count
    residuals: Count


class ForeignColumn(TypedDict):
    """A feature that makes rows foreign."""

    name: str
    share_of_distance: Annotated[
        float, Meta(description="Share of the distance of the rows outside that it makes.")
    ]
    mean_z_score: Annotated[
        float, Meta(description="Mean absolute z-score of these rows; a missing value counts as 6.")
    ]
    missing: Annotated[Count, Meta(description="How many of these rows lack it.")]


class DomainDocument(TypedDict):
    """Rows that are unlike the training rows."""

    rows_outside: Count
    share: Annotated[float, Meta(description="Of all rows.", ge=0, le=1)]
    threshold: Annotated[float, Meta(description="Distance up to which a row is in the domain.")]
    expected_share: Annotated[
        float, Meta(description="Share of rows like the training rows that lie outside.")
    ]
    columns: Annotated[
        list[ForeignColumn], Meta(description="Features that add most to their distance.")
    ]


class PredictionsDocument(TypedDict):
    """The record of `moshead predict`: what predicted a table, from what, and what was missing."""

    schema: Literal["mos-predictions-v1"]
    output: Annotated[str, Meta(description="The predictions as given.")]
    feature_table: Annotated[str, Meta(description="The feature table as given.")]
    key_column: Annotated[str, Meta(description="Its key column, copied.")]
    clip_key: ClipKeyFacts
    keyless_rows: KeylessRows
    rows: Count
    source: Literal["head", "vmaf-linear"]
    scale: NotRequired[
        Annotated[
            str | None,
            Meta(
                description="Corpus whose MOS scale the predictions are on; null: the head's own."
            ),
        ]
    ]
    head: Annotated[HeadFacts | None, Meta(description="Null for vmaf-linear.")]
    intervals: Annotated[PredictionIntervals | None, Meta(description="Null without intervals.")]
    domain: NotRequired[
        Annotated[
            DomainDocument | None,
            Meta(description="Null if the head has no description of its training rows."),
        ]
    ]
    imputed: Annotated[Counts, Meta(description="Rows by feature that took the training median.")]
    filled: Annotated[
        Counts, Meta(description="Rows by feature that took the schema's fill value.")
    ]
    warnings: list[str]
    run_provenance: RunRecord
    content_sha256: ContentDigest
