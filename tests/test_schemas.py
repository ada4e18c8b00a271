"""The published JSON Schemas are sound, and say what they describe."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from workspace import ROOT

SCHEMAS = sorted((ROOT / "docs" / "schemas").glob("*.json"))
# How the code names the schema of a document that it writes.
NAMED = re.compile(r'(?:\b[A-Z_]*SCHEMA = |"schema": )"([a-z0-9-]+-v\d+)"')
WRITTEN = {
    name
    for source in ROOT.glob("packages/*/src/**/*.py")
    for name in NAMED.findall(source.read_text("utf-8"))
}


def test_every_document_has_a_schema() -> None:
    assert "ai-run-provenance-v1" in WRITTEN
    assert sorted(WRITTEN - {path.stem for path in SCHEMAS}) == []


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_schema_is_sound(path: Path) -> None:
    schema = json.loads(path.read_text("utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema.get("title")
    assert schema.get("description")
