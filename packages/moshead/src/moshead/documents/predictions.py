"""The record of predictions (``mos-predictions-v1``)."""

from typing import Annotated, Literal, TypedDict

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
    head: Annotated[HeadFacts | None, Meta(description="Null for vmaf-linear.")]
    intervals: Annotated[PredictionIntervals | None, Meta(description="Null without intervals.")]
    imputed: Annotated[Counts, Meta(description="Rows by feature that took the training median.")]
    filled: Annotated[
        Counts, Meta(description="Rows by feature that took the schema's fill value.")
    ]
    warnings: list[str]
    run_provenance: RunRecord
    content_sha256: ContentDigest
