"""Records and findings as Rich tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from provenance.record.entry import entries_of
from provenance.toolkit import Facts, one_line, shown_path

if TYPE_CHECKING:
    from rich.console import RenderableType

    from provenance.checks.findings import Verification
    from provenance.checks.replay import Replay
    from provenance.record.record import Record

_COLOURS = {
    "same": "green",
    "verified": "green",
    "other-key": "red",
    "invalid": "red",
    "other-record": "red",
    "moved": "yellow",
    "replaced": "yellow",
    "unrecorded": "yellow",
    "unchecked": "yellow",
    "changed": "red",
    "missing": "red",
    "unusable": "red",
    "different": "red",
    "close": "yellow",
}


def short_digest(sha256: str | None) -> str:
    """Return the first 16 digits of a digest: enough to tell files apart; ``--json`` has all 64."""
    return "" if sha256 is None else sha256[:16]


def status_text(status: str) -> Text:
    """Return ``status`` in its colour."""
    return Text(status, style=_COLOURS.get(status, ""))


def record_tables(record: Record) -> Iterator[RenderableType]:
    """Yield what ``provenance show`` prints."""
    argv = record.block.get("argv") or []
    yield Facts(
        [
            ("record", shown_path(record.path)),
            ("document", str(record.document.get("schema", "-"))),
            ("ran", " ".join(filter(None, (record.entrypoint, _by(record))))),
            ("argv", _shell_line(argv) if argv else "(called as a library)"),
            ("digest", record.content_sha256 or "(the record has no digest of itself)"),
            *(("damaged", fault) for fault in record.faults),
        ]
    )
    yield ""
    files = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("", "name", "bytes", "sha256", "path"):  # the path last, where it may be long
        files.add_column(title, justify="right" if title == "bytes" else "left", overflow="fold")
    for side, slots in (("input", record.inputs), ("output", record.outputs)):
        for name, slot in slots.items():
            entries = entries_of(slot)
            if not entries:
                files.add_row(side, escape(one_line(name)), "", "", "-")
            for entry in entries:
                digest = "" if entry.digest is None else short_digest(entry.digest.sha256)
                known = entry.digest is not None and entry.digest.size >= 0
                size = f"{entry.digest.size:,}" if known and entry.digest else ""
                files.add_row(
                    side, escape(one_line(name)), size, digest, escape(shown_path(entry.path))
                )
    yield files
    args = record.block.get("args") or {}
    if args:
        yield ""
        yield Facts(
            [("option", "value"), *((name, one_line(_plain(args[name]))) for name in sorted(args))]
        )


def verification_lines(outcome: Verification) -> Iterator[Text]:
    """Yield what ``provenance verify`` prints: a line for each run and for each of its files."""
    for record in outcome.records:
        yield Text.assemble(
            (one_line(record.entrypoint or "record"), "bold"), "  ", shown_path(record.path)
        )
        for finding in record.files:
            name = [] if finding.side == "record" else [finding.name, shown_path(finding.path)]
            words = [finding.side, *name]
            if finding.status == "changed" and finding.found:
                words.append(f"was {finding.recorded}, is {finding.found}")
            if finding.moved_to is not None:
                words.append(f"found as {shown_path(finding.moved_to)}")
            if finding.reason:
                words.append(f"({finding.reason})")
            yield _status_line(finding.status, words)
        for claim in record.claims:
            said = {
                "embedded": "its embedded record agrees",
                "prefix": "it begins with the input's bytes",
            }[claim.kind]
            words = ["claim", claim.name, claim.reason or said]
            yield _status_line(claim.status, words)
        if record.signature is not None:
            signature = record.signature
            words = ["signature", signature.reason or f"by the key {signature.keyid}"]
            yield _status_line(signature.status, words)
    for error in outcome.unusable:
        words = [shown_path(error.where or ""), f"({error.what})"]
        yield _status_line("unusable", words)


def _status_line(status: str, words: list[str]) -> Text:
    return Text.assemble(
        "  ", (f"{status:8} ", _COLOURS.get(status, "")), one_line(" ".join(words))
    )


def replay_table(outcome: Replay) -> RenderableType:
    """Return what ``provenance replay`` prints."""
    table = Table(
        title=escape(one_line(_shell_line(list(outcome.command)))),
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 2, 0, 0),
    )
    for column in ("status", "output", "recorded", "replayed", "largest difference"):
        table.add_column(column, overflow="fold")
    for item in outcome.outputs:
        difference = item.largest_difference
        table.add_row(
            status_text(item.status),
            escape(one_line(item.name)),
            short_digest(item.recorded),
            short_digest(item.replayed),
            "" if difference is None else f"{difference:.3g}",
        )
    notes = list(outcome.notes)
    if outcome.rebuilt:
        notes.append("the run was a library call; its command line was rebuilt from its options")
    if notes:
        table.caption = escape(one_line("Note: " + "; ".join(notes)))
        table.caption_justify = "left"
    return table


def _by(record: Record) -> str | None:
    return None if record.version is None else f"({record.version})"


def _plain(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join(_plain(member) for member in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}={_plain(member)}" for name, member in value.items())
    return str(value)


def _shell_line(argv: list[str]) -> str:
    import shlex

    return shlex.join(str(token) for token in argv)
