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

from provenance.toolkit import public_names

__getattr__, __dir__, __all__ = public_names(
    __name__,
    __file__,
    "moskit-signalaudit",
    moved={
        "signalaudit.documents": (
            "DIFF_SCHEMA",
            "SCHEMA",
        ),
        "signalaudit.statistics": (
            "Correlations",
            "correlate",
            "fisher_interval",
            "pearson",
            "spearman",
            "spearman_interval",
        ),
        "signalaudit.tables": (
            "Family",
            "FamilySet",
        ),
    },
)
