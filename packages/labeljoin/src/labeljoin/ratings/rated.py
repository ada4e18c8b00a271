"""The result of estimating MOS from single ratings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from labeljoin.ratings import audit as documents
    from labeljoin.ratings.methods.estimates import Estimate
    from labeljoin.ratings.methods.raters import Remarks
    from labeljoin.ratings.methods.sos import SosFit
    from labeljoin.ratings.reading.collection import Collection
    from labeljoin.ratings.votes import Floats, Votes


@dataclass(frozen=True)
class RatedClips:
    """MOS made from ratings.

    Attributes:
        clips: One row a clip, sorted: ``clip, mos, mos_std_dev, mos_n_ratings, mos_ci_low,
            mos_ci_high, mos_standard_error``, in the units of the scale.
        raters: One row a rater, sorted: ``rater, bias, inconsistency, n_ratings, rejected,
            correlation, reason``.
        audit: The audit (``mos-ratings-v1``), without ``run_provenance``.
        votes: The votes that the method took.
        collection: Those that were read.
        estimate: What the method made of them.
        correlation: Correlation of each rater with the rest.
        remarks: What stands out about raters.
        sos: The SOS fit.
    """

    clips: pa.Table
    raters: pa.Table
    audit: documents.RatingsAudit
    votes: Votes
    collection: Collection
    estimate: Estimate
    correlation: Floats
    remarks: Remarks
    sos: SosFit | None
