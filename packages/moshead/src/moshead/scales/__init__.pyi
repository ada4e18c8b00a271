from .mapping import MonotoneMap as MonotoneMap
from .mapping import fit_map as fit_map

__all__ = ["MonotoneMap", "fit_map"]
