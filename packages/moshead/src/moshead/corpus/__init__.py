"""Labelled rows of a corpus: sources, labels, leakage checks and fingerprints."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
