"""Damaged inputs give either a clear error or a valid output, and nothing else.

Ten thousand inputs: sound files with bytes flipped, cut out, doubled, or replaced by what trips
parsers. Whatever happens, no error but a MoskitError escapes, and an error leaves no file behind.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import labeljoin
import moshead
import provenance
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import secondopinion
import signalaudit
from provenance.toolkit import VerdictError

TOTAL = 10_000
CLIPS = [f"clips/{number}.mp4" for number in range(1000, 1012)]
NASTY = [
    *(b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"NaN", b"-Infinity", b"1e999", b"null", b'"'),
    *(b"\n", b"\r\n", b",,", b"{}", b"[]", b"}{", b"\\u0000", b"\\ud800", b"[" * 500, b"-0"),
    *(b"9" * 400, b"true", "ü".encode(), b"=1+1", b"../../etc/passwd", b"~", b"%s", b"\t"),
]

FEATURES = pa.table({"clip_path": CLIPS, "vif": [index / 12 for index in range(12)]})
LABELS = pa.table(
    {
        "video_id": [str(number) for number in range(1000, 1012)],
        "mos": [1.5 + index / 4 for index in range(12)],
        "mos_std_dev": [0.7] * 12,
    }
)


def csv_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(table, sink)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def parquet_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=5)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def jsonl_bytes(table: pa.Table) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in table.to_pylist())


def json_bytes(table: pa.Table) -> bytes:
    return json.dumps({"rows": table.to_pylist()}).encode()


WRITERS = {"csv": csv_bytes, "parquet": parquet_bytes, "jsonl": jsonl_bytes, "json": json_bytes}


def score_files() -> dict[str, bytes]:
    """Write one valid file for each layout that secondopinion reads."""
    rows = [
        {"filename": f"{number}.mp4", "competitor": "q", "score": 0.5, "status": "ok"}
        for number in range(1000, 1012)
    ]
    qalign = [
        {"img_path": f"{number}.mp4", "gt_score": 3.0, "logits": {"good": 1.5}, "score": 0.61}
        for number in range(1000, 1012)
    ]
    header = "path, aesthetic score, technical score, overall/final score\n"
    frames = [{"frameNum": 0, "metrics": {"vmaf": 81.2, "integer_adm2": 0.9}}]
    return {
        "rows.jsonl": "".join(json.dumps(row) + "\n" for row in rows).encode(),
        "rows.json": json.dumps(rows).encode(),
        "qalign.json": "".join(json.dumps(row) for row in qalign).encode(),
        "dover.csv": (
            header + "".join(f"../d/{n}.mp4, 47.686193, 48.8,48.3\n" for n in range(1000, 1012))
        ).encode(),
        "niqe.csv": "".join(f"{n}.mp4,6.97\n" for n in range(1000, 1012)).encode(),
        "1000.log": b"The quality score of the video (range [0,1]) is 0.61234.\n",
        "1001.json": json.dumps(
            {
                "frames": [{"frame_idx": 0, "predicted_vmaf_or_mos": 81.2, "runtime_ms": 1.4}],
                "summary": {"competitor": "fork-nr-metric-v1", "runtime_total_ms": 1.4},
            }
        ).encode(),
        "1002.json": json.dumps(
            {"frames": frames, "pooled_metrics": {"vmaf": {"min": 1, "max": 99, "mean": 81.2}}}
        ).encode(),
    }


def damaged(sound: bytes, dice: random.Random) -> bytes:
    """Return the data with one to four damages."""
    data = bytearray(sound)
    for _ in range(dice.randint(1, 4)):
        position = dice.randint(0, len(data))
        end = min(len(data), position + dice.randint(1, 40))
        match dice.randrange(6):
            case 0 if data:
                data[position % len(data)] ^= 1 << dice.randrange(8)
            case 1:
                del data[position:end]
            case 2:
                data[position:position] = data[position:end]
            case 3:
                del data[position:]
            case 4:
                data[position:end] = dice.choice(NASTY)
            case _:
                data[position:position] = dice.choice(NASTY)
    return bytes(data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a valid input of every kind."""
    fill(tmp_path)
    return tmp_path


def fill(tmp_path: Path) -> None:
    """Write a valid input of every kind to a folder."""
    for suffix, write in WRITERS.items():
        (tmp_path / f"features.{suffix}").write_bytes(write(FEATURES))
        (tmp_path / f"labels.{suffix}").write_bytes(write(LABELS))
    for name, data in score_files().items():
        (tmp_path / name).write_bytes(data)
    joins = {"tables": [{"id": "a", "features": "features.csv", "labels": ["labels.csv"]}]}
    joins["tables"][0]["out"] = "out/batch.csv"
    (tmp_path / "joins.json").write_text(json.dumps(joins))
    scores = {"tables": [{"id": "a", "features": "features.csv", "scores": ["q=rows.json"]}]}
    scores["tables"][0]["out"] = "out/batch.csv"
    (tmp_path / "scores.json").write_text(json.dumps(scores))
    (tmp_path / "schema.toml").write_text('id = "s-v1"\ncolumns = ["vif", "second_*_score"]\n')
    (tmp_path / "families.toml").write_text(
        '[[families]]\nkey = "own"\ntitle = "Own"\nquestion = "Is it?"\npatterns = ["vif*"]\n'
    )
    labeljoin.join_file(tmp_path / "features.csv", tmp_path / "labels.csv", tmp_path / "joined.csv")
    (tmp_path / "out").mkdir()


def join_features(folder: Path, name: str) -> None:
    labeljoin.join_file(folder / name, folder / "labels.csv", folder / "out" / name)


def join_labels(folder: Path, name: str) -> None:
    labeljoin.join_file(folder / "features.csv", folder / name, folder / "out" / "table.csv")


def join_scores(folder: Path, name: str) -> None:
    secondopinion.join_file(
        folder / "features.csv", f"q={folder / name}", folder / "out" / "table.csv"
    )


def run_joins(folder: Path, name: str) -> None:
    labeljoin.run_batch(folder / name, base_dir=folder)


def run_scores(folder: Path, name: str) -> None:
    secondopinion.run_batch(folder / name, base_dir=folder)


def audit(folder: Path, name: str) -> None:
    signalaudit.write_report([folder / name], folder / "out" / "audit.json")


def read_record(folder: Path, name: str) -> None:
    assert not provenance.verify([folder / name]).ok


def read_schema(folder: Path, name: str) -> None:
    moshead.features.load_schema(folder / name)


def read_families(folder: Path, name: str) -> None:
    signalaudit.load_families(folder / name)


CASES: list[tuple[Callable[[Path, str], None], str]] = [
    *((join_features, f"features.{suffix}") for suffix in WRITERS),
    *((join_labels, f"labels.{suffix}") for suffix in WRITERS),
    *((join_scores, name) for name in score_files()),
    (audit, "features.csv"),
    (run_joins, "joins.json"),
    (run_scores, "scores.json"),
    (read_record, "joined.csv.audit.json"),
    (read_schema, "schema.toml"),
    (read_families, "families.toml"),
]


@pytest.mark.parametrize(
    ("use", "name"), CASES, ids=[f"{use.__name__}-{name}" for use, name in CASES]
)
def test_damaged_input(use: Callable[[Path, str], None], name: str, folder: Path) -> None:
    sound = (folder / name).read_bytes()
    dice = random.Random(name)
    refused = 0
    sentences: list[str] = []
    for round_number in range(-(-TOTAL // len(CASES))):
        data = damaged(sound, dice)
        if data == sound:
            continue
        (folder / name).write_bytes(data)
        try:
            use(folder, name)
        except VerdictError:
            refused += 1  # a failed policy writes its audit only
            left = {path.name for path in (folder / "out").iterdir()}
            assert not {other for other in left if not other.endswith(".json")}, data
        except provenance.MoskitError as error:
            refused += 1
            sentences.append(str(error))
            assert list((folder / "out").iterdir()) == [], (round_number, data)
        except Exception as error:
            pytest.fail(f"round {round_number}: {type(error).__name__}: {error}\n{data!r}")
        for path in (folder / "out").iterdir():
            path.unlink()
    assert [sentence for sentence in sentences if "\n" in sentence] == []
    assert refused, "no damage was ever noticed; does this test reach the reader at all?"
