from .chug import train_chug_hdr as train_chug_hdr
from .cross_validation.options import TrainingOptions as TrainingOptions
from .cross_validation.running import train_head as train_head
from .destinations import Destinations as Destinations
from .konvid import train_konvid as train_konvid
from .planning import plan_gate as plan_gate
from .trainers import GateMissedError as GateMissedError
from .trainers import SyntheticRowsWarning as SyntheticRowsWarning
from .trainers import train as train

__all__ = [
    "Destinations",
    "GateMissedError",
    "SyntheticRowsWarning",
    "TrainingOptions",
    "plan_gate",
    "train",
    "train_chug_hdr",
    "train_head",
    "train_konvid",
]
