"""Correlations of all pairs of columns, with their intervals, as the audit computes them."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
