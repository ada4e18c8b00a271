from .chug import train_chug_hdr as train_chug_hdr
from .conformal import CrossConformal as CrossConformal
from .corpora import Corpus as Corpus
from .corpora import NoLabelsError as NoLabelsError
from .corpora import load_corpus as load_corpus
from .cross_validation import TrainingOptions as TrainingOptions
from .cross_validation import train_head as train_head
from .destinations import Destinations as Destinations
from .features import FeatureMatrix as FeatureMatrix
from .features import feature_matrix as feature_matrix
from .features import read_display_profile as read_display_profile
from .gate import FoldScore as FoldScore
from .gate import GateReport as GateReport
from .gate import judge as judge
from .gate import judge_rows as judge_rows
from .konvid import train_konvid as train_konvid
from .manifest import HeadMismatchError as HeadMismatchError
from .manifest import load_manifest as load_manifest
from .metadata import HeadMetadata as HeadMetadata
from .network import ENCODER_VOCAB as ENCODER_VOCAB
from .network import ENCODER_VOCAB_VERSION as ENCODER_VOCAB_VERSION
from .network import Head as Head
from .network import HeadWeights as HeadWeights
from .network import TrainingResult as TrainingResult
from .operators import allowed_operators as allowed_operators
from .planning import plan_gate as plan_gate
from .predicted_mos import Prediction as Prediction
from .predicted_mos import Predictions as Predictions
from .prediction import predict_file as predict_file
from .predictor import Predictor as Predictor
from .predictor import ProposedHeadWarning as ProposedHeadWarning
from .predictor import VmafFallbackWarning as VmafFallbackWarning
from .predictor import vmaf_linear as vmaf_linear
from .recipe import Recipe as Recipe
from .recipe import recipe_for as recipe_for
from .registry import Registry as Registry
from .registry import RegistryEntry as RegistryEntry
from .registry import register as register
from .rows import RowOptions as RowOptions
from .schemas import FeatureSchema as FeatureSchema
from .schemas import built_in_schemas as built_in_schemas
from .schemas import load_schema as load_schema
from .trainers import GateMissedError as GateMissedError
from .trainers import SyntheticRowsWarning as SyntheticRowsWarning
from .trainers import train as train
from .validation import HeldOutMissError as HeldOutMissError
from .validation import validate as validate
from .validation import validation_markdown as validation_markdown

__all__ = [
    "ENCODER_VOCAB",
    "ENCODER_VOCAB_VERSION",
    "Corpus",
    "CrossConformal",
    "Destinations",
    "FeatureMatrix",
    "FeatureSchema",
    "FoldScore",
    "GateMissedError",
    "GateReport",
    "Head",
    "HeadMetadata",
    "HeadMismatchError",
    "HeadWeights",
    "HeldOutMissError",
    "NoLabelsError",
    "Prediction",
    "Predictions",
    "Predictor",
    "ProposedHeadWarning",
    "Recipe",
    "Registry",
    "RegistryEntry",
    "RowOptions",
    "SyntheticRowsWarning",
    "TrainingOptions",
    "TrainingResult",
    "VmafFallbackWarning",
    "allowed_operators",
    "built_in_schemas",
    "feature_matrix",
    "judge",
    "judge_rows",
    "load_corpus",
    "load_manifest",
    "load_schema",
    "plan_gate",
    "predict_file",
    "read_display_profile",
    "recipe_for",
    "register",
    "train",
    "train_chug_hdr",
    "train_head",
    "train_konvid",
    "validate",
    "validation_markdown",
    "vmaf_linear",
]
