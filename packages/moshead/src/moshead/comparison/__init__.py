"""Compare candidates on the same clips and folds, and say which is better.

In reading order:

- ``protocol``: which rows train and which judge, k folds or random splits.
- ``rows``: labelled rows, from files or data frames.
- ``candidates``: what is compared, each behind one protocol.
- ``scoring``: figures, paired differences, intervals.
- ``comparing``: :func:`compare`, which does all of it.
- ``figures`` and ``rendering``: Markdown, LaTeX, the terminal and the page.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
