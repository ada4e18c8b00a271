"""The head: families that fit one, what they compute, its intervals and its ONNX graph.

In reading order:

- ``protocol``: what a family is, and what a fitted head can do.
- ``families``: the families that are installed, by name.
- ``ridge``, ``kernel``, ``blend``, ``mlp``: one family each.
- ``closed_form``: what the first three share: transforms, terms, centres, exact leave-one-out.
- ``neural``: recipe, start and training of the neural net.
- ``network``: the head as it ships, and the net of ``mlp``.
- ``graph``: the ONNX graph. ``conformal``: prediction intervals.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
