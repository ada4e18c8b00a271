from .graph import Lineage as Lineage

__all__ = ["Lineage"]
