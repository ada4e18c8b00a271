"""Where a file came from: the graph of runs and files, traced and drawn."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
