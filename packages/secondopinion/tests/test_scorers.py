"""Slugs, directions and the naming contract of score columns."""

import pyarrow as pa
import pytest
import secondopinion
from hypothesis import given
from hypothesis import strategies as st
from provenance.toolkit import InputError
from secondopinion.scorers.columns import KINDS, column_names, score_fields
from secondopinion.scorers.facts import ScoreFacts, parse_directions, parse_ranges, slug_of


@pytest.mark.parametrize(
    ("name", "direction", "bounds"),
    [
        ("niqe", "lower", (None, None)),
        ("NIQE", "lower", (None, None)),
        ("second_opinion_niqe_score", "lower", (None, None)),
        ("q_align", "higher", (None, None)),
        ("Q-Align", "higher", (None, None)),
        ("FAST-VQA", "higher", (0, 1)),
        ("FasterVQA-MT", "higher", (0, 1)),
        ("dover-branch-aesthetic", "higher", (None, None)),
        ("dover_technical", "higher", (0, 100)),
        ("CLIP-IQA+", "higher", (0, 1)),
        ("x264-pVMAF", "higher", (0, 100)),
        ("brisque", "lower", (None, None)),
        ("piqe", "lower", (0, 100)),
        ("ILNIQE", "lower", (None, None)),
    ],
)
def test_facts_about_scorers(name, direction, bounds):
    facts = secondopinion.direction_of(name)
    assert facts is not None
    assert facts.direction == direction
    assert (facts.low, facts.high) == bounds


def test_a_variant_takes_the_direction_but_never_the_range():
    facts = secondopinion.direction_of("nima-vgg16-ava")
    assert facts == ScoreFacts("higher", None, None, "variant of nima")


@pytest.mark.parametrize("name", ["house_scorer", "", "second_opinion_", "niqefoo"])
def test_nothing_is_guessed_about_unknown_scorers(name):
    assert secondopinion.direction_of(name) is None


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Q-Align", "q_align"), ("DOVER  v2 (mobile)", "dover_v2_mobile"), ("--x--", "x")],
)
def test_slugs(name, slug):
    assert slug_of(name) == slug


@pytest.mark.parametrize("name", ["", "+++", "画質"])
def test_a_name_without_letters_is_an_error(name):
    with pytest.raises(InputError, match="LABEL=PATH"):
        slug_of(name)


@given(st.text())
def test_a_slug_is_its_own_slug(name):
    try:
        slug = slug_of(name)
    except InputError:
        return
    assert slug_of(slug) == slug


def test_directions_from_the_command_line():
    assert parse_directions(["NIQE=higher", "my=scorer=Lower"]) == {
        "niqe": "higher",
        "my_scorer": "lower",
    }


@pytest.mark.parametrize("text", ["niqe", "niqe=up", "=higher", "niqe="])
def test_a_bad_direction_is_one_sentence(text):
    with pytest.raises(InputError):
        parse_directions([text])


def test_contradicting_directions_are_an_error():
    with pytest.raises(InputError, match="twice"):
        parse_directions(["NIQE=higher", "niqe=lower"])


@pytest.mark.parametrize("text", ["niqe", "niqe=1", "niqe=5:1", "=0:1", "niqe=0:inf", "niqe=a:b"])
def test_a_bad_range_is_one_sentence(text):
    with pytest.raises(InputError, match="SCORER=LOW:HIGH"):
        parse_ranges([text])


def test_ranges_from_the_command_line():
    assert parse_ranges(["One-Align=1:5", "mos2=-6.5:100"]) == {
        "one_align": (1.0, 5.0),
        "mos2": (-6.5, 100.0),
    }
    with pytest.raises(InputError, match="twice"):
        parse_ranges(["a=1:5", "A=0:1"])


def test_columns_by_name():
    columns = secondopinion.score_columns(
        ["clip", "second_opinion_dover_score", "second_opinion_dover_status", "niqe_score"]
    )
    assert [(c.column, c.scorer, c.kind, c.direction) for c in columns] == [
        ("second_opinion_dover_score", "dover", "score", "higher"),
        ("second_opinion_dover_status", "dover", "status", None),
    ]
    assert columns[0].range == (0, 100)


def test_field_metadata_wins_over_names():
    facts = ScoreFacts("lower", 0.0, 2.5)
    schema = pa.schema([pa.field("clip", pa.string()), *score_fields("judges", "vmaf", facts)])
    columns = secondopinion.score_columns(schema)
    assert [c.kind for c in columns] == list(KINDS)
    assert {c.scorer for c in columns} == {"vmaf"}
    assert (columns[0].direction, columns[0].range) == ("lower", (0.0, 2.5))


slugs = st.from_regex(r"[a-z0-9]+(_[a-z0-9]+){0,3}", fullmatch=True)


@given(slugs)
def test_every_column_that_is_written_is_found_again(slug):
    schema = pa.schema(score_fields("second_opinion", slug, None))
    by_metadata = secondopinion.score_columns(schema)
    by_name = secondopinion.score_columns(schema.names)
    expected = [(name, slug, kind) for kind, name in column_names("second_opinion", slug).items()]
    assert [(c.column, c.scorer, c.kind) for c in by_metadata] == expected
    assert [(c.column, c.scorer, c.kind) for c in by_name] == expected
