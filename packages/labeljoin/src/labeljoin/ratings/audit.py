"""The audit of MOS made from ratings (``mos-ratings-v1``), as one typed document."""

from __future__ import annotations

from typing import Any

import msgspec

RATINGS_SCHEMA = "mos-ratings-v1"


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the audit."""


class CountedNames(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many there are of something, and the first by name."""

    count: int
    sample: list[str]


class RatingSource(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of ratings."""

    path: str
    layout: str
    entries: int
    columns: dict[str, str | None]


class ScaleFacts(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The scale of the votes, and why."""

    scale: str | None
    decided_by: str
    evidence: str
    low: float | None
    high: float | None


class Spread(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Least, median, mean and most of a count."""

    least: int
    median: float
    mean: float
    most: int


class RepeatedVotes(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Further votes of one rater on one clip."""

    count: int
    handled: str | None
    ordered_by: str | None


class LeftOut(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Clips that have votes and get no MOS, by reason."""

    below_min_ratings: CountedNames
    all_raters_rejected: CountedNames


class Fit(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fit of the rater model (P.910)."""

    likelihood: str
    iterations: int
    change: float
    converged: bool
    floored_raters: CountedNames
    pooled_raters: CountedNames


class RaterRemark(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rater that stands out."""

    rater: str
    remark: str


class RaterFacts(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of the raters."""

    count: int
    rejected: list[RaterRemark]
    rejected_count: int
    unusual: list[RaterRemark]
    unusual_count: int


class Differential(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was left out on the way to differential votes."""

    reference_column: str
    clips_without_reference: CountedNames
    votes_without_reference: CountedNames


class Sos(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The SOS parameter (Hossfeld 2011) with its 95 % interval."""

    a: float
    low: float | None
    high: float | None
    clips: int


class NoiseCeiling(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The PLCC that perfect predictions would measure against these MOS, with its interval."""

    plcc: float
    low: float | None
    high: float | None
    clips: int


class AgainstMean(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the method's MOS differ from the plain mean of all votes."""

    plcc: float | None
    mean_change: float
    largest_change: float


class RatingsAudit(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """MOS made from single ratings: what was read, what was done, what the MOS are worth."""

    schema: str = RATINGS_SCHEMA
    status: str = "ok"
    method: str
    output: str | None
    out_raters: str | None
    out_html: str | None
    ratings: list[RatingSource]
    scale: ScaleFacts
    options: dict[str, str | int | None]
    entries: int
    votes: int
    blank: int
    duplicates_collapsed: int
    repeated_votes: RepeatedVotes
    off_scale_votes: CountedNames
    clips: int
    clips_without_votes: CountedNames
    clips_left_out: LeftOut
    clips_with_one_vote: CountedNames
    clips_without_spread: CountedNames
    estimates_off_scale: CountedNames
    votes_per_clip: Spread
    votes_per_rater: Spread
    raters: RaterFacts
    model: Fit | None
    differential: Differential | None
    sos: Sos | None
    noise_ceiling: NoiseCeiling | None
    against_mean: AgainstMean

    def to_dict(self) -> dict[str, Any]:
        """The document as JSON values."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built


def ratings_schema() -> dict[str, Any]:
    """The published JSON Schema of the audit, made of the types that write it.

    Examples:
        >>> ratings_schema()["$id"]
        'mos-ratings-v1.json'
    """
    schema = msgspec.json.schema(RatingsAudit)
    definitions: dict[str, Any] = schema["$defs"]
    root = definitions.pop("RatingsAudit")
    properties: dict[str, Any] = root["properties"]
    properties["schema"] = {"const": RATINGS_SCHEMA}
    properties["status"] = {"const": "ok"}
    properties["run_provenance"] = {"$ref": "ai-run-provenance-v1.json"}
    properties["content_sha256"] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    required = list(RatingsAudit.__struct_fields__)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{RATINGS_SCHEMA}.json",
        "title": "MOS from ratings",
        "description": "What `labeljoin ratings` read, what it did, and what its MOS are worth.",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
        "$defs": definitions,
    }
