"""The columns of a table: which is what, which question each can answer, and reading them."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
