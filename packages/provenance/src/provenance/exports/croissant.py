"""Croissant 1.0 (MLCommons): the outputs of a run as a data set, in JSON-LD."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING, Any

from provenance.exports.identity import URN, EventTime, no_outputs, run_id
from provenance.toolkit.canonical import text

if TYPE_CHECKING:
    from provenance.record.entry import FileEntry
    from provenance.record.record import Record

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the specification asks for."""

_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".jsonl": "application/jsonl",
    ".ndjson": "application/jsonl",
    ".arrow": "application/vnd.apache.arrow.file",
    ".feather": "application/vnd.apache.arrow.file",
    ".onnx": "application/onnx",
    ".md": "text/markdown",
}
"""Media types that Python does not know, or not everywhere."""


def dataset(record: Record, time: EventTime) -> dict[str, Any]:
    """Return the outputs of a run as a Croissant data set, one file object for each file.

    The description names the run and its inputs by digest. Licence and authors are not in a record
    and are left out; add them before you publish. The date is there only where a time was given.

    Raises:
        InputError: The run has no output.
    """
    files = [
        file
        for entry in record.output_entries()
        for file in (entry.files if entry.directory else (entry,))
        if file.digest is not None
    ]
    if not files:
        raise no_outputs(record, "a Croissant data set is made of")
    sources = [
        f"{text(entry.written_path)} (sha256:{entry.digest.sha256})"
        for entry in record.input_entries()
        if entry.digest
    ]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "@id": f"urn:uuid:{run_id(record)}",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": text(files[0].path.stem),
        "description": f"Made by {record.entrypoint}"
        + (f" ({record.version})" if record.version else "")
        + (f" from {', '.join(sources)}" if sources else "")
        + f". Run record: sha256:{record.digest.sha256}.",
        "url": f"{URN}record:{record.digest.sha256}",
        **({"datePublished": time.text} if time.given else {}),
        "distribution": [_file(entry, number) for number, entry in enumerate(files, start=1)],
    }


def _file(entry: FileEntry, number: int) -> dict[str, Any]:
    assert entry.digest is not None
    suffix = entry.path.suffix.lower()
    guessed = _TYPES.get(suffix) or mimetypes.types_map.get(suffix) or "application/octet-stream"
    return {
        "@type": "cr:FileObject",
        "@id": f"file-{number}",
        "name": text(entry.name),
        "contentUrl": text(entry.written_path),
        "contentSize": f"{entry.digest.size} B",
        "encodingFormat": guessed,
        "sha256": entry.digest.sha256,
    }
