"""CycloneDX 1.6 (ECMA-424): a bill of materials, with a model card where a run made a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from provenance.exports.identity import EventTime, no_outputs, run_id
from provenance.toolkit.canonical import text

if TYPE_CHECKING:
    from provenance.record.entry import FileEntry
    from provenance.record.record import Record

MODEL_ROLES = ("mos-head",)
"""Roles of outputs that are models."""

_METRICS = {"mean_plcc": "PLCC", "mean_srocc": "SROCC", "mean_rmse": "RMSE"}
"""Numbers of a verdict (the member ``gate`` of a document) that a model card lists."""


def bill_of_materials(record: Record, time: EventTime) -> dict[str, Any]:
    """Return a CycloneDX document: the outputs of a run, made of its inputs.

    A model is a component of type ``machine-learning-model``, whose card has the numbers of the
    record's document; other outputs are of type ``file``, and inputs of type ``data``. The
    timestamp, which CycloneDX can do without, is there only where a time was given.

    Raises:
        InputError: The run has no output.
    """
    outputs = {_ref(entry): entry for entry in record.output_entries() if entry.digest}
    if not outputs:
        raise no_outputs(record, "a bill of materials is about")
    inputs = {
        ref: entry
        for entry in record.input_entries()
        if entry.digest and (ref := _ref(entry)) not in outputs
    }
    main = next((ref for ref, e in outputs.items() if e.role in MODEL_ROLES), next(iter(outputs)))
    made = {ref: _output(entry, record, list(inputs)) for ref, entry in outputs.items()}
    entrypoint = record.block.get("entrypoint") or {}
    tool: dict[str, Any] = {
        "type": "application",
        "name": str(entrypoint.get("distribution") or record.entrypoint),
    }
    if record.version:
        tool["version"] = record.version.split(" ")[-1]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{run_id(record)}",
        "version": 1,
        "metadata": {
            **({"timestamp": time.text} if time.given else {}),
            "tools": {"components": [tool]},
            "component": made[main],
            "properties": list(_properties(record)),
        },
        "components": [
            *(component for ref, component in made.items() if ref != main),
            *(_component(entry, "data") for entry in inputs.values()),
        ],
        "dependencies": [
            *({"ref": ref, "dependsOn": list(inputs)} for ref in outputs),
            *({"ref": ref} for ref in inputs),
        ],
    }


def _output(entry: FileEntry, record: Record, inputs: list[str]) -> dict[str, Any]:
    if entry.role not in MODEL_ROLES:
        return _component(entry, "file")
    card: dict[str, Any] = {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": "tabular-regression",
            "datasets": [{"ref": ref} for ref in inputs],
        }
    }
    metrics = list(_metrics(record.document.get("gate")))
    if metrics:
        card["quantitativeAnalysis"] = {"performanceMetrics": metrics}
    return {**_component(entry, "machine-learning-model"), "modelCard": card}


def _metrics(gate: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(gate, Mapping):
        return
    intervals = gate.get("ci")
    for member, name in _METRICS.items():
        if not isinstance(gate.get(member), int | float):
            continue
        metric: dict[str, Any] = {"type": name, "value": str(gate[member]), "slice": "held-out"}
        ends = intervals.get(member) if isinstance(intervals, Mapping) else None
        if isinstance(ends, list) and len(ends) == 2 and None not in ends:
            metric["confidenceInterval"] = {
                "lowerBound": str(ends[0]),
                "upperBound": str(ends[1]),
            }
        yield metric


def _component(entry: FileEntry, kind: str) -> dict[str, Any]:
    assert entry.digest is not None
    properties = [
        {"name": "moskit:name", "value": text(entry.name)},
        {"name": "moskit:path", "value": text(entry.written_path)},
        {"name": "moskit:bytes", "value": str(entry.digest.size)},
    ]
    if entry.role:
        properties.append({"name": "moskit:role", "value": entry.role})
    component: dict[str, Any] = {
        "type": kind,
        "bom-ref": _ref(entry),
        "name": text(entry.path.name),
        "hashes": [{"alg": "SHA-256", "content": entry.digest.sha256}],
        "properties": properties,
    }
    if kind == "data":
        component["data"] = [{"type": "dataset", "name": text(entry.path.name)}]
    return component


def _properties(record: Record) -> Iterator[dict[str, str]]:
    yield {"name": "moskit:entrypoint", "value": record.entrypoint}
    yield {"name": "moskit:record_sha256", "value": record.digest.sha256}
    for token in record.block.get("argv") or ():
        yield {"name": "moskit:argv", "value": str(token)}


def _ref(entry: FileEntry) -> str:
    assert entry.digest is not None
    return f"sha256:{entry.digest.sha256}"
