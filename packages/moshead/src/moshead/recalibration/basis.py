"""What is recalibrated: a head with its predictions, or a score column as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from moshead.corpus.fingerprints import fingerprints, from_text, row_fingerprints, to_text
from moshead.features.domain import ENCODER_VOCAB
from moshead.features.matrix import column_medians
from moshead.recalibration.figures import Figures

if TYPE_CHECKING:
    from moshead.corpus.corpus import Corpus
    from moshead.domain import Description
    from moshead.features.domain import Array
    from moshead.predict.headfile import HeadFile
    from moshead.predict.predictor import Predictor


@dataclass(frozen=True)
class Basis:
    """What the map comes after.

    Attributes:
        model_id: Name of the new head.
        values: Predictions of the head, in MOS, or scores, (N,).
        scores: Whether they are scores.
        parent: The head; None for a score column.
        imputation: Value of each feature in place of a missing one, (F,).
        known: What the head knows besides the new rows.
        before: Figures of the head on the new rows; None for scores, which are no MOS.
        may_be_accepted: Whether the new head may be ``Accepted``.
        training_keys: Fingerprints of all clips that shaped the new head, as text.
        training_rows: Fingerprints of their rows, as text.
    """

    model_id: str
    values: Array
    scores: bool
    parent: HeadFile | None
    imputation: Array
    known: tuple[Description, ...]
    before: Figures | None
    may_be_accepted: bool
    training_keys: str
    training_rows: str


def head_basis(predictor: Predictor, corpus: Corpus, model_id: str | None) -> Basis:
    """The predictions of a head on the new rows."""
    head = predictor.head
    assert head is not None
    metadata = head.metadata
    predictions = predictor.predict_mos(corpus.features, ENCODER_VOCAB[0])
    known = () if metadata.domain is None else (metadata.domain.rows, *metadata.domain.others)
    keys = np.union1d(from_text(metadata.training_keys), fingerprints(corpus.clip_keys))
    rows = np.union1d(
        from_text(metadata.training_rows), row_fingerprints(corpus.features, corpus.mos)
    )
    return Basis(
        model_id=model_id or f"{metadata.model_id}_recalibrated",
        values=np.asarray(predictions.mos, dtype=np.float64),
        scores=False,
        parent=head,
        imputation=np.array([metadata.imputation[c] for c in metadata.schema.columns]),
        known=known,
        before=Figures.of(corpus.mos, predictions.mos, predictions.interval()),
        may_be_accepted=metadata.status == "Accepted" and metadata.corpus_kind == "real",
        training_keys=to_text(keys.astype(np.uint32)),
        training_rows=to_text(rows.astype(np.uint32)),
    )


def score_basis(corpus: Corpus, model_id: str) -> Basis:
    """The values of a score column; a missing one takes the median."""
    medians = column_medians(corpus.features)
    values = corpus.features[:, 0]
    return Basis(
        model_id=model_id,
        values=np.where(np.isnan(values), medians[0], values),
        scores=True,
        parent=None,
        imputation=medians,
        known=(),
        before=None,
        may_be_accepted=True,
        training_keys=to_text(fingerprints(corpus.clip_keys)),
        training_rows=to_text(row_fingerprints(corpus.features, corpus.mos)),
    )
