"""JSON texts that are read piece by piece."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labeljoin.formats import JsonStream
from provenance.toolkit import InputError

values = st.recursive(
    # Integers beyond 64 bits become floats.
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


def blocks_of(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def same(one, other) -> bool:
    return json.dumps(one) == json.dumps(other)  # a NaN equals a NaN


@settings(deadline=None, database=None)
@given(st.lists(values, max_size=5), st.integers(1, 9), st.sampled_from(["\n", " ", "\r\n"]))
def test_documents_are_those_of_the_standard_library(documents, size, between):
    text = between.join(json.dumps(value) for value in documents)
    found = list(JsonStream(blocks_of(text, size), "x").documents())
    assert same(found, documents)


@settings(deadline=None, database=None)
@given(st.lists(st.dictionaries(st.text(), values, max_size=4), max_size=8),
       st.integers(1, 50), st.sampled_from([None, 1]))  # fmt: skip
def test_arrays_are_those_of_the_standard_library(rows, size, indent):
    text = json.dumps(rows, indent=indent)
    stream = JsonStream(blocks_of(text, size), "x")
    found = [row for batch in stream.batches() for row in batch]
    assert same(found, rows)
    assert stream.peek() == ""


@settings(deadline=None, database=None)
@given(st.dictionaries(st.text(), values, min_size=1), st.integers(1, 9), st.data())
def test_a_cut_text_is_an_error(members, size, data):
    text = json.dumps(members)
    cut = data.draw(st.integers(1, len(text) - 1))
    with pytest.raises(InputError, match="ends in the middle"):
        list(JsonStream(blocks_of(text[:cut], size), "x").documents())


def test_numbers_may_be_cut_anywhere():
    stream = JsonStream(["[0.", "5, 1e", "+", "2, 7.", "25E-", "1]"], "x")
    assert [stream.value() for _ in stream.elements()] == [0.5, 100.0, 0.725]
