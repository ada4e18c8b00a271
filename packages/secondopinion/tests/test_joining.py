"""Policies, statuses, duplicates and audits of a join."""

import json

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import secondopinion
from provenance.toolkit import InputError
from secondopinion_outputs import CLIPS, dover_csv, pyiqa_csv, rows_jsonl


def rows_of(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def row(clip, score, competitor="mine", **members):
    return {"competitor": competitor, "clip_id": clip, "score": score, **members}


@pytest.fixture
def holes(tmp_path):
    """Scorer a misses two clips; scorer b has one bad clip and a stale one."""
    rows = [row(clip, 1.0, "a") for clip in CLIPS[:3]]
    rows += [row(clip, 2.0, "b") for clip in CLIPS[1:]]
    rows += [row(CLIPS[0], 2.0, "b", status="error"), row("gone", 9.0, "b")]
    return rows_of(tmp_path / "holes.jsonl", rows)


def test_mark(features, holes, tmp_path):
    out = tmp_path / "out.parquet"
    audit = secondopinion.join_file(features, holes, out)
    table = pq.read_table(out)
    assert table["second_opinion_a_status"].to_pylist() == ["ok"] * 3 + ["missing"] * 2
    assert table["second_opinion_b_status"].to_pylist() == ["bad"] + ["ok"] * 4
    assert table["second_opinion_b_score"].to_pylist() == [None, 2.0, 2.0, 2.0, 2.0]
    assert table["second_opinion_a_source"].to_pylist() == [str(holes)] * 3 + [None] * 2
    a, b = audit["scorers"]
    assert a["rows"] == {"ok": 3, "missing": 2, "bad": 0}
    assert a["matched_feature_keys"] == 3
    assert a["match_rate"] == 0.6
    assert a["unmatched_feature_keys"] == {"count": 2, "sample": ["007", "5636101558"]}
    assert b["rows"] == {"ok": 4, "missing": 0, "bad": 1}
    assert b["bad_scores"] == {"status": 1, "not-finite": 0}
    assert b["stale_score_keys"] == {"count": 1, "sample": ["gone"]}
    assert json.loads((tmp_path / "out.parquet.audit.json").read_text()) == audit


def test_drop(features, holes, tmp_path):
    out = tmp_path / "out.parquet"
    audit = secondopinion.join_file(features, holes, out, secondopinion.JoinOptions(missing="drop"))
    table = pq.read_table(out)
    assert table["clip_path"].to_pylist() == [f"videos/{clip}.mp4" for clip in CLIPS[1:3]]
    assert audit["dropped_rows"] == {
        "count": 3,
        "by_scorer": {"a": {"missing": 2, "bad": 0}, "b": {"missing": 0, "bad": 1}},
    }
    assert (audit["input_rows"], audit["output_rows"]) == (5, 2)


def test_drop_keeps_the_bytes_of_a_table_that_lacks_nothing(features, tmp_path):
    scores = tmp_path / "niqe.csv"
    scores.write_text("".join(f"{clip}.mp4,4\n" for clip in CLIPS))
    audit = secondopinion.join_file(
        features, scores, tmp_path / "o.parquet", secondopinion.JoinOptions(missing="drop")
    )
    assert (audit["engine"], audit["dropped_rows"]["count"]) == ("parquet-splice", 0)


def test_fail(features, holes, tmp_path):
    out = tmp_path / "out.parquet"
    with pytest.raises(secondopinion.MissingScoresError, match="a has no score for 2 rows") as info:
        secondopinion.join_file(features, holes, out, secondopinion.JoinOptions(missing="fail"))
    assert not out.exists()
    audit = json.loads((tmp_path / "out.parquet.audit.json").read_text())
    assert audit["status"] == "failed"
    assert audit == info.value.document
    assert len(audit["failures"]) == 2


def test_fail_with_nothing_missing(features, tmp_path):
    audit = secondopinion.join_file(
        features,
        rows_jsonl(tmp_path / "s.jsonl"),
        tmp_path / "out.parquet",
        secondopinion.JoinOptions(missing="fail"),
    )
    assert audit["status"] == "ok"


@pytest.mark.parametrize(
    "score", [None, "NaN", "n/a", "1_0", "", float("nan"), float("inf"), 10**400]
)
def test_a_bad_score_never_becomes_a_number(features, tmp_path, score):
    path = rows_of(tmp_path / "s.jsonl", [row("007", score), row(CLIPS[0], 1.0)])
    out = tmp_path / "out.parquet"
    secondopinion.join_file(features, path, out)
    table = pq.read_table(out)
    assert table["second_opinion_mine_score"].to_pylist() == [1.0, None, None, None, None]
    assert table["second_opinion_mine_status"].to_pylist()[3] == "bad"


@pytest.mark.parametrize("score", [True, [1.0], {"mean": 1.0}])
def test_a_score_of_another_type_is_an_error(features, tmp_path, score):
    path = rows_of(tmp_path / "s.jsonl", [row(CLIPS[0], 1.0), row("007", score)])
    with pytest.raises(InputError, match="row 2"):
        secondopinion.join_file(features, path, tmp_path / "out.parquet")


@pytest.mark.parametrize("status", ["ok", "OK", "pass", "Success", "", None])
def test_statuses_that_are_ok(features, tmp_path, status):
    path = rows_of(tmp_path / "s.jsonl", [row("007", 1.0, status=status)])
    out = tmp_path / "out.parquet"
    secondopinion.join_file(features, path, out)
    assert pq.read_table(out)["second_opinion_mine_status"].to_pylist()[3] == "ok"


def test_a_duplicate_is_rejected_with_both_places(features, tmp_path):
    one = rows_of(tmp_path / "one.jsonl", [row("007", 1.0), row("x", 1.0)])
    two = rows_of(tmp_path / "two.jsonl", [row("y", 1.0), row("a/007.mp4", 1.0)])
    with pytest.raises(InputError, match=r"one\.jsonl, row 1.*two\.jsonl, row 2.*1\.0"):
        secondopinion.join_file(features, [one, two], tmp_path / "out.parquet")
    assert list(tmp_path.glob("out*")) == []


def test_shards_feed_one_scorer(features, tmp_path):
    one = rows_of(tmp_path / "one.jsonl", [row(clip, 1.0) for clip in CLIPS[:2]])
    two = rows_of(tmp_path / "two.jsonl", [row(clip, 2.0) for clip in CLIPS[2:]])
    out = tmp_path / "out.parquet"
    audit = secondopinion.join_file(features, [one, two], out)
    table = pq.read_table(out)
    assert table["second_opinion_mine_score"].to_pylist() == [1.0, 1.0, 2.0, 2.0, 2.0]
    assert set(table["second_opinion_mine_source"].to_pylist()) == {str(one), str(two)}
    assert len(audit["score_files"]) == 2


def test_rows_are_numbered_through_a_file_of_many_blocks(tmp_path):
    # Beyond a MiB, which is read at a time: blank lines, both line ends, none at the very end.
    lines = ["path, aesthetic score, technical score, overall/final score"]
    lines += [f"{'x' * 20}/{clip}, {clip}.5, 2, {clip}" for clip in range(40_000)]
    lines[30_000] += "\r\n"
    lines.append("clip 7.mp4, 1, 2, 3\n7, 4, 5, 6")
    scores, features = tmp_path / "dover.csv", tmp_path / "features.parquet"
    scores.write_bytes("\n".join(lines).encode())
    pq.write_table(pa.table({"clip_id": [f"{clip}" for clip in range(40_000)]}), features)
    with pytest.raises(InputError, match=r"row 9 has '[x]+/7' with .*row 40,004 has '7' with"):
        secondopinion.join_file(features, scores, tmp_path / "out.parquet")
    scores.write_bytes("\n".join(lines[:-1]).encode())
    secondopinion.join_file(features, scores, tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table["second_opinion_dover_score"].to_pylist() == list(range(40_000))
    assert table["second_opinion_dover_aesthetic_score"][39_999].as_py() == 39_999.5


def test_a_file_given_twice_is_an_error(features, tmp_path):
    path = dover_csv(tmp_path / "d.csv")
    with pytest.raises(InputError, match="twice"):
        secondopinion.join_file(features, [path, f"{tmp_path}/*.csv"], tmp_path / "out.parquet")


def test_two_scorers_that_slug_alike_are_an_error(features, tmp_path):
    path = rows_of(tmp_path / "s.jsonl", [row("007", 1.0, "Q-Align"), row("007", 1.0, "q align")])
    with pytest.raises(InputError, match=r"'Q-Align'.*'q align'.*q_align"):
        secondopinion.join_file(features, path, tmp_path / "out.parquet")


def test_the_file_names_its_scorer_before_the_label_does(features, tmp_path):
    path = rows_jsonl(tmp_path / "s.jsonl", competitor="musiq")
    audit = secondopinion.join_file(features, f"other={path}", tmp_path / "out.parquet")
    assert audit["scorers"][0]["slug"] == "musiq"
    assert "label other" in audit["notes"][0]


def test_unmatched_sides_are_an_error_that_shows_both(features, tmp_path):
    path = rows_of(tmp_path / "s.jsonl", [row(f"clip_{clip}_540p", 1.0) for clip in CLIPS])
    with pytest.raises(InputError, match=r"'clip_007_540p'.*'007'.*--score-key-regex") as info:
        secondopinion.join_file(features, path, tmp_path / "out.parquet")
    assert list(tmp_path.glob("out*")) == []
    regex = r"_(\d+)_"
    audit = secondopinion.join_file(
        features, path, tmp_path / "out.parquet", secondopinion.JoinOptions(score_key_regex=regex)
    )
    assert audit["scorers"][0]["match_rate"] == 1.0
    assert "mine scored no clip" in str(info.value)


def test_collisions_need_overwrite(features, tmp_path):
    scores = pyiqa_csv(tmp_path / "niqe.csv")
    once, twice = tmp_path / "once.parquet", tmp_path / "twice.parquet"
    secondopinion.join_file(features, scores, once)
    with pytest.raises(InputError, match="second_opinion_niqe_score"):
        secondopinion.join_file(once, scores, twice)
    secondopinion.join_file(once, scores, twice, secondopinion.JoinOptions(overwrite=True))
    assert pq.read_table(twice).equals(pq.read_table(once))


def test_other_prefixes_are_found_again(features, tmp_path):
    out = tmp_path / "out.parquet"
    secondopinion.join_file(
        features, pyiqa_csv(tmp_path / "niqe.csv"), out, secondopinion.JoinOptions(prefix="judge")
    )
    columns = secondopinion.score_columns(pq.read_schema(out))
    assert [each.column for each in columns if each.kind == "score"] == ["judge_niqe_score"]
    assert columns[0].direction == "lower"


def test_directions_are_written_to_audit_and_columns(features, tmp_path):
    out = tmp_path / "out.parquet"
    audit = secondopinion.join_file(
        features,
        f"house={pyiqa_csv(tmp_path / 'x.csv')}",
        out,
        secondopinion.JoinOptions(direction=("House=lower",)),
    )
    scorer = audit["scorers"][0]
    assert (scorer["direction"], scorer["direction_decided_by"]) == ("lower", "--direction")
    field = pq.read_schema(out).field("second_opinion_house_score")
    assert field.metadata[b"moskit.direction"] == b"lower"
    assert audit["notes"] == []


def test_a_direction_of_nobody_is_an_error(features, tmp_path):
    with pytest.raises(InputError, match="no file has its scores"):
        secondopinion.join_file(
            features,
            pyiqa_csv(tmp_path / "niqe.csv"),
            tmp_path / "o.parquet",
            secondopinion.JoinOptions(direction=("musiq=higher",)),
        )


def test_scores_outside_the_range_are_noted(features, tmp_path):
    path = rows_of(tmp_path / "s.jsonl", [row(clip, 161.0, "dover") for clip in CLIPS])
    audit = secondopinion.join_file(features, path, tmp_path / "out.parquet")
    assert audit["scorers"][0]["out_of_range_scores"] == 5
    assert "outside its range" in audit["notes"][0]


ONES = dict.fromkeys(CLIPS, 1.0)


@pytest.mark.parametrize(
    ("values", "bounds"),
    [
        ({**ONES, "007": 0.2}, [0.0, 1.0]),
        ({**ONES, "007": 4.9}, [1.0, 5.0]),
        (dict.fromkeys(CLIPS, 0.5), [0.0, 1.0]),
    ],
)
@pytest.mark.parametrize("name", ["one_align", "q_align", "qalign"])
def test_the_values_decide_between_two_scales(features, tmp_path, name, values, bounds):
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps(values))
    out = tmp_path / "out.parquet"
    audit = secondopinion.join_file(features, path, out)
    assert audit["scorers"][0]["range"] == bounds
    assert audit["notes"] == []
    [column] = [c for c in secondopinion.score_columns(pq.read_schema(out)) if c.kind == "score"]
    assert column.range == tuple(bounds)


def test_values_that_fit_two_scales_need_an_answer(features, tmp_path):
    path = tmp_path / "one_align.json"
    path.write_text(json.dumps(ONES))
    out = tmp_path / "out.parquet"
    with pytest.raises(InputError, match="--score-range one_align=1:5") as raised:
        secondopinion.join_file(features, path, out)
    assert raised.value.code == "scorers.ambiguous-scale"
    audit = secondopinion.join_file(
        features, path, out, secondopinion.JoinOptions(score_range=["one_align=0:1"])
    )
    assert audit["scorers"][0]["range"] == [0.0, 1.0]


def test_values_that_fit_no_scale_are_noted(features, tmp_path):
    path = tmp_path / "one_align.json"
    path.write_text(json.dumps({**ONES, "007": 61.0}))
    audit = secondopinion.join_file(features, path, tmp_path / "out.parquet")
    assert audit["scorers"][0]["range"] is None
    assert "fit none of its scales (0 to 1, 1 to 5)" in audit["notes"][0]


def test_a_range_of_an_unknown_scorer_needs_its_direction(features, tmp_path):
    path = rows_of(tmp_path / "s.jsonl", [row(clip, 2.0) for clip in CLIPS])
    with pytest.raises(InputError, match="--direction mine=higher"):
        secondopinion.join_file(
            features,
            path,
            tmp_path / "out.parquet",
            secondopinion.JoinOptions(score_range=["mine=1:5"]),
        )


def test_values_that_auto_folds_are_refused(tmp_path):
    features = tmp_path / "f.parquet"
    pq.write_table(pa.table({"path": ["ref/1.mp4", "dist/1.mp4"], "x": [1, 2]}), features)
    scores = rows_of(tmp_path / "s.jsonl", [row("1", 1.0)])
    with pytest.raises(InputError, match="--key-normalize"):
        secondopinion.join_file(features, scores, tmp_path / "out.parquet")
    audit = secondopinion.join_file(
        features, scores, tmp_path / "out.parquet", secondopinion.JoinOptions(key_normalize="stem")
    )
    assert audit["folded_feature_keys"] == 1
    assert audit["scorers"][0]["rows"]["ok"] == 2


@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv"])
def test_other_table_formats(features, tmp_path, suffix):
    source, out = tmp_path / f"f.{suffix}", tmp_path / f"out.{suffix}"
    rows = [{"clip_id": clip, "x": at} for at, clip in enumerate(CLIPS)]
    source.write_text(
        {
            "jsonl": "".join(json.dumps(each) + "\n" for each in rows),
            "json": json.dumps(rows),
            "csv": "clip_id,x\n" + "".join(f"{each['clip_id']},{each['x']}\n" for each in rows),
        }[suffix]
    )
    audit = secondopinion.join_file(source, pyiqa_csv(tmp_path / "niqe.csv"), out)
    assert audit["scorers"][0]["rows"] == {"ok": 5, "missing": 0, "bad": 0}
    assert "007" in out.read_text()


def test_a_directory_of_parts(tmp_path):
    features = tmp_path / "parts"
    features.mkdir()
    for at, clips in enumerate((CLIPS[:2], CLIPS[2:])):
        pq.write_table(pa.table({"clip_id": list(clips)}), features / f"{at}.parquet")
    out = tmp_path / "out"
    audit = secondopinion.join_file(features, pyiqa_csv(tmp_path / "niqe.csv"), out, jobs=2)
    assert audit["scorers"][0]["rows"]["ok"] == 5
    assert pq.read_table(out / "1.parquet")["second_opinion_niqe_status"].to_pylist() == ["ok"] * 3


def test_audits_follow_their_schema(features, holes, tmp_path, schema):
    validator = schema("second-opinion-materializer-v1")
    for options in (
        None,
        secondopinion.JoinOptions(missing="drop"),
        secondopinion.JoinOptions(direction=("a=lower",)),
    ):
        audit = secondopinion.join_file(features, holes, tmp_path / "o.parquet", options)
        validator.validate(audit)
    with pytest.raises(secondopinion.MissingScoresError) as info:
        secondopinion.join_file(
            features, holes, tmp_path / "o.parquet", secondopinion.JoinOptions(missing="fail")
        )
    validator.validate(info.value.document)
    broken = {**audit, "scorers": [{"slug": 1}]}
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(broken)


def test_inspections_follow_their_schema(features, holes, schema):
    validator = schema("second-opinion-inspection-v1")
    validator.validate(secondopinion.inspect(holes))
    document = secondopinion.inspect(holes, features=features)
    validator.validate(document)
    match = document["scorers"][0]["match"]
    assert match is not None
    assert match["matched_feature_keys"] == 3


class TestPathsWithEqualsSigns:
    def test_a_directory_named_by_hive(self, features, tmp_path):
        folder = tmp_path / "run=3"
        folder.mkdir()
        path = dover_csv(folder / "dover.csv")
        audit = secondopinion.join_file(features, path, tmp_path / "o.parquet")
        assert audit["scorers"][0]["slug"] == "dover"

    def test_a_label_before_such_a_path(self, features, tmp_path):
        folder = tmp_path / "run=3"
        folder.mkdir()
        path = dover_csv(folder / "d=1.csv")
        audit = secondopinion.join_file(features, f"d2={path}", tmp_path / "o.parquet")
        assert audit["scorers"][0]["slug"] == "d2"

    def test_both_readings_exist(self, features, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        dover_csv(tmp_path / "a=d.csv")
        dover_csv(tmp_path / "d.csv")
        with pytest.raises(InputError, match=r"\./a=d\.csv or a=\./d\.csv"):
            secondopinion.join_file(features, "a=d.csv", tmp_path / "o.parquet")
        audit = secondopinion.join_file(features, "./a=d.csv", tmp_path / "o.parquet")
        assert audit["score_files"][0]["label"] is None
        audit = secondopinion.join_file(features, "a=./d.csv", tmp_path / "o.parquet")
        assert audit["score_files"][0]["label"] == "a"


def test_values_find_the_key_column_where_no_name_tells(tmp_path):
    (tmp_path / "f.csv").write_text("thing,adm2\na1.mp4,0.9\nb2.mp4,0.8\nc3.mp4,0.7\n")
    (tmp_path / "niqe.json").write_text('{"a1": 4.1, "b2": 7.3}')
    paths = [tmp_path / name for name in ("f.csv", "niqe.json", "out.csv")]
    audit = secondopinion.join_file(*paths)
    assert audit["ok_scores"] == 2
    assert audit["clip_key"]["decided_by"] == "values"
    assert audit["clip_key"]["evidence"] == "2 of 3 keys of 'thing' are in the scores"
    (note,) = secondopinion.inspect(paths[1], features=paths[0])["notes"]
    assert note == "Values decided the key column: 2 of 3 keys of 'thing' are in the scores."


def test_a_scorer_that_matches_little_is_said_loudly_and_can_be_refused(tmp_path):
    (tmp_path / "f.csv").write_text("clip\n" + "".join(f"c{n}\n" for n in range(10)))
    (tmp_path / "niqe.json").write_text('{"c1": 4.1, "other": 7.3}')
    features, scores, out = (tmp_path / name for name in ("f.csv", "niqe.json", "out.csv"))
    audit = secondopinion.join_file(features, scores, out)
    [warning] = [note for note in audit["notes"] if "only" in note]
    assert warning.startswith("niqe matches only 10 % of the clips (1 of 10)")
    out.unlink()
    options = secondopinion.JoinOptions(min_match_rate=0.2)
    with pytest.raises(secondopinion.MissingScoresError, match="below the minimum of 20 %") as few:
        secondopinion.join_file(features, scores, out, options)
    assert few.value.document is not None
    assert few.value.document["status"] == "failed"
    assert not out.exists()
    with pytest.raises(InputError, match="between 0 and 1"):
        secondopinion.JoinOptions(min_match_rate=2)
