"""What every command of every moskit package shares.

The command line (:class:`CommandLine`, :class:`Output`), the errors with their exit codes, the JSON
forms of a document, and facts about the machine.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
