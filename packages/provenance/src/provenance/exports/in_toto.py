"""An in-toto Statement v1 with an SLSA provenance v1 predicate.

Formats: in-toto Attestation Framework, ``spec/v1/statement.md`` and ``digest_set.md``; SLSA
``provenance/v1``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance.exports.identity import URN, EventTime, no_outputs, run_id
from provenance.toolkit.canonical import text

if TYPE_CHECKING:
    from provenance.record.entry import FileEntry
    from provenance.record.record import Record

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"


def statement(record: Record, time: EventTime) -> dict[str, Any]:
    """Return the record as an in-toto Statement whose subjects are the outputs.

    SLSA's times are optional, so ``finishedOn`` is there only where a time was given.

    Raises:
        InputError: The run has no output, and a Statement needs a subject.
    """
    subjects = [_descriptor(entry) for entry in record.output_entries() if entry.digest]
    if not subjects:
        raise no_outputs(record, "an in-toto Statement is about")
    return _statement(record, subjects, time.text if time.given else None)


def signed_statement(record: Record) -> dict[str, Any]:
    """Return the statement that is signed: its subjects are the outputs and the record itself.

    The record states the digests of all inputs and outputs, so whoever signs it signs them all. A
    run without outputs has its record as the only subject.
    """
    subjects = [_descriptor(entry) for entry in record.output_entries() if entry.digest]
    return _statement(record, [*subjects, _record_descriptor(record)], None)


def _statement(
    record: Record, subjects: list[dict[str, Any]], finished: str | None
) -> dict[str, Any]:
    entrypoint = record.block.get("entrypoint") or {}
    metadata = {"invocationId": f"urn:uuid:{run_id(record)}"}
    if finished is not None:
        metadata["finishedOn"] = finished
    builder: dict[str, Any] = {"id": f"{URN}{entrypoint.get('distribution') or 'script'}"}
    if entrypoint.get("distribution"):
        builder["version"] = {str(entrypoint["distribution"]): str(entrypoint.get("version"))}
    return {
        "_type": STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": f"{URN}{record.block['schema']}",
                "externalParameters": {
                    "entrypoint": record.entrypoint,
                    "argv": list(record.block.get("argv") or ()),
                    "args": dict(record.block.get("args") or {}),
                },
                "internalParameters": {"entrypoint": dict(entrypoint)},
                "resolvedDependencies": [_descriptor(entry) for entry in record.input_entries()],
            },
            "runDetails": {
                "builder": builder,
                "metadata": metadata,
                "byproducts": [_record_descriptor(record)],
            },
        },
    }


def _record_descriptor(record: Record) -> dict[str, Any]:
    return {
        "name": text(record.path.name),
        "digest": {"sha256": record.digest.sha256},
        "annotations": {"name": "record"},
    }


def _descriptor(entry: FileEntry) -> dict[str, Any]:
    descriptor: dict[str, Any] = {
        "name": text(entry.written_path),
        "annotations": {"name": entry.name, **({"role": entry.role} if entry.role else {})},
    }
    if entry.digest is not None:
        # A directory's digest is that of Go's dirhash "h1", which in-toto calls dirHash.
        kind = "dirHash" if entry.directory else "sha256"
        descriptor["digest"] = {kind: entry.digest.sha256}
    return descriptor
