from .domain import ENCODER_VOCAB as ENCODER_VOCAB
from .domain import ENCODER_VOCAB_VERSION as ENCODER_VOCAB_VERSION
from .matrix import FeatureMatrix as FeatureMatrix
from .matrix import feature_matrix as feature_matrix
from .matrix import read_display_profile as read_display_profile
from .schemas import FeatureSchema as FeatureSchema
from .schemas import built_in_schemas as built_in_schemas
from .schemas import load_schema as load_schema

__all__ = [
    "ENCODER_VOCAB",
    "ENCODER_VOCAB_VERSION",
    "FeatureMatrix",
    "FeatureSchema",
    "built_in_schemas",
    "feature_matrix",
    "load_schema",
    "read_display_profile",
]
