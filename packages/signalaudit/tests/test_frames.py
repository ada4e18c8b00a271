"""Audits of data frames: as of files, with an honest record, and shown in notebooks."""

from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
import signalaudit
from provenance import replay
from provenance.toolkit import InputError


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    quality = rng.normal(size=120)
    return pl.DataFrame(
        {
            "clip": [f"c{n}" for n in range(120)],
            "mos": np.clip(3 + 0.6 * quality + rng.normal(size=120) / 5, 1, 5),
            "niqe": -quality,
            "adm2": 0.5 + 0.1 * quality + rng.normal(size=120) / 20,
        }
    )


def test_a_frame_is_audited_as_its_file(frame, tmp_path):
    pq.write_table(frame.to_arrow(), tmp_path / "t.parquet")
    [of_file] = signalaudit.audit({"t": tmp_path / "t.parquet"})["tables"]
    [of_frame] = signalaudit.audit({"t": frame})["tables"]
    own = {"path", "format"}
    assert {k: v for k, v in of_frame.items() if k not in own} == {
        k: v for k, v in of_file.items() if k not in own
    }
    assert (of_frame["path"], of_frame["format"]) == ("t", "frame")


def test_a_record_says_that_a_frame_was_read_and_cannot_be_replayed(frame, tmp_path):
    document = signalaudit.write_report(frame, tmp_path / "a.json")
    [recorded] = document["run_provenance"]["args"]["input"]
    assert recorded["in_memory"] == "data frame"
    assert (recorded["rows"], len(recorded["arrow_sha256"])) == (120, 64)
    assert document["run_provenance"]["inputs"]["input"] == []
    with pytest.raises(InputError, match="data frame in memory") as caught:
        replay(tmp_path / "a.json")
    assert caught.value.code == "replay.frame"


def test_two_frames_have_names_of_their_own(frame):
    labels = [table["label"] for table in signalaudit.audit([frame, frame])["tables"]]
    assert labels == ["data frame", "data frame 2"]


def test_notebooks_show_target_families_and_steps(frame):
    audit: Any = signalaudit.audit({"<b>": frame})
    shown = audit._repr_html_()
    assert "Signal-mix audit of &lt;b&gt;, target mos" in shown
    assert "Strongest with mos" in shown
    assert "<b>," not in shown
