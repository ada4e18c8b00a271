from .comparison import Comparison as Comparison
from .comparison import NotBetterError as NotBetterError
from .comparison import compare as compare
from .corpus.corpus import Corpus as Corpus
from .corpus.corpus import NoLabelsError as NoLabelsError
from .corpus.corpus import load_corpus as load_corpus
from .corpus.rows import RowOptions as RowOptions
from .export.manifest import HeadMismatchError as HeadMismatchError
from .export.manifest import load_manifest as load_manifest
from .export.metadata import HeadMetadata as HeadMetadata
from .export.operators import allowed_operators as allowed_operators
from .export.registry import Registry as Registry
from .export.registry import RegistryEntry as RegistryEntry
from .export.registry import register as register
from .features.domain import ENCODER_VOCAB as ENCODER_VOCAB
from .features.domain import ENCODER_VOCAB_VERSION as ENCODER_VOCAB_VERSION
from .features.matrix import FeatureMatrix as FeatureMatrix
from .features.matrix import feature_matrix as feature_matrix
from .features.matrix import read_display_profile as read_display_profile
from .features.schemas import FeatureSchema as FeatureSchema
from .features.schemas import built_in_schemas as built_in_schemas
from .features.schemas import load_schema as load_schema
from .gate.gate import FoldScore as FoldScore
from .gate.gate import GateReport as GateReport
from .gate.gate import judge as judge
from .gate.gate import judge_rows as judge_rows
from .heads.conformal import CrossConformal as CrossConformal
from .heads.network import Head as Head
from .heads.network import HeadWeights as HeadWeights
from .heads.network import TrainingResult as TrainingResult
from .heads.neural.recipe import Recipe as Recipe
from .heads.neural.recipe import recipe_for as recipe_for
from .predict.file import predict_file as predict_file
from .predict.predictions import Prediction as Prediction
from .predict.predictions import Predictions as Predictions
from .predict.predictor import Predictor as Predictor
from .predict.predictor import ProposedHeadWarning as ProposedHeadWarning
from .predict.predictor import VmafFallbackWarning as VmafFallbackWarning
from .predict.predictor import vmaf_linear as vmaf_linear
from .predict.validation import HeldOutMissError as HeldOutMissError
from .predict.validation import validate as validate
from .predict.validation import validation_markdown as validation_markdown
from .training.chug import train_chug_hdr as train_chug_hdr
from .training.cross_validation import TrainingOptions as TrainingOptions
from .training.cross_validation import train_head as train_head
from .training.destinations import Destinations as Destinations
from .training.konvid import train_konvid as train_konvid
from .training.planning import plan_gate as plan_gate
from .training.trainers import GateMissedError as GateMissedError
from .training.trainers import SyntheticRowsWarning as SyntheticRowsWarning
from .training.trainers import train as train

__all__ = [
    "ENCODER_VOCAB",
    "ENCODER_VOCAB_VERSION",
    "Comparison",
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
    "NotBetterError",
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
    "compare",
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
