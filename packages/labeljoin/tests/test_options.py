"""One declaration of the options makes the flags, the manifest, the README and the signature."""

import dataclasses
import inspect
import json
from pathlib import Path
from typing import Annotated, Any

import labeljoin
import pyarrow as pa
import pytest
from labeljoin.batch import declared, load_manifest, option_schemas
from labeljoin.cli import option_flags, options_table
from msgspec import Meta
from provenance.toolkit import CommandLine, InputError, Output
from typer.testing import CliRunner

README = Path(__file__).parents[1] / "README.md"


@dataclasses.dataclass(frozen=True)
class Extended(labeljoin.JoinOptions):
    """The options of a join and one more."""

    most_stale: Annotated[
        int | None,
        Meta(description="Stale keys that are tolerated.", extra_json_schema={"minimum": 0}),
    ] = None


def test_an_option_that_is_declared_is_a_flag_a_manifest_member_and_a_row():
    got = []
    line = CommandLine("moskit-labeljoin", "Try a new option.")

    def join(output: Output, options: Extended) -> None:
        got.append(options)

    line.command(example="join")(option_flags(Extended)(join))
    done = CliRunner().invoke(line.app, ["join", "--most-stale", "7"])
    assert done.exit_code == 0, done.output
    assert got == [Extended(most_stale=7)]
    assert option_schemas(Extended)["most_stale"] == {
        "type": ["integer", "null"],
        "minimum": 0,
        "description": "Stale keys that are tolerated.",
    }
    job = dataclasses.replace(labeljoin.batch.LABEL_BATCH, option_schemas=option_schemas(Extended))
    table = {"id": "a", "features": "f", "labels": ["l"], "out": "o"}
    for most, fits in ((7, True), (-1, False)):
        Path("m.json").write_text(json.dumps({"tables": [{**table, "most_stale": most}]}))
        if fits:
            assert load_manifest("m.json", dataclasses.replace(job, check=lambda table: None))
        else:
            with pytest.raises(InputError, match="most_stale"):
                load_manifest("m.json", job)
    assert "`--most-stale`" in options_table(Extended)


@pytest.fixture(autouse=True)
def folder(here):
    return here


def test_the_readme_lists_the_options():
    if not README.is_file():
        pytest.skip("the README is in the workspace")
    assert options_table(labeljoin.JoinOptions) in README.read_text("utf-8")


@pytest.mark.parametrize("function", [labeljoin.join, labeljoin.join_file, labeljoin.inspect])
def test_signatures_are_explicit(function):
    signature = inspect.signature(function)
    assert signature.parameters["options"].annotation == "JoinOptions | None"
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    assert inspect.Parameter.VAR_KEYWORD not in kinds


def test_the_keywords_of_0_1_still_work():
    tables = pa.table({"key": ["a/1", "2"]}), pa.table({"key": ["1"], "mos": [2.0]})
    old: Any = labeljoin.join
    with pytest.warns(DeprecationWarning, match="min_match_rate"):
        joined = old(*tables, min_match_rate=0.5, feature_key_column="key")
    assert joined.audit["min_match_rate"] == 0.5
    with pytest.warns(DeprecationWarning, match="join_file"):
        assert labeljoin.materialize is labeljoin.join_file  # type: ignore[attr-defined]
    name = "percent"
    with pytest.warns(DeprecationWarning, match=r"import it from labeljoin\.keys"):
        assert getattr(labeljoin, name)(0.5) == "50 %"
    with pytest.raises(AttributeError):
        _ = labeljoin.nothing  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["key_column", "feature_key_column"])
def test_a_manifest_takes_both_names_of_the_key_column(here, name):
    Path("f.csv").write_text("odd,x\n1,2\n")
    Path("l.csv").write_text("key,mos\n1,3\n")
    table = {"id": "a", "features": "f.csv", "labels": ["l.csv"], "out": "o.csv", name: "odd"}
    Path("m.json").write_text(json.dumps({"tables": [table]}))
    assert labeljoin.run_batch("m.json")["status"] == "ok"


@pytest.mark.parametrize("options", [labeljoin.JoinOptions, labeljoin.ratings.RatingOptions])
def test_every_option_is_described(options):
    for option in declared(options):
        assert option.description.endswith(".")


def test_the_options_about_ratings_are_members_of_a_manifest():
    members = labeljoin.batch.LABEL_BATCH.option_schemas
    about_ratings = option_schemas(labeljoin.ratings.RatingOptions)
    del about_ratings["scale"]
    assert {name: members[name] for name in about_ratings} == about_ratings
    assert set(members["repetitions"]["enum"]) == {"mean", "keep", "last", None}
    assert (members["min_ratings"]["type"], members["min_ratings"]["minimum"]) == ("integer", 1)
