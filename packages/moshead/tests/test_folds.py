"""Folds: every row is judged once, and nothing is on both sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moshead.corpus.folds import partition
from provenance.toolkit import InputError


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=200),
    st.integers(2, 6),
    st.integers(0, 2**31),
)
def test_units_never_straddle_folds_and_rows_are_held_out_once(units, k, seed):
    _, numbered = np.unique(units, return_inverse=True)
    if numbered.max() + 1 < k:
        with pytest.raises(InputError):
            partition(numbered, k, seed, grouped=True)
        return
    division = partition(numbered, k, seed, grouped=True)
    held_out = np.concatenate([fold.held_out for fold in division.folds])
    assert sorted(held_out) == list(range(len(units)))
    for fold in division.folds:
        assert len(fold.held_out)
        assert not set(numbered[fold.train]) & set(numbered[fold.held_out])
        assert len(fold.train) + len(fold.held_out) == len(units)


def test_the_same_seed_draws_the_same_folds_and_another_one_others():
    units = np.arange(100)
    first, again, other = (partition(units, 5, seed, grouped=False) for seed in (1, 1, 2))
    assert all(
        (a.held_out == b.held_out).all() for a, b in zip(first.folds, again.folds, strict=True)
    )
    assert any(
        len(a.held_out) != len(b.held_out) or (a.held_out != b.held_out).any()
        for a, b in zip(first.folds, other.folds, strict=True)
    )


def test_folds_of_single_clips_differ_by_one_row_at_most():
    sizes = [len(fold.held_out) for fold in partition(np.arange(103), 5, 0, grouped=False).folds]
    assert max(sizes) - min(sizes) <= 1
