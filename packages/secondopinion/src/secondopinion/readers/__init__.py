"""Readers of score files, one module per layout, and what a reader of another package needs."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
