from .file import predict_file as predict_file
from .predictions import Prediction as Prediction
from .predictions import Predictions as Predictions
from .predictor import Predictor as Predictor
from .predictor import ProposedHeadWarning as ProposedHeadWarning
from .predictor import VmafFallbackWarning as VmafFallbackWarning
from .predictor import vmaf_linear as vmaf_linear
from .validation import HeldOutMissError as HeldOutMissError
from .validation import validate as validate
from .validation import validation_markdown as validation_markdown

__all__ = [
    "HeldOutMissError",
    "Prediction",
    "Predictions",
    "Predictor",
    "ProposedHeadWarning",
    "VmafFallbackWarning",
    "predict_file",
    "validate",
    "validation_markdown",
    "vmaf_linear",
]
