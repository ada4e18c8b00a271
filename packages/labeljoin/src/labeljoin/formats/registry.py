"""The table formats that are installed, by name.

Formats are found under the entry-point group ``moskit.table_formats``: those of this distribution,
and those that others add.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from provenance.toolkit import InputError

from labeljoin.formats.base import Format
from labeljoin.formats.sample import Certainty, Sample

if TYPE_CHECKING:
    from pathlib import Path

GROUP = "moskit.table_formats"
"""The entry-point group of table formats."""


@cache
def formats() -> dict[str, Format]:
    """Return the installed formats by name, in the order of their names.

    Raises:
        InputError: An installed format cannot be loaded, or two have one name.

    Examples:
        >>> {"csv", "json", "jsonl", "parquet"} <= set(formats())
        True
    """
    found: dict[str, Format] = {}
    for entry in sorted(entry_points(group=GROUP)):
        table_format = _loaded(entry)
        if table_format.name in found:
            raise _unusable(entry, f"{table_format.name} is the name of another format")
        found[table_format.name] = table_format
    return dict(sorted(found.items()))


def format_named(name: str) -> Format:
    """Return the format of a name.

    Raises:
        InputError: No such format is installed.

    Examples:
        >>> format_named("parquet").suffixes
        ('.parquet', '.pq')
    """
    try:
        return formats()[name]
    except KeyError:
        raise InputError(
            f"the table format {name!r} is not installed here",
            fix=f"Install the package that adds it; these are installed: {', '.join(formats())}",
            code="formats.not-installed",
        ) from None


def promised_format(suffix: str) -> str | None:
    """Return the name of the format whose files end in ``suffix``, or None.

    Examples:
        >>> promised_format(".feather"), promised_format(".txt")
        ('arrow', None)
    """
    wanted = suffix.lower()
    return next((f.name for f in formats().values() if wanted in f.suffixes), None)


def recognise(path: Path, head: bytes, *, complete: bool) -> Format | None:
    """Return the format of a file, from its first bytes, or None if no format knows it.

    Args:
        path: The file.
        head: Its first 65,536 bytes.
        complete: Whether they are the whole file.

    Raises:
        InputError: Several formats are equally certain.
    """
    sample = Sample(path, head, complete)
    found = {f.name: f.sniff(sample) for f in formats().values()}
    best = max(found.values(), default=Certainty.NO)
    if best == Certainty.NO:
        return None
    names = [name for name, certainty in found.items() if certainty == best]
    if len(names) > 1:
        raise InputError(
            f"this file could be {' or '.join(names)}",
            where=str(path),
            fix="Uninstall the package whose format this is not",
            code="formats.ambiguous",
        )
    return formats()[names[0]]


def _loaded(entry: EntryPoint) -> Format:
    try:
        table_format = entry.load()()
    except Exception as error:  # a package that we do not know: anything can happen in it
        raise _unusable(entry, str(error)) from error
    if not isinstance(table_format, Format):
        raise _unusable(entry, "it is not a subclass of labeljoin.formats.Format")
    return table_format


def _unusable(entry: EntryPoint, why: str) -> InputError:
    return InputError(
        f"the installed table format {entry.name} ({entry.value}) cannot be used: {why}",
        fix="Repair or uninstall the package that adds it",
        code="formats.unusable-extension",
    )
