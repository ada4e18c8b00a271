"""What people see of a join, an inspection and a batch, from their JSON documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType


_FORMATS_SHOWN = 12


def join_summary(audit: Mapping[str, Any], audit_path: str) -> Iterator[RenderableType]:
    """The scorers of a join, what was written, and what to know about it."""
    table = _table("scorer", "ok", "missing", "bad", "matched", "better", "stale")
    for scorer in audit["scorers"]:
        rows = scorer["rows"]
        table.add_row(
            scorer["slug"],
            f"{rows['ok']:,}",
            f"{rows['missing']:,}",
            f"{rows['bad']:,}",
            percent(scorer["match_rate"]),
            scorer["direction"] or "?",
            f"{scorer['stale_score_keys']['count']:,}",
        )
    yield table
    dropped = audit["dropped_rows"]["count"]
    if dropped:
        lacking = audit["dropped_rows"]["by_scorer"]
        which = ", ".join(f"{slug} {sum(rows.values()):,}" for slug, rows in lacking.items())
        yield Text(f"Dropped {dropped:,} rows that lack a score (by scorer: {which}).")
    if audit["output"] is not None:
        yield Text(
            f"Wrote {audit['output']}: {audit['output_rows']:,} rows, "
            f"{len(audit['columns_added'])} columns added by {audit['engine']}"
            + (f" ({audit['engine_reason']})" if audit["engine_reason"] else "")
            + "."
        )
    yield Text(f"Audit: {audit_path}")
    yield from _suggestions(audit["scorers"])
    for note in audit["notes"]:
        yield Text(f"note: {note}", style="yellow")


def inspection(document: Mapping[str, Any]) -> Iterator[RenderableType]:
    """The files, the scorers and their keys."""
    files = _table("file", "layout", "scores", "scorers", "score field")
    for file in document["score_files"][:_FORMATS_SHOWN]:
        files.add_row(
            file["path"],
            file["format"],
            f"{file['scores']:,}",
            ", ".join(file["scorers"]),
            ", ".join(file["score_fields"]) or "-",
        )
    yield files
    more = len(document["score_files"]) - _FORMATS_SHOWN
    if more > 0:
        yield Text(f"and {more:,} more files")
    table = _table("scorer", "clips", "bad", "min", "mean", "max", "better", "range", "named by")
    for scorer in document["scorers"]:
        bounds = scorer["range"]
        table.add_row(
            scorer["slug"],
            f"{scorer['clips']:,}",
            f"{scorer['bad']:,}",
            *(_number(scorer[name]) for name in ("min", "mean", "max")),
            scorer["direction"] or "?",
            f"{bounds[0]:g} to {bounds[1]:g}" if bounds else "-",
            ", ".join(scorer["decided_by"]),
        )
    yield table
    keys = _table("scorer", "the file says", "clip key")
    for scorer in document["scorers"]:
        for at, sample in enumerate(scorer["sample_keys"][:3]):
            keys.add_row("" if at else scorer["slug"], sample["value"], sample["key"])
    yield keys
    yield from _matches(document)
    for note in document["notes"]:
        yield Text(f"note: {note}", style="yellow")


def _matches(document: Mapping[str, Any]) -> Iterator[RenderableType]:
    if document["feature_table"] is None:
        return
    table = _table("scorer", "ok", "missing", "bad", "matched", "unmatched keys", "stale keys")
    for scorer in document["scorers"]:
        match = scorer["match"]
        table.add_row(
            scorer["slug"],
            *(f"{match['rows'][status]:,}" for status in ("ok", "missing", "bad")),
            percent(match["match_rate"]),
            ", ".join(match["unmatched_feature_keys"][:3]) or "-",
            ", ".join(match["stale_score_keys"][:3]) or "-",
        )
    yield Text(
        f"{document['feature_table']}: {document['feature_keys']['keys']:,} clip keys "
        f"in the column {document['feature_key_column']}"
    )
    yield table
    yield from _suggestions(
        [{**scorer["match"], "slug": scorer["slug"]} for scorer in document["scorers"]]
    )


def _suggestions(scorers: list[Mapping[str, Any]]) -> Iterator[RenderableType]:
    for scorer in scorers:
        for suggestion in scorer["suggestions"][:1]:
            yield Text(
                f"{scorer['slug']} would match {percent(suggestion['match_rate'])} of the clips "
                f"with {suggestion['command']}",
                style="yellow",
            )


def percent(rate: float) -> str:
    """A share as people read it: 100 % only where it is all, 0 % only where it is none."""
    for places in (1, 2, 4):
        text = f"{100 * rate:.{places}f}"
        if rate in (0, 1) or 0 < float(text) < 100:
            break
    return f"{text} %".replace(".0 %", " %")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


_LEFT = frozenset(
    {"scorer", "file", "layout", "scorers", "score field", "named by", "better", "range"}
    | {"the file says", "clip key", "unmatched keys", "stale keys", "id", "status", "what"}
)
_FOLDED = frozenset({"file", "scorers", "the file says", "unmatched keys", "stale keys", "what"})


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        folded = header in _FOLDED
        table.add_column(
            header,
            justify="left" if header in _LEFT else "right",
            overflow="fold",
            no_wrap=not folded,
        )
    return table
