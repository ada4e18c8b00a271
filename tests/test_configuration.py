"""Options from a file and the environment, over the boundary of a replay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from workspace import run_command


def test_a_replay_takes_options_from_the_record_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "f.csv").write_text("clip,vif\na,0.1\nb,0.2\nc,0.3\n")
    (tmp_path / "l.csv").write_text("clip,mos,codec\na,3,x\nb,4,y\n")
    file = tmp_path / "moskit.toml"
    file.write_text('[labeljoin.join]\nmin_match_rate = 0.5\nextras = ["auto", "codec"]\n')
    monkeypatch.setenv("MOSKIT_STATUS_COLUMN", "label_status")
    run_command("labeljoin", "join", "f.csv", "--labels", "l.csv", "-o", "o.csv", cwd=tmp_path)
    header = (tmp_path / "o.csv").read_text().splitlines()[0]
    assert header == "clip,vif,mos,mos_raw_0_100,label_status,mos_label_source,codec"
    record = json.loads((tmp_path / "o.csv.audit.json").read_bytes())["run_provenance"]
    assert record["args"]["status_column"] == "label_status"
    assert record["argv"][1:7] == [
        *("--min-match-rate", "0.5", "--extras", "auto,codec"),
        *("--status-column", "label_status"),
    ]
    file.write_text('[labeljoin]\nmin_match_rate = 1.0\n[labeljoin.join]\nextras = "none"\n')
    monkeypatch.setenv("MOSKIT_STATUS_COLUMN", "other")
    replayed = run_command("provenance", "replay", "o.csv", "--json", cwd=tmp_path).json()
    assert replayed["identical"] is True
    run_command(
        "labeljoin", "join", "f.csv", "--labels", "l.csv", "-o", "p.csv", cwd=tmp_path, expect=1
    )
