"""``labeljoin ratings``: layouts, columns, repeated votes, errors, outputs."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import jsonschema
import labeljoin
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labeljoin.ratings import RatingOptions
from referencing import Registry, Resource

SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas"
REAL = os.environ.get("MOSKIT_REALDATA", "")

VOTES = """clip,rater,score
a.mp4,ann,5
a.mp4,bob,4
a.mp4,cid,4
b.mp4,ann,2
b.mp4,bob,1
b.mp4,cid,3
c.mp4,ann,3
c.mp4,bob,3
"""


@pytest.fixture
def write(here):
    def write_file(name, text):
        (here / name).write_text(text, encoding="utf-8")
        return name

    return write_file


def mos_of(path):
    table = pq.read_table(path) if path.endswith(".parquet") else pacsv.read_csv(path)
    return dict(zip(table["clip"].to_pylist(), table["mos"].to_pylist(), strict=True))


def refused(command, *arguments):
    done = command("ratings", *arguments, code=2)
    assert sorted(path.name for path in Path().iterdir() if "mos" in path.name) == []
    return done.err


EXPECTED = {"a.mp4": 13 / 3, "b.mp4": 2.0, "c.mp4": 3.0}


LAYOUTS = {
    "long.csv": VOTES,
    "semicolons.csv": VOTES.replace(",", ";"),
    "other names.csv": VOTES.replace("clip,rater,score", "Video Name,Worker-ID,Opinion score"),
    "long.jsonl": "".join(
        json.dumps(dict(zip(("stimulus", "subject", "vote"), line.split(","), strict=True))) + "\n"
        for line in VOTES.splitlines()[1:]
    ),
    "matrix.csv": "file,ann,bob,cid\na.mp4,5,4,4\nb.mp4,2,1,3\nc.mp4,3,3,\n",
    "named.csv": "a.mp4,5,4,4\nb.mp4,2,1,3\nc.mp4,3,3,nan\n",
    "sureal.json": json.dumps(
        {
            "ref_videos": [{"content_id": 0, "path": "r.mp4"}],
            "dis_videos": [
                {"content_id": 0, "path": "a.mp4", "os": {"ann": 5, "bob": [4], "cid": 4}},
                {"content_id": 0, "path": "b.mp4", "os": {"ann": 2, "bob": 1, "cid": 3}},
                {"content_id": 0, "path": "c.mp4", "os": {"ann": 3, "bob": 3}},
            ],
        }
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(write, command, name):
    write(name, LAYOUTS[name])
    command("ratings", "--ratings", name, "--out", "mos.csv", "--method", "mean")
    assert mos_of("mos.csv") == pytest.approx(EXPECTED)


def test_parquet_and_several_files(write, command):
    table = pacsv.read_csv(pa.py_buffer(VOTES.encode()))
    pq.write_table(table.slice(0, 4), "one.parquet")
    write("two.csv", "clip,rater,score\n" + "\n".join(VOTES.splitlines()[5:]) + "\n")
    command(
        *("ratings", "--ratings", "one.parquet", "--ratings", "two.csv"),
        *("--out", "mos.parquet", "--method", "mean"),
    )
    assert mos_of("mos.parquet") == pytest.approx(EXPECTED)
    metadata = pq.read_schema("mos.parquet").metadata
    assert metadata[b"moskit.key_column"] == b"clip"
    assert metadata[b"moskit.scale"] == b"1-5"


def test_a_bare_matrix_numbers_clips_and_raters(write, command):
    write("m.csv", "5,4,nan\n2,,1\n")
    command(
        *("ratings", "--ratings", "m.csv", "--out", "mos.csv", "--method", "mean"),
        *("--out-raters", "raters.csv"),
    )
    assert pacsv.read_csv("mos.csv")["mos"].to_pylist() == [4.5, 1.5]
    assert pacsv.read_csv("raters.csv")["n_ratings"].to_pylist() == [2, 1, 1]


@pytest.mark.skipif(not REAL, reason="MOSKIT_REALDATA is not set")
def test_the_sample_of_bt500_has_two_repetitions(command, here):
    path = f"{REAL}/rating_samples/bt500_small_sample_data.csv"
    done = command("ratings", "--ratings", path, "--out", "mos.csv", "--method", "bt500", "--json")
    audit = json.loads(done.out)
    assert (audit["clips"], audit["votes"], audit["raters"]["count"]) == (30, 1196, 20)
    assert audit["repeated_votes"] == {"count": 598, "handled": "keep", "ordered_by": None}


@pytest.mark.parametrize("method", ["p910", "p913", "bt500", "mean"])
@settings(max_examples=10, deadline=None)
@given(order=st.permutations(list(range(12))), data=st.data())
def test_any_order_of_rows_gives_the_same(method, order, data):
    scores = data.draw(st.lists(st.integers(1, 5), min_size=12, max_size=12))
    rows = pa.table(
        {
            "clip": [f"c{n % 4}" for n in range(12)],
            "rater": [f"r{n // 4}" for n in range(12)],
            "score": scores,
        }
    )
    options = RatingOptions(method=method, scale="1-5")
    first = labeljoin.ratings.rate_in_memory(rows, options)
    again = labeljoin.ratings.rate_in_memory(rows.take(pa.array(order)), options)
    assert first.clips.equals(again.clips)
    assert first.raters.to_pydict().__repr__() == again.raters.to_pydict().__repr__()
    assert first.audit.to_dict() == again.audit.to_dict()


def test_any_order_of_rows_gives_the_same_bytes(write, command):
    lines = VOTES.splitlines()
    outputs = []
    for number, body in enumerate((lines[1:], lines[:0:-1])):
        write("votes.csv", "\n".join([lines[0], *body]) + "\n")
        out = f"mos{number}.csv"
        command("ratings", "--ratings", "votes.csv", "--out", out, "--out-html", "page.html")
        outputs.append(
            Path(out).read_bytes() + Path("page.html").read_bytes().replace(out.encode(), b"")
        )
    assert outputs[0] == outputs[1]


REPEATED = "clip,rater,score\na,x,4\na,x,2\na,y,3\na,y,3\nb,x,1\n"


def test_equal_votes_collapse_and_different_ones_need_a_word(write, command):
    write("v.csv", REPEATED)
    error = refused(command, "--ratings", "v.csv", "--out", "mos.csv")
    assert error == (
        "error: rater 'x' voted more than once on clip 'a': 4 (v.csv, line 2, column 'score') and "
        "2 (v.csv, line 3, column 'score'). Say what counts with --repetitions mean, keep or "
        "last.\n"
    )


@pytest.mark.parametrize(
    ("choice", "mos", "votes"), [("mean", 3.0, 2), ("keep", 3.0, 3), ("last", 2.5, 2)]
)
def test_repetitions(write, command, choice, mos, votes):
    write("v.csv", REPEATED)
    done = command(
        *("ratings", "--ratings", "v.csv", "--out", "mos.csv", "--method", "mean", "--json"),
        *("--repetitions", choice),
    )
    rows = pacsv.read_csv("mos.csv").to_pylist()
    assert (rows[0]["mos"], rows[0]["mos_n_ratings"]) == (mos, votes)
    audit = json.loads(done.out)
    assert audit["duplicates_collapsed"] == 1
    assert audit["repeated_votes"] == {
        "count": 1,
        "handled": choice,
        "ordered_by": "row order" if choice == "last" else None,
    }


def test_the_last_vote_is_the_latest_where_times_are_known(write, command):
    write("v.csv", "clip,rater,score,timestamp\na,x,4,2026-02-01\na,x,2,2026-01-01\n")
    command(
        *("ratings", "--ratings", "v.csv", "--out", "mos.csv", "--method", "mean"),
        *("--repetitions", "last"),
    )
    assert mos_of("mos.csv") == {"a": 4.0}


def test_votes_of_different_sessions_all_count(write, command):
    write("v.csv", "clip,rater,score,session\na,x,4,1\na,x,4,2\na,x,2,3\na,x,2,3\n")
    done = command(
        "ratings", "--ratings", "v.csv", "--out", "mos.csv", "--method", "mean", "--json"
    )
    assert json.loads(done.out)["votes"] == 3
    assert mos_of("mos.csv")["a"] == pytest.approx(10 / 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clip,rater,score\na,x,good\n", "v.csv, line 2, column 'score': the score 'good' is not"),
        ("clip,rater,score\na,x,3\na,y,7\n", "v.csv: the votes of column 'score' runs from 3"),
        ("clip,rater,score\na,,3\n", "v.csv, line 2, column 'score': this vote has no rater"),
        ("clip,rater,score\n ,x,3\n", "v.csv, line 2, column 'score': this vote has no clip"),
        ("clip,rater,score\na,x,\n", "v.csv: there are no votes"),
        ("clip,rater,score\n", "v.csv: there are no votes"),
        ("clip,score\na,3\n", "no column name says that it identifies the rater"),
        ("clip,rater\na,x\n", "no column name says that it holds the score"),
        ("thing,rater,score\na,x,3\n", "no column name says that it identifies a clip"),
        ("clip,video,rater,score\na,b,x,3\n", "the columns 'clip' and 'video' may both hold the"),
        ("clip,rater,worker,score\na,b,x,3\n", "Name the right one with --rater-column"),
        ("clip,mos,mos_std\na,3,1\n", "the column 'mos' holds no votes of a rater"),
        ("a,b,c\n1,2,3\n", "this is neither a long table"),
        ("5,4\n3,x\n", "v.csv, line 2, column 2: the score 'x' is not a number"),
        ("5,4\n3\n", "v.csv, line 2: the row has 1 fields and the first row 2"),
        ("1,2,3,4,5,6\n1,1,1,1,1,1\n", "may be a header that counts the raters"),
        ('{"dis_videos": [{"path": "a", "os": 3}]}', "v.csv, dis_videos[0]: os is neither"),
        ('{"dis_videos": [{"os": [3]}, {"os": [3]}]}', "neither paths nor asset ids"),
        ('{"dis_videos": 3}', "dis_videos is not a list"),
    ],
)
def test_errors_name_file_row_and_column(write, command, text, said):
    write("v.csv", text)
    assert said in refused(command, "--ratings", "v.csv", "--out", "mos.csv")


def test_votes_off_the_scale(write, command):
    write("v.csv", "clip,rater,score\na,x,3\na,y,7\nb,x,9\nb,y,4\n")
    flags = ("--ratings", "v.csv", "--out", "mos.csv", "--scale", "1-5")
    error = refused(command, *flags)
    assert (
        "v.csv, line 3, column 'score': the vote 7 is off the scale 1 to 5, as are 1 more" in error
    )
    done = command("ratings", *flags, "--off-scale", "drop", "--method", "mean", "--json")
    assert json.loads(done.out)["off_scale_votes"] == {
        "count": 2,
        "sample": ["v.csv, line 3, column 'score': 7", "v.csv, line 4, column 'score': 9"],
    }
    assert mos_of("mos.csv") == {"a": 3.0, "b": 4.0}


@pytest.mark.parametrize("scale", ["5:1", "1", "a:b", "1:2:3", "0:inf"])
def test_what_is_no_scale(write, command, scale):
    write("v.csv", VOTES)
    assert f"--scale '{scale}' is not a scale" in refused(
        command, "--ratings", "v.csv", "--out", "mos.csv", "--scale", scale
    )


def test_clips_without_votes_are_counted(write, command):
    write("v.csv", VOTES + "d.mp4,ann,\n")
    done = command(
        *("ratings", "--ratings", "v.csv", "--out", "mos.csv", "--min-ratings", "3", "--json")
    )
    audit = json.loads(done.out)
    assert audit["clips_without_votes"] == {"count": 1, "sample": ["d.mp4"]}
    assert audit["clips_left_out"]["below_min_ratings"] == {"count": 1, "sample": ["c.mp4"]}
    assert audit["blank"] == 1
    assert sorted(mos_of("mos.csv")) == ["a.mp4", "b.mp4"]


def test_anonymous_votes_have_a_mean_only(write, command):
    write("v.csv", "video_name,score\na,3\na,3\na,5\n")
    flags = ("--ratings", "v.csv", "--out", "mos.csv", "--rater-column", "none")
    assert "compares raters" in refused(command, *flags)
    command("ratings", *flags, "--method", "mean")
    assert mos_of("mos.csv")["a"] == pytest.approx(11 / 3)


def test_outputs_need_a_known_suffix(write, command):
    write("v.csv", VOTES)
    error = refused(command, "--ratings", "v.csv", "--out", "mos.xlsx")
    assert "End the name in .csv, .parquet or .jsonl" in error
    error = refused(command, "--ratings", "v.csv", "--out", "v.csv")
    assert Path("v.csv").read_text() == VOTES
    assert "v.csv" in error


def test_the_audit_is_as_its_schema_says(write, command):
    write("v.csv", VOTES)
    for method in ("p910", "bt500"):
        command("ratings", "--ratings", "v.csv", "--out", "mos.jsonl", "--method", method)
        audit = json.loads(Path("mos.jsonl.audit.json").read_text("utf-8"))
        resources = [
            (path.name, Resource.from_contents(json.loads(path.read_text("utf-8"))))
            for path in SCHEMAS.glob("*.json")
        ]
        schema = json.loads((SCHEMAS / "mos-ratings-v1.json").read_text("utf-8"))
        registry = Registry().with_resources(resources)
        jsonschema.Draft202012Validator(schema, registry=registry).validate(audit)
    rows = [json.loads(line) for line in Path("mos.jsonl").read_text("utf-8").splitlines()]
    assert list(rows[0]) == [
        *("clip", "mos", "mos_std_dev", "mos_n_ratings", "mos_ci_low", "mos_ci_high"),
        "mos_standard_error",
    ]


def test_the_published_schema_is_made_of_the_types():
    published = json.loads((SCHEMAS / "mos-ratings-v1.json").read_text("utf-8"))
    assert published == labeljoin.ratings.ratings_schema()


HOSTILE = '<script>alert(1)</script>"&'


def test_the_page_escapes_names_and_loads_nothing(write, command):
    rows = ["clip,rater,score"]
    random = np.random.default_rng(0)
    for clip in range(12):
        for rater in range(9):
            name = HOSTILE.replace('"', '""') if rater == 8 else f"r{rater}"
            score = random.integers(1, 6) if rater == 8 else 1 + clip % 5
            rows.append(f'"{HOSTILE.replace(chr(34), chr(34) * 2)}{clip}","{name}",{score}')
    write("v.csv", "\n".join(rows))
    command("ratings", "--ratings", "v.csv", "--out", "mos.csv", "--out-html", "page.html")
    page = Path("page.html").read_text("utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "")


BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), "")


@pytest.mark.skipif(not BROWSER, reason="no browser is installed")
@pytest.mark.parametrize("width", [1400, 390])
def test_the_page_fits_in_a_browser(write, command, here, width):
    random = np.random.default_rng(0)
    rows = [
        f"a_rather_long_name_of_a_clip_{clip:03d}_1080p_60fps.mp4,r{rater},{random.integers(1, 6)}"
        for clip in range(30)
        for rater in range(8)
    ]
    write("v.csv", "\n".join(["clip,rater,score", *rows]))
    command("ratings", "--ratings", "v.csv", "--out", "mos.csv", "--out-html", "page.html")
    # Inside a frame of the wanted width, because a browser's window has a least width of its own.
    page = (here / "page.html").read_text("utf-8").replace("default-src 'none'", "default-src *")
    (here / "open.html").write_text(page, "utf-8")
    (here / "frame.html").write_text(
        f"<iframe id=f src=open.html style='width:{width}px;height:2000px;border:0'></iframe>"
        "<p id=o><script>f.onload=()=>{let d=f.contentDocument,e=d.documentElement;"
        "o.textContent='OVER '+(e.scrollWidth-e.clientWidth)+' '+d.querySelectorAll('svg').length}"
        "</script>",
        "utf-8",
    )
    done = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000"),
            *("--allow-file-access-from-files", "--dump-dom", f"file://{here}/frame.html"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = done.stdout.partition("OVER ")[2].split("<")[0].split()
    assert found == ["0", "3"]  # nothing sticks out, and there are three figures


def features(names):
    return "clip_path,x\n" + "".join(f"data/{name},1\n" for name in names)


def test_ratings_take_the_place_of_labels(write, command):
    write("v.csv", VOTES)
    write("f.csv", features(["a.mp4", "b.mp4", "c.mp4"]))
    flags = ("--features", "f.csv", "--out", "o.csv")
    command("join", *flags, "--ratings", "v.csv", "--method", "mean")
    direct = pacsv.read_csv("o.csv")
    assert direct["mos"].to_pylist() == pytest.approx(list(EXPECTED.values()))
    assert direct["mos_n_ratings"].to_pylist() == [3, 3, 2]
    assert set(direct["mos_label_source"].to_pylist()) == {"v.csv"}
    audit = json.loads(Path("o.csv.audit.json").read_text("utf-8"))
    assert audit["ratings"]["method"] == "mean"
    assert audit["label_scale"]["decided_by"] == "ratings"
    assert "ratings" in audit["run_provenance"]["inputs"]
    for made in ("mos.csv", "mos.parquet", "mos.jsonl"):
        command("ratings", "--ratings", "v.csv", "--out", made, "--method", "mean")
        command("join", *flags, "--labels", made)
        again = pacsv.read_csv("o.csv")
        assert again.drop_columns("mos_label_source").equals(
            direct.drop_columns("mos_label_source")
        )


def test_estimates_off_the_scale_are_kept_and_clipped_on_joining(write, command):
    rows = ["clip,rater,score"]
    rows += [f"c{n},r{r},{5 - (n + r) % 3}" for n in range(12) for r in range(6)]
    rows += [f"c{n},low,{max(1, 3 - n % 3)}" for n in range(12)] + ["top,low,5", "top,r1,5"]
    write("v.csv", "\n".join(rows))
    write("f.csv", features(["top", *(f"c{n}" for n in range(12))]))
    done = command("ratings", "--ratings", "v.csv", "--out", "mos.csv", "--json")
    assert json.loads(done.out)["estimates_off_scale"] == {"count": 1, "sample": ["top"]}
    assert mos_of("mos.csv")["top"] > 5
    done = command("join", "--features", "f.csv", "--labels", "mos.csv", "--out", "o.csv", "--json")
    audit = json.loads(done.out)
    assert audit["labels_clipped"] == 1
    assert pacsv.read_csv("o.csv")["mos"][0].as_py() == 5.0
    # Once the table is another, its record says nothing of it.
    write("mos.csv", Path("mos.csv").read_text() + "new,9,,1,,,\n")
    error = command("join", "--features", "f.csv", "--labels", "mos.csv", "--out", "o.csv", code=2)
    assert "--label-scale" in error.err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "no labels are given"),
        (("--labels", "v.csv", "--ratings", "v.csv"), "labels and ratings are both given"),
        (("--labels", "v.csv", "--method", "mean"), "an option about ratings is given"),
        (("--ratings", "v.csv", "--label-key-column", "clip"), "is about label files"),
    ],
)
def test_labels_and_ratings_exclude_each_other(write, command, flags, said):
    write("v.csv", VOTES)
    write("f.csv", features(["a.mp4"]))
    done = command("join", "--features", "f.csv", "--out", "o.csv", *flags, code=2)
    assert said in done.err


def test_a_batch_takes_ratings(write, command):
    write("v.csv", VOTES)
    write("f.csv", features(["a.mp4", "b.mp4", "c.mp4"]))
    table = {"id": "t", "features": "f.csv", "ratings": ["v.csv"], "method": "mean", "out": "o.csv"}
    write("m.json", json.dumps({"tables": [table]}))
    command("batch", "--manifest", "m.json")
    assert pacsv.read_csv("o.csv")["mos"].to_pylist() == pytest.approx(list(EXPECTED.values()))
    for members, said in (
        ({"ratings": None}, "null is not a list"),
        ({"labels": ["v.csv"]}, "'labels' and 'ratings' are both given"),
    ):
        write("m.json", json.dumps({"tables": [{**table, **members}]}))
        assert said in command("batch", "--manifest", "m.json", code=2).err
    del table["ratings"]
    write("m.json", json.dumps({"tables": [table]}))
    assert "'labels' is missing" in command("batch", "--manifest", "m.json", code=2).err


def test_any_scale_of_labels(write, command):
    write("l.csv", "clip,mos,mos_std\na,-6.5,11\nb,93.5,5.5\n")
    write("f.csv", features(["a", "b"]))
    flags = ("join", "--features", "f.csv", "--labels", "l.csv", "--out", "o.csv")
    assert "--label-scale" in command(*flags, code=2).err
    command(*flags, "--label-scale", "-16.5:93.5")
    joined = pacsv.read_csv("o.csv")
    assert joined["mos"].to_pylist() == pytest.approx([1 + 4 / 11, 5.0])
    assert joined["mos_raw_0_100"].to_pylist() == pytest.approx([100 / 11, 100.0])
    assert joined["mos_std_dev"].to_pylist() == pytest.approx([0.4, 0.2])
    audit = json.loads(Path("o.csv.audit.json").read_text("utf-8"))
    assert audit["label_scale"]["scale"] == "-16.5:93.5"
    outside = command(*flags, "--label-scale", "0:100", code=2)
    assert "the MOS -6.5 is outside the scale 0 to 100 of --label-scale 0:100" in outside.err
