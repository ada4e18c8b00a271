"""`labeljoin join` on real files, through the command and the library."""

import json
import os
from pathlib import Path
from typing import Any

import labeljoin
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from provenance.toolkit import InputError

LABELS = "flickr_id,mos,stddev,width\n1,3.5,0.5,960\n2,4.5,0.25,960\n3,1.0,0.1,960\n"


@pytest.fixture
def features(here):
    table = pa.table(
        {
            "clip_path": ["v/2.mp4", "v/1.mp4", "v/2.mp4", "v/3.mp4"],
            "adm2": [0.1, float("nan"), 0.3, 0.4],
        }
    )
    pq.write_table(table, here / "features.parquet", row_group_size=3)
    (here / "labels.csv").write_text(LABELS)
    return "features.parquet"


@pytest.fixture
def join(here, command):
    def run(*more, code=0, out="out.parquet", features="features.parquet", labels="labels.csv"):
        return command(
            "join", "--features", features, "--labels", labels, "--out", out, *more, code=code
        )

    return run


def entries(folder="."):
    return sorted(path.name for path in Path(folder).iterdir())


def test_the_columns_and_their_order(features, join):
    join()
    out = pq.read_table("out.parquet")
    assert out.schema.names == [
        "clip_path",
        "adm2",
        "mos",
        "mos_raw_0_100",
        "mos_label_status",
        "mos_label_source",
        "mos_std_dev",
    ]
    assert out.schema.types[2:] == [
        pa.float64(),
        pa.float64(),
        pa.string(),
        pa.string(),
        pa.float64(),
    ]
    assert out["mos"].to_pylist() == [4.5, 3.5, 4.5, 1.0]
    assert out["mos_raw_0_100"].to_pylist() == [87.5, 62.5, 87.5, 0.0]
    assert set(out["mos_label_status"].to_pylist()) == {"ok"}
    assert set(out["mos_label_source"].to_pylist()) == {"labels.csv"}


def test_the_audit(features, join):
    done = join("--json")
    audit = json.loads(done.out)
    assert audit == json.loads(Path("out.parquet.audit.json").read_text())
    expected = {
        "schema": "mos-label-materializer-v1",
        "status": "ok",
        "feature_table": "features.parquet",
        "output": "out.parquet",
        "feature_key_column": "clip_path",
        "label_key_column": "flickr_id",
        "label_mos_column": "mos",
        "label_scale": {
            "scale": "1-5",
            "decided_by": "range",
            "evidence": "3 values of column 'mos' in [1, 4.5]",
        },
        "key_normalize": "auto",
        "feature_key_regex": None,
        "label_key_regex": None,
        "min_match_rate": 0.95,
        "input_rows": 4,
        "output_rows": 4,
        "total_feature_keys": 3,
        "matched_feature_keys": 3,
        "match_rate": 1.0,
        "matched_rows": 4,
        "missing_rows": 0,
        "keyless_rows": {
            "count": 0,
            "rate": 0.0,
            "reasons": {"null": 0, "blank": 0, "no-regex-match": 0},
        },
        "folded_feature_keys": 0,
        "labels_loaded": 3,
        "labels_without_mos": 0,
        "duplicate_labels_collapsed": 0,
        "stale_label_keys": {"count": 0, "sample": []},
        "unmatched_feature_keys": {"count": 0, "sample": []},
        "engine": "parquet-splice",
    }
    assert {name: audit[name] for name in expected} == expected
    assert audit["run_provenance"]["argv"][0] == "join"
    assert set(audit["run_provenance"]["inputs"]) == {"features", "labels"}


def test_equal_runs_make_equal_bytes(features, here, join):
    join()
    first = [Path(name).read_bytes() for name in ("out.parquet", "out.parquet.audit.json")]
    join()
    assert first == [Path(name).read_bytes() for name in ("out.parquet", "out.parquet.audit.json")]


def test_low_coverage_writes_the_audit_and_no_table(features, join):
    Path("labels.csv").write_text("flickr_id,mos\n1,3\n9,4\n")
    done = join(code=1)
    assert entries() == ["features.parquet", "labels.csv", "out.parquet.audit.json"]
    audit = json.loads(Path("out.parquet.audit.json").read_text())
    assert audit["status"] == "failed"
    assert audit["match_rate"] == pytest.approx(1 / 3)
    assert audit["unmatched_feature_keys"] == {"count": 2, "sample": ["2", "3"]}
    assert audit["stale_label_keys"] == {"count": 1, "sample": ["9"]}
    assert audit["engine"] is None
    assert audit["run_provenance"]["outputs"] == {"out": None}
    assert "33.3 % of the clips (1 of 3)" in done.err
    assert "'2', '3'" in done.err
    assert "'9'" in done.err


def test_a_feature_table_without_rows_is_called_that(here, command):
    (here / "f.csv").write_text("clip_id,x\n")
    (here / "l.csv").write_text("clip_id,mos\n1,3\n")
    done = command("join", "--features", "f.csv", "--labels", "l.csv", "--out", "o.csv", code=1)
    assert "the feature table has no rows" in done.err


def test_a_failed_join_keeps_the_table_that_was_there(features, join):
    Path("out.parquet").write_text("before")
    Path("labels.csv").write_text("flickr_id,mos\n9,4\n")
    join(code=1)
    assert Path("out.parquet").read_text() == "before"


def test_a_lower_minimum_marks_what_is_missing(features, join):
    Path("labels.csv").write_text("flickr_id,mos\n1,3\n")
    join("--min-match-rate", "0.3")
    out = pq.read_table("out.parquet")
    assert out["mos"].to_pylist() == [None, 3.0, None, None]
    assert out["mos_label_status"].to_pylist() == ["missing-label", "ok"] + ["missing-label"] * 2
    assert out["mos_label_source"].to_pylist() == [None, "labels.csv", None, None]


def test_zero_matches_need_an_explicit_zero(features, join):
    Path("labels.csv").write_text("flickr_id,mos\n9,3\n")
    join(code=1)
    join("--min-match-rate", "0")
    assert pq.read_table("out.parquet")["mos"].null_count == 4


def test_failed_json_is_the_audit(features, join):
    Path("labels.csv").write_text("flickr_id,mos\n9,4\n")
    audit = json.loads(join("--json", code=1).out)
    assert audit["status"] == "failed"
    assert audit["failures"]


def test_keyless_rows_are_gated_apart(features, join):
    table = pa.table({"name": ["clip1", "clip2", "clip3", "other", None, " "]})
    pq.write_table(table, features)
    regex = ("--feature-key-regex", r"clip(\d)")
    done = join(*regex, code=1)
    audit = json.loads(Path("out.parquet.audit.json").read_text())
    assert audit["match_rate"] == 1.0
    assert audit["keyless_rows"] == {
        "count": 3,
        "rate": 0.5,
        "reasons": {"null": 1, "blank": 1, "no-regex-match": 1},
    }
    assert "yield no clip key" in done.err
    join(*regex, "--max-keyless-rate", "0.5")
    assert pq.read_table("out.parquet")["mos"].null_count == 3


def test_a_guessed_fold_is_refused_and_a_wanted_one_counted(features, join):
    pq.write_table(pa.table({"path": ["ref/1.mp4", "dist/1.mp4", "ref/2.mp4"]}), features)
    message = join(code=2).err
    assert "'dist/1.mp4' and 'ref/1.mp4' both become the clip key '1'" in message
    assert entries() == ["features.parquet", "labels.csv"]
    audit = json.loads(join("--key-normalize", "stem", "--json").out)
    assert audit["folded_feature_keys"] == 1


def test_existing_columns_are_refused_all_listed(features, join):
    table = pa.table({"key": ["1", "2", "3"], "mos": [9, 9, 9], "mos_std_dev": ["a", "b", "c"]})
    pq.write_table(table, features)
    message = join(code=2).err
    for word in ("'mos'", "'mos_std_dev'", "--overwrite", "--extras"):
        assert word in message
    audit = json.loads(join("--overwrite", "--json").out)
    assert audit["engine"] == "parquet-rewrite"
    assert audit["engine_reason"]
    out = pq.read_table("out.parquet")
    assert out["mos"].to_pylist() == [3.5, 4.5, 1.0]
    assert out["mos_std_dev"].to_pylist() == [0.5, 0.25, 0.1]
    assert out.schema.names.count("mos") == 1


def test_a_labelled_table_can_be_labelled_again(features, join):
    join()
    join("--overwrite", "--in-place", features="out.parquet")
    assert pq.read_table("out.parquet")["mos"].to_pylist() == [4.5, 3.5, 4.5, 1.0]


def test_in_place_has_to_be_allowed(features, join):
    before = Path(features).read_bytes()
    assert "--in-place" in join(code=2, out=features).err
    assert Path(features).read_bytes() == before
    join("--in-place", out=features)
    assert pq.read_table(features)["mos"].null_count == 0


def test_labels_are_never_overwritten(features, join):
    assert join(code=2, out="labels.csv").err
    assert Path("labels.csv").read_text() == LABELS


def test_the_status_column_has_a_name_of_its_own(features, join):
    join("--status-column", "label_state")
    assert "label_state" in pq.read_schema("out.parquet").names
    assert "'mos'" in join("--status-column", "mos", code=2).err
    assert "'mos_std_dev'" in join("--status-column", "mos_std_dev", code=2).err
    assert "'adm2'" in join("--status-column", "adm2", code=2).err


def test_the_key_column_is_never_replaced(features, join):
    pq.write_table(pa.table({"width": ["1", "2", "3"]}), features)
    message = join("--feature-key-column", "width", "--extras", "width", "--overwrite", code=2).err
    assert "key column 'width'" in message


def test_several_label_files_each_on_its_own_terms(features, join):
    Path("more.jsonl").write_text('{"video_id": "2", "mos_raw_0_100": 87.5, "split": "test"}\n')
    Path("labels.csv").write_text("flickr_id,mos\n1,3.5\n3,1\n")
    audit = json.loads(join("--labels", "more.jsonl", "--json").out)
    assert audit["label_key_column"] == ["flickr_id", "video_id"]
    assert audit["label_mos_column"] == ["mos", "mos_raw_0_100"]
    assert [scale["decided_by"] for scale in audit["label_scale"]] == ["range", "column"]
    assert [source["path"] for source in audit["label_sources"]] == ["labels.csv", "more.jsonl"]
    out = pq.read_table("out.parquet")
    assert out["mos_label_source"].to_pylist() == [
        "more.jsonl",
        "labels.csv",
        "more.jsonl",
        "labels.csv",
    ]
    assert out["split"].to_pylist() == ["test", None, "test", None]


def test_conflicting_label_files_end_the_run(features, join):
    Path("more.csv").write_text("key,mos\n1,2\n")
    message = join("--labels", "more.csv", code=2).err
    assert "labels.csv, line 2: mos 3.5" in message
    assert "more.csv, line 2: mos 2" in message
    assert entries() == ["features.parquet", "labels.csv", "more.csv"]


@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv"])
def test_text_tables_keep_their_format(features, suffix, join):
    rows = [{"video_id": "007", "x": 1.5}, {"video_id": "7", "x": 2}]
    texts = {
        "jsonl": "".join(json.dumps(row) + "\n" for row in rows),
        "json": json.dumps(rows),
        "csv": "video_id,x\n007,1.5\n7,2\n",
    }
    Path(f"f.{suffix}").write_text(texts[suffix])
    Path("labels.csv").write_text("key,mos\n007,2\n7,3\n")
    join(features=f"f.{suffix}", out=f"o.{suffix}")
    out = labeljoin.open_table(f"o.{suffix}")
    assert out.format == suffix
    assert out.read(["video_id", "mos"], text_columns=["video_id"]).to_pylist() == [
        {"video_id": "007", "mos": 2.0},
        {"video_id": "7", "mos": 3.0},
    ]


def test_a_name_that_promises_another_format_is_refused(features, join):
    assert ".parquet" in join(code=2, out="o.csv").err


def make_parts(folder="parts", sizes=(3, 2, 4)):
    Path(folder).mkdir()
    clip = 0
    for number, size in enumerate(sizes):
        names = [f"v/{clip + row}.mp4" for row in range(size)]
        clip += size
        pq.write_table(pa.table({"clip_path": names}), f"{folder}/part-{number}.parquet")
    Path("labels.csv").write_text("key,mos\n" + "".join(f"{i},{1 + i % 5}\n" for i in range(clip)))


def test_a_directory_of_parts_becomes_one(here, join):
    make_parts()
    join(features="parts", out="labelled")
    assert entries("labelled") == ["part-0.parquet", "part-1.parquet", "part-2.parquet"]
    out = pq.read_table("labelled")
    assert out["mos"].to_pylist() == [float(1 + i % 5) for i in range(9)]


def test_jobs_change_no_byte(here, join):
    make_parts(sizes=(5,) * 6)
    join(features="parts", out="one")
    join("--jobs", "3", features="parts", out="three")
    assert entries("one") == entries("three")
    for name in entries("one"):
        assert Path("one", name).read_bytes() == Path("three", name).read_bytes()


def test_coverage_and_folds_are_those_of_all_parts(here, join):
    make_parts()
    Path("labels.csv").write_text("key,mos\n" + "".join(f"{i},3\n" for i in range(5)))
    done = join(features="parts", out="labelled", code=1)
    assert "5 of 9" in done.err
    assert not Path("labelled").exists()
    pq.write_table(pa.table({"clip_path": ["elsewhere/0.mp4"]}), "parts/z.parquet")
    assert "'elsewhere/0.mp4'" in join(features="parts", out="labelled", code=2).err


def test_a_directory_is_never_written_in_place(here, join):
    make_parts()
    assert "in place" in join("--in-place", features="parts", out="parts", code=2).err


def test_an_empty_part_is_no_trouble(here, join):
    make_parts(sizes=(2, 0, 1))
    join(features="parts", out="labelled")
    assert pq.read_table("labelled").num_rows == 3


def test_a_table_without_rows_covers_nothing(features, join):
    pq.write_table(pa.table({"key": pa.array([], pa.string())}), features)
    join(code=1)
    join("--min-match-rate", "0")
    assert pq.read_schema("out.parquet").names[1] == "mos"


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (("--feature-key-regex", "("), "does not compile"),
        (("--label-key-regex", "["), "does not compile"),
        (("--feature-key-column", "nope"), "clip_path, adm2"),
        (("--label-key-column", "nope"), "flickr_id, mos"),
        (("--label-mos-column", "nope"), "--label-mos-column"),
        (("--min-match-rate", "95"), "0.95 for 95 %"),
        (("--max-keyless-rate", "-1"), "--max-keyless-rate"),
        (("--jobs", "0"), "--jobs"),
        (("--extras", "nope"), "'nope'"),
        (("--scheduler", "tcp://127.0.0.1:1"), "dask scheduler"),
    ],
)
def test_bad_options_end_in_one_sentence(features, flags, word, join, monkeypatch):
    monkeypatch.setattr("labeljoin.engine.executors.ANSWER_TIMEOUT", 1)
    done = join(*flags, code=2)
    assert word in done.err
    assert done.err.count("\n") == 1
    assert entries() == ["features.parquet", "labels.csv"]


def test_quiet_says_nothing_and_people_are_told_on_standard_error(features, join):
    assert join("--quiet").err == ""
    done = join()
    assert done.out == ""
    assert "100 % of the clips (3 of 3), 4 of 4 rows" in done.err


def test_the_library_takes_what_the_command_takes(features, here):
    audit = labeljoin.join_file(here / features, [here / "labels.csv"], here / "o.parquet")
    assert audit["status"] == "ok"
    assert audit["run_provenance"]["argv"] == []
    unknown: dict[str, Any] = {"min_match": 1}
    with pytest.raises(TypeError, match="min_match"):
        labeljoin.join_file(features, "labels.csv", "o.parquet", **unknown)
    with pytest.raises(labeljoin.CoverageError) as caught:
        labeljoin.join_file(
            features, "labels.csv", "o2.parquet", options=labeljoin.JoinOptions(key_normalize="raw")
        )
    assert caught.value.document is not None
    assert caught.value.document["status"] == "failed"
    with pytest.raises(InputError):
        labeljoin.join_file(features, [], "o3.parquet")


def test_numeric_feature_keys(features, join):
    pq.write_table(pa.table({"key": [1.0, 2.0, 3.0]}), features)
    join()
    pq.write_table(pa.table({"key": pa.array([1, 2, 3], pa.int64())}), features)
    join()
    assert pq.read_table("out.parquet")["mos"].to_pylist() == [3.5, 4.5, 1.0]


def test_an_embedded_record_is_the_same_wherever_it_is_made(features, here, join):
    join()
    elsewhere = here / "elsewhere"
    elsewhere.mkdir()
    for name in ("features.parquet", "labels.csv"):
        (elsewhere / name).write_bytes(Path(name).read_bytes())
    os.chdir(elsewhere)
    join()
    assert Path("out.parquet").read_bytes() == (here / "out.parquet").read_bytes()


@pytest.mark.skipif("MOSKIT_REALDATA" not in os.environ, reason="needs the real tables")
def test_konvid_1k_needs_no_regex(join):
    data = Path(os.environ["MOSKIT_REALDATA"]) / "konvid1k"
    audit = json.loads(
        join("--json", features=str(data / "features.parquet"), labels=str(data / "labels.csv")).out
    )
    assert (audit["matched_feature_keys"], audit["total_feature_keys"]) == (1200, 1200)
    assert audit["engine"] == "parquet-splice"


@pytest.mark.parametrize(
    ("rate", "shown"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.5, "50 %"),
        (0.995, "99.5 %"),
        (0.9999, "99.99 %"),
        (1 - 1e-9, "> 99.9999 %"),
        (1e-9, "< 0.0001 %"),
        (1.304, "130.4 %"),
    ],
)
def test_percentages_are_round_only_where_they_are_exact(rate, shown):
    assert labeljoin.keys.percent(rate) == shown


def test_a_labelled_table_remembers_its_clip_key(tmp_path):
    pq.write_table(pa.table({"asset": ["a_1.png", "b_1.png"], "x": [1, 2]}), tmp_path / "f.parquet")
    (tmp_path / "l.csv").write_text("key,mos\na,1.5\nb,4.5\n")
    first = labeljoin.join_file(
        tmp_path / "f.parquet",
        tmp_path / "l.csv",
        tmp_path / "one.parquet",
        options=labeljoin.JoinOptions(key_column="asset", feature_key_regex="(.)_"),
    )
    assert first["clip_key"]["decided_by"] == "option"
    metadata = pq.read_metadata(tmp_path / "one.parquet").metadata
    assert metadata[labeljoin.joining.KEY_COLUMN_METADATA.encode()] == b"asset"
    second = labeljoin.join_file(
        tmp_path / "one.parquet",
        tmp_path / "l.csv",
        tmp_path / "two.parquet",
        options=labeljoin.JoinOptions(feature_key_regex="(.)_", overwrite=True),
    )
    assert second["feature_key_column"] == "asset"
    assert second["clip_key"]["decided_by"] == "table"
    known = labeljoin.joining.remembered_key(labeljoin.open_table(tmp_path / "two.parquet"))
    assert known is not None
    assert (known.column, known.rule.regex) == ("asset", "(.)_")


def test_a_record_beside_another_table_of_the_same_name_is_not_followed(tmp_path):
    (tmp_path / "f.csv").write_text("which,x\na,1\nb,2\n")
    (tmp_path / "l.csv").write_text("key,mos\na,1.5\nb,4.5\n")
    labeljoin.join_file(
        tmp_path / "f.csv",
        tmp_path / "l.csv",
        tmp_path / "out.csv",
        options=labeljoin.JoinOptions(key_column="which"),
    )
    table = labeljoin.open_table(tmp_path / "out.csv")
    assert labeljoin.clip_key(table).column == "which"
    (tmp_path / "out.csv").write_text("which,x,note\na,1,q\nb,2,r\n")
    with pytest.raises(InputError, match="no column is known to hold the clip key"):
        labeljoin.clip_key(labeljoin.open_table(tmp_path / "out.csv"))
