"""The registered readers, and how a file's layout is found from its content."""

from __future__ import annotations

import functools
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from provenance.toolkit import InputError

from secondopinion.readers.reader import ScoreReader

if TYPE_CHECKING:
    from secondopinion.scores.file import ScoreFile

ENTRY_POINTS = "secondopinion.readers"
AUTO = "auto"


@functools.cache
def readers() -> dict[str, ScoreReader]:
    """Return all readers by format: those of this package, then those of other packages.

    Raises:
        InputError: An installed reader cannot be loaded, or has the format of another.
    """
    found: dict[str, ScoreReader] = {}
    own = "secondopinion.readers."
    for entry in sorted(
        entry_points(group=ENTRY_POINTS),
        key=lambda entry: (not entry.value.startswith(own), entry.name),
    ):
        try:
            reader = entry.load()()
        except Exception as error:  # code of another package can raise anything
            raise InputError(
                f"The installed reader {entry.name} ({entry.value}) cannot be loaded ({error})",
                fix="Repair or uninstall the package that contains it",
                code="readers.not-loadable",
            ) from error
        if not isinstance(reader, ScoreReader):
            raise InputError(
                f"The installed reader {entry.name} ({entry.value}) is not a ScoreReader",
                fix="Uninstall the package that contains it",
                code="readers.not-a-reader",
            )
        if reader.format in found:
            raise InputError(
                f"The installed reader {entry.value} has the format {reader.format}, which "
                f"{type(found[reader.format]).__name__} already has",
                fix="Uninstall one of the two packages",
                code="readers.repeated-format",
            )
        found[reader.format] = reader
    return found


def reader_for(file: ScoreFile, format: str = AUTO) -> ScoreReader:
    """Return the reader of a file: the one named, or the one that recognises its content.

    Args:
        file: The file.
        format: A format's name, or ``auto``.

    Raises:
        InputError: The format does not exist, or no reader or several recognise the file.
    """
    known = readers()
    if file.table is not None:
        return known["rows"]
    if format != AUTO:
        if format not in known:
            raise unknown_format(format)
        return known[format]
    if not file.head.strip():
        raise InputError(
            "The file is empty",
            where=str(file),
            fix="Give a file with scores",
            code="scores.empty-file",
        )
    found = [each for each in known.values() if not each.generic and each.recognises(file)]
    found = found or [each for each in known.values() if each.generic and each.recognises(file)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(
            "The file has no known layout of scores",
            where=str(file),
            fix=f"Name its layout with --format: {', '.join(known)}",
            code="scores.unknown-layout",
        )
    raise InputError(
        f"The file could be {' or '.join(each.format for each in found)}",
        where=str(file),
        fix="Choose one with --format",
        code="scores.ambiguous-layout",
    )


def unknown_format(format: str) -> InputError:
    """Return the error for a format that no reader has."""
    return InputError(
        f"The score format {format!r} does not exist; the formats are "
        f"{', '.join((AUTO, *readers()))}",
        fix="Correct --format",
        code="readers.unknown-format",
    )
