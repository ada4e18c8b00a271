"""Exports, each read by the reference library of its format."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from provenance import export, load_record, start_run
from provenance.toolkit import InputError, VerdictError

TIME = "2026-05-08T12:00:00Z"


def exported(record: Path, format: Any, time: str | None = None) -> Any:
    """What a format holds: a document, or a list of events."""
    return export(record, format=format, event_time=time)


@pytest.fixture
def record(folder: Path) -> Path:
    (folder / "parts").mkdir()
    (folder / "parts/a b.tbl").write_bytes(b"a")
    with start_run(
        "samplejoin join",
        distribution="samplejoin",
        module="samplejoin",
        inputs={"features": "parts", "labels": ["labels.csv"], "profile": None},
        args={"features": "parts", "threshold": 0.95, "labels": ["labels.csv"], "note": None},
        argv=["join", "--features", "parts"],
    ) as run:
        Path(run.stage("out", "out.tbl", kind="feature-table")).write_bytes(b"made")
        Path(run.stage("out_parts", "made", directory=True), "ü.tbl").write_bytes(b"part")
        run.record("out.json", {"schema": "sample-v1"})
    return folder / "out.json"


def test_in_toto_statement_and_slsa_predicate_are_valid(record: Path):
    from google.protobuf import json_format
    from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
    from in_toto_attestation.v1 import statement_pb2
    from in_toto_attestation.v1.statement import Statement

    document = exported(record, "in-toto", TIME)
    # The parser refuses members that the format does not have.
    parsed = json_format.Parse(json.dumps(document), statement_pb2.Statement())
    Statement.copy_from_pb(parsed).validate()
    assert parsed.predicate_type == "https://slsa.dev/provenance/v1"
    predicate = json_format.ParseDict(document["predicate"], provenance_pb2.Provenance())
    assert predicate.build_definition.build_type
    assert predicate.run_details.builder.id
    assert predicate.run_details.metadata.finished_on.ToJsonString() == TIME
    inputs = {
        item.annotations["name"]: item for item in predicate.build_definition.resolved_dependencies
    }
    digests = {
        entry.name: entry.digest.sha256
        for entry in load_record(record).input_entries()
        if entry.digest
    }
    assert inputs["labels"].digest["sha256"] == digests["labels"]
    assert inputs["features"].digest["dirHash"] == digests["features"]
    subjects = {item.annotations["name"]: item for item in parsed.subject}
    assert set(subjects) == {"out", "out_parts"}


def test_cyclonedx_is_valid_and_names_what_the_outputs_are_made_of(record: Path):
    from cyclonedx.model.bom import Bom
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    document = exported(record, "cyclonedx", TIME)
    errors = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document))
    assert errors is None
    parsed = Bom.from_json(document)  # type: ignore[attr-defined]
    assert str(parsed.serial_number) in document["serialNumber"]
    assert document["metadata"]["timestamp"] == "2026-05-08T12:00:00+00:00"
    read = load_record(record)
    inputs = {f"sha256:{e.digest.sha256}" for e in read.input_entries() if e.digest}
    outputs = {f"sha256:{e.digest.sha256}" for e in read.output_entries() if e.digest}
    made_of = {each["ref"]: set(each.get("dependsOn", ())) for each in document["dependencies"]}
    assert made_of == {**dict.fromkeys(outputs, inputs), **{key: set() for key in inputs}}
    assert "timestamp" not in exported(record, "cyclonedx")["metadata"]


def test_cyclonedx_has_a_card_for_a_model(folder: Path):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    with start_run("trainer", inputs={"features": "labels.csv"}) as run:
        Path(run.stage("onnx", out := folder / "h.onnx", kind="mos-head")).write_bytes(b"model")
        gate = {"mean_plcc": 0.91, "mean_rmse": None, "ci": {"mean_plcc": [0.9, 0.92]}}
        run.record(folder / "h.json", {"schema": "sample-v1", "gate": gate})
    document = exported(out, "cyclonedx")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None
    model = document["metadata"]["component"]
    assert model["type"] == "machine-learning-model"
    assert model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"] == [
        {
            "type": "PLCC",
            "value": "0.91",
            "slice": "held-out",
            "confidenceInterval": {"lowerBound": "0.9", "upperBound": "0.92"},
        }
    ]
    [data] = model["modelCard"]["modelParameters"]["datasets"]
    assert data["ref"] == document["components"][0]["bom-ref"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_croissant_is_read_by_the_reference_library(record: Path):
    import mlcroissant

    parsed = mlcroissant.Dataset(jsonld=exported(record, "croissant", TIME))
    assert not parsed.metadata.issues.errors
    files = {each.content_url: each.sha256 for each in parsed.metadata.distribution}
    read = load_record(record).output_entries()
    expected = {
        file.written_path: file.digest.sha256
        for entry in read
        for file in (entry.files if entry.directory else (entry,))
        if file.digest
    }
    assert files == expected


def test_directory_digest_is_the_dirhash_of_in_toto(folder: Path):
    """The "h1" form of Go's dirhash: SHA-256 over "<hex>  <name>\\n" of the sorted names."""
    import hashlib

    from provenance.record import hash_directory

    (folder / "d/sub").mkdir(parents=True)
    for name in ("b", "a", "sub/c", "sub.c"):
        (folder / "d" / name).write_text(name)
    lines = "".join(
        f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n"
        for name in sorted(["b", "a", "sub/c", "sub.c"])
    )
    assert hash_directory("d").sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_prov_json_is_read_by_the_reference_library(record: Path):
    from prov.model import ProvActivity, ProvDerivation, ProvDocument, ProvEntity, ProvUsage

    document = exported(record, "prov-json", TIME)
    parsed = ProvDocument.deserialize(content=json.dumps(document), format="json")
    assert len(list(parsed.get_records(ProvEntity))) == 4
    assert len(list(parsed.get_records(ProvUsage))) == 2
    assert len(list(parsed.get_records(ProvDerivation))) == 4
    (activity,) = parsed.get_records(ProvActivity)
    assert isinstance(activity, ProvActivity)
    ended = activity.get_endTime()
    assert ended is not None
    assert ended.isoformat() == "2026-05-08T12:00:00+00:00"
    # What the library writes back says the same.
    again = ProvDocument.deserialize(content=parsed.serialize(format="json"), format="json")
    assert again == parsed
    digest = load_record(record).output_entries()[0].digest
    assert digest is not None
    assert parsed.get_record(f"sha256:{digest.sha256}")


def test_openlineage_events_are_those_of_the_reference_client(record: Path):
    from openlineage.client import event_v2
    from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet
    from openlineage.client.generated.job_type_job import JobTypeJobFacet
    from openlineage.client.generated.output_statistics_output_dataset import (
        OutputStatisticsOutputDatasetFacet,
    )
    from openlineage.client.generated.processing_engine_run import ProcessingEngineRunFacet

    kinds = {
        "version": DatasetVersionDatasetFacet,
        "jobType": JobTypeJobFacet,
        "outputStatistics": OutputStatisticsOutputDatasetFacet,
        "processing_engine": ProcessingEngineRunFacet,
    }

    def facets(found: dict) -> dict:
        made = {}
        for name, facet in found.items():
            members = {key: value for key, value in facet.items() if not key.startswith("_")}
            assert facet["_producer"].startswith("urn:")
            if name in kinds:
                made[name] = kinds[name](**members)
                # The schema's version may be older than the library's; its name may not differ.
                assert facet["_schemaURL"].split("/")[-1] == made[name]._schemaURL.split("/")[-1]
            else:
                assert name == "moskit_runRecord"
        return made

    def dataset(kind, found: dict):
        return kind(
            found["namespace"],
            found["name"],
            facets=facets(found["facets"]),
            **{key: facets(found[key]) for key in ("outputFacets",) if key in found},
        )

    events = exported(record, "openlineage", TIME)
    assert [event["eventType"] for event in events] == ["START", "COMPLETE"]
    for event in events:
        made = event_v2.RunEvent(
            eventTime=event["eventTime"],
            run=event_v2.Run(event["run"]["runId"], facets=facets(event["run"]["facets"])),
            job=event_v2.Job(
                event["job"]["namespace"],
                event["job"]["name"],
                facets=facets(event["job"]["facets"]),
            ),
            eventType=event_v2.RunState(event["eventType"]),
            inputs=[dataset(event_v2.InputDataset, item) for item in event["inputs"]],
            outputs=[dataset(event_v2.OutputDataset, item) for item in event["outputs"]],
            producer=event["producer"],
        )
        assert set(event) == {
            "eventType",
            "eventTime",
            "run",
            "job",
            "inputs",
            "outputs",
            "producer",
            "schemaURL",
        }
        assert event["schemaURL"] == made.schemaURL
        assert event["eventTime"].startswith("2026-05-08T12:00:00")
    assert events[1]["outputs"][0]["outputFacets"]["outputStatistics"]["size"] == 4
    assert events[0]["run"]["facets"]["moskit_runRecord"]["eventTimeIs"].startswith("given")


def test_run_id_is_made_of_the_records_digest(record: Path):
    first, again = (exported(record, "openlineage") for _ in range(2))
    assert first[0]["run"]["runId"] == again[1]["run"]["runId"]
    run = uuid.UUID(first[0]["run"]["runId"])
    assert run.version == 5
    content = load_record(record).content_sha256
    assert run == uuid.uuid5(uuid.NAMESPACE_URL, f"sha256:{content}")
    statement = exported(record, "in-toto")
    metadata = statement["predicate"]["runDetails"]["metadata"]
    assert metadata == {"invocationId": f"urn:uuid:{run}"}


def test_time_of_the_export_is_marked_as_such(record: Path):
    events = exported(record, "openlineage")
    facet = events[0]["run"]["facets"]["moskit_runRecord"]
    assert facet["eventTimeIs"] == "the export, not the run"
    prov = exported(record, "prov-json")
    assert "prov:endTime" not in next(iter(prov["activity"].values()))


@pytest.mark.parametrize(
    "time", ["yesterday", "2026-05-08", "2026-05-08T12:00:00", "2026-13-08T12:00:00Z"]
)
def test_time_that_is_no_rfc3339_is_refused(record: Path, time: str):
    with pytest.raises(InputError, match="RFC 3339"):
        export(record, format="openlineage", event_time=time)


def test_changed_record_is_not_exported(record: Path):
    record.write_bytes(record.read_bytes().replace(b"0.95", b"0.96"))
    with pytest.raises(VerdictError, match=r"not what was written: .*\. Restore it from a copy"):
        exported(record, "in-toto")


def test_unknown_format_and_run_without_outputs(folder: Path, record: Path):
    with pytest.raises(InputError, match="not a format"):
        exported(record, "yaml")
    with start_run("job", inputs={}) as run:
        run.record("empty.json")
    with pytest.raises(InputError, match="no outputs"):
        export("empty.json", format="in-toto")


def test_command_writes_to_standard_output_or_a_file(record: Path, folder: Path, provenance):
    done = provenance("export", "out.tbl", "--format", "in-toto")
    assert json.loads(done.stdout)["_type"] == "https://in-toto.io/Statement/v1"
    done = provenance("export", "out.tbl", "--format", "openlineage", "--out", "events.jsonl")
    assert done.returncode == 0
    lines = (folder / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["eventType"] for line in lines] == ["START", "COMPLETE"]
    done = provenance("export", "out.tbl", "--format", "prov-json", "--json")
    assert "entity" in json.loads(done.stdout)
    done = provenance("export", "out.tbl", "--format", "prov-json", "--out", "parts")
    assert done.returncode == 2
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an installed package that adds a format, as a wheel would leave it."""
    source = Path(__file__).parents[3] / "tests" / "extensions" / "dublin-core"
    if not source.is_dir():
        pytest.skip("the extensions are not part of the distribution")
    target = tmp_path_factory.mktemp("outside")
    install = ["uv", "pip", "install", "-q", "--no-deps", "--offline", "--target", str(target)]
    if subprocess.run([*install, str(source)], check=False).returncode:
        pytest.skip("the package cannot be built without a network")
    return target


def test_a_format_of_another_package(record: Path, outside: Path):
    start = "from provenance.cli.app import main; main()"
    command = [sys.executable, "-c", start, "export", record.name, "--format"]
    path = os.pathsep.join([str(outside), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        [*command, "dublin-core"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    titles = [item["dcterms:title"] for item in json.loads(done.stdout)["outputs"]]
    assert sorted(titles) == ["made", "out.tbl"]
    without = subprocess.run([*command, "dublin-core"], capture_output=True, text=True, check=False)
    assert without.returncode == 2
    assert "Use one of croissant, cyclonedx, in-toto, openlineage, prov-json" in without.stderr


def test_a_format_that_cannot_be_loaded_is_named(record: Path, monkeypatch):
    from importlib.metadata import EntryPoint, EntryPoints

    from provenance.exports import registry

    points = EntryPoints(
        [
            EntryPoint("broken", "no.such.module:function", registry.GROUP),
            EntryPoint("twice", "json:dumps", registry.GROUP),
            EntryPoint("twice", "json:loads", registry.GROUP),
        ]
    )
    monkeypatch.setattr(registry, "entry_points", lambda **which: points.select(**which))
    with pytest.raises(InputError, match="cannot be loaded") as broken:
        export(record, format="broken")
    assert broken.value.code == "export.broken-format"
    with pytest.raises(InputError, match="Two packages") as twice:
        export(record, format="twice")
    assert twice.value.code == "export.two-formats"
