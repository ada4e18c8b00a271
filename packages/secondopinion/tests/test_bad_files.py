"""Whatever a score file holds, reading it gives scores or one sentence."""

import contextlib
import json
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from labeljoin.keys import KeyRule
from provenance.toolkit import InputError
from secondopinion.joining.collection import read_opinions
from secondopinion.readers.registry import readers
from secondopinion_outputs import (
    dover_csv,
    fastvqa_logs,
    pyiqa_csv,
    qalign_json,
    rows_jsonl,
    vmaf_json,
    wrapper_payload,
)

FORMATS = ("auto", *readers())
slow = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)

numbers = st.one_of(
    st.floats(), st.integers(), st.just(10**400), st.just(float("nan")), st.just(-1e308)
)
leaves = st.one_of(
    st.none(), st.booleans(), numbers, st.text(max_size=8), st.sampled_from(["ok", "nan", "1e999"])
)
members = st.sampled_from(
    ["clip_id", "filename", "img_path", "competitor", "score", "mos", "status", "runtime_ms",
     "frames", "summary", "rows", "results", "logits", "metrics", "pooled_metrics", "vmaf",
     "predicted_vmaf_or_mos", "gt_score"]
)  # fmt: skip
documents = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(members, inner, max_size=6),
    max_leaves=25,
)


def read(content: bytes, format: str = "auto", name: str = "scores.json") -> None:
    """Read bytes as a score file; an InputError has to be one sentence that names the file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        sentence, scorers = "", []
        try:
            opinions = read_opinions([f"mine={path}"], rule=KeyRule(), format=format)
            scorers = list(opinions.scorers.values())
        except InputError as error:
            sentence = str(error)
        assert bool(sentence) != bool(scorers)
        assert "\n" not in sentence
        assert len(sentence) < 1500
        for scorer in scorers:
            scores = scorer.scores["score"].to_pylist()
            statuses = scorer.scores["status"].to_pylist()
            assert [score is not None for score in scores] == [s == "ok" for s in statuses]
            assert all(score is None or abs(score) < float("inf") for score in scores)


@slow
@given(st.binary(max_size=400), st.sampled_from(FORMATS))
@example(b"", "auto")
@example(b"PAR1 and then nothing", "auto")
@example(b"\xff\xfe\x00", "auto")
@example(b"\xef\xbb\xbf", "rows")
@example(b'{"clip_id": "\\ud800", "score": 1}', "rows")
@example(b"[" * 100_000, "auto")
@example(b'{"a":' * 100_000, "rows")
@example(b'{"score": ' + b"1" * 5000 + b', "clip_id": "a"}', "rows")
def test_binary_junk(content, format):
    read(content, format)


@slow
@given(st.text(max_size=200), st.sampled_from(FORMATS))
def test_text_junk(text, format):
    read(text.encode("utf-8", "surrogatepass"), format)


@slow
@given(st.lists(documents, min_size=1, max_size=4), st.sampled_from(["", "\n", ", "]),
       st.sampled_from(FORMATS))  # fmt: skip
def test_json_of_any_shape(values, between, format):
    text = between.join(json.dumps(value) for value in values)
    read(text.encode(), format)
    read(json.dumps(values).encode(), format)
    read(json.dumps({"rows": values}).encode(), format)


@slow
@given(st.lists(st.lists(st.sampled_from(
    ["path", "score", "a.mp4", "1.5", "nan", "1e999", "", '"', '"x,y"', " ", "competitor", "\r"]
), max_size=5), max_size=6), st.sampled_from([",", "\t", ";", ", "]),
       st.sampled_from(FORMATS))  # fmt: skip
def test_delimited_text_of_any_shape(rows, separator, format):
    read("\n".join(separator.join(row) for row in rows).encode(), format, "scores.csv")


def genuine(folder: Path) -> dict[str, bytes]:
    """A real file of every layout."""
    payloads = [wrapper_payload(1.0, clip_id="a"), wrapper_payload(2.0, clip_id="b")]
    return {
        "dover-csv": dover_csv(folder / "d").read_bytes(),
        "pyiqa-csv": pyiqa_csv(folder / "p").read_bytes(),
        "qalign-json": qalign_json(folder / "q").read_bytes(),
        "fastvqa-log": next(fastvqa_logs(folder / "f").iterdir()).read_bytes(),
        "vmaf-json": vmaf_json(folder / "v", 50.0).read_bytes(),
        "wrapper": json.dumps(payloads, indent=1).encode(),
        "rows": rows_jsonl(folder / "r").read_bytes(),
        "clip-scores": b'{"videos/1.mp4": 3.25, "videos/2.mp4": 4.5}',
    }


@pytest.fixture(scope="module")
def layouts(tmp_path_factory):
    return genuine(tmp_path_factory.mktemp("genuine"))


@pytest.mark.parametrize("format", readers())
def test_truncated_anywhere(layouts, format):
    content = layouts[format]
    cuts = random.Random(0).sample(range(len(content)), min(40, len(content)))
    for cut in cuts:
        read(content[:cut], format)


@pytest.mark.parametrize("format", readers())
def test_damaged_anywhere(layouts, format):
    rng = random.Random(1)
    for _ in range(60):
        content = bytearray(layouts[format])
        for _ in range(rng.randint(1, 4)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        read(bytes(content), rng.choice([format, "auto"]))


@pytest.mark.parametrize("format", readers())
def test_genuine_files_are_told_apart(layouts, format, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(layouts[format])
    opinions = read_opinions([f"mine={path}"], rule=KeyRule())
    assert [file.format for file in opinions.files] == [format]


def test_duplicate_headers(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("clip_id,score,score\na,1,2\n")
    with pytest.raises(InputError, match="score"):
        read_opinions([f"mine={path}"], rule=KeyRule())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"clip_id": "a", "score": 1}\n{"clip_id": "b", "sc', "line 2.*ends in the middle"),
        ('{"clip_id": "a", "score": 1}\n{"clip_id": "b" "score": 2}', "line 2.*not JSON"),
        ('[{"clip_id": "a", "score": 1}, 7]', "row 2.*not a JSON object"),
        ('[{"clip_id": "a", "score": 1}] x', "follows the JSON array"),
        ('{"clip_id": ["a"], "score": 1}', "row 1.*key is a list"),
        ('{"clip_id": "a", "quality_of_life": 1}', "row 1.*no score.*quality_of_life"),
        ('{"which": "a", "score": 1}', "row 1.*--score-key-field"),
        ('{"clip_id": "a", "score": 1, "competitor": 7}', "scorer is a number"),
        ("a.mp4,1.5\nb.mp4;2.5\n", "line 2.*not a name and a score"),
        ('[{"clip_id": 1e17, "score": 1}]', "row 1.*too large to keep its last digits.*in quotes"),
        ('[{"clip_id": true, "score": 1}]', "row 1.*key is true or false"),
        ('{"clip_id": "a", "frames": [{"score": 1}, 7]}', "frame 2.*number and should be an obj"),
        ('{"clip_id": "a", "frames": [{"x": 1}]}', "frame 1.*no score; its members are x"),
        ('{"clip_id": "a", "frames": [{"score": []}]}', "frame 1.*score is a list"),
    ],
)
def test_what_is_said(tmp_path, text, words):
    path = tmp_path / "scores.json"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as info:
        read_opinions([f"mine={path}"], rule=KeyRule())
    assert str(path) in str(info.value)
    with contextlib.suppress(InputError):
        read_opinions([path], rule=KeyRule())


def test_a_directory_without_score_files_is_named(tmp_path):
    (tmp_path / ".hidden.json").write_text("{}")
    with pytest.raises(InputError, match="no score files"):
        read_opinions([f"mine={tmp_path}"], rule=KeyRule())


@pytest.mark.parametrize("column", ["key", "scorer", "status", "score"])
@pytest.mark.parametrize(
    "values",
    [[["a"], ["b"]], [{"a": 1}, {"a": 2}], [b"\xff", b"b"]],
    ids=["list", "struct", "bytes"],
)
def test_columns_of_a_table_that_are_not_text(tmp_path, column, values):
    path = tmp_path / "mine.parquet"
    columns = {"key": ["a", "b"], "score": [1.0, 2.0], "status": ["ok", "ok"], "scorer": ["s", "s"]}
    pq.write_table(pa.table({**columns, column: values}), path)
    with pytest.raises(InputError, match=f"column {column} has the type") as raised:
        read_opinions([path], rule=KeyRule())
    assert raised.value.where == str(path)


def test_every_kind_of_text_is_text(tmp_path):
    path = tmp_path / "dover.parquet"
    for kind in (pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())):
        columns = {"key": ["a", "b"], "score": ["1.5", "bad"], "status": ["ok", "ok"]}
        arrays = {name: pa.array(values).cast(kind) for name, values in columns.items()}
        pq.write_table(pa.table(arrays), path)
        [scorer] = read_opinions([path], rule=KeyRule()).scorers.values()
        assert scorer.scores["score"].to_pylist() == [1.5, None]
