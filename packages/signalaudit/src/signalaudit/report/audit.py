"""Audit tables: as a document, and as the reports that are written from it."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from labeljoin.formats import Frame, FrameTable, arrow_table, is_frame
from labeljoin.labels import parse_trained_on
from provenance import start_run
from provenance.stores import as_path
from provenance.toolkit import InputError, Shown

from signalaudit.advice.rules import RULES
from signalaudit.advice.steps import advise
from signalaudit.findings.table_audit import Options, audit_table, opened
from signalaudit.report.audited import Audit, audit_html
from signalaudit.tables.direction import check_directions, parse_directions
from signalaudit.tables.families import FamilySet, load_families

if TYPE_CHECKING:
    from provenance.toolkit import ProgressCallback

    from signalaudit.documents import AuditDocument, TableDocument

MOST_ROWS_SHOWN = 10_000
"""The largest ``top_k``."""

PathLike = os.PathLike[str] | str
Inputs = Sequence[PathLike | Frame] | Mapping[str, PathLike | Frame] | Frame


def audit(
    inputs: Inputs,
    *,
    target: str | None = None,
    redundancy_threshold: float = 0.95,
    complement_threshold: float = 0.70,
    min_finite_ratio: float = 0.80,
    rating_sd_ddof: Literal[0, 1] = 1,
    group_column: str | None = None,
    key_column: str | None = None,
    families: PathLike | None = None,
    directions: Sequence[str] = (),
    trained_on: Sequence[str] = (),
    corpus: str | None = None,
    max_rows: int | None = None,
    seed: int = 20260508,
    progress: ProgressCallback | None = None,
) -> AuditDocument:
    r"""Audit tables and return the audit, without writing anything.

    Args:
        inputs: Tables (parquet, JSONL, JSON, CSV, directories of parts) as paths or
            ``LABEL=PATH``, data frames (anything with the Arrow PyCapsule interface: pandas,
            polars, pyarrow), or a mapping from labels to both.
        target: The target column. None takes the first of ``mos``, ``mos_raw_0_100``, ``dmos``,
            ``vmaf``, ``vmaf_score`` and ``score`` that the table has. A table without the target
            is audited without one.
        redundancy_threshold: |correlation| from which two columns are redundant, in [0, 1].
        complement_threshold: |correlation| up to which two columns are complementary, in [0, 1].
        min_finite_ratio: Least share of finite rows of a healthy column, in [0, 1].
        rating_sd_ddof: What published deviations of ratings were divided by: n - this.
        group_column: Column of groups, kept together in folds and reported apart in disagreement.
        key_column: Column of clip keys; None infers it.
        families: A TOML file that extends the families.
        directions: ``COLUMN=higher`` or ``COLUMN=lower`` for columns of unknown direction.
        trained_on: ``SCORER=CORPUS``: what a scorer was trained on, before what is published.
        corpus: Name of the corpus of the tables, where their column ``corpus`` does not say.
        max_rows: How many rows of a table to read at most, as a seeded sample. None reads all
            that fit in memory.
        seed: Seed of samples, folds and bootstrap.
        progress: Called with the step, the work done and the total work.

    Returns:
        A ``signal-mix-audit-v1`` document without a run record; notebooks show it as a summary.

    Raises:
        InputError: A table is unreadable or empty, two have one label, or an option is unusable.

    Example:
        >>> import tempfile, pathlib
        >>> table = pathlib.Path(tempfile.mkdtemp(), "t.csv")
        >>> _ = table.write_text("clip_id,vmaf,mos\na,90,4.1\nb,70,3.0\nc,40,1.9\n")
        >>> [found] = audit([table])["tables"]
        >>> found["target"], found["signal_columns"]
        ('mos', ['vmaf'])
    """
    options = Options(
        target=target,
        redundancy_threshold=redundancy_threshold,
        complement_threshold=complement_threshold,
        min_finite_ratio=min_finite_ratio,
        rating_sd_ddof=rating_sd_ddof,
        group_column=group_column,
        key_column=key_column,
        directions=parse_directions(directions),
        trained_on=parse_trained_on(trained_on),
        corpus=corpus,
        max_rows=max_rows,
        seed=seed,
    )
    return _shown(run_audit(parse_inputs(inputs), options, load_families(families), progress))


def write_report(
    inputs: Inputs,
    out_json: PathLike | None = None,
    *,
    out_md: PathLike | None = None,
    out_html: PathLike | None = None,
    target: str | None = None,
    top_k: int = 12,
    redundancy_threshold: float = 0.95,
    complement_threshold: float = 0.70,
    min_finite_ratio: float = 0.80,
    rating_sd_ddof: Literal[0, 1] = 1,
    group_column: str | None = None,
    key_column: str | None = None,
    families: PathLike | None = None,
    directions: Sequence[str] = (),
    trained_on: Sequence[str] = (),
    corpus: str | None = None,
    max_rows: int | None = None,
    seed: int = 20260508,
    progress: ProgressCallback | None = None,
) -> AuditDocument:
    r"""Audit tables and write the audit JSON with its run record, and reports for people.

    All outputs are optional. Without ``out_json`` the audit JSON is written beside the first
    report, as ``<report>.audit.json``. Without any output nothing is written.

    Args:
        inputs: As for :func:`audit`.
        out_json: The path of the audit JSON, which carries the run record.
        out_md: The path of the Markdown report.
        out_html: The path of the self-contained page.
        top_k: How many rows the tables of the reports show at most, up to 10,000.
        target: See :func:`audit`.
        redundancy_threshold: See :func:`audit`.
        complement_threshold: See :func:`audit`.
        min_finite_ratio: See :func:`audit`.
        rating_sd_ddof: See :func:`audit`.
        group_column: See :func:`audit`.
        key_column: See :func:`audit`.
        families: See :func:`audit`.
        directions: See :func:`audit`.
        trained_on: See :func:`audit`.
        corpus: See :func:`audit`.
        max_rows: See :func:`audit`.
        seed: See :func:`audit`.
        progress: See :func:`audit`.

    Returns:
        The document as written.

    Raises:
        InputError: As for :func:`audit`; or an output is also an input or another output.
        OutputError: An output cannot be written.

    Example:
        >>> import tempfile, pathlib
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "t.csv").write_text("clip_id,niqe,mos\na,3,4.1\nb,5,3.0\nc,7,1.9\n")
        >>> document = write_report([folder / "t.csv"], out_md=folder / "t.md")
        >>> sorted(path.name for path in folder.iterdir())
        ['t.csv', 't.md', 't.md.audit.json']
    """
    if not 1 <= top_k <= MOST_ROWS_SHOWN:
        raise InputError(
            f"--top-k must be between 1 and {MOST_ROWS_SHOWN:,}, got {top_k}",
            fix="Give a smaller or larger number, such as 12",
            code="audit.top-k-range",
        )
    options = Options(
        target=target,
        redundancy_threshold=redundancy_threshold,
        complement_threshold=complement_threshold,
        min_finite_ratio=min_finite_ratio,
        rating_sd_ddof=rating_sd_ddof,
        group_column=group_column,
        key_column=key_column,
        directions=parse_directions(directions),
        trained_on=parse_trained_on(trained_on),
        corpus=corpus,
        max_rows=max_rows,
        seed=seed,
    )
    tables = parse_inputs(inputs)
    known = load_families(families)
    record = record_path(out_json, out_md, out_html)
    if record is None:
        return _shown(run_audit(tables, options, known, progress))
    arguments = {
        "input": [
            f"{label}={table}" if isinstance(table, str) else {"label": label, **table.facts()}
            for label, table in tables.items()
        ],
        "out_json": None if out_json is None else os.fspath(out_json),
        "out_md": None if out_md is None else os.fspath(out_md),
        "out_html": None if out_html is None else os.fspath(out_html),
        "target": target,
        "top_k": top_k,
        "redundancy_threshold": redundancy_threshold,
        "complement_threshold": complement_threshold,
        "min_finite_ratio": min_finite_ratio,
        "rating_sd_ddof": rating_sd_ddof,
        "group_column": group_column,
        "key_column": key_column,
        "families": None if families is None else os.fspath(families),
        "direction": list(directions),
        "trained_on": list(trained_on),
        "corpus": corpus,
        "max_rows": max_rows,
        "seed": seed,
    }
    with start_run(
        "signalaudit report",
        distribution="moskit-signalaudit",
        module="signalaudit.report.audit",
        inputs={
            "input": [table for table in tables.values() if isinstance(table, str)],
            "families": families,
        },
        args=arguments,
        progress=progress,
    ) as run:
        # Stage outputs first: a folder that cannot be written to is an error before the work.
        markdown = None if out_md is None else run.stage("out_md", out_md, kind="report")
        page = None if out_html is None else run.stage("out_html", out_html, kind="report")
        result = run_audit(tables, options, known, progress)
        if markdown is not None:
            from signalaudit.report.markdown import render_markdown

            markdown.path.write_text(render_markdown(result.document, top_k), encoding="utf-8")
        if page is not None:
            from signalaudit.report.page import render_page

            page.path.write_text(render_page(result, top_k), encoding="utf-8")
        run.record(record, cast("dict[str, Any]", result.document), kind="audit")
    return cast("AuditDocument", Shown(run.document, audit_html))


def _shown(found: Audit) -> AuditDocument:
    return cast("AuditDocument", Shown(cast("dict[str, Any]", found.document), audit_html))


def record_path(*outputs: PathLike | None) -> str | None:
    """Return the path of the audit JSON: the first output, or a file beside the first report.

    Args:
        outputs: The paths of the JSON, the Markdown report and the page, each or None.

    Returns:
        None without any output.

    Example:
        >>> record_path(None, None, "audit.html")
        'audit.html.audit.json'
    """
    json, *reports = outputs
    if json is not None:
        return os.fspath(json)
    first = next((each for each in reports if each is not None), None)
    return None if first is None else f"{os.fspath(first)}.audit.json"


def run_audit(
    tables: Mapping[str, str | FrameTable],
    options: Options,
    families: FamilySet,
    progress: ProgressCallback | None = None,
) -> Audit:
    """Audit tables by label; see :func:`audit`."""
    if options.directions:
        names = [n for each in tables.values() for n in opened(each).column_names]
        check_directions(options.directions, names)
    audits = [
        audit_table(label, path, families, options, progress) for label, path in tables.items()
    ]
    audits = [replace(each, document=_plain_table(each.document)) for each in audits]
    for each in audits:
        each.document["next_steps"] = advise(each.document, families)
    document: AuditDocument = {
        "schema": "signal-mix-audit-v1",
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


def parse_inputs(inputs: Inputs) -> dict[str, str | FrameTable]:
    """Return tables by label; the label of a path without one is its name without the suffix.

    Data frames without a label are ``data frame``, or ``data frame 2`` as the second input.

    Raises:
        InputError: No input was given, or two have one label.
    """
    pairs: list[tuple[str, str | FrameTable]]
    if is_frame(inputs):
        inputs = [cast("Frame", inputs)]
    if isinstance(inputs, Mapping):
        pairs = [(label, _table(each, label)) for label, each in inputs.items()]
    else:
        pairs = [
            _labelled(each, "data frame" if number == 1 else f"data frame {number}")
            for number, each in enumerate(cast("Sequence[PathLike | Frame]", inputs), start=1)
        ]
    if not pairs:
        raise InputError(
            "No input was given",
            fix="Give --input LABEL=PATH at least once",
            code="audit.no-input",
        )
    tables: dict[str, str | FrameTable] = {}
    for label, path in pairs:
        if label in tables:
            raise InputError(
                f"Two inputs are labelled {label!r}, {_named(tables[label])} and {_named(path)}",
                fix="Give each its own label with --input LABEL=PATH",
                code="audit.repeated-label",
            )
        tables[label] = path
    return tables


def _table(value: PathLike | Frame, name: str) -> str | FrameTable:
    if isinstance(value, str | os.PathLike):
        return os.fspath(value)
    return FrameTable(arrow_table(value, "the rows"), name)


def _named(table: str | FrameTable) -> str:
    return table if isinstance(table, str) else str(table.path)


def _labelled(given: PathLike | Frame, name: str) -> tuple[str, str | FrameTable]:
    if not isinstance(given, str | os.PathLike):
        return name, _table(given, name)
    value = os.fspath(given)
    label, separator, path = value.partition("=")
    given = as_path(value)
    if separator and label.strip() and path and not given.exists():
        return label.strip(), path
    name = given.name or given.resolve().name
    return (name if given.is_dir() else Path(name).stem), value


def _plain_table(document: TableDocument) -> TableDocument:
    return cast("TableDocument", plain(document))


def plain(value: Any) -> Any:
    """Convert ``value`` for JSON: numpy numbers to numbers, NaN and infinity to null."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, bool) or value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return plain(value.item())
