"""Names that have moved to another module, kept for one release."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any


def moved_name(package: str, name: str, home: str, renamed: str | None = None) -> Any:
    """Return ``home.name`` and warn that ``package.name`` has moved there, or has a new name.

    Call it from a module's ``__getattr__``.

    Args:
        package: The module that the name was imported from.
        name: The name.
        home: The module that has it now.
        renamed: Its name there, if that is another.
    """
    advice = f"import it from {home}" if renamed is None else f"it is now {home}.{renamed}"
    warnings.warn(
        f"{package}.{name} has moved: {advice}. The old name will be removed in the next release.",
        DeprecationWarning,
        stacklevel=3,
    )
    return getattr(import_module(home), renamed or name)
