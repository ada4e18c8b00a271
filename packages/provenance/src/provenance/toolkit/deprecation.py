"""The names at the top of a package, loaded when they are used, and the ones that have moved."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

import lazy_loader as lazy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def public_names(
    package: str,
    file: str,
    distribution: str,
    *,
    moved: Mapping[str, Iterable[str]],
    renamed: Mapping[str, tuple[str, str]] | None = None,
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package.

    The names come from the stub beside the package. ``__version__`` is that of the distribution.

    Args:
        package: The package's ``__name__``.
        file: Its ``__file__``.
        distribution: The distribution that it belongs to.
        moved: Names of the last release that moved, by the module that has them now. They work for
            one more release, with a warning.
        renamed: Names that have another name now: the module and the name.

    Examples:
        >>> import provenance
        >>> get, _, public = public_names(
        ...     "provenance", provenance.__file__, "moskit-provenance", moved={}
        ... )
        >>> get("verify").__name__, "verify" in public
        ('verify', True)
    """
    attribute, names, public = lazy.attach_stub(package, file)
    homes = {name: (home, name) for home, those in moved.items() for name in those}
    homes |= renamed or {}

    def getter(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version

            return version(distribution)
        if name in homes:
            return moved_name(package, name, *homes[name])
        return attribute(name)

    return getter, names, public


def moved_name(package: str, name: str, home: str, now: str | None = None) -> Any:
    """Return what ``package.name`` is now, and warn that it has moved or has a new name.

    Call it from a module's ``__getattr__``.

    Args:
        package: The module that the name was imported from.
        name: The name.
        home: The module that has it now.
        now: Its name there, if that is another.

    Examples:
        >>> import warnings
        >>> with warnings.catch_warnings(action="ignore"):
        ...     moved_name("provenance", "InputError", "provenance.toolkit").__name__
        'InputError'
    """
    renamed = now not in (None, name)
    advice = f"it is now {home}.{now}" if renamed else f"import it from {home}"
    warnings.warn(
        f"{package}.{name} has moved: {advice}. The old name will be removed in the next release.",
        DeprecationWarning,
        stacklevel=3,
    )
    return getattr(import_module(home), now or name)
