"""The comparison of two audits (``signal-mix-audit-diff-v1``), typed."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from labeljoin.facts import ContentDigest, Count, RunRecord  # noqa: TC002
from msgspec import Meta

from signalaudit.documents.audit import (  # noqa: TC001  # read when schemas are made
    BlockKind,
    Correlation,
    Interval,
    Number,
    Status,
)

DIFF_SCHEMA = "signal-mix-audit-diff-v1"

GainVerdict = Literal["confirmed", "not_confirmed", "lost", "removed"]


class CountChange(TypedDict):
    """A count before and after."""

    before: Count
    after: Count


class NameChange(TypedDict):
    """A name before and after."""

    before: str | None
    after: str | None


class FamilyChange(TypedDict):
    """A family whose status changed."""

    family: str
    before: Status | None
    after: Status | None


class CorrelationChange(TypedDict):
    """A correlation before and after."""

    before: Correlation
    after: Correlation


class MovedCorrelation(TypedDict):
    """One column's correlation with the target in both audits."""

    column: str
    spearman: CorrelationChange
    pearson: CorrelationChange
    change: float
    beyond_interval: Annotated[
        bool, Meta(description="Whether the later value lies outside the earlier 95 % interval.")
    ]


class PlccChange(TypedDict):
    """The PLCC of all signals together in both audits."""

    before: Number
    after: Number
    change: Number


class GainSummary(TypedDict):
    """The gain of one block in one audit."""

    added_plcc: Number
    ci: Interval
    alone_plcc: Correlation
    confirmed: bool


class GainChange(TypedDict):
    """The gain of one block in both audits."""

    block: str
    kind: BlockKind
    before: GainSummary | None
    after: GainSummary | None
    verdict: GainVerdict


class TableDiff(TypedDict):
    """One table in both audits."""

    label: str
    label_before: str
    comparable: Annotated[
        bool,
        Meta(
            description="Whether both audits have the same target; if not, correlations and gains "
            "are left out."
        ),
    ]
    rows: CountChange
    target: NameChange
    signals: CountChange
    families_changed: list[FamilyChange]
    coverage_gained: list[str]
    coverage_lost: list[str]
    columns_added: list[str]
    columns_removed: list[str]
    correlations_moved: list[MovedCorrelation]
    all_plcc: PlccChange
    gain: list[GainChange]


class DiffDocument(TypedDict):
    """What `signalaudit diff` found between an earlier and a later audit.

    Coverage gained, correlations moved, gains confirmed or not. Only files carry the run record.
    """

    schema: Literal["signal-mix-audit-diff-v1"]
    before: str
    after: str
    tables: list[TableDiff]
    tables_added: list[str]
    tables_removed: list[str]
    run_provenance: NotRequired[RunRecord]
    content_sha256: NotRequired[ContentDigest]
