from . import baselines as baselines
from . import comparison as comparison
from . import corpus as corpus
from . import domain as domain
from . import export as export
from . import features as features
from . import gate as gate
from . import heads as heads
from . import predict as predict
from . import recalibration as recalibration
from . import scales as scales
from . import training as training
from .comparison.comparing import compare as compare
from .export.registry import register as register
from .predict.file import predict_file as predict_file
from .predict.frame import predict_frame as predict_frame
from .predict.predictor import Predictor as Predictor
from .predict.validation import validate as validate
from .recalibration.recalibrating import recalibrate as recalibrate
from .training.chug import train_chug_hdr as train_chug_hdr
from .training.cross_validation.options import TrainingOptions as TrainingOptions
from .training.destinations import Destinations as Destinations
from .training.konvid import train_konvid as train_konvid
from .training.planning import plan_gate as plan_gate
from .training.trainers import train as train

__version__: str

__all__ = [
    "Destinations",
    "Predictor",
    "TrainingOptions",
    "baselines",
    "compare",
    "comparison",
    "corpus",
    "domain",
    "export",
    "features",
    "gate",
    "heads",
    "plan_gate",
    "predict",
    "predict_file",
    "predict_frame",
    "recalibrate",
    "recalibration",
    "register",
    "scales",
    "train",
    "train_chug_hdr",
    "train_konvid",
    "training",
    "validate",
]
