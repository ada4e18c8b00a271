from .extras import LABEL_EXTRAS as LABEL_EXTRAS
from .index import MOS_COLUMNS as MOS_COLUMNS
from .index import LabelIndex as LabelIndex
from .index import LabelOptions as LabelOptions
from .index import index_labels as index_labels
from .index import infer_mos_column as infer_mos_column
from .scale import LabelScale as LabelScale
from .scale import ScaleDecision as ScaleDecision
from .source import LabelSource as LabelSource

__all__ = [
    "LABEL_EXTRAS",
    "MOS_COLUMNS",
    "LabelIndex",
    "LabelOptions",
    "LabelScale",
    "LabelSource",
    "ScaleDecision",
    "index_labels",
    "infer_mos_column",
]
