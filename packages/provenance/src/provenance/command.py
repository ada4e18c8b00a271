"""Old place of the public names of ``provenance.toolkit.command``, kept for one release."""

from typing import Any

from provenance.toolkit import command, moved_name


def __getattr__(name: str) -> Any:
    if name.startswith("_") or not hasattr(command, name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return moved_name(__name__, name, command.__name__)
