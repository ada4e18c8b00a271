"""Matching values with labels: by thread, by process, and beyond what is remembered."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import labeljoin
import numpy as np
import pyarrow as pa
import pytest
from labeljoin.keys import ColumnsForLabels, KeyMatcher, KeyRule, matching

CLIPS = 2_000


@pytest.fixture
def columns():
    keys = pa.array([str(clip) for clip in range(0, CLIPS, 2)])
    labels = pa.table({"mos": [float(clip) for clip in range(0, CLIPS, 2)], "text": keys})
    return ColumnsForLabels(KeyMatcher(KeyRule(), keys), labels, {"text": "none"})


def blocks(seed, count=40):
    chance = np.random.default_rng(seed)
    for _ in range(count):
        clips = chance.integers(0, CLIPS, 100)
        yield clips, pa.array([f"v/{clip}.mp4" for clip in clips])


def assert_right(columns, seed):
    for clips, values in blocks(seed):
        batch = columns(values)
        mos = batch.column(0).cast(pa.float64()).to_pylist()
        assert mos == [float(clip) if clip % 2 == 0 else None for clip in clips]
        text = batch.column(1).cast(pa.string()).to_pylist()
        assert text == [str(clip) if clip % 2 == 0 else "none" for clip in clips]


def test_rows_get_the_label_of_their_key(columns):
    assert_right(columns, 0)
    assert columns(pa.array([], pa.string())).num_rows == 0
    nothing = columns(pa.array([None, " "]))
    assert nothing.column(0).cast(pa.float64()).to_pylist() == [None, None]


def test_threads_share_a_matcher(columns):
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(assert_right, columns, seed) for seed in range(16)]:
            done.result()


def test_other_processes_get_a_matcher(columns):
    assert_right(columns, 0)
    assert_right(pickle.loads(pickle.dumps(columns)), 1)


def test_what_is_forgotten_is_found_again(columns, monkeypatch):
    monkeypatch.setattr(matching, "REMEMBERED", 50)
    assert_right(columns, 0)


def test_many_labels_are_looked_up_by_arrow(columns, monkeypatch):
    monkeypatch.setattr(matching, "LISTED", 10)
    assert_right(columns, 0)


def test_coverage_does_not_depend_on_what_is_remembered(columns, monkeypatch):
    values = [values for _, values in blocks(3)] + [pa.array(["w/4.mp4", None, ""])]
    whole = labeljoin.joining.measure_coverage(
        values, KeyMatcher(KeyRule(), columns.matcher.label_keys)
    )
    monkeypatch.setattr(matching, "REMEMBERED", 50)
    monkeypatch.setattr("labeljoin.keys.counts._COMPACTED", 64)
    again = labeljoin.joining.measure_coverage(
        values, KeyMatcher(KeyRule(), columns.matcher.label_keys)
    )
    assert again == whole
    assert whole.folded_keys == 1
    assert whole.keyless == {"null": 1, "blank": 1, "no-regex-match": 0}
    clips = {int(clip) for block, _ in blocks(3) for clip in block} | {4}
    assert whole.keys == len(clips)
    assert whole.matched_keys == len([clip for clip in clips if clip % 2 == 0])
