from .families import Family as Family
from .families import FamilySet as FamilySet
from .families import load_families as load_families

__all__ = ["Family", "FamilySet", "load_families"]
