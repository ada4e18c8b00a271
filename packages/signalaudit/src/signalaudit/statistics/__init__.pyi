from .correlation import Correlations as Correlations
from .correlation import correlate as correlate
from .correlation import pearson as pearson
from .correlation import spearman as spearman
from .intervals import fisher_interval as fisher_interval
from .intervals import spearman_interval as spearman_interval

__all__ = [
    "Correlations",
    "correlate",
    "fisher_interval",
    "pearson",
    "spearman",
    "spearman_interval",
]
