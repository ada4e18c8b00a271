from .description import Description as Description
from .domain import Domain as Domain

__all__ = ["Description", "Domain"]
