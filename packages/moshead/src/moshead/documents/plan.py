"""The gate plan (``mos-gate-plan-v1``)."""

from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta

SCHEMA: Literal["mos-gate-plan-v1"] = "mos-gate-plan-v1"

Share = Annotated[float, Meta(ge=0, le=1)]


class PlannedThresholds(TypedDict):
    """The thresholds that depend on the number of clips."""

    mean_plcc_min: float
    plcc_spread_max: float


class GatePlan(TypedDict):
    """What the gate asks of a corpus; written by `moshead gate-plan --json`."""

    schema: Literal["mos-gate-plan-v1"]
    plcc: Annotated[float, Meta(description="PLCC expected on clean labels.", gt=0, lt=1)]
    k_folds: Annotated[int, Meta(ge=2)]
    thresholds: PlannedThresholds
    clips_per_fold_needed: Annotated[
        int,
        Meta(
            description="Clips a fold before sampling alone keeps the range over five folds inside "
            "the spread."
        ),
    ]
    clips_needed: int
    clips_for_verdict: NotRequired[
        Annotated[
            int,
            Meta(
                description="Clips at which the 95 % interval of the PLCC lies above the threshold."
            ),
        ]
    ]
    more_ratings_per_clip: NotRequired[
        Annotated[int, Meta(description="Ratings a clip to add until the gate can be met.")]
    ]
    clips: NotRequired[int]
    clips_per_fold: NotRequired[int]
    standard_error: NotRequired[float]
    expected_fold_spread: NotRequired[float]
    reliability: NotRequired[Share]
    ceiling: NotRequired[
        Annotated[Share, Meta(description="Highest PLCC that perfect predictions measure.")]
    ]
    measured_plcc: NotRequired[float]
    ratings_needed: NotRequired[int]
    can_pass: bool
    sentences: list[str]
