"""What the commands print for people, as Rich renderables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from signalaudit.report.markdown import interval, number, signed

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

_STATUS = {"covered": ("●", "green"), "weak": ("◐", "yellow"), "missing": ("○", "red")}
_BLOCKS = 6
_STEPS = 5


def summarise(document: Mapping[str, Any], written: Sequence[Path | None]) -> list[RenderableType]:
    """The audit in a screenful: coverage, the strongest blocks, what to do next, files written."""
    shown: list[RenderableType] = [_coverage(document)]
    for table in document["tables"]:
        if table["gain"]:
            shown.append(_gain(table))
        heading = Text(f"{table['label']}: next", style="bold")
        shown.append(heading)
        shown += [
            Text.assemble((f"  {step['kind']:<5}", "cyan"), step["title"])
            for step in table["next_steps"][:_STEPS]
        ]
        shown += [Text(f"  mind  {warning}", style="yellow") for warning in table["warnings"]]
    shown.append(Text("wrote " + ", ".join(str(path) for path in written if path is not None)))
    return shown


def summarise_diff(document: Mapping[str, Any], out_md: Path | None) -> list[RenderableType]:
    """A comparison in a screenful."""
    shown: list[RenderableType] = []
    for table in document["tables"]:
        shown.append(Text(table["label"], style="bold"))
        plcc = table["all_plcc"]
        shown.append(
            Text(
                f"  PLCC of all signals {number(plcc['before'])} → {number(plcc['after'])} "
                f"({signed(plcc['change'])})"
            )
        )
        for change in table["families_changed"]:
            before, after = change["before"] or "unknown", change["after"] or "unknown"
            shown.append(Text(f"  {change['family']}: {before} → {after}"))
        for row in table["gain"]:
            if row["before"] is None or row["verdict"] in ("lost", "removed"):
                gained = row["after"] and signed(row["after"]["added_plcc"])
                verdict = row["verdict"].replace("_", " ")
                shown.append(Text(f"  gain of {row['block']}: {gained or '–'} PLCC, {verdict}"))
    for label in document["tables_added"]:
        shown.append(Text(f"new table {label}"))
    for label in document["tables_removed"]:
        shown.append(Text(f"table gone {label}"))
    if out_md is not None:
        shown.append(Text(f"wrote {out_md}"))
    return shown


def _coverage(document: Mapping[str, Any]) -> Table:
    grid = Table(box=None, pad_edge=False)
    grid.add_column("family")
    for table in document["tables"]:
        grid.add_column(Text(table["label"]))
    for family in document["families"]:
        cells = []
        for table in document["tables"]:
            status = table["families"][family["key"]]["status"]
            mark, colour = _STATUS[status]
            cells.append(Text(f"{mark} {status}", style=colour))
        grid.add_row(Text(family["name"]), *cells)
    return grid


def _gain(table: Mapping[str, Any]) -> Table:
    grid = Table(box=None, pad_edge=False)
    for heading in ("block", "alone", "rest", "all", "added PLCC", "95 % interval"):
        grid.add_column(heading, justify="left" if heading == "block" else "right")
    for row in table["gain"][:_BLOCKS]:
        grid.add_row(
            Text(row["block"]),
            number(row["alone_plcc"]),
            number(row["rest_plcc"]),
            number(row["all_plcc"]),
            signed(row["added_plcc"]),
            interval(row["ci"]),
        )
    return grid
