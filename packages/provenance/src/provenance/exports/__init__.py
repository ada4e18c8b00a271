"""Run records in standard formats, one module a format.

Formats are found under the entry-point group ``moskit.exports``. :class:`Exporter` says how to add
one.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
