"""Joining labels in memory, for anything that speaks the Arrow PyCapsule interface."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from labeljoin.formats.frames import arrow_table, frame_with
from labeljoin.joining.audit import audit_document, audit_html, failures_of, verdict_of
from labeljoin.joining.diagnosis import diagnose_join, diagnosis_facts
from labeljoin.joining.options import JoinOptions, accepts_option_keywords
from labeljoin.joining.plan import plan_join, replaced_columns
from labeljoin.labels.source import LabelSource

if TYPE_CHECKING:
    from provenance.toolkit import ProgressCallback

    from labeljoin.facts import Audit


@dataclass(frozen=True)
class JoinResult:
    """A table that was labelled in memory.

    Attributes:
        table: The features with the new columns at the end, as a frame of the caller's library
            (pandas, polars, pyarrow); a pyarrow table where that is unknown, as of a DuckDB
            relation. The features' own columns and index stay as they are.
        audit: The audit as :func:`labeljoin.join_file` writes it, without paths and
            ``run_provenance``.
    """

    table: Any
    audit: Audit

    @property
    def arrow(self) -> pa.Table:
        """The table as a pyarrow table."""
        return arrow_table(self.table, "the table")

    def _repr_html_(self) -> str:
        return audit_html(self.audit)


@accepts_option_keywords(JoinOptions, feature_key_column="key_column")
def join(
    features: Any,
    labels: Any,
    options: JoinOptions | None = None,
    *,
    progress: ProgressCallback | None = None,
) -> JoinResult:
    """Join labels onto a table in memory, with the semantics and the audit of a join on disk.

    Args:
        features: Features: anything that speaks the Arrow PyCapsule interface (pandas, polars,
            pyarrow, a DuckDB relation).
        labels: Labels: such an object, the path of a label file, or a list of them; a mapping
            from names to them chooses what ``mos_label_source`` says.
        options: How to join; the defaults of :class:`JoinOptions` if None.
        progress: Called while reading.

    Returns:
        The table with its new columns, as a frame of the library of ``features``, and the audit.

    Raises:
        InputError: A table or option is unusable.
        CoverageError: A minimum was missed; its ``document`` is the audit.

    Examples:
        >>> import pyarrow as pa
        >>> features = pa.table({"video": ["a/1.mp4", "a/2.mp4"], "motion": [0.5, 0.7]})
        >>> labels = pa.table({"clip_id": ["1", "2"], "mos": [3.5, 4.0]})
        >>> joined = join(features, labels)
        >>> joined.table["mos"].to_pylist(), joined.audit["match_rate"]
        ([3.5, 4.0], 1.0)
    """
    chosen = options or JoinOptions()
    table = arrow_table(features, "the features")
    sources = _sources_in_memory(labels)
    plan = plan_join(table, sources, chosen, progress=progress)
    failures = failures_of(plan, chosen)
    audit = audit_document(plan, chosen, failures, None, None, None)
    audit["engine"] = None if failures else "in-memory"
    audit["output_rows"] = None if failures else table.num_rows
    if failures:
        audit["diagnosis"] = diagnosis_facts(diagnose_join(table, sources, plan, chosen))
        raise verdict_of(audit)
    added = plan.columns(table[plan.key_column])
    columns = pa.Table.from_arrays(
        [
            column.cast(field.type)
            for field, column in zip(plan.columns.schema, added.columns, strict=True)
        ],
        schema=plan.columns.schema.with_metadata(
            {name.encode(): text.encode() for name, text in plan.key.metadata().items()}
        ),
    )
    replaced = replaced_columns(table, plan, chosen)
    return JoinResult(frame_with(features, columns, replaced=replaced), audit)


def _sources_in_memory(labels: Any) -> list[LabelSource]:
    if isinstance(labels, dict):
        named = list(labels.items())
    elif isinstance(labels, list | tuple):
        named = [(None, item) for item in labels]
    else:
        named = [(None, labels)]
    sources = []
    for number, (name, item) in enumerate(named):
        if isinstance(item, str | os.PathLike):
            sources.append(LabelSource.open(os.fspath(item), name))
        else:
            label = name or ("labels" if len(named) == 1 else f"labels[{number}]")
            sources.append(LabelSource.from_table(arrow_table(item, "the labels"), label))
    return sources
