"""The clip key of a table: which column holds it, and by which rule its values name clips.

Every command that needs the clip key asks :func:`clip_key`, so that one table has one key in
labelling, scoring, audit, training and prediction. A join writes its decision into the table
(:meth:`ClipKey.metadata`), and later commands follow it.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from provenance.toolkit import InputError

from labeljoin.formats.table import Table
from labeljoin.keys.columns import KEY_COLUMNS, columns_are, infer_column
from labeljoin.keys.modes import KEY_NORMALIZE_MODES, KeyNormalize
from labeljoin.keys.rule import KeyRule
from labeljoin.labels.remembered import record_beside

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pyarrow as pa

    from labeljoin.facts import ClipKeyFacts

KEY_COLUMN_METADATA = "moskit.key_column"
"""Parquet key-value metadata: the name of the column that holds the clip key."""

KEY_RULE_METADATA = "moskit.key_rule"
"""Parquet key-value metadata: how its values become clip keys, as a JSON object with the members
``normalize``, ``regex`` and ``ignore_case``."""

DecidedBy = Literal["option", "table", "name", "values"]


@dataclass(frozen=True)
class ClipKey:
    """Where a table keeps its clip key.

    Attributes:
        column: The column.
        rule: How its values become clip keys.
        decided_by: ``option`` where the caller named the column, ``table`` where the table
            remembers it from a join, ``name`` where the column's name told, ``values`` where the
            values of the two sides of a join did.
        evidence: What the values show, where they decided.
    """

    column: str
    rule: KeyRule
    decided_by: DecidedBy
    evidence: str | None = None

    def metadata(self) -> dict[str, str]:
        """What a labelled table remembers, as parquet key-value metadata."""
        return {
            KEY_COLUMN_METADATA: self.column,
            KEY_RULE_METADATA: json.dumps(asdict(self.rule), sort_keys=True),
        }

    def to_dict(self) -> ClipKeyFacts:
        """Return the decision as a member of documents."""
        facts: ClipKeyFacts = {
            "column": self.column,
            "normalize": self.rule.normalize,
            "regex": self.rule.regex,
            "ignore_case": self.rule.ignore_case,
            "decided_by": self.decided_by,
        }
        return facts if self.evidence is None else {**facts, "evidence": self.evidence}


def clip_key(
    features: Table | pa.Table,
    column: str | None = None,
    *,
    normalize: KeyNormalize | None = None,
    regex: str | None = None,
    names: Iterable[str] | None = None,
    where: str | None = None,
    option: str = "--key-column",
) -> ClipKey:
    """Decide which column of a table holds the clip key, and how its values become keys.

    The column is ``column``, else the one that the table remembers from a join (in parquet
    metadata, or in the record beside the table), else the first of :data:`KEY_COLUMNS` that it
    has. The rule is what ``normalize`` and ``regex`` say, else the remembered one, else ``auto``.

    Args:
        features: The table, on disk or in memory.
        column: The column that the caller names.
        normalize: The mode of key normalisation that the caller names.
        regex: The regular expression that the caller names.
        names: The column names, where the caller has read them already.
        where: The table, for errors; its path by default.
        option: The flag that names the column, for errors.

    Raises:
        InputError: The table has no such column, or nothing tells which column it is.

    Examples:
        >>> import pyarrow as pa
        >>> clip_key(pa.table({"motion": [0.5], "video_name": ["a/1.mp4"]})).column
        'video_name'
    """
    if where is None:
        where = os.fspath(features.path) if isinstance(features, Table) else "the features"
    have = list(features.column_names if names is None else names)
    known = remembered_key(features)
    decided_by: DecidedBy = "option"
    if column is None and known is not None and known.column in have:
        column, decided_by = known.column, "table"
    if column is None:
        column, decided_by = infer_column(have, KEY_COLUMNS), "name"
    if column is None:
        raise InputError(
            f"no column is known to hold the clip key; {_candidates(features, have)}",
            where=where,
            fix=f"Name it with {option}",
            code="keys.none",
        )
    if column not in have and column not in features.column_names:
        raise InputError(
            f"there is no column {column!r}; {columns_are(have)}",
            where=where,
            fix=f"Give {option} one of them",
            code="keys.no-such-column",
        )
    rule = KeyRule()
    if known is not None and known.column == column:
        rule = known.rule
    if normalize is not None or regex is not None:
        rule = KeyRule(normalize or rule.normalize, regex, rule.ignore_case)
    return ClipKey(column, rule, decided_by)


def remembered_key(features: Table | pa.Table) -> ClipKey | None:
    """The clip key that a table remembers from a join, or None.

    Args:
        features: The table, on disk or in memory.

    Raises:
        InputError: The parts of the table remember different columns.

    Examples:
        >>> import pyarrow as pa
        >>> import labeljoin
        >>> features = pa.table({"video": ["1.mp4"], "motion": [0.5]})
        >>> labels = pa.table({"clip_id": ["1"], "mos": [3.5]})
        >>> remembered_key(features) is None
        True
        >>> remembered_key(labeljoin.join(features, labels).table).column
        'video'
    """
    if isinstance(features, Table):
        return _in_metadata(features.key_value_metadata()) or _in_record(features.path)
    return _in_metadata(features.schema.metadata or {})


def _in_metadata(metadata: Mapping[bytes, bytes]) -> ClipKey | None:
    column = metadata.get(KEY_COLUMN_METADATA.encode())
    if column is None:
        return None
    try:
        rule = json.loads(metadata.get(KEY_RULE_METADATA.encode(), b"{}"))
        return _remembered(column.decode(), rule)
    except ValueError:
        return None  # not what a join wrote


def _in_record(table: Path) -> ClipKey | None:
    """What the record beside a table says, where it describes the table as it is now."""
    record = record_beside(table)
    if record is None:
        return None
    document = record.document
    rule = document.get("clip_key")
    if not isinstance(rule, dict):  # an audit of labeljoin 0.1
        rule = {
            "column": document.get("feature_key_column"),
            "normalize": document.get("key_normalize"),
            "regex": document.get("feature_key_regex"),
            "ignore_case": document.get("ignore_case"),
        }
    if not isinstance(rule.get("column"), str):
        return None
    return _remembered(rule["column"], rule)


def _remembered(column: str, rule: Any) -> ClipKey | None:
    normalize, regex = rule.get("normalize"), rule.get("regex")
    if normalize not in KEY_NORMALIZE_MODES or not isinstance(regex, str | None):
        return ClipKey(column, KeyRule(), "table")
    return ClipKey(column, KeyRule(normalize, regex, bool(rule.get("ignore_case"))), "table")


def _candidates(features: Table | pa.Table, names: list[str]) -> str:
    """Which columns could hold it: the text columns, by name."""
    import pyarrow as pa

    try:
        schema = features.schema() if isinstance(features, Table) else features.schema
    except InputError:  # a damaged row, which matters less than the missing key
        return columns_are(names)
    texts = [
        field.name
        for field in schema
        if pa.types.is_string(field.type)
        or pa.types.is_large_string(field.type)
        or pa.types.is_dictionary(field.type)
    ]
    if not texts:
        return columns_are(names)
    shown = ", ".join(texts[:12]) + (", …" if len(texts) > 12 else "")
    return f"the text columns are {shown}"
