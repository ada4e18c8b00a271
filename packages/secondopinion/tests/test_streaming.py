"""Files larger than memory should be: read in a stream, whatever their shape."""

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from provenance.toolkit import InputError
from secondopinion.scores.json_stream import JsonStream

PEAK = """
import sys
from pathlib import Path
from labeljoin.keys import KeyRule
from secondopinion.joining.collection import read_opinions
scorer = read_opinions([sys.argv[1]], rule=KeyRule()).scorers["x"]
peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
print(len(scorer.scores), scorer.scores["frames"][0], peak)
"""
FRAME = '{"frame_idx": %d, "predicted_vmaf_or_mos": 81.25, "runtime_ms": 1.5}'


def peak_kib(path) -> tuple[int, int, int]:
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True
    )
    clips, frames, peak = map(int, done.stdout.split())
    return clips, frames, peak


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_frames(tmp_path):
    peaks = []
    for frames in (100, 600_000):
        path = tmp_path / f"{frames}.json"
        rows = ",\n  ".join(FRAME % number for number in range(frames))
        path.write_text(f'{{"frames": [{rows}], "summary": {{"competitor": "x"}}}}')
        clips, counted, peak = peak_kib(path)
        assert (clips, counted) == (1, frames)
        peaks.append(peak)
    assert (tmp_path / "600000.json").stat().st_size > 40_000_000
    assert peaks[1] - peaks[0] < 20_000


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
