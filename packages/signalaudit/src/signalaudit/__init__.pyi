from .auditing import SCHEMA as SCHEMA
from .auditing import audit as audit
from .auditing import write_report as write_report
from .comparison import DIFF_SCHEMA as DIFF_SCHEMA
from .comparison import diff as diff
from .comparison import write_diff as write_diff
from .correlation import Correlations as Correlations
from .correlation import correlate as correlate
from .correlation import fisher_interval as fisher_interval
from .correlation import pearson as pearson
from .correlation import spearman as spearman
from .correlation import spearman_interval as spearman_interval
from .families import Family as Family
from .families import FamilySet as FamilySet
from .families import load_families as load_families
from .markdown import render_diff as render_diff
from .markdown import render_markdown as render_markdown

__all__ = [
    "DIFF_SCHEMA",
    "SCHEMA",
    "Correlations",
    "Family",
    "FamilySet",
    "audit",
    "correlate",
    "diff",
    "fisher_interval",
    "load_families",
    "pearson",
    "render_diff",
    "render_markdown",
    "spearman",
    "spearman_interval",
    "write_diff",
    "write_report",
]
