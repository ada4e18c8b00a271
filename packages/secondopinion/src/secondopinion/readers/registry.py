"""The layouts that are read, and how a file's layout is found from its content."""

from __future__ import annotations

import functools
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from provenance.toolkit import InputError

from secondopinion.readers.dover_csv import DoverCsvReader
from secondopinion.readers.fastvqa_log import FastvqaLogReader
from secondopinion.readers.pyiqa_csv import PyiqaCsvReader
from secondopinion.readers.qalign_json import QalignJsonReader
from secondopinion.readers.reader import ScoreReader
from secondopinion.readers.rows import RowsReader
from secondopinion.readers.vmaf_json import VmafJsonReader
from secondopinion.readers.wrapper import WrapperReader

if TYPE_CHECKING:
    from secondopinion.scores.file import ScoreFile

ENTRY_POINTS = "secondopinion.readers"
AUTO = "auto"

_BUILT_IN: tuple[type[ScoreReader], ...] = (
    RowsReader,
    WrapperReader,
    DoverCsvReader,
    PyiqaCsvReader,
    QalignJsonReader,
    FastvqaLogReader,
    VmafJsonReader,
)


@functools.cache
def readers() -> dict[str, ScoreReader]:
    """All readers by format: the built-in ones, then those that installed packages add.

    Raises:
        InputError: An installed reader cannot be loaded, or takes the format of another.
    """
    found: dict[str, ScoreReader] = {reader.format: reader() for reader in _BUILT_IN}
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            reader = entry.load()()
        except Exception as error:  # the package is a stranger's: anything can happen in it
            raise InputError(
                f"The installed reader {entry.name} ({entry.value}) cannot be loaded ({error})",
                fix="Repair or uninstall the package that brings it",
            ) from error
        if not isinstance(reader, ScoreReader) or reader.format in found:
            raise InputError(
                f"The installed reader {entry.name} ({entry.value}) is no ScoreReader"
                if not isinstance(reader, ScoreReader)
                else f"The installed reader {entry.value} takes the format {reader.format}, "
                "which is taken",
                fix="Uninstall the package that brings it",
            )
        found[reader.format] = reader
    return found


def reader_for(file: ScoreFile, format: str = AUTO) -> ScoreReader:
    """The reader of a file: the one named, or the one that recognises its content.

    Args:
        file: The file.
        format: A format's name, or ``auto``.

    Raises:
        InputError: There is no such format; or none recognises the file, or several do.
    """
    known = readers()
    if format != AUTO:
        if format not in known:
            raise unknown_format(format)
        return known[format]
    if not file.head.strip():
        raise InputError("The file is empty", where=str(file), fix="Give a file with scores")
    found = [each for each in known.values() if not each.generic and each.recognises(file)]
    found = found or [each for each in known.values() if each.generic and each.recognises(file)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(
            "The file has none of the layouts that scorers write",
            where=str(file),
            fix=f"Name its layout with --format: {', '.join(known)}",
        )
    raise InputError(
        f"The file could be {' or '.join(each.format for each in found)}",
        where=str(file),
        fix="Say which with --format",
    )


def unknown_format(format: str) -> InputError:
    """The error for a format that no reader has."""
    return InputError(
        f"There is no score format {format!r}, only {', '.join((AUTO, *readers()))}",
        fix="Correct --format",
    )
