"""The modes of key normalisation, apart from the rule that imports Arrow."""

from __future__ import annotations

from typing import Literal, get_args

KeyNormalize = Literal["auto", "raw", "basename", "stem"]
"""The modes of ``--key-normalize``."""

KEY_NORMALIZE_MODES: tuple[KeyNormalize, ...] = get_args(KeyNormalize)
