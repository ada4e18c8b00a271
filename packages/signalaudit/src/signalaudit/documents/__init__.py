"""The documents of signalaudit, typed: the audit and the comparison of two audits.

These definitions are the only ones. The code that builds a document is checked against them, a
document that is read is validated against them, and :func:`schemas` makes the published JSON
Schemas from them.

Example:
    >>> from signalaudit.documents import SCHEMA, schemas
    >>> schemas()[SCHEMA]["title"]
    'Signal-mix audit'
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
