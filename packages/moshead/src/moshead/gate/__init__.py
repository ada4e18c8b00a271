"""The gate: statistics, thresholds, and how many clips a verdict needs."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
