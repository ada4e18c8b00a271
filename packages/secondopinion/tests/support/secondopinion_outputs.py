"""Byte-exact imitations of the files that scorers write; the values are made up."""

import json
import random
from pathlib import Path

CLIPS = ("3339962845", "8171831850", "10053703034", "007", "5636101558")


def scores(seed: int, low: float = 0.0, high: float = 1.0) -> dict[str, float]:
    rng = random.Random(seed)
    return {clip: rng.uniform(low, high) for clip in CLIPS}


def dover_csv(path: Path, clips=CLIPS, folder="../datasets/KoNViD_1k_videos") -> Path:
    """As evaluate_a_set_of_videos.py writes it: %4f, a blank after commas but the last."""
    rng = random.Random(1)
    lines = ["path, aesthetic score, technical score, overall/final score\n"]
    for clip in clips:
        a, t, o = (rng.uniform(0, 100) for _ in range(3))
        lines.append(f"{folder}/{clip}.mp4, {a:4f}, {t:4f},{o:4f}\n")
    path.write_bytes("".join(lines).encode())
    return path


def pyiqa_csv(path: Path, clips=CLIPS, end="\n", separator=",") -> Path:
    """As inference_iqa.py --save_file writes it: no header."""
    values = scores(2, 2, 12)
    text = "".join(f"{clip}.mp4{separator}{values.get(clip, 5.5)}{end}" for clip in clips)
    path.write_bytes(text.encode())
    return path


def qalign_json(path: Path, clips=CLIPS, key="img_path", runs=1) -> Path:
    """As vqa_eval.py appends it: json.dump after json.dump with nothing between them."""
    text = ""
    for _ in range(runs):
        for clip, value in scores(3).items():
            if clip not in clips:
                continue
            logits = {"good": 18.5, "poor": 11.25, "high": 13.0, "fair": 15.125, "low": 9.0}
            text += json.dumps(
                {key: f"{clip}.mp4", "gt_score": 3.2, "logits": logits, "score": value}
            )
    path.write_bytes(text.encode())
    return path


def fastvqa_logs(folder: Path, clips=CLIPS, model: str | None = None) -> Path:
    """As `python vqa.py -v CLIP > CLIP.log` leaves them."""
    folder.mkdir()
    for clip, value in scores(4).items():
        if clip in clips:
            text = f"Inferring with model [{model}]:\n" if model else ""
            text += "Sampled frames are [  0   2   4   6   8  10  12  14  16  18]\n"
            text += f"The quality score of the video (range [0,1]) is {value:.5f}.\n"
            (folder / f"{clip}.mp4.log").write_bytes(text.encode())
    return folder


def vmaf_json(path: Path, value: float, pooled=True, frames=3) -> Path:
    """As `vmaf --json` writes it."""
    document = {
        "version": "3.0.0",
        "fps": 41.93,
        "frames": [
            {
                "frameNum": number,
                "metrics": {
                    "integer_adm2": 0.962084,
                    "integer_vif_scale0": 0.363420,
                    "integer_motion2": 0.0,
                    "vmaf": round(value + number - (frames - 1) / 2, 6),
                },
            }
            for number in range(frames)
        ],
        "pooled_metrics": {
            "integer_adm2": {"min": 0.9, "max": 1.0, "mean": 0.95, "harmonic_mean": 0.95},
            "vmaf": {
                "min": round(value - 1, 6),
                "max": round(value + 1, 6),
                "mean": round(value, 6),
                "harmonic_mean": round(value - 0.01, 6),
            },
        },
        "aggregate_metrics": {},
    }
    if not pooled:
        del document["pooled_metrics"], document["aggregate_metrics"]
    path.write_bytes(json.dumps(document, indent=2).encode())
    return path


def vmaf_logs(folder: Path, clips=CLIPS) -> Path:
    folder.mkdir()
    for clip, value in scores(5, 20, 99).items():
        if clip in clips:
            vmaf_json(folder / f"{clip}.json", value)
    return folder


def wrapper_payload(value: float, frames=3, competitor="fork-nr-metric-v1", **members) -> dict:
    """As the external-bench wrappers write it."""
    rows = [
        {"frame_idx": n, "predicted_vmaf_or_mos": value + n - (frames - 1) / 2, "runtime_ms": 1.5}
        for n in range(frames)
    ]
    summary = {
        "competitor": competitor,
        "plcc": 0.0,
        "srocc": 0.0,
        "rmse": 0.0,
        "runtime_total_ms": 1.5 * frames,
        "params": 0,
        "gflops": 0.0,
    }
    return {**members, "frames": rows, "summary": summary}


def wrapper_files(folder: Path, clips=CLIPS) -> Path:
    folder.mkdir()
    for clip, value in scores(6, 20, 99).items():
        if clip in clips:
            payload = wrapper_payload(value)
            (folder / f"{clip}.json").write_text(json.dumps(payload, indent=2))
    return folder


def rows_jsonl(path: Path, clips=CLIPS, competitor="musiq", key="filename") -> Path:
    values = scores(7, 20, 80)
    path.write_text(
        "".join(
            json.dumps(
                {
                    "competitor": competitor,
                    key: f"{clip}.mp4",
                    "score": values[clip],
                    "status": "ok",
                    "runtime_ms": 12.5,
                }
            )
            + "\n"
            for clip in clips
        )
    )
    return path
