"""Join scores onto feature tables: options, matching, audit and output."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
