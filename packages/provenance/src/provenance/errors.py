"""Old place of names of ``provenance.toolkit``, kept for one release."""

from typing import Any

from provenance import toolkit
from provenance.toolkit import errors, moved_name


def __getattr__(name: str) -> Any:
    if name.startswith("_") or not hasattr(errors, name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return moved_name(__name__, name, (toolkit if name in toolkit.__all__ else errors).__name__)
