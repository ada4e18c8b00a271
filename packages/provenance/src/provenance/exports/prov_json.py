"""W3C PROV-JSON (Member Submission of 24 April 2013)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance.exports.identity import URN, EventTime, run_id
from provenance.toolkit.canonical import text

if TYPE_CHECKING:
    from provenance.record.entry import FileEntry
    from provenance.record.record import Record

PREFIXES = {
    "moskit": URN,
    "run": "urn:uuid:",
    "sha256": "urn:sha256:",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


def prov_document(record: Record, time: EventTime) -> dict[str, Any]:
    """Return a PROV-JSON document: files are entities, named by digest; the run an activity.

    PROV's times are optional, so ``prov:endTime`` is there only where a time was given.
    """
    activity = f"run:{run_id(record)}"
    entrypoint = record.block.get("entrypoint") or {}
    agent = f"moskit:{entrypoint.get('distribution') or 'script'}"
    entities: dict[str, Any] = {}
    used: dict[str, Any] = {}
    generated: dict[str, Any] = {}
    derived: dict[str, Any] = {}
    for entry in record.input_entries():
        if (entity := _entity(entry, entities)) is not None:
            used[f"_:u{len(used) + 1}"] = _relation(activity, entity, entry)
    for entry in record.output_entries():
        if (entity := _entity(entry, entities)) is None:
            continue
        generated[f"_:g{len(generated) + 1}"] = _relation(activity, entity, entry)
        for source in dict.fromkeys(relation["prov:entity"] for relation in used.values()):
            derived[f"_:d{len(derived) + 1}"] = {
                "prov:generatedEntity": entity,
                "prov:usedEntity": source,
                "prov:activity": activity,
            }
    run: dict[str, Any] = {
        "prov:label": record.entrypoint,
        "moskit:record_sha256": record.digest.sha256,
    }
    if argv := record.block.get("argv"):
        run["moskit:argv"] = [str(token) for token in argv]
    if time.given:
        run["prov:endTime"] = time.text
    document: dict[str, Any] = {
        "prefix": PREFIXES,
        "entity": entities,
        "activity": {activity: run},
        "agent": {
            agent: {
                "prov:type": {"$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME"},
                "prov:label": record.version or record.entrypoint,
            }
        },
        "wasAssociatedWith": {"_:a1": {"prov:activity": activity, "prov:agent": agent}},
        "used": used,
        "wasGeneratedBy": generated,
        "wasDerivedFrom": derived,
    }
    return {name: members for name, members in document.items() if members}


def _entity(entry: FileEntry, entities: dict[str, Any]) -> str | None:
    if entry.digest is None:
        return None
    name = f"sha256:{entry.digest.sha256}"
    attributes = entities.setdefault(name, {})
    attributes.setdefault("prov:label", text(entry.path.name))
    attributes.setdefault("prov:location", text(entry.written_path))
    attributes.setdefault("moskit:kind", "directory" if entry.directory else "file")
    if entry.role:
        attributes.setdefault("moskit:role", entry.role)
    if entry.digest.size >= 0:
        attributes.setdefault("moskit:bytes", {"$": str(entry.digest.size), "type": "xsd:long"})
    return name


def _relation(activity: str, entity: str, entry: FileEntry) -> dict[str, Any]:
    return {"prov:activity": activity, "prov:entity": entity, "prov:role": entry.name}
