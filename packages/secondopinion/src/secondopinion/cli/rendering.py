"""The terminal output of a join and an inspection, from their documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labeljoin.keys import percent
from provenance.toolkit import Facts, one_line
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rich.console import RenderableType

_FILES_SHOWN = 12
_KEYS_SHOWN = 3


def join_summary(audit: Mapping[str, Any], audit_path: str) -> Iterator[RenderableType]:
    """Show the scorers of a join, what was written, and what you should know about it."""
    table = _table("scorer", "better", right=("ok", "missing", "bad", "matched", "stale"))
    for scorer in audit["scorers"]:
        rows = scorer["rows"]
        _add(
            table,
            scorer["slug"],
            scorer["direction"] or "?",
            f"{rows['ok']:,}",
            f"{rows['missing']:,}",
            f"{rows['bad']:,}",
            percent(scorer["match_rate"]),
            f"{scorer['stale_score_keys']['count']:,}",
        )
    yield table
    yield Text()
    yield Facts(_shown(_join_facts(audit, audit_path)))


def _join_facts(audit: Mapping[str, Any], audit_path: str) -> Iterator[tuple[str, str]]:
    if audit["clip_key"].get("evidence"):
        key = audit["clip_key"]
        yield "key", f"{key['column']}, decided by values ({key['evidence']})"
    dropped = audit["dropped_rows"]
    if dropped["count"]:
        lacking = ", ".join(
            f"{slug} {sum(rows.values()):,}" for slug, rows in dropped["by_scorer"].items()
        )
        yield "dropped", f"{dropped['count']:,} rows that lack a score (by scorer: {lacking})"
    if audit["output"] is None:
        yield "table", "not written"
    else:
        reason = f": {audit['engine_reason']}" if audit["engine_reason"] else ""
        yield (
            "table",
            f"{audit['output']}, {audit['output_rows']:,} rows, "
            f"{len(audit['columns_added'])} columns added ({audit['engine']}{reason})",
        )
    yield "audit", audit_path
    yield from _advice(audit["scorers"], audit["notes"])


def inspection(document: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Show the files, the scorers and their keys."""
    yield _files(document["score_files"])
    yield Text()
    table = _table("scorer", "better", "range", right=("clips", "bad", "min", "mean", "max"))
    table.add_column("named by")
    for scorer in document["scorers"]:
        bounds = scorer["range"]
        _add(
            table,
            scorer["slug"],
            scorer["direction"] or "?",
            f"{bounds[0]:.15g} to {bounds[1]:.15g}" if bounds else "-",
            f"{scorer['clips']:,}",
            f"{scorer['bad']:,}",
            *(_number(scorer[name]) for name in ("min", "mean", "max")),
            ", ".join(scorer["decided_by"]),
        )
    yield table
    yield Text()
    keys = _table("scorer", "clip key")
    keys.add_column("the file says", overflow="fold")
    for scorer in document["scorers"]:
        for at, sample in enumerate(scorer["sample_keys"][:_KEYS_SHOWN]):
            _add(keys, "" if at else scorer["slug"], sample["key"], sample["value"])
    yield keys
    advised: list[Mapping[str, Any]] = []
    if document["feature_table"] is not None:
        yield Text()
        yield _matches(document)
        advised = [{**each["match"], "slug": each["slug"]} for each in document["scorers"]]
    facts = list(_advice(advised, document["notes"]))
    if facts:
        yield Text()
        yield Facts(_shown(facts))


def _files(files: list[Mapping[str, Any]]) -> Table:
    table = _table("layout", right=("scores",))
    table.add_column("score field")
    table.add_column("file", overflow="fold")
    for file in files[:_FILES_SHOWN]:
        fields = ", ".join(file["score_fields"]) or "-"
        _add(table, file["format"], f"{file['scores']:,}", fields, file["path"])
    more = len(files) - _FILES_SHOWN
    if more > 0:
        _add(table, "", "", "", f"and {more:,} more files")
    return table


def _matches(document: Mapping[str, Any]) -> Table:
    table = _table("scorer", right=("ok", "missing", "bad", "matched"))
    table.add_column("table keys without a score", overflow="fold")
    table.add_column("score keys without a row", overflow="fold")
    for scorer in document["scorers"]:
        match = scorer["match"]
        _add(
            table,
            scorer["slug"],
            *(f"{match['rows'][status]:,}" for status in ("ok", "missing", "bad")),
            percent(match["match_rate"]),
            ", ".join(match["unmatched_feature_keys"][:_KEYS_SHOWN]) or "-",
            ", ".join(match["stale_score_keys"][:_KEYS_SHOWN]) or "-",
        )
    return table


def _advice(
    scorers: Iterable[Mapping[str, Any]], notes: Iterable[str]
) -> Iterator[tuple[str, str]]:
    for scorer in scorers:
        for suggestion in scorer["suggestions"][:1]:
            about = "about " if suggestion["sampled"] else ""
            yield (
                "try",
                f"{suggestion['command']}, with which {scorer['slug']} matches "
                f"{about}{percent(suggestion['match_rate'])} of the clips",
            )
    for note in notes:
        yield "warning" if " matches only " in note else "note", note


def _shown(facts: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    return ((name, one_line(words)) for name, words in facts)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _table(*left: str, right: Iterable[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in left:
        table.add_column(header, no_wrap=True)
    for header in right:
        table.add_column(header, justify="right", no_wrap=True)
    return table


def _add(table: Table, *cells: str) -> None:
    # Names of files and clips may contain Rich markup, or sequences that a terminal obeys.
    table.add_row(*(Text(one_line(cell)) for cell in cells))
