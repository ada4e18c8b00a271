from .corpus import Corpus as Corpus
from .loading import NoLabelsError as NoLabelsError
from .loading import load_corpus as load_corpus
from .rows import RowOptions as RowOptions

__all__ = [
    "Corpus",
    "NoLabelsError",
    "RowOptions",
    "load_corpus",
]
