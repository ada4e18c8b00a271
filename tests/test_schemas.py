"""The published JSON Schemas are valid, complete, and keep all published members."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from workspace import ROOT

SCHEMAS = sorted((ROOT / "docs" / "schemas").glob("*.json"))
# The members of all documents of release 0.1. Documents may gain members, but must not drop or
# rename these, because programs read them.
PUBLISHED = (ROOT / "tests" / "published_members.txt").read_text("utf-8").splitlines()
# How the code names the schema of a document that it writes.
NAMED = re.compile(r'(?:\b[A-Z_]*SCHEMA = |"schema": )"([a-z0-9-]+-v\d+)"')
WRITTEN = {
    name
    for source in ROOT.glob("packages/*/src/**/*.py")
    for line in source.read_text("utf-8").splitlines()
    if not line.lstrip().startswith((">>>", "..."))  # an example may have a document of its own
    for name in NAMED.findall(line)
}


def members_of(schema: Any, root: Any, path: str = "", seen: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the path of every member that a schema describes: ``labels[].scale``."""
    if not isinstance(schema, dict):
        return
    reference = schema.get("$ref", "")
    if reference.startswith("#/") and reference not in seen:  # other documents are checked alone
        target = root
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        yield from members_of(target, root, path, (*seen, reference))
    for name, member in schema.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from members_of(member, root, f"{path}.{name}", seen)
    for key in ("items", "contains"):
        yield from members_of(schema.get(key), root, f"{path}[]", seen)
    yield from members_of(schema.get("additionalProperties"), root, f"{path}.*", seen)
    for member in schema.get("patternProperties", {}).values():
        yield from members_of(member, root, f"{path}.*", seen)
    for member in schema.get("prefixItems", ()):
        yield from members_of(member, root, f"{path}[]", seen)
    for key in ("allOf", "anyOf", "oneOf"):
        for member in schema.get(key, ()):
            yield from members_of(member, root, path, seen)
    for key in ("if", "then", "else"):
        yield from members_of(schema.get(key), root, path, seen)


def test_every_document_has_a_schema() -> None:
    assert "mos-head-manifest-v1" in WRITTEN
    assert sorted(WRITTEN - {path.stem for path in SCHEMAS}) == []


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_schema_is_valid(path: Path) -> None:
    schema = json.loads(path.read_text("utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema.get("title")
    assert schema.get("description")


def test_no_published_member_is_dropped() -> None:
    present = {
        f"{path.stem} {member}"
        for path in SCHEMAS
        for schema in [json.loads(path.read_text("utf-8"))]
        for member in members_of(schema, schema)
    }
    assert [member for member in PUBLISHED if member not in present] == []
