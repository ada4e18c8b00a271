"""Values that every room uses: the MOS scale, the encoders of a row, and the kinds of corpora."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOS_RANGE = (1.0, 5.0)
"""The five-point ACR scale of ITU-T P.910."""

ENCODER_VOCAB: tuple[str, ...] = ("ugc-mixed",)
"""The encoders that a row can come from, append-only; one slot since version 4."""

ENCODER_VOCAB_VERSION = 4

CorpusKind = Literal["real", "smoke", "synthetic-fallback"]
