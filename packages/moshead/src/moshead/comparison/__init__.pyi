from .comparing import Comparison as Comparison
from .comparing import NotBetterError as NotBetterError
from .comparing import compare as compare

__all__ = [
    "Comparison",
    "NotBetterError",
    "compare",
]
