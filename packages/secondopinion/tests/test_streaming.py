"""Files larger than memory should be: read in a stream, whatever their shape."""

import subprocess
import sys

import pytest

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
