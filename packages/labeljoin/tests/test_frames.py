"""Data frames as tables: their digest, and frames of the caller's library with more columns."""

import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labeljoin import open_table
from labeljoin.formats import FrameTable, arrow_table, frame_with
from provenance.toolkit import InputError

VALUES = st.lists(st.none() | st.integers(-9, 9), min_size=1, max_size=8)


def facts(frame):
    table = open_table(frame, name="mine")
    assert isinstance(table, FrameTable)
    return table.facts()


@given(VALUES, st.data())
def test_the_digest_is_that_of_the_rows_however_they_are_laid_out(values, data):
    cut = data.draw(st.integers(0, len(values)))
    texts = [None if value is None else f"t{value}" for value in values]
    whole = pa.table({"n": pa.array(values, pa.int64()), "t": pa.array(texts, pa.large_string())})
    pieces = pa.concat_tables([whole[:cut], whole[cut:]])
    encoded = whole.set_column(1, "t", whole["t"].dictionary_encode())
    later = pa.concat_tables([whole, whole])[len(values) :]
    frames = [
        pieces,
        encoded,
        later,
        pl.from_arrow(whole),
        whole.replace_schema_metadata({"a": "b"}),
    ]
    assert {facts(frame)["arrow_sha256"] for frame in frames} == {facts(whole)["arrow_sha256"]}
    other = whole.set_column(0, "n", pa.array([*values[:-1], 10], pa.int64()))
    assert facts(other)["arrow_sha256"] != facts(whole)["arrow_sha256"]
    assert facts(whole)["rows"] == len(values)
    assert facts(whole)["in_memory"] == "mine"


def test_pandas_keeps_its_index_and_its_own_columns():
    frame = pd.DataFrame(
        {"clip": pd.Categorical(["a", "b", "c"]), "n": pd.array([1, None, 3], "Int64")},
        index=[30, 10, 20],
    )
    added = pa.table({"n": [7, 8, 9], "mos": [1.0, None, 3.0]})
    made = frame_with(frame, added, replaced=["n"], keep=[True, False, True])
    expected = frame[["clip"]].assign(n=[7, 8, 9], mos=[1.0, np.nan, 3.0]).iloc[[0, 2]]
    pd.testing.assert_frame_equal(made, expected)


def test_polars_keeps_its_own_columns():
    frame = pl.DataFrame({"clip": ["a", "b"], "when": [[1], [2, 3]]})
    made = frame_with(frame, pa.table({"mos": [1.0, None]}))
    polars.testing.assert_frame_equal(made, frame.with_columns(mos=pl.Series([1.0, None])))


def test_an_index_with_a_name_can_be_the_key_and_one_without_is_no_column():
    frame = pd.DataFrame({"x": [1.0, 2.0]}, index=pd.Index(["a", "b"], name="clip"))
    assert arrow_table(frame, "it").column_names == ["x", "clip"]
    frame.index = pd.Index([5, 3])
    assert arrow_table(frame, "it").column_names == ["x"]


def test_a_lazy_frame_and_two_columns_of_one_name_are_refused():
    with pytest.raises(InputError, match="Collect it first"):
        arrow_table(pl.LazyFrame({"a": [1]}), "the features")
    with pytest.raises(InputError, match="several columns named 'a'"):
        arrow_table(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), "the features")
