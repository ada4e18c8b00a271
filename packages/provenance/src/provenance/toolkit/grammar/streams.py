"""``-`` for standard input and standard output, of commands that work on files.

A command counts and checks its table before it writes, so a stream is put into a file first, and
the output goes to standard output only when it is complete.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from provenance.toolkit.errors import InputError

STREAM = "-"
_STREAMED = (".csv", ".jsonl", ".ndjson", ".tsv", ".txt")
_SEEKING = {b"PAR1": "parquet", b"ARROW1": "Arrow", b"\x1f\x8b": "gzip", b"PK": "zip"}


@contextmanager
def streamed(
    options: Mapping[str, Any], table: str | None, output: str, *, json: bool
) -> Iterator[dict[str, Any]]:
    """Replace ``-`` among the options by files, and write the output to standard output at the end.

    Args:
        options: The options of a command.
        table: The option that names the table it reads, or None.
        output: The option that names its output.
        json: Whether the result goes to standard output.

    Raises:
        InputError: The format does not stream, or there is no place for the audit or the result.
    """
    given = options.get(table) if table is not None else None
    several = isinstance(given, list)
    reads = STREAM in map(str, given) if isinstance(given, list) else str(given) == STREAM
    writes = str(options.get(output)) == STREAM
    if not (reads or writes):
        yield dict(options)
        return
    if writes:
        _check_places(options, json=json)
    with tempfile.TemporaryDirectory(prefix="moskit-stream-") as folder:
        changed = dict(options)
        suffix = Path(str(given[0] if several and given else given)).suffix.lower()
        if reads:
            source = _spool(Path(folder))
            suffix = source.suffix
            if isinstance(given, list):
                changed[str(table)] = [
                    type(each)(source) if str(each) == STREAM else each for each in given
                ]
            else:
                changed[str(table)] = Path(source)
        if not writes:
            yield changed
            return
        if suffix not in _STREAMED:
            raise InputError(
                f"a table of the format {suffix.lstrip('.') or 'parquet'} cannot be written to a "
                "stream",
                fix="Name a file with -o, or convert the table to CSV or JSONL",
                code="streams.output-format",
            )
        target = Path(folder, f"stdout{suffix}")
        changed[output] = type(options[output])(target)
        yield changed
        with target.open("rb") as file:
            sys.stdout.flush()
            shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()


def _check_places(options: Mapping[str, Any], *, json: bool) -> None:
    if json:
        raise InputError(
            "--json and -o - both want standard output",
            fix="Leave one of them out",
            code="streams.two-results",
        )
    if "audit_json" in options and options["audit_json"] is None:
        raise InputError(
            "the table goes to standard output, and there is no place for its audit",
            fix="Name one with --audit-json",
            code="streams.no-audit",
        )


def _spool(folder: Path) -> Path:
    """Put standard input into a file, whose suffix says CSV or JSONL."""
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError(
            "- reads standard input, which is a terminal",
            fix="Pipe a table into the command, or name a file",
            code="streams.terminal",
        )
    spooled = folder / "stdin"
    with spooled.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    with spooled.open("rb") as file:
        head = file.read(1 << 12)
    for mark, name in _SEEKING.items():
        if head.startswith(mark):
            raise InputError(
                f"standard input is {name}, which cannot be read from a stream",
                fix="Give the file by its name, or CSV or JSONL",
                code="streams.input-format",
            )
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    named = spooled.with_suffix(".jsonl" if begin.startswith(b"{") else ".csv")
    spooled.replace(named)
    return named
