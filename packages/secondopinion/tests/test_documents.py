"""The typed documents, their published JSON Schemas, and the public names."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import secondopinion
from labeljoin.batch import declared
from labeljoin.cli import options_table
from secondopinion.cli.app import cli
from secondopinion.documents import schemas
from secondopinion.joining import SCORE_BATCH
from secondopinion_outputs import pyiqa_csv
from typer.testing import CliRunner

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


def test_the_calls_of_0_1_still_work(features, tmp_path):
    scores = pyiqa_csv(tmp_path / "niqe.csv")
    with pytest.warns(DeprecationWarning, match=r"it is now secondopinion\.join_file"):
        old: Any = secondopinion.materialize  # type: ignore[attr-defined]
    with pytest.warns(DeprecationWarning, match=r"JoinOptions\(\.\.\.\), not as keywords \(prefix"):
        audit = old(features, scores, tmp_path / "o.parquet", prefix="judge", direction=())
    assert audit["prefix"] == "judge"
    with pytest.raises(TypeError, match="nonsense"):
        old(features, scores, tmp_path / "o.parquet", nonsense=1)


def test_the_options_are_declared_once():
    """What is declared is a flag of the command, a member of a manifest and a row of the README."""
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    assert options_table(secondopinion.JoinOptions) in readme
    help_text = CliRunner().invoke(cli.app, ["join", "--help"]).output
    for option in declared(secondopinion.JoinOptions):
        assert option.description.endswith(".")
        assert f"--{option.name.replace('_', '-')} " in help_text
        assert option.name in SCORE_BATCH.option_schemas


def test_the_old_name_of_from_rows_warns(tmp_path):
    from secondopinion.readers import ScoreBatch, ScoreRow

    with pytest.warns(DeprecationWarning, match="from_rows"):
        [batch] = ScoreBatch.of([ScoreRow(key="a", score=1.0, row=1)])
    assert batch.keys.to_pylist() == ["a"]


def test_labels_that_are_not_used_are_noted(tmp_path):
    found = secondopinion.inspect(f"niqe={pyiqa_csv(tmp_path / 'x.csv')}")
    assert found["notes"] == []
