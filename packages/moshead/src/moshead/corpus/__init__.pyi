from .corpus import Corpus as Corpus
from .corpus import NoLabelsError as NoLabelsError
from .corpus import load_corpus as load_corpus
from .rows import RowOptions as RowOptions

__all__ = [
    "Corpus",
    "NoLabelsError",
    "RowOptions",
    "load_corpus",
]
