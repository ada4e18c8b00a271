from .suggestions import Diagnosis as Diagnosis
from .suggestions import KeySide as KeySide
from .suggestions import Suggestion as Suggestion
from .suggestions import diagnose_coverage as diagnose_coverage

__all__ = [
    "Diagnosis",
    "KeySide",
    "Suggestion",
    "diagnose_coverage",
]
