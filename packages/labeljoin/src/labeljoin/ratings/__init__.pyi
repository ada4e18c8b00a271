from .audit import RATINGS_SCHEMA as RATINGS_SCHEMA
from .audit import ratings_schema as ratings_schema
from .estimation import estimate_mos as estimate_mos
from .estimation import rate_in_memory as rate_in_memory
from .options import RatingOptions as RatingOptions
from .rated import RatedClips as RatedClips

__all__ = [
    "RATINGS_SCHEMA",
    "RatedClips",
    "RatingOptions",
    "estimate_mos",
    "rate_in_memory",
    "ratings_schema",
]
