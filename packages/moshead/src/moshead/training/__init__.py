"""Training runs: folds, cross-validation, and the trainer of each corpus."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
