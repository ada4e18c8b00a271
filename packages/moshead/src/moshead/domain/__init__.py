"""How like the training rows a row is, from a compact description that a head carries."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
