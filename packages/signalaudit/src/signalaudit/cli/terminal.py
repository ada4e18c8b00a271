"""The terminal output of the commands, as Rich renderables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.toolkit import visible
from rich.table import Table
from rich.text import Text

from signalaudit.notation import interval, number, signed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import RenderableType

    from signalaudit.documents import AuditDocument, DiffDocument, TableDocument

_STATUS = {"covered": ("●", "green"), "weak": ("◐", "yellow"), "missing": ("○", "red")}
_BLOCKS = 6
_STEPS = 5


def summarise(document: AuditDocument, written: Sequence[str | Path]) -> list[RenderableType]:
    """Summarise an audit: targets, coverage, the strongest blocks, next steps, files written."""
    shown: list[RenderableType] = [_subject(table) for table in document["tables"]]
    shown.append(_coverage(document))
    for table in document["tables"]:
        if table["gain"]:
            shown.append(_gain(table))
            if any(row["contaminated_columns"] for row in table["gain"][:_BLOCKS]):
                shown.append(_text("  † in doubt: a scorer was trained on this corpus"))
        shown.append(_text(f"{table['label']}: next steps", "bold"))
        shown += [
            Text.assemble((f"  {step['kind']:<5}", "cyan"), visible(step["title"]))
            for step in table["next_steps"][:_STEPS]
        ]
        shown += [_text(f"  warning: {warning}", "yellow") for warning in table["warnings"]]
    if written:
        shown.append(_text("wrote " + ", ".join(map(str, written))))
    return shown


def summarise_diff(document: DiffDocument, out_md: Path | None) -> list[RenderableType]:
    """Summarise a comparison of two audits."""
    shown: list[RenderableType] = []
    for table in document["tables"]:
        before, after = (table["target"][each] or "none" for each in ("before", "after"))
        target = after if before == after else f"{before} before, {after} now"
        shown.append(_text(f"{table['label']}: target {target}", "bold"))
        plcc = table["all_plcc"]
        shown.append(
            _text(
                f"  PLCC of all signals {number(plcc['before'])} → {number(plcc['after'])} "
                f"({signed(plcc['change'])})"
            )
        )
        for change in table["families_changed"]:
            was, now = change["before"] or "unknown", change["after"] or "unknown"
            shown.append(_text(f"  {change['family']}: {was} → {now}"))
        for row in table["gain"]:
            if row["before"] is None or row["verdict"] in ("lost", "removed"):
                gained = row["after"] and signed(row["after"]["added_plcc"])
                verdict = row["verdict"].replace("_", " ")
                shown.append(_text(f"  gain of {row['block']}: {gained or '–'} PLCC, {verdict}"))
    for label in document["tables_added"]:
        shown.append(_text(f"new table {label}"))
    for label in document["tables_removed"]:
        shown.append(_text(f"removed table {label}"))
    if out_md is not None:
        shown.append(_text(f"wrote {out_md}"))
    return shown


def _text(words: str, style: str = "") -> Text:
    return Text(visible(words), style)


def _subject(table: TableDocument) -> Text:
    """Return the first line about a table, which names its target."""
    target = table["target"] or "none (join labels, or name a column with --target)"
    return _text(
        f"{table['label']}: target {target}, {table['rows']:,} rows, "
        f"{len(table['signal_columns'])} signal columns",
        "bold",
    )


def _coverage(document: AuditDocument) -> Table:
    grid = Table(box=None, pad_edge=False)
    grid.add_column("family")
    for table in document["tables"]:
        grid.add_column(_text(table["label"]))
    for family in document["families"]:
        cells = []
        for table in document["tables"]:
            status = table["families"][family["key"]]["status"]
            mark, colour = _STATUS[status]
            cells.append(Text(f"{mark} {status}", style=colour))
        grid.add_row(_text(family["name"]), *cells)
    return grid


def _gain(table: TableDocument) -> Table:
    grid = Table(box=None, pad_edge=False)
    for heading in ("block", "alone", "rest", "all", "added PLCC", "95 % interval"):
        grid.add_column(heading, justify="left" if heading == "block" else "right")
    for row in table["gain"][:_BLOCKS]:
        grid.add_row(
            _text(row["block"] + (" †" if row["contaminated_columns"] else "")),
            number(row["alone_plcc"]),
            number(row["rest_plcc"]),
            number(row["all_plcc"]),
            signed(row["added_plcc"]),
            interval(row["ci"]),
        )
    return grid
