"""The export formats that are installed, by name."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Protocol

from provenance.toolkit import InputError

if TYPE_CHECKING:
    from provenance.exports.identity import EventTime
    from provenance.record.record import Record

GROUP = "moskit.exports"
"""The entry-point group of export formats: those of this package, and those that others add."""


class Exporter(Protocol):
    """A function that converts a run record to another tool's format.

    To add a format, write such a function and register it under the entry-point group
    ``moskit.exports``; its name is what users give to ``--format``::

        [project.entry-points."moskit.exports"]
        my-format = "my_package.exports:my_document"

    Read the run from the record's methods (``input_entries``, ``output_entries``, ``entrypoint``,
    ``version``), name files by digest, and take ids from :func:`provenance.exports.run_id`, so that
    exporting twice gives the same document. ``exports/prov_json.py`` is the model to copy.
    """

    def __call__(self, record: Record, time: EventTime, /) -> dict[str, Any] | list[dict[str, Any]]:
        """Return the record as a JSON document, or as a list of events.

        Args:
            record: The record; its bytes have been checked against its own digest.
            time: A time for formats that must have one. Records have none: say ``time.origin``
                beside it, and leave it out if the format can do without and ``time.given`` is
                false.

        Raises:
            InputError: The format cannot express this run.
        """


def export_formats() -> list[str]:
    """Return the names of the installed formats, sorted.

    >>> [name for name in export_formats() if name in ("in-toto", "openlineage", "prov-json")]
    ['in-toto', 'openlineage', 'prov-json']
    """
    return sorted({point.name for point in entry_points(group=GROUP)})


def exporter(name: str) -> Exporter:
    """Return the function of the format ``name``; its module is imported only now.

    Raises:
        InputError: No such format is installed, two packages add it, or it cannot be loaded.
    """
    points = list(entry_points(group=GROUP, name=name))
    if not points:
        raise InputError(
            f"{name} is not a format that is installed",
            where="--format",
            fix=f"Use one of {', '.join(export_formats())}",
            code="export.unknown-format",
        )
    if len({point.value for point in points}) > 1:
        raise InputError(
            f"Two packages add the format {name}: {', '.join(map(_owner, points))}",
            where="--format",
            fix="Uninstall one of them",
            code="export.two-formats",
        )
    try:
        made: Exporter = points[0].load()
    except Exception as error:  # any error of another package's import
        raise InputError(
            f"The format {name} of {_owner(points[0])} cannot be loaded: {error}",
            where="--format",
            fix="Update or uninstall that package",
            code="export.broken-format",
        ) from error
    return made


def _owner(point: EntryPoint) -> str:
    return point.value if point.dist is None else point.dist.name
