"""Old place of the public names of ``provenance.toolkit.errors``, kept for one release."""

from typing import Any

from provenance.toolkit import errors, moved_name


def __getattr__(name: str) -> Any:
    if name.startswith("_") or not hasattr(errors, name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return moved_name(__name__, name, errors.__name__)
