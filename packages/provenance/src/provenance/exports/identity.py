"""What all exports say alike: the run's id, the time, and how moskit's terms are named as URIs."""

from __future__ import annotations

import os
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from provenance.toolkit import InputError

if TYPE_CHECKING:
    from provenance.record.record import Record

URN = "urn:moskit:"
"""Prefix of moskit's own terms; a name and not a place."""


@dataclass(frozen=True)
class EventTime:
    """A time for a format that wants one; records have none.

    Attributes:
        text: RFC 3339, with a time zone.
        given: Whether the caller gave it; else it is the time of the export.
    """

    text: str
    given: bool

    @property
    def origin(self) -> str:
        """What the time is, in words."""
        return "given by the exporting user" if self.given else "the export, not the run"


def event_time(given: str | None) -> EventTime:
    """Return the time that was given, or the time of the export.

    Raises:
        InputError: The given time is not RFC 3339 with a time zone.
    """
    if given is None:
        return EventTime(datetime.now(UTC).isoformat(timespec="seconds"), False)
    shape = r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})"
    try:
        moment = datetime.fromisoformat(given.upper())
    except ValueError:
        moment = None
    if moment is None or not re.fullmatch(shape, given):
        raise InputError(
            f"{given} is not a time of RFC 3339",
            where="--event-time",
            fix="Write it like 2026-05-08T12:00:00Z",
            code="export.event-time",
        )
    return EventTime(moment.isoformat(), True)


def run_id(record: Record) -> str:
    """Return the run's id: the UUIDv5 (RFC 9562) of ``sha256:<record digest>`` as a URL name.

    Examples:
        >>> from pathlib import Path
        >>> from provenance import start_run
        >>> from provenance.record import load_record
        >>> with start_run("note.py", inputs={}) as run:
        ...     run.record("note.json")
        >>> len(run_id(load_record(Path("note.json"))))
        36
    """
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sha256:{record.identity}"))


def no_outputs(record: Record, what: str) -> InputError:
    """Return the error of a format that cannot express a run without outputs.

    Args:
        record: The record.
        what: What the format is made for, as the beginning of a sentence about outputs.
    """
    return InputError(
        f"The run has no outputs, and {what} outputs",
        where=os.fspath(record.path),
        fix="Choose another format",
        code="export.no-outputs",
    )


def producer() -> str:
    """This program as a URI.

    Examples:
        >>> producer().startswith("urn:")
        True
    """
    return f"{URN}moskit-provenance:{version('moskit-provenance')}"
