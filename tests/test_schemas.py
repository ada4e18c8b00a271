"""The published JSON Schemas are sound, and say what they describe."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from workspace import ROOT

SCHEMAS = sorted((ROOT / "docs" / "schemas").glob("*.json"))
WRITTEN = {
    "ai-run-provenance-v1",
    "mos-label-materializer-v1",
    "mos-label-materializer-batch-v1",
    "second-opinion-materializer-v1",
    "second-opinion-materializer-batch-v1",
    "signal-mix-audit-v1",
    "mos-head-manifest-v1",
}


def test_every_document_has_a_schema() -> None:
    assert {path.stem for path in SCHEMAS} >= WRITTEN


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_schema_is_sound(path: Path) -> None:
    schema = json.loads(path.read_text("utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema.get("title")
    assert schema.get("description")
