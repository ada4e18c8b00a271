"""Every layout that scorers write joins with no flag but --scores."""

import json

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
import secondopinion
from provenance.toolkit import InputError
from secondopinion_outputs import (
    CLIPS,
    dover_csv,
    fastvqa_logs,
    pyiqa_csv,
    qalign_json,
    rows_jsonl,
    scores,
    vmaf_json,
    vmaf_logs,
    wrapper_files,
    wrapper_payload,
)


def joined(features, tmp_path, *specifications, **options):
    out = tmp_path / "out.parquet"
    audit = secondopinion.join_file(
        features, list(specifications), out, secondopinion.JoinOptions(**options)
    )
    return pq.read_table(out), audit


def column(table, slug, kind="score"):
    return table[f"second_opinion_{slug}_{kind}"].to_pylist()


def test_dover(features, tmp_path):
    table, audit = joined(features, tmp_path, dover_csv(tmp_path / "predictions.csv"))
    assert [each["slug"] for each in audit["scorers"]] == [
        "dover",
        "dover_aesthetic",
        "dover_technical",
    ]
    line = (tmp_path / "predictions.csv").read_text().splitlines()[1].split(",")
    assert column(table, "dover")[0] == float(line[3])
    assert column(table, "dover_aesthetic")[0] == float(line[1])
    assert column(table, "dover_technical")[0] == float(line[2])
    assert audit["scorers"][0]["decided_by"] == ["format"]
    assert audit["score_files"][0]["format"] == "dover-csv"


def test_dover_under_a_label_and_with_commas_in_paths(features, tmp_path):
    path = dover_csv(tmp_path / "d.csv", folder="../a, b/c,d")
    table, _ = joined(features, tmp_path, f"dover-mobile={path}")
    assert column(table, "dover_mobile", "status") == ["ok"] * 5
    assert column(table, "dover_mobile_technical", "status") == ["ok"] * 5


def test_dover_saved_again_by_a_spreadsheet(features, tmp_path):
    path = dover_csv(tmp_path / "d.csv", folder="x, y")
    lines = path.read_text().splitlines()
    quoted = [lines[0]] + [
        '"' + ",".join(p[:-3]) + '",' + ",".join(p[-3:])
        for p in (line.split(",") for line in lines[1:])
    ]
    path.write_text("\ufeff" + "\r\n".join(quoted) + "\r\n\r\n")
    table, _ = joined(features, tmp_path, path)
    assert column(table, "dover", "status") == ["ok"] * 5


@pytest.mark.parametrize(("end", "separator"), [("\n", ","), ("\r\n", ","), ("\n", "\t")])
def test_pyiqa(features, tmp_path, end, separator):
    path = pyiqa_csv(tmp_path / "results.csv", end=end, separator=separator)
    table, audit = joined(features, tmp_path, f"niqe={path}")
    assert column(table, "niqe") == [scores(2, 2, 12)[clip] for clip in CLIPS]
    assert audit["scorers"][0]["decided_by"] == ["label"]
    assert audit["scorers"][0]["direction"] == "lower"


def test_pyiqa_named_for_its_scorer(features, tmp_path):
    table, audit = joined(features, tmp_path, pyiqa_csv(tmp_path / "niqe.csv"))
    assert column(table, "niqe", "status") == ["ok"] * 5
    assert audit["scorers"][0]["decided_by"] == ["file name"]


def test_pyiqa_without_a_name_asks_for_a_label(features, tmp_path):
    with pytest.raises(InputError, match="LABEL="):
        joined(features, tmp_path, pyiqa_csv(tmp_path / "results.csv"))


@pytest.mark.parametrize("key", ["img_path", "image"])
def test_qalign(features, tmp_path, key):
    table, audit = joined(features, tmp_path, qalign_json(tmp_path / "out.json", key=key))
    assert column(table, "q_align") == [scores(3)[clip] for clip in CLIPS]
    assert 3.2 not in column(table, "q_align")
    assert audit["scorers"][0]["range"] == [0.0, 1.0]
    assert audit["score_files"][0]["score_fields"] == ["score"]


def test_a_rerun_of_qalign_that_agrees_is_collapsed(features, tmp_path):
    table, audit = joined(features, tmp_path, qalign_json(tmp_path / "out.json", runs=2))
    assert column(table, "q_align") == [scores(3)[clip] for clip in CLIPS]
    assert audit["scorers"][0]["reruns_collapsed"] == 5
    assert audit["scorers"][0]["scores_loaded"] == 10


def test_a_rerun_of_qalign_that_disagrees_is_an_error(features, tmp_path):
    path = qalign_json(tmp_path / "out.json")
    again = {"img_path": "007.mp4", "gt_score": 1, "logits": {}, "score": 0.123}
    path.write_text(path.read_text() + json.dumps(again))
    with pytest.raises(InputError, match=r"'007' twice.*row 4.*row 6.*0\.123"):
        joined(features, tmp_path, path)


def test_the_label_of_a_human_is_never_the_prediction(features, tmp_path):
    path = tmp_path / "out.json"
    path.write_text(json.dumps({"img_path": "007.mp4", "gt_score": 3.2, "logits": {"good": 1}}))
    with pytest.raises(InputError, match="no score"):
        joined(features, tmp_path, path)


@pytest.mark.parametrize(
    ("model", "slug", "decided_by"),
    [(None, "fast_vqa", "format"), ("FasterVQA", "fastervqa", "file")],
)
def test_fastvqa(features, tmp_path, model, slug, decided_by):
    folder = fastvqa_logs(tmp_path / "logs", model=model)
    table, audit = joined(features, tmp_path, folder)
    assert column(table, slug) == [round(scores(4)[clip], 5) for clip in CLIPS]
    assert column(table, slug, "source")[0] == str(folder / f"{CLIPS[0]}.mp4.log")
    assert audit["scorers"][0]["decided_by"] == [decided_by]
    assert audit["scorers"][0]["range"] == [0.0, 1.0]


def test_fastvqa_by_pattern_and_from_powershell(features, tmp_path):
    folder = fastvqa_logs(tmp_path / "logs")
    for log in folder.iterdir():
        log.write_bytes(log.read_text().replace("\n", "\r\n").encode("utf-16"))
    table, _ = joined(features, tmp_path, f"{folder}/*.log")
    assert column(table, "fast_vqa") == [round(scores(4)[clip], 5) for clip in CLIPS]


def test_vmaf(features, tmp_path):
    table, audit = joined(features, tmp_path, vmaf_logs(tmp_path / "logs"))
    assert column(table, "vmaf") == [round(scores(5, 20, 99)[clip], 6) for clip in CLIPS]
    assert column(table, "vmaf", "frames") == [3] * 5
    assert audit["score_files"][0]["format"] == "vmaf-json"


def test_vmaf_without_pooled_metrics(features, tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    for clip in CLIPS:
        vmaf_json(folder / f"{clip}.json", 50.0, pooled=False)
    table, _ = joined(features, tmp_path, folder)
    assert column(table, "vmaf") == pytest.approx([50.0] * 5)


def test_another_metric_of_a_vmaf_log(features, tmp_path):
    table, _ = joined(features, tmp_path, vmaf_logs(tmp_path / "logs"), score_field="integer_adm2")
    assert column(table, "integer_adm2") == [0.95] * 5


def test_wrapper_files_named_for_their_clips(features, tmp_path):
    table, _ = joined(features, tmp_path, wrapper_files(tmp_path / "payloads"))
    slug = "fork_nr_metric_v1"
    assert column(table, slug) == pytest.approx([scores(6, 20, 99)[clip] for clip in CLIPS])
    assert column(table, slug, "frames") == [3] * 5
    assert column(table, slug, "runtime_ms") == [4.5] * 5


@pytest.mark.parametrize("shape", ["lines", "array", "rows", "results", "concatenated"])
def test_wrapper_payloads_in_one_file(features, tmp_path, shape):
    payloads = [wrapper_payload(value, clip_id=clip) for clip, value in scores(6).items()]
    texts = [json.dumps(payload) for payload in payloads]
    path = tmp_path / "payloads.json"
    path.write_text(
        {
            "lines": "\n".join(texts) + "\n",
            "array": json.dumps(payloads, indent=1),
            "rows": json.dumps({"version": 1, "rows": payloads}),
            "results": json.dumps({"results": payloads, "note": "x"}),
            "concatenated": "".join(texts),
        }[shape]
    )
    table, audit = joined(features, tmp_path, path)
    assert audit["score_files"][0]["format"] == "wrapper"
    assert column(table, "fork_nr_metric_v1") == pytest.approx([scores(6)[c] for c in CLIPS])


def test_a_summary_score_goes_before_the_frames(features, tmp_path):
    payload = wrapper_payload(50.0, clip_id="007")
    payload["summary"]["predicted_mos"] = 3.5
    path = tmp_path / "p.json"
    path.write_text(json.dumps(payload))
    table, _ = joined(features, tmp_path, path)
    assert column(table, "fork_nr_metric_v1")[3] == 3.5
    assert column(table, "fork_nr_metric_v1", "frames")[3] == 3


def test_a_frame_without_a_score_makes_the_clip_bad(features, tmp_path):
    payload = wrapper_payload(50.0, clip_id="007")
    payload["frames"][1]["predicted_vmaf_or_mos"] = float("nan")
    path = tmp_path / "p.json"
    path.write_text(json.dumps(payload))
    table, _ = joined(features, tmp_path, path)
    assert column(table, "fork_nr_metric_v1", "status")[3] == "bad"
    assert column(table, "fork_nr_metric_v1")[3] is None


@pytest.mark.parametrize("wrong", ["slow", -1.5, None, True, float("nan")])
def test_a_frame_without_a_runtime_leaves_the_clip_without_one(features, tmp_path, wrong):
    payload = wrapper_payload(50.0, clip_id="007")
    del payload["summary"]["runtime_total_ms"]
    payload["frames"][1]["runtime_ms"] = wrong
    path = tmp_path / "p.json"
    path.write_text(json.dumps(payload))
    table, audit = joined(features, tmp_path, path)
    assert column(table, "fork_nr_metric_v1", "status")[3] == "ok"
    assert column(table, "fork_nr_metric_v1", "runtime_ms")[3] is None
    assert audit["scorers"][0]["bad_runtimes"] == 1


RUNTIMES = [12.5, "fast", -1.0, None, ""]
FRAMES = [240, "many", -2, None, 2.5]


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_unusable_runtimes_and_frame_counts(features, tmp_path, schema, form):
    rows = [
        {"clip_id": clip, "score": 1.0, "runtime_ms": runtime, "frames": frames}
        for clip, runtime, frames in zip(CLIPS, RUNTIMES, FRAMES, strict=True)
    ]
    path = tmp_path / f"mine.{form}"
    if form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        texts = [{name: None if v is None else str(v) for name, v in row.items()} for row in rows]
        table = pa.Table.from_pylist(texts)
        (pacsv.write_csv if form == "csv" else pq.write_table)(table, path)
    table, audit = joined(features, tmp_path, f"mine={path}")
    assert column(table, "mine", "runtime_ms") == [12.5, None, None, None, None]
    assert column(table, "mine", "frames") == [240, None, None, None, None]
    assert column(table, "mine", "status") == ["ok"] * 5
    (scorer,) = audit["scorers"]
    assert (scorer["bad_runtimes"], scorer["bad_frames"]) == (2, 3)
    assert any("2 runtimes" in note for note in audit["notes"])
    schema("second-opinion-materializer-v1").validate(audit)
    inspected = secondopinion.inspect([f"mine={path}"])
    assert inspected["scorers"][0]["bad_frames"] == 3
    assert any("3 frame counts" in note for note in inspected["notes"])
    schema("second-opinion-inspection-v1").validate(inspected)


def test_several_payloads_have_to_name_their_clips(features, tmp_path):
    path = tmp_path / "007.json"
    path.write_text(json.dumps([wrapper_payload(1.0), wrapper_payload(2.0)]))
    with pytest.raises(InputError, match="--score-key-field"):
        joined(features, tmp_path, path)


def test_jsonl_rows(features, tmp_path):
    table, audit = joined(features, tmp_path, rows_jsonl(tmp_path / "scores.jsonl"))
    assert column(table, "musiq") == [scores(7, 20, 80)[clip] for clip in CLIPS]
    assert column(table, "musiq", "runtime_ms") == [12.5] * 5
    assert audit["scorers"][0]["decided_by"] == ["file"]


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"rows": rows}])
def test_json_rows(features, tmp_path, wrap):
    rows = [
        {"competitor": name, "video_id": clip, "predicted_mos": 3.0, "mos": 1.0}
        for clip in CLIPS
        for name in ("a", "b")
    ]
    path = tmp_path / "scores.json"
    path.write_text(json.dumps(wrap(rows), indent=2))
    table, audit = joined(features, tmp_path, path)
    assert [each["slug"] for each in audit["scorers"]] == ["a", "b"]
    assert column(table, "a") == [3.0] * 5, "mos beside a prediction is the human label"


def test_csv_rows_with_leading_zeros(features, tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text(
        "competitor,clip_id,score,status\n"
        + "".join(f"mine,{clip},{at},{'ok' if at else 'failed'}\n" for at, clip in enumerate(CLIPS))
    )
    table, _ = joined(features, tmp_path, path)
    assert column(table, "mine") == [None, 1.0, 2.0, 3.0, 4.0]
    assert column(table, "mine", "status") == ["bad", "ok", "ok", "ok", "ok"]


def test_parquet_rows(features, tmp_path):
    path = tmp_path / "scores.parquet"
    rows = pa.table(
        {
            "clip_id": pa.array(list(CLIPS)).dictionary_encode(),
            "scorer": ["x"] * 5,
            "score": pa.array([1, 2, 3, 4, 5], pa.float32()),
            "frames": pa.array([10] * 5, pa.int32()),
        }
    )
    pq.write_table(rows, path)
    table, _ = joined(features, tmp_path, path)
    assert column(table, "x") == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert column(table, "x", "frames") == [10] * 5


def test_fields_that_nobody_guesses(features, tmp_path):
    path = tmp_path / "scores.jsonl"
    path.write_text("".join(json.dumps({"which": c, "q": 2.0}) + "\n" for c in CLIPS))
    with pytest.raises(InputError, match="--score-"):
        joined(features, tmp_path, f"mine={path}")
    table, _ = joined(features, tmp_path, f"mine={path}", score_key_field="which", score_field="q")
    assert column(table, "mine") == [2.0] * 5


def test_all_layouts_at_once(features, tmp_path):
    table, audit = joined(
        features,
        tmp_path,
        dover_csv(tmp_path / "d.csv"),
        f"niqe={pyiqa_csv(tmp_path / 'n.csv')}",
        qalign_json(tmp_path / "q.json"),
        fastvqa_logs(tmp_path / "fastvqa"),
        vmaf_logs(tmp_path / "vmaf"),
        wrapper_files(tmp_path / "wrapper"),
        rows_jsonl(tmp_path / "rows.jsonl"),
    )
    assert len(audit["scorers"]) == 9
    assert all(each["rows"] == {"ok": 5, "missing": 0, "bad": 0} for each in audit["scorers"])
    assert len(table.column_names) == 2 + 45
    assert table["adm2"].to_pylist() == [0.9, 0.8, 0.7, 0.6, 0.5]


def test_a_layout_is_told_from_content_not_from_names(features, tmp_path):
    path = qalign_json(tmp_path / "dover.csv")
    _, audit = joined(features, tmp_path, path)
    assert audit["score_files"][0]["format"] == "qalign-json"
    assert audit["scorers"][0]["slug"] == "q_align"


def test_a_layout_that_is_named_is_not_guessed(features, tmp_path):
    with pytest.raises(InputError, match="line 1"):
        joined(features, tmp_path, qalign_json(tmp_path / "x.json"), format="dover-csv")


def test_a_header_alone_has_no_scores(features, tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("path, aesthetic score, technical score, overall/final score\n")
    with pytest.raises(InputError, match="no lines with scores"):
        joined(features, tmp_path, path)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("text", [json.dumps, lambda found: json.dumps(found, indent=2)])
def test_an_object_of_clips_and_scores(features, tmp_path, nested, text):
    values = scores(8)
    members: dict[str, object] = {f"videos/{clip}.mp4": value for clip, value in values.items()}
    if nested:
        members = {clip: {"score": value, "runtime_ms": 2.5} for clip, value in members.items()}
    path = tmp_path / "scores.json"
    path.write_text(text(members))
    table, audit = joined(features, tmp_path, f"house={path}", direction=["house=higher"])
    assert audit["score_files"][0]["format"] == "clip-scores"
    assert column(table, "house") == [values[clip] for clip in CLIPS]
    assert column(table, "house", "runtime_ms") == [2.5 if nested else None] * 5


def test_an_object_of_clips_has_bad_scores_too(features, tmp_path):
    path = tmp_path / "house.json"
    path.write_text('{"007": NaN, "3339962845": null, "8171831850": 0.5, "10053703034": 1}')
    table, _ = joined(features, tmp_path, f"house={path}")
    assert column(table, "house", "status") == ["bad", "ok", "ok", "bad", "missing"]


def test_a_clip_that_an_object_names_twice_is_an_error(features, tmp_path):
    path = tmp_path / "house.json"
    path.write_text('{"007": 0.5, "007": 0.25}')
    with pytest.raises(InputError, match=r"'007' twice.*row 1.*row 2"):
        joined(features, tmp_path, f"house={path}")


@pytest.mark.parametrize(
    "text", ['{"video_id": 7, "score": 0.5}', '{"clip_id": "007", "niqe": 3.5, "score": 1}']
)
def test_one_row_is_not_an_object_of_clips(features, tmp_path, text):
    path = tmp_path / "house.json"
    path.write_text(text)
    shown = secondopinion.inspect(f"house={path}")
    assert shown["score_files"][0]["format"] == "rows"
