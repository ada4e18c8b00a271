"""Convert a run record to another tool's format."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from provenance.exports.identity import event_time as checked_time
from provenance.exports.registry import exporter
from provenance.record.search import load_record
from provenance.run.places import Places
from provenance.toolkit.canonical import json_value

if TYPE_CHECKING:
    from provenance.record.record import Record


def export(
    file: os.PathLike[str] | str,
    *,
    format: str,
    event_time: str | None = None,
    roots: Sequence[os.PathLike[str] | str] = (),
) -> dict[str, Any] | list[dict[str, Any]]:
    """Convert a run record to another tool's format.

    Records have no time. A format that must have one gets ``event_time``, or else the time of the
    export, marked as such; a format that can do without has it only if it was given. Run ids are
    UUIDv5 of the record's digest, so exporting twice gives the same run.

    Args:
        file: A record, or a file that it describes.
        format: ``in-toto`` (a Statement v1 with an SLSA provenance v1 predicate), ``prov-json``
            (W3C), ``openlineage`` (a list of run events), ``cyclonedx`` (a bill of materials),
            ``croissant`` (a data set), or a format that another package adds
            (:class:`provenance.exports.Exporter`).
        event_time: RFC 3339 with a time zone.
        roots: Folders in which the record is looked for.

    Returns:
        The document; for OpenLineage, a list of events.

    Raises:
        InputError: There is no record, the format or time is unknown, or the format cannot
            express this run.
        DamagedRecordError: The record is not what was written.

    Example:
        >>> from pathlib import Path
        >>> from provenance import start_run
        >>> _ = Path("in.csv").write_text("1")
        >>> with start_run("job.py", inputs={"table": "in.csv"}) as run:
        ...     _ = Path(run.stage("out", "out.csv")).write_text("2")
        >>> statement = export("out.csv", format="in-toto")
        >>> statement["_type"], [subject["name"] for subject in statement["subject"]]
        ('https://in-toto.io/Statement/v1', ['out.csv'])
    """
    convert = exporter(format)
    record = load_record(file, roots=roots)
    record.refuse_faults()
    document: dict[str, Any] | list[dict[str, Any]] = json_value(
        convert(record, checked_time(event_time))
    )
    return document


def refuse_described(
    out: os.PathLike[str] | str,
    file: os.PathLike[str] | str,
    *,
    roots: Sequence[os.PathLike[str] | str] = (),
) -> None:
    """Refuse a place for an export where the record is, or a file that the record describes.

    Args:
        out: Where the export will be written.
        file: As for :func:`export`.
        roots: As for :func:`export`.

    Raises:
        InputError: There is no record, or ``out`` is one of those files.
    """
    places = described_places(load_record(file, roots=roots), file)
    places.add_output("out", "the export (--out)", out)


def described_places(record: Record, file: os.PathLike[str] | str) -> Places:
    """Return the places that nothing made from a record may take: the record and its files.

    Args:
        record: The record.
        file: What the user has named it by.
    """
    places = Places()
    places.add_input("file", "the file that was named", file)
    places.add_input("record", "the record", record.path)
    for entry in (*record.input_entries(), *record.output_entries()):
        with suppress(ValueError):  # a path that no file can have
            places.add_input(entry.name, f"{entry.name} of the record", entry.path)
    return places


def export_bytes(document: Any, *, lines: bool = False) -> bytes:
    """Return an exported document as it is written to a file.

    Args:
        document: What :func:`export` gave.
        lines: Write a list as JSON lines, one event a line.
    """
    import orjson

    if lines and isinstance(document, list):
        return b"".join(orjson.dumps(item) + b"\n" for item in document)
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
