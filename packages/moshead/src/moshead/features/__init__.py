"""Feature schemas, and the matrix that is read from a table by one."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
