"""The typed documents and their published JSON Schemas."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
import signalaudit
from signalaudit.documents import schemas

PUBLISHED = Path(__file__).parents[3] / "docs" / "schemas"


@pytest.mark.parametrize("identifier", sorted(schemas()))
def test_published_schemas_are_those_of_the_types(identifier: str) -> None:
    """If this fails, run ``uv run tooling/schemas.py --write``."""
    schema = schemas()[identifier]
    shipped = files("signalaudit").joinpath("schemas", f"{identifier}.json")
    assert json.loads(shipped.read_text("utf-8")) == schema
    assert json.loads((PUBLISHED / f"{identifier}.json").read_text("utf-8")) == schema


@pytest.mark.parametrize("name", ["SCHEMA", "Correlations", "pearson", "FamilySet"])
def test_names_that_moved_still_work_and_warn(name: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"signalaudit.{name} has moved"):
        assert getattr(signalaudit, name) is not None


def test_there_is_a_version_and_no_more_names_than_needed() -> None:
    assert signalaudit.__version__
    assert len(signalaudit.__all__) <= 12
    with pytest.raises(AttributeError):
        getattr(signalaudit, "nonsense")  # noqa: B009 - a type checker knows that it is missing
