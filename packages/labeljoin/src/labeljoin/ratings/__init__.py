"""From single ratings to MOS: who voted what, and what the average is worth.

In reading order:

- ``options``: what shapes the result.
- ``votes``: single ratings in a sparse form.
- ``reading``: files of any layout, scale, repeated votes, differential votes.
- ``methods``: the rater model of P.910, three averages, standard errors, the SOS parameter.
- ``audit``: the document that says what was read, done and found.
- ``estimation``: the whole run, on disk or in memory.
- ``writing`` and ``page``: the tables, and the page for people.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
