"""Object stores: where the bytes of a URL are, read by ranges and published in one step.

A URL becomes an :class:`ObjectPath`, which reads as any :class:`pathlib.Path` does. What it needs
of a store is the :class:`Storage` protocol; a store is one class behind it.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
