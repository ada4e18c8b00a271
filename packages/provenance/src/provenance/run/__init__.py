"""A run from start to end: inputs, staged outputs, locks, and the record that it leaves."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
