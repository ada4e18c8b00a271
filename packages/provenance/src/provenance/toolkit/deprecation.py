"""Names that have moved to another module, kept for one release."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any


def moved_name(package: str, name: str, home: str) -> Any:
    """Return ``home.name`` and warn that ``package.name`` has moved there.

    Call it from a module's ``__getattr__``.

    Args:
        package: The module that the name was imported from.
        name: The name.
        home: The module that has it now.
    """
    warnings.warn(
        f"{package}.{name} has moved: import it from {home}. "
        f"The old name will be removed in the next release.",
        DeprecationWarning,
        stacklevel=3,
    )
    return getattr(import_module(home), name)
