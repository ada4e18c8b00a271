"""OpenLineage run events (specification 2-0-2), with the standard facets that records can fill."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from provenance.exports.identity import URN, EventTime, producer, run_id
from provenance.toolkit.canonical import text

if TYPE_CHECKING:
    from provenance.record.entry import FileEntry
    from provenance.record.record import Record

EVENT_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = "https://openlineage.io/spec/facets"
_VERSION_FACET = (
    f"{_FACETS}/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
)
_SIZE_FACET = (
    f"{_FACETS}/1-0-2/OutputStatisticsOutputDatasetFacet.json"
    "#/$defs/OutputStatisticsOutputDatasetFacet"
)
_JOB_FACET = f"{_FACETS}/2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet"
_ENGINE_FACET = f"{_FACETS}/1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet"


def run_events(record: Record, time: EventTime) -> list[dict[str, Any]]:
    """Return the record as the START and the COMPLETE event of one run.

    Both have the same time, since a record has none; the facet ``moskit_runRecord`` says what
    time it is. A file is a dataset of the namespace ``file``, and its digest the dataset's version.
    """
    inputs = [_dataset(entry) for entry in record.input_entries()]
    outputs = [_output(entry) for entry in record.output_entries()]
    run = {"runId": run_id(record), "facets": _run_facets(record, time)}
    job = {
        "namespace": "moskit",
        "name": record.entrypoint,
        "facets": {
            "jobType": _facet(
                _JOB_FACET, processingType="BATCH", integration="MOSKIT", jobType="COMMAND"
            )
        },
    }
    shared = {
        "eventTime": time.text,
        "producer": producer(),
        "schemaURL": EVENT_SCHEMA,
        "run": run,
        "job": job,
        "inputs": inputs,
    }
    return [
        {"eventType": "START", **shared, "outputs": []},
        {"eventType": "COMPLETE", **shared, "outputs": outputs},
    ]


def _run_facets(record: Record, time: EventTime) -> dict[str, Any]:
    entrypoint = record.block.get("entrypoint") or {}
    facets = {
        "moskit_runRecord": _facet(
            f"{URN}{record.block['schema']}",
            recordSha256=record.digest.sha256,
            contentSha256=record.content_sha256,
            argv=list(record.block.get("argv") or ()),
            args=dict(record.block.get("args") or {}),
            eventTimeIs=time.origin,
        )
    }
    if entrypoint.get("distribution"):
        facets["processing_engine"] = _facet(
            _ENGINE_FACET, version=str(entrypoint.get("version")), name=entrypoint["distribution"]
        )
    return facets


def _dataset(entry: FileEntry) -> dict[str, Any]:
    facets = {}
    if entry.digest is not None:
        facets["version"] = _facet(_VERSION_FACET, datasetVersion=f"sha256:{entry.digest.sha256}")
    return {"namespace": "file", "name": text(os.fspath(entry.path)), "facets": facets}


def _output(entry: FileEntry) -> dict[str, Any]:
    dataset = _dataset(entry)
    if entry.digest is not None and entry.digest.size >= 0:
        files = len(entry.files) if entry.directory else 1
        dataset["outputFacets"] = {
            "outputStatistics": _facet(_SIZE_FACET, size=entry.digest.size, fileCount=files)
        }
    return dataset


def _facet(schema: str, **members: Any) -> dict[str, Any]:
    return {"_producer": producer(), "_schemaURL": schema, **members}
