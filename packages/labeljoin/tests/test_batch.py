"""`labeljoin batch`: manifests validated whole, tables side by side, one report."""

import json
from pathlib import Path

import jsonschema
import labeljoin
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from provenance.toolkit import InputError


@pytest.fixture
def tables(here):
    """Three feature tables and their labels in ``data``; the middle one is a directory."""
    data = here / "data"
    data.mkdir()
    for name in ("one", "three"):
        pq.write_table(pa.table({"key": ["1", "2"], "x": [0.5, 1.5]}), data / f"{name}.parquet")
    (data / "two").mkdir()
    for part in range(3):
        pq.write_table(pa.table({"key": [str(part)]}), data / "two" / f"{part}.parquet")
    (data / "labels.csv").write_text("key,mos\n0,1\n1,2\n2,3\n")
    return here


def table(name, **members):
    features = "two" if name == "two" else f"{name}.parquet"
    out = "out/two" if name == "two" else f"out/{name}.parquet"
    return {"id": name, "features": features, "labels": ["labels.csv"], "out": out, **members}


def write(*entries, path="data/manifest.json", **document):
    Path(path).write_text(json.dumps({"tables": list(entries), **document}))
    return path


def outputs(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


def test_all_tables_of_a_manifest(tables, command):
    manifest = write(table("one"), table("two"), table("three"))
    done = command(
        "batch", "--manifest", manifest, "--report-json", "r.json", "--report-md", "r.md", "--json"
    )
    report = json.loads(done.out)
    assert report == json.loads(Path("r.json").read_text())
    assert report["schema"] == "mos-label-materializer-batch-v1"
    assert report["status"] == "ok"
    assert report["summary"] == {
        "tables": 3,
        "ok_tables": 3,
        "failed_tables": 0,
        "skipped_tables": 0,
        "input_rows": 7,
        "output_rows": 7,
        "matched_rows": 7,
        "missing_rows": 0,
    }
    assert [entry["id"] for entry in report["tables"]] == ["one", "two", "three"]
    assert "| one | ok | 100 % | 2 | 2 | 0 | parquet-splice |" in Path("r.md").read_text()
    assert pq.read_table("data/out/two")["mos"].to_pylist() == [1.0, 2.0, 3.0]
    audit = json.loads(Path("data/out/one.parquet.audit.json").read_text())
    assert audit["schema"] == "mos-label-materializer-v1"


def test_the_report_shows_hostile_ids_as_text(tables, command):
    bad = "<script>a|b</script>\x1b[31m [x](y)\n# *"
    manifest = write({**table("one"), "id": bad, "label_mos_column": "no|<b>"}, table("three"))
    command("batch", "--manifest", manifest, "--report-md", "r.md", code=1)
    shown = r"\<script\>a\|b\</script\>\\x1b\[31m \[x\](y) \# \*"
    report = Path("r.md").read_text("utf-8")
    assert report.replace("\n", "").isprintable()
    assert "<" not in report.replace("\\<", "")
    [row] = [line for line in report.splitlines() if line.startswith("| \\<script")]
    assert row == f"| {shown} | failed | – | – | – | – | – | `out/one.parquet` |"
    [failure] = [line for line in report.splitlines() if line.startswith("- ")]
    assert failure.startswith(f"- **{shown}**: ")
    assert r"no\|\<b\>" in failure


def test_labels_are_named_as_the_manifest_names_them(tables, command):
    command("batch", "--manifest", write(table("one")))
    sources = pq.read_table("data/out/one.parquet")["mos_label_source"].to_pylist()
    assert sources == ["labels.csv", "labels.csv"]


def test_paths_start_from_the_base_folder(tables, command):
    write(table("one"), path="elsewhere.json")
    assert command("batch", "--manifest", "elsewhere.json", code=1)
    command("batch", "--manifest", "elsewhere.json", "--base-dir", "data")
    assert Path("data/out/one.parquet").exists()


def test_defaults_give_way_to_a_table(tables, command):
    Path("data/labels.csv").write_text("key,mos\n1,2\n")
    manifest = write(
        table("one"),
        table("three", min_match_rate=0.9),
        defaults={"min_match_rate": 0.5, "status_column": "state"},
    )
    report = json.loads(command("batch", "--manifest", manifest, "--json", code=1).out)
    assert [entry["status"] for entry in report["tables"]] == ["ok", "failed"]
    assert "state" in pq.read_schema("data/out/one.parquet").names


def test_a_failing_table_does_not_stop_the_others(tables, command):
    manifest = write(table("one", label_mos_column="nope"), table("three", key_normalize="raw"))
    done = command("batch", "--manifest", manifest, "--report-md", "r.md", code=1)
    assert Path("data/out/three.parquet").exists()
    assert not Path("data/out/one.parquet").exists()
    for text in (done.err, Path("r.md").read_text()):
        assert "--label-mos-column" in text
    assert "1 of 2 tables failed: one" in done.err
    assert json.loads(Path("r.md.audit.json").read_text())["status"] == "failed"


def test_a_missing_table_is_that_table_s_failure(tables, command):
    manifest = write(table("nowhere"), table("one"))
    report = json.loads(command("batch", "--manifest", manifest, "--json", code=1).out)
    assert report["tables"][0]["error"]["where"].endswith("nowhere.parquet")
    assert report["tables"][1]["status"] == "ok"


@pytest.mark.parametrize("jobs", [(), ("--jobs", "2")])
def test_fail_fast_begins_nothing_further(tables, command, jobs):
    Path("data/labels.csv").write_text("key,mos\n9,2\n")
    names = [f"t{i}" for i in range(12)]
    for name in names:
        pq.write_table(pa.table({"key": ["1"]}), f"data/{name}.parquet")
    manifest = write(*(table(name) for name in names))
    report = json.loads(
        command("batch", "--manifest", manifest, "--fail-fast", "--json", *jobs, code=1).out
    )
    statuses = {entry["status"] for entry in report["tables"]}
    assert statuses == {"failed", "skipped"}
    assert report["summary"]["skipped_tables"] + report["summary"]["failed_tables"] == 12


def test_jobs_change_no_byte(tables, command):
    manifest = write(table("one"), table("two"), table("three"))
    command("batch", "--manifest", manifest)
    alone = outputs("data/out")
    for path in Path("data/out").glob("*.parquet*"):
        path.unlink()
    command("batch", "--manifest", manifest, "--jobs", "2")
    assert outputs("data/out") == alone


def problems(*entries, **document):
    with pytest.raises(InputError) as caught:
        labeljoin.run_batch(write(*entries, **document))
    assert not Path("data/out").exists()
    return str(caught.value)


def test_the_manifest_is_validated_whole_before_the_first_join(tables):
    message = problems(
        table("one"),
        {**table("two"), "feature_key_regx": "x"},
        table("three", min_match_rate=95, label_scale="1-10"),
        {"id": "four", "features": "f", "out": 3},
        defaults={"key_normalise": "raw"},
        extra=1,
    )
    for part in (
        "unknown key 'key_normalise' (did you mean 'key_normalize'?)",
        "unknown key 'feature_key_regx' (did you mean 'feature_key_regex'?)",
        "tables[2].min_match_rate",
        "tables[2].label_scale",
        "tables[3]: 'labels' is missing",
        "tables[3].out: 3 is not text",
        "unknown key 'extra'",
    ):
        assert part in message, message


def test_duplicates_and_crossed_paths_are_refused(tables):
    one = table("one")
    assert "have one id, 'one'" in problems(one, {**table("three"), "id": "one"})
    assert "write" in problems(one, {**table("three"), "out": "./out/../out/one.parquet"})
    assert "write" in problems(one, {**table("three"), "audit_json": "out/one.parquet"})
    message = problems(one, {**table("three"), "features": "out/one.parquet"})
    assert "which table 'one' writes" in message


def test_options_are_checked_before_the_first_join(tables):
    message = problems(table("one"), table("three", feature_key_regex="("))
    assert "table 'three': the key regex '(' does not compile" in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", "is not an object"),
        ('{"tables": []}', "tables: is empty"),
        ('{"tables": [], "tables": []}', "two members 'tables'"),
        ('{"table": []}', "did you mean 'tables'?"),
        ('{"tables": [{"id": "", "features": "f", "labels": [], "out": "o"}]}', "is empty"),
    ],
)
def test_unusable_manifests_end_in_one_sentence(here, command, text, words):
    Path("m.json").write_text(text)
    done = command("batch", "--manifest", "m.json", code=2)
    assert words in done.err
    assert done.err.count("\n") == 1


def test_a_missing_manifest_is_named(here, command):
    assert "nowhere.json" in command("batch", "--manifest", "nowhere.json", code=2).err


def test_reports_must_not_replace_the_manifest(tables, command):
    manifest = write(table("one"))
    before = Path(manifest).read_text()
    command("batch", "--manifest", manifest, "--report-json", manifest, code=2)
    assert Path(manifest).read_text() == before


@pytest.mark.parametrize("corpus", labeljoin.batch.CORPORA)
def test_ready_manifests_are_valid(here, command, corpus):
    text = command("manifest", corpus).out
    manifest = json.loads(text)
    jsonschema.validate(manifest, labeljoin.batch.manifest_schema(labeljoin.batch.LABEL_BATCH))
    Path("m.json").write_text(text)
    assert labeljoin.batch.load_manifest("m.json", labeljoin.batch.LABEL_BATCH)[0].id == corpus


CORPUS_SAMPLES = {
    "konvid-1k": (
        ["KoNViD_1k_videos/3339962845.mp4"],
        {"labels.csv": "flickr_id,mos,width\n3339962845,4.64,960\n"},
        4.64,
    ),
    "konvid-150k": (
        ["k150ka/orig_12262452854_540p_5s.mp4", "12262452855"],
        {
            "k150ka_scores.csv": "video_name,video_score\norig_12262452854_540p_5s.mp4,3.5\n",
            "k150kb_scores.csv": (
                "video_name,video_score,mos_std\norig_12262452855_540p_5s.mp4,2.5,0.7\n"
            ),
        },
        3.5,
    ),
    "chug": (
        ["clips/00000000000000000000000000000abc.mp4"],
        {"chug.csv": f"Video,mos_j,sos_j,ref\n{'0' * 29}abc,75,10,1\n"},
        4.0,
    ),
    "live-vqc": (["LIVE/A001.mp4"], {"labels.csv": "File,MOS,width\nA001.mp4,50,1080\n"}, 3.0),
    "youtube-ugc": (
        ["ugc/Animation_1080P-01b3_crf_10_ss_00_t_20.0.mp4"],
        {"labels.csv": "vid,MOSFull,stdFull\nAnimation_1080P-01b3,3.7,.6\n"},
        3.7,
    ),
    "lsvq": (
        ["yfcc-batch1/747.mp4", "lsvq/yfcc-batch2/747.mp4"],
        {"labels.csv": "name,height,mos\nyfcc-batch1/747,540,50\nyfcc-batch2/747,540,60\n"},
        3.0,
    ),
    "bvi": (["BVI/Books_1920x1080.mp4"], {"labels.csv": "name,mos\nBooks_1920x1080,50\n"}, 3.0),
    "beyond8bits": (["b8b/clip_7.mp4"], {"labels.csv": "video,mos\nclip_7.mp4,25\n"}, 2.0),
    "brightvq": (
        ["videos/00000000000000000000000000000bcd.mp4"],
        {"BrightVQ.csv": f"Video,mos_j,sos_j,ref\n{'0' * 29}bcd,75,10,1\n"},
        4.0,
    ),
}


@pytest.mark.parametrize("corpus", labeljoin.batch.CORPORA)
def test_ready_manifests_fit_their_corpora(here, command, corpus):
    paths, files, mos = CORPUS_SAMPLES[corpus]
    (here / corpus).mkdir()
    pq.write_table(pa.table({"clip_path": paths}), here / corpus / "features.parquet")
    for name, text in files.items():
        (here / corpus / name).write_text(text)
    Path("m.json").write_text(command("manifest", corpus).out)
    command("batch", "--manifest", "m.json")
    assert pq.read_table(f"{corpus}/labelled.parquet")["mos"][0].as_py() == mos
