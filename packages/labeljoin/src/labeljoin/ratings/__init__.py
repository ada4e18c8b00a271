"""From single ratings to MOS: who voted what, and what the average is worth.

In reading order: ``options`` (what shapes the result), ``columns``, ``matrices`` and ``reading``
(files of any layout), ``votes`` (the sparse form), ``collection`` (scale and repeated votes),
``reference`` (differential votes), ``rater_model`` (P.910), ``precision`` (standard errors and the
ceiling), ``methods`` (all four), ``raters`` and ``sos`` (who and how far), ``audit``, ``estimation``
(the whole run), ``writing`` and ``page``.
"""
