"""Table formats: one folder each behind one protocol, and how tables are opened."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
