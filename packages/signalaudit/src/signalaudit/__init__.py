r"""Find out which quality questions a feature table can answer, before anyone trains on it.

The rooms of the package, in reading order:

* ``tables``: which column is what (target, signal, category), the families, and reading rows;
* ``statistics``: correlations, ridge regression and bootstrap intervals;
* ``findings``: health, redundancy, saturation, disagreement and gain of one table;
* ``advice``: the next steps that stated rules derive from the findings;
* ``report``: the audit as JSON, Markdown and a page, and the comparison of two audits;
* ``cli``: the command ``signalaudit``.

``documents`` defines the audit and the comparison as types, and ``notation`` how reports write
numbers.

Example:
    >>> import tempfile, pathlib
    >>> import signalaudit
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> rows = "".join(f"c{n},{n % 7},{1 + n % 4}\n" for n in range(60))
    >>> _ = (folder / "t.csv").write_text("clip_id,niqe,mos\n" + rows)
    >>> document = signalaudit.audit({"toy": folder / "t.csv"})
    >>> [table] = document["tables"]
    >>> table["target"], table["families"]["no_reference_ugc"]["status"]
    ('mos', 'covered')
"""

from typing import Any

import lazy_loader as lazy

_public_name, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

_MOVED = {
    "SCHEMA": "signalaudit.documents",
    "DIFF_SCHEMA": "signalaudit.documents",
    "Correlations": "signalaudit.statistics",
    "correlate": "signalaudit.statistics",
    "fisher_interval": "signalaudit.statistics",
    "pearson": "signalaudit.statistics",
    "spearman": "signalaudit.statistics",
    "spearman_interval": "signalaudit.statistics",
    "Family": "signalaudit.tables",
    "FamilySet": "signalaudit.tables",
}
"""Names of the first release that stay at the top for one more, with a warning."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("moskit-signalaudit")
    if name in _MOVED:
        from provenance.toolkit import moved_name

        return moved_name(__name__, name, _MOVED[name])
    return _public_name(name)
