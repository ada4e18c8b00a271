from .documents import AuditDocument as AuditDocument
from .documents import DiffDocument as DiffDocument
from .report.audit import audit as audit
from .report.audit import write_report as write_report
from .report.diff import diff as diff
from .report.diff import write_diff as write_diff
from .report.markdown import render_diff as render_diff
from .report.markdown import render_markdown as render_markdown
from .tables.families import load_families as load_families

__version__: str

__all__ = [
    "AuditDocument",
    "DiffDocument",
    "audit",
    "diff",
    "load_families",
    "render_diff",
    "render_markdown",
    "write_diff",
    "write_report",
]
