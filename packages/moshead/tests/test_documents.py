"""The typed documents, and their published JSON Schemas."""

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import moshead
import pytest
from moshead.documents import schemas
from moshead.features import built_in_schemas

PUBLISHED = Path(__file__).parents[3] / "docs" / "schemas"


@pytest.mark.parametrize("identifier", sorted(schemas()))
def test_published_schemas_are_those_of_the_types(identifier):
    """If this fails, run ``uv run tooling/schemas.py --write``."""
    shipped = files("moshead").joinpath("schemas", f"{identifier}.json")
    assert json.loads(shipped.read_text("utf-8")) == schemas()[identifier]
    assert (
        json.loads((PUBLISHED / f"{identifier}.json").read_text("utf-8")) == schemas()[identifier]
    )


def test_a_gate_plan_follows_its_schema():
    plan = moshead.plan_gate(plcc=0.9, clips=400, ratings=5, rating_sd=0.7, mos_sd=0.6)
    validator = jsonschema.Draft202012Validator(schemas()["mos-gate-plan-v1"])
    validator.validate(plan)
    assert list(validator.iter_errors(plan | {"plcc": 1.0}))
    assert list(validator.iter_errors(plan | {"unknown": 1}))


def test_feature_schemas_follow_the_schema_of_their_file():
    validator = jsonschema.Draft202012Validator(schemas()["mos-feature-schema-v1"])
    for schema in built_in_schemas():
        validator.validate(schema.to_dict())
