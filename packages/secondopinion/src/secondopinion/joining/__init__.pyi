from .batch import SCORE_BATCH as SCORE_BATCH

__all__ = ["SCORE_BATCH"]
