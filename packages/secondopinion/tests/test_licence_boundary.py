"""Scorers stay outside: reading their files imports none and starts none (ADR-0657)."""

import json
import subprocess
import sys

from secondopinion_outputs import (
    dover_csv,
    fastvqa_logs,
    pyiqa_csv,
    qalign_json,
    rows_jsonl,
    vmaf_logs,
    wrapper_files,
)

SCORERS = {
    *("dover", "q_align", "qalign", "fastvqa", "fast_vqa", "pyiqa", "musiq", "clipiqa", "clip"),
    *("maniqa", "piq", "brisque", "imquality", "skvideo", "lpips", "dists_pytorch", "vmaf"),
    *("decord", "transformers", "timm", "pvmaf", "videval", "tlvqm", "rapique"),
}

WATCHED_RUN = """
import json, sys
started, imported = [], []
def watch(event, arguments):
    if event in {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"}:
        started.append(repr(arguments[0]))
    elif event == "import":
        imported.append(arguments[0].partition(".")[0])
sys.addaudithook(watch)
import secondopinion
secondopinion.join_file(sys.argv[1], sys.argv[3:], sys.argv[2])
print(json.dumps({"started": started, "imported": sorted(set(imported))}))
"""


def test_reading_scores_starts_no_program_and_loads_no_scorer(features, tmp_path):
    scores = [
        dover_csv(tmp_path / "d.csv"),
        f"niqe={pyiqa_csv(tmp_path / 'n.csv')}",
        qalign_json(tmp_path / "q.json"),
        fastvqa_logs(tmp_path / "fastvqa"),
        vmaf_logs(tmp_path / "vmaf"),
        wrapper_files(tmp_path / "wrapper"),
        rows_jsonl(tmp_path / "rows.jsonl"),
    ]
    arguments = [features, tmp_path / "out.parquet", *scores]
    done = subprocess.run(
        [sys.executable, "-c", WATCHED_RUN, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    seen = json.loads(done.stdout)
    assert seen["started"] == []
    assert "secondopinion" in seen["imported"]
    assert not set(seen["imported"]) & (SCORERS | {"torch"})
