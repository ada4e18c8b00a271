"""The short form of a record that an artefact carries inside itself, and who can read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from provenance.toolkit.canonical import canonical_bytes

if TYPE_CHECKING:
    from provenance.documents import ShortDocument

EMBEDDED_KEY = "moskit.run_provenance"
"""The key of the short form in parquet key-value metadata and ONNX ``metadata_props``."""

SHORT_SCHEMA: Literal["ai-run-provenance-short-v1"] = "ai-run-provenance-short-v1"

READER_GROUP = "provenance.embedded"
"""Entry points that read the short form out of a file: the name is the file's suffix without its
dot, the value a function from the path to the bytes, or None where the file has none."""

Reader = Callable[[Path], bytes | None]


def short_form(
    distribution: str | None, args: Mapping[str, Any], inputs: Mapping[str, Any]
) -> ShortDocument:
    """Return the short form: what made the content, without what depends on the place.

    Args:
        distribution: The distribution that ran.
        args: The arguments that shape the content.
        inputs: SHA-256 of each input by name; lists for lists, None for absent optionals.
    """
    release = None
    if distribution is not None:
        try:
            release = version(distribution)
        except PackageNotFoundError:
            release = None
    return {
        "schema": SHORT_SCHEMA,
        "distribution": distribution,
        "version": release,
        "args": dict(args),
        "inputs": dict(inputs),
    }


def short_record_bytes(short: Mapping[str, Any]) -> bytes:
    """Return the short form as the compact canonical JSON that is embedded.

    Example:
        >>> short_record_bytes({"version": None, "args": {"b": 1, "a": 2}})
        b'{"args":{"a":2,"b":1},"version":null}'
    """
    return canonical_bytes(short)


def read_embedded(path: Path) -> bytes | None:
    """Return the embedded short form of a file; None if it has none or no reader knows its kind.

    Examples:
        >>> _ = Path("notes.txt").write_text("no record")
        >>> read_embedded(Path("notes.txt")) is None
        True
    """
    reader = _reader(path.suffix.removeprefix(".").lower())
    return None if reader is None else reader(path)


@cache
def _reader(suffix: str) -> Reader | None:
    for point in entry_points(group=READER_GROUP, name=suffix):
        reader: Reader = point.load()
        return reader
    return None
