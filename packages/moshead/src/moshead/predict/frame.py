"""Predicting for data frames: a frame in, a frame of the same library out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import labeljoin
import numpy as np
from labeljoin.formats import FrameTable, arrow_table, frame_with
from provenance.toolkit import InputError

from moshead.features.domain import ENCODER_VOCAB
from moshead.heads.conformal import DEFAULT_ALPHA
from moshead.predict.blocks import UNNAMED_TABLE
from moshead.predict.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from labeljoin.formats import Frame


def predict_frame(
    head: str | PathLike[str] | Predictor,
    features: Frame,
    *,
    key_column: str | None = None,
    alpha: float = DEFAULT_ALPHA,
    codec: str | Sequence[str] = ENCODER_VOCAB[0],
    strict: bool = False,
) -> Any:
    """Predict the MOS of every row of a data frame; nothing is written.

    Args:
        head: The ONNX file of a head, or a predictor that has opened one.
        features: Anything with the Arrow PyCapsule interface: pandas, polars, pyarrow.
        key_column: The column of clip keys; what the table remembers, else what its column names
            tell, by default (:func:`labeljoin.clip_key`).
        alpha: Level of the CV+ prediction intervals; that of a predictor is its own.
        codec: Encoder of the rows, or one for each; a slot of the head's vocabulary.
        strict: Refuse a head that is missing or only ``Proposed``.

    Returns:
        A frame of the library of ``features``, one row for each of its rows in the same order:
        the key column as it is, ``mos_pred, mos_pred_lo, mos_pred_hi, source``. A pyarrow table
        where the library is unknown.

    Raises:
        InputError: The head is unsound or missing without a VMAF to fall back on, the frame lacks
            a required column, or nothing tells which column holds the clip key.
    """
    predictor = head if isinstance(head, Predictor) else Predictor(head, alpha=alpha, strict=strict)
    table = FrameTable(arrow_table(features, "the features"), "data frame")
    key = labeljoin.clip_key(table, key_column).column
    reads = [n for n in predictor.columns_read if n in table.column_names and n != key]
    try:
        found = predictor.predict_mos(table.read(reads), codec)
    except InputError as error:
        if error.where == UNNAMED_TABLE:
            error.where = str(table.path)
        raise
    # What comes after the sixth decimal is rounding noise of float32.
    np.round(found.mos, 6, out=found.mos)
    return frame_with(
        features, found.to_table(), replaced=[n for n in table.column_names if n != key]
    )
