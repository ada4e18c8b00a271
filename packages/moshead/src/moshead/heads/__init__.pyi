from .conformal import CrossConformal as CrossConformal
from .network import Head as Head
from .network import HeadWeights as HeadWeights
from .network import TrainingResult as TrainingResult
from .neural.recipe import Recipe as Recipe
from .neural.recipe import recipe_for as recipe_for

__all__ = [
    "CrossConformal",
    "Head",
    "HeadWeights",
    "Recipe",
    "TrainingResult",
    "recipe_for",
]
