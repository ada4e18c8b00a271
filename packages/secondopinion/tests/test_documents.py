"""The typed documents, their published JSON Schemas, and the public names."""

import dataclasses
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import secondopinion
from secondopinion.documents import schemas
from secondopinion.joining.options import JoinKeywords
from secondopinion_outputs import pyiqa_csv

PUBLISHED = Path(__file__).parents[3] / "docs" / "schemas"


@pytest.mark.parametrize("identifier", sorted(schemas()))
def test_published_schemas_are_those_of_the_types(identifier):
    """If this fails, run ``uv run tooling/schemas.py --write``."""
    shipped = files("secondopinion").joinpath("schemas", f"{identifier}.json")
    assert json.loads(shipped.read_text("utf-8")) == schemas()[identifier]
    assert (
        json.loads((PUBLISHED / f"{identifier}.json").read_text("utf-8")) == schemas()[identifier]
    )


@pytest.mark.parametrize("name", ["ScoreReader", "Fields", "ScoreFile", "SCORE_BATCH"])
def test_names_that_moved_still_work_and_warn(name):
    with pytest.warns(DeprecationWarning, match=f"secondopinion.{name} has moved"):
        assert getattr(secondopinion, name) is not None


def test_there_is_a_version_and_no_more_names_than_needed():
    assert secondopinion.__version__
    assert len(secondopinion.__all__) <= 12
    with pytest.raises(AttributeError):
        getattr(secondopinion, "nonsense")  # noqa: B009 - a type checker knows that it is missing


def test_keyword_arguments_are_the_fields_of_the_options():
    fields = [field.name for field in dataclasses.fields(secondopinion.JoinOptions)]
    assert list(JoinKeywords.__annotations__) == fields
    unknown: dict[str, Any] = {"nonsense": 1}
    with pytest.raises(TypeError, match="nonsense"):
        secondopinion.JoinOptions(**unknown)


def test_the_old_name_of_from_rows_warns(tmp_path):
    from secondopinion.readers import ScoreBatch, ScoreRow

    with pytest.warns(DeprecationWarning, match="from_rows"):
        [batch] = ScoreBatch.of([ScoreRow(key="a", score=1.0, row=1)])
    assert batch.keys.to_pylist() == ["a"]


def test_labels_that_are_not_used_are_noted(tmp_path):
    found = secondopinion.inspect(f"niqe={pyiqa_csv(tmp_path / 'x.csv')}")
    assert found["notes"] == []
