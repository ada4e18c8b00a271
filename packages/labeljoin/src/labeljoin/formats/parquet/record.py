"""The run record that a parquet file carries in its key-value metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.record import EMBEDDED_KEY
from provenance.toolkit import InputError

from labeljoin.formats.parquet.footer import Footer, FooterError, read_footer

if TYPE_CHECKING:
    from pathlib import Path


def read_record(path: Path) -> bytes | None:
    """Return the embedded record of a parquet file (:func:`provenance.record.short_record_bytes`).

    Reads the footer alone. This is the ``parquet`` reader of the entry points
    ``provenance.embedded``.

    Args:
        path: A parquet file.

    Returns:
        The record, None where the file has none.

    Raises:
        InputError: The file is no parquet file, or damaged.
    """
    try:
        with path.open("rb") as file:
            _, footer = read_footer(file, path)
        return Footer.parse(footer).key_values().get(EMBEDDED_KEY.encode())
    except (FooterError, OSError) as error:
        raise InputError(
            f"the metadata of this parquet file cannot be read ({error})",
            where=str(path),
            fix="Copy or write it again",
            code="parquet.bad-metadata",
        ) from None
