"""What a label table says of itself: the scale of MOS that ``labeljoin ratings`` made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance import load_record
from provenance.toolkit import InputError, MoskitError

from labeljoin.labels.options import scale_limits
from labeljoin.labels.scale import ScaleDecision

if TYPE_CHECKING:
    from provenance import Record

    from labeljoin.formats.table import Table

SCALE_METADATA = "moskit.scale"
"""Parquet key-value metadata: the scale of the MOS in a table that was made of ratings."""

_RATINGS_SCHEMA = "mos-ratings-v1"


def remembered_scale(table: Table) -> ScaleDecision | None:
    """The scale of MOS that were made of ratings, from the table's metadata or its record.

    Such MOS may lie off the scale: an estimate is not bound to it.

    Returns:
        The scale, or None for a table that was not made of ratings.
    """
    stated = table.key_value_metadata().get(SCALE_METADATA.encode())
    if stated is not None:
        return _decision(stated.decode("utf-8", "replace"), "its metadata")
    record = record_beside(table.path)
    if record is None or record.document.get("schema") != _RATINGS_SCHEMA:
        return None
    if record.document.get("differential") is not None:
        return None
    scale = record.document.get("scale")
    return _decision(scale.get("scale") if isinstance(scale, dict) else None, "its record")


def record_beside(table: Path) -> Record | None:
    """The record beside a table, where it describes the table as it is now, else None."""
    beside = Path(f"{os.fspath(table)}.audit.json")
    if not beside.is_file():
        return None
    try:
        record = load_record(beside)
    except MoskitError:
        return None
    return record if _describes(record, table) else None


def _describes(record: Record, table: Path) -> bool:
    """Whether the table is still what the run of the record wrote, as far as its size tells."""
    place = Path(os.path.abspath(table))  # noqa: PTH100 - resolve() would follow the last link
    for entry in record.output_entries():
        if entry.path == place:
            size = None if entry.digest is None else entry.digest.size
            return entry.directory or size == table.stat().st_size
    return False


def _decision(scale: Any, origin: str) -> ScaleDecision | None:
    try:
        scale_limits(scale if isinstance(scale, str) else "")
    except InputError:
        return None
    return ScaleDecision(scale, "ratings", f"made from ratings, as {origin} says")
