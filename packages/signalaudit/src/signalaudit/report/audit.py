"""Auditing tables: the document, and the reports that are written from it."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import labeljoin
from provenance import start_run
from provenance.toolkit import InputError

from signalaudit.findings.advice import RULES, advise
from signalaudit.findings.table_audit import Options, TableAudit, audit_table
from signalaudit.tables.direction import check_directions, parse_directions
from signalaudit.tables.families import FamilySet, load_families

if TYPE_CHECKING:
    from provenance.toolkit import ProgressCallback

SCHEMA = "signal-mix-audit-v1"

PathLike = os.PathLike[str] | str
Inputs = Sequence[PathLike] | Mapping[str, PathLike]


@dataclass(frozen=True)
class Audit:
    """An audit with what its figures are drawn from.

    Attributes:
        document: The audit JSON, without its run record.
        tables: The audits of the tables, in the order of the document.
    """

    document: dict[str, Any]
    tables: list[TableAudit]


def audit(
    inputs: Inputs,
    *,
    target: str | None = None,
    redundancy_threshold: float = 0.95,
    complement_threshold: float = 0.70,
    min_finite_ratio: float = 0.80,
    group_column: str | None = None,
    key_column: str | None = None,
    families: PathLike | None = None,
    directions: Sequence[str] = (),
    max_rows: int | None = None,
    seed: int = 20260508,
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Audit tables and return the audit JSON, writing nothing.

    Args:
        inputs: Tables (parquet, JSONL, JSON, CSV, directories of parts) as paths or
            ``LABEL=PATH``, or a mapping from labels to paths.
        target: The target column; inferred unless given. A table that lacks it is audited
            without a target.
        redundancy_threshold: |correlation| from which two columns say the same, in [0, 1].
        complement_threshold: |correlation| up to which two columns complete each other.
        min_finite_ratio: Least share of finite rows of a healthy column.
        group_column: Column of groups, kept together in folds and told apart in disagreement.
        key_column: Column of clip keys; inferred unless given.
        families: A TOML file that extends the families.
        directions: ``COLUMN=higher`` or ``COLUMN=lower`` for columns that nothing else knows.
        max_rows: Rows of a table to read at most; a seeded sample beyond.
        seed: Seed of samples, folds and bootstrap.
        progress: Called with the step, what is done and what there is.

    Returns:
        A ``signal-mix-audit-v1`` document without a run record.

    Raises:
        InputError: A table is unreadable or empty, two have one label, or an option is unusable.
    """
    options = Options(
        target=target,
        redundancy_threshold=redundancy_threshold,
        complement_threshold=complement_threshold,
        min_finite_ratio=min_finite_ratio,
        group_column=group_column,
        key_column=key_column,
        directions=parse_directions(directions),
        max_rows=max_rows,
        seed=seed,
    )
    return run_audit(parse_inputs(inputs), options, load_families(families), progress).document


def write_report(
    inputs: Inputs,
    out_json: PathLike,
    *,
    out_md: PathLike | None = None,
    out_html: PathLike | None = None,
    target: str | None = None,
    top_k: int = 12,
    redundancy_threshold: float = 0.95,
    complement_threshold: float = 0.70,
    min_finite_ratio: float = 0.80,
    group_column: str | None = None,
    key_column: str | None = None,
    families: PathLike | None = None,
    directions: Sequence[str] = (),
    max_rows: int | None = None,
    seed: int = 20260508,
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """Audit tables and write the audit JSON with its run record, and reports for people.

    Args:
        inputs: As for :func:`audit`, and so are all arguments not named here.
        out_json: Where the audit JSON goes; it carries the run record.
        out_md: Where the Markdown report goes, if anywhere.
        out_html: Where the self-contained page goes, if anywhere.
        top_k: Rows that the tables of the reports show at most.
        target: See :func:`audit`.
        redundancy_threshold: See :func:`audit`.
        complement_threshold: See :func:`audit`.
        min_finite_ratio: See :func:`audit`.
        group_column: See :func:`audit`.
        key_column: See :func:`audit`.
        families: See :func:`audit`.
        directions: See :func:`audit`.
        max_rows: See :func:`audit`.
        seed: See :func:`audit`.
        progress: See :func:`audit`.

    Returns:
        The document as written.

    Raises:
        InputError: As for :func:`audit`; or an output is an input, or two outputs are one.
        OutputError: An output cannot be written.
    """
    if top_k < 1:
        raise InputError(f"--top-k is {top_k}", fix="Give a positive number")
    options = Options(
        target=target,
        redundancy_threshold=redundancy_threshold,
        complement_threshold=complement_threshold,
        min_finite_ratio=min_finite_ratio,
        group_column=group_column,
        key_column=key_column,
        directions=parse_directions(directions),
        max_rows=max_rows,
        seed=seed,
    )
    tables = parse_inputs(inputs)
    known = load_families(families)
    arguments = {
        "input": [f"{label}={path}" for label, path in tables.items()],
        "out_json": os.fspath(out_json),
        "out_md": None if out_md is None else os.fspath(out_md),
        "out_html": None if out_html is None else os.fspath(out_html),
        "target": target,
        "top_k": top_k,
        "redundancy_threshold": redundancy_threshold,
        "complement_threshold": complement_threshold,
        "min_finite_ratio": min_finite_ratio,
        "group_column": group_column,
        "key_column": key_column,
        "families": None if families is None else os.fspath(families),
        "direction": list(directions),
        "max_rows": max_rows,
        "seed": seed,
    }
    with start_run(
        "signalaudit report",
        distribution="moskit-signalaudit",
        module="signalaudit.report.audit",
        inputs={"input": list(tables.values()), "families": families},
        args=arguments,
        progress=progress,
    ) as run:
        # Outputs are opened first, so that a folder that cannot be written to is found at once.
        markdown = None if out_md is None else run.stage("out_md", out_md, kind="report")
        page = None if out_html is None else run.stage("out_html", out_html, kind="report")
        result = run_audit(tables, options, known, progress)
        if markdown is not None:
            from signalaudit.report.markdown import render_markdown

            markdown.path.write_text(render_markdown(result.document, top_k), encoding="utf-8")
        if page is not None:
            from signalaudit.report.page import render_page

            page.path.write_text(render_page(result, top_k), encoding="utf-8")
        run.record(out_json, result.document, kind="audit")
    return run.document


def run_audit(
    tables: Mapping[str, str],
    options: Options,
    families: FamilySet,
    progress: ProgressCallback | None = None,
) -> Audit:
    """Audit tables by label; see :func:`audit`."""
    if options.directions:
        names = [n for path in tables.values() for n in labeljoin.open_table(path).column_names]
        check_directions(options.directions, names)
    audits = [
        audit_table(label, path, families, options, progress) for label, path in tables.items()
    ]
    audits = [replace(each, document=plain(each.document)) for each in audits]
    for each in audits:
        each.document["next_steps"] = advise(each.document, families)
    document = {
        "schema": SCHEMA,
        "families": [family.to_dict() for family in families.families],
        "thresholds": {
            "redundancy": options.redundancy_threshold,
            "complement": options.complement_threshold,
            "min_finite_ratio": options.min_finite_ratio,
        },
        "rules": RULES,
        "tables": [each.document for each in audits],
    }
    return Audit(document, audits)


def parse_inputs(inputs: Inputs) -> dict[str, str]:
    """Paths by label; a path without a label takes its name without the suffix.

    Raises:
        InputError: There is no input, or two have one label.
    """
    if isinstance(inputs, Mapping):
        pairs = [(label, os.fspath(path)) for label, path in inputs.items()]
    else:
        pairs = [_labelled(os.fspath(each)) for each in inputs]
    if not pairs:
        raise InputError("There is no input", fix="Give --input LABEL=PATH at least once")
    tables: dict[str, str] = {}
    for label, path in pairs:
        if label in tables:
            raise InputError(
                f"Two inputs are labelled {label!r}, {tables[label]} and {path}",
                fix="Give each a label of its own with --input LABEL=PATH",
            )
        tables[label] = path
    return tables


def _labelled(value: str) -> tuple[str, str]:
    label, separator, path = value.partition("=")
    if separator and label.strip() and path and not Path(value).exists():
        return label.strip(), path
    name = Path(value).name or Path(value).resolve().name
    return (name if Path(value).is_dir() else Path(name).stem), value


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: numpy numbers as numbers, not-finite ones as null."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, bool) or value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return plain(value.item())
