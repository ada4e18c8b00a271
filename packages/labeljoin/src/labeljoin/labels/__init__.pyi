from .extras import LABEL_EXTRAS as LABEL_EXTRAS
from .index import MOS_COLUMNS as MOS_COLUMNS
from .index import LabelIndex as LabelIndex
from .index import index_labels as index_labels
from .index import infer_mos_column as infer_mos_column
from .options import LabelOptions as LabelOptions
from .options import LabelScale as LabelScale
from .scale import ScaleDecision as ScaleDecision
from .source import LabelSource as LabelSource
from .trained_on import TRAINED_ON_METADATA as TRAINED_ON_METADATA
from .trained_on import Contamination as Contamination
from .trained_on import TrainedOn as TrainedOn
from .trained_on import contamination_sentences as contamination_sentences
from .trained_on import corpus_word as corpus_word
from .trained_on import judge_contamination as judge_contamination
from .trained_on import parse_trained_on as parse_trained_on
from .trained_on import trained_on_from as trained_on_from
from .trained_on import trained_on_in as trained_on_in

__all__ = [
    "LABEL_EXTRAS",
    "MOS_COLUMNS",
    "TRAINED_ON_METADATA",
    "Contamination",
    "LabelIndex",
    "LabelOptions",
    "LabelScale",
    "LabelSource",
    "ScaleDecision",
    "TrainedOn",
    "contamination_sentences",
    "corpus_word",
    "index_labels",
    "infer_mos_column",
    "judge_contamination",
    "parse_trained_on",
    "trained_on_from",
    "trained_on_in",
]
