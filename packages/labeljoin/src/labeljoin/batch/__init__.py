"""Batches of joins: jobs, their manifest and report, and ready manifests of public corpora."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
