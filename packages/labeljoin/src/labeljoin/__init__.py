"""Join MOS labels onto video-quality feature tables by clip key, byte for byte."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
