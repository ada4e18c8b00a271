from .report.audit import SCHEMA as SCHEMA
from .report.audit import audit as audit
from .report.audit import write_report as write_report
from .report.diff import DIFF_SCHEMA as DIFF_SCHEMA
from .report.diff import diff as diff
from .report.diff import write_diff as write_diff
from .report.markdown import render_diff as render_diff
from .report.markdown import render_markdown as render_markdown
from .statistics.correlation import Correlations as Correlations
from .statistics.correlation import correlate as correlate
from .statistics.correlation import fisher_interval as fisher_interval
from .statistics.correlation import pearson as pearson
from .statistics.correlation import spearman as spearman
from .statistics.correlation import spearman_interval as spearman_interval
from .tables.families import Family as Family
from .tables.families import FamilySet as FamilySet
from .tables.families import load_families as load_families

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
