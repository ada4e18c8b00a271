"""What a join with low coverage is told, and whether following it helps."""

import json

import labeljoin
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from provenance.toolkit import InputError

IDS = [f"{3339962845 + 7919 * i}" for i in range(60)]
HEX = [f"{i:032x}" for i in range(0xABCDE, 0xABCDE + 60)]


def diagnose(features, labels, **options):
    """The diagnosis of a join that fails."""
    with pytest.raises(labeljoin.CoverageError) as caught:
        labeljoin.join(pa.table(features), pa.table(labels), labeljoin.JoinOptions(**options))
    assert caught.value.document is not None
    return caught.value.document["diagnosis"]


def follow(features, labels, suggestion, **options):
    """The coverage of the join with the suggested flags."""
    changed = {
        name.removeprefix("--").replace("-", "_"): value or None
        for name, value in suggestion["flags"].items()
    }
    chosen = labeljoin.JoinOptions(**{**options, **changed, "min_match_rate": 0.0})
    joined = labeljoin.join(pa.table(features), pa.table(labels), chosen)
    return joined.audit["match_rate"]


def mos(keys):
    return [1 + i % 5 for i in range(len(keys))]


CASES = {
    "flickr id in a file name": (
        {"path": [f"x/orig_{key}_540p_5s.mp4" for key in IDS]},
        {"flickr_id": IDS, "mos": mos(IDS)},
        {},
        "--feature-key-regex",
    ),
    "flickr id in the labels' file names": (
        {"key": IDS},
        {"video_name": [f"orig_{key}_540p_5s.mp4" for key in IDS], "mos": mos(IDS)},
        {},
        "--label-key-regex",
    ),
    "flickr id in other text on both sides": (
        {"key": [f"feat-{key}-v2" for key in IDS]},
        {"src": [f"orig_{key}_540p.mp4" for key in IDS], "mos": mos(IDS)},
        {},
        "--label-key-regex",
    ),
    "hash in a name": (
        {"file": [f"chug_{key}_1080p_crf23.mkv" for key in HEX]},
        {"Video": HEX, "mos": mos(HEX)},
        {},
        "--feature-key-regex",
    ),
    "second of the parts": (
        {"name": [f"ref{i % 3}__clip-{chr(97 + i % 26)}{i}__crf{i % 7}" for i in range(60)]},
        {"name": [f"clip-{chr(97 + i % 26)}{i}" for i in range(60)], "mos": mos(range(60))},
        {},
        "--feature-key-regex",
    ),
    "case": (
        {"file": [f"A{i:03}.MP4" for i in range(60)]},
        {"File": [f"a{i:03}.mp4" for i in range(60)], "mos": mos(range(60))},
        {},
        "--ignore-case",
    ),
    "suffix that is no media suffix": (
        {"path": [f"f/{key}.npy" for key in IDS]},
        {"key": IDS, "mos": mos(IDS)},
        {},
        "--key-normalize",
    ),
    "folders that count": (
        {"path": [f"frames/{key}/0001.txt" for key in IDS]},
        {"key": IDS, "mos": mos(IDS)},
        {"key_normalize": "stem"},
        "--feature-key-regex",
    ),
    "another column of the features": (
        {"key": [f"row{i}" for i in range(60)], "clip_path": [f"v/{key}.mp4" for key in IDS]},
        {"key": IDS, "mos": mos(IDS)},
        {},
        "--key-column",
    ),
    "another column of the labels": (
        {"key": IDS},
        {"key": [f"row{i}" for i in range(60)], "video": IDS, "mos": mos(IDS)},
        {},
        "--label-key-column",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_first_suggestion_holds_what_it_promises(case):
    features, labels, options, flag = CASES[case]
    diagnosis = diagnose(features, labels, **options)
    best = diagnosis["suggestions"][0]
    assert flag in best["flags"]
    assert best["match_rate"] == 1.0
    assert follow(features, labels, best, **options) == best["match_rate"]
    assert best["command"] in diagnosis["advice"]


def test_a_label_regex_that_fits_no_label_is_an_error():
    with pytest.raises(InputError, match="no row has both"):
        labeljoin.join(
            pa.table({"key": IDS}),
            pa.table({"key": IDS, "mos": mos(IDS)}),
            options=labeljoin.JoinOptions(label_key_regex="clip(x)"),
        )


def test_samples_stand_side_by_side():
    diagnosis = diagnose(
        {"path": ["v/a.mp4", "v/b.mp4", "v/c.mp4"]}, {"key": ["a", "z"], "mos": [1, 2]}
    )
    assert diagnosis["unmatched_features"] == [
        {"value": "v/b.mp4", "key": "b"},
        {"value": "v/c.mp4", "key": "c"},
    ]
    assert diagnosis["stale_labels"] == [{"value": "z", "key": "z"}]
    assert diagnosis["suggestions"] == []
    assert "labeljoin inspect" in diagnosis["advice"]


def test_no_suggestion_maps_two_labels_to_one_key():
    features = {"key": [f"clip{i}_a" for i in range(10)]}
    labels = {"key": [f"clip{i}_b" for i in range(10)], "mos": mos(range(10))}
    for suggestion in diagnose(features, labels)["suggestions"]:
        assert follow(features, labels, suggestion) == suggestion["match_rate"] == 1.0


def test_a_change_that_brings_little_is_not_suggested():
    features = {"key": [*("n" + chr(97 + i % 26) * (i + 1) for i in range(200)), "A1"]}
    labels = {"key": ["a1", *(f"m{i}" for i in range(200))], "mos": mos(range(201))}
    assert diagnose(features, labels)["suggestions"] == []


def test_any_two_sides_can_be_diagnosed():
    side = labeljoin.diagnose.KeySide
    rule = labeljoin.keys.KeyRule()
    diagnosis = labeljoin.diagnose.diagnose_coverage(
        side({"path": pa.array([f"a_{i}.png" for i in IDS])}, "path", rule, "--key-column", "--f"),
        side({"img": pa.array(IDS)}, "img", rule, "--score-key-field", "--score-key-regex"),
        noun="score",
    )
    assert "--f" in diagnosis.suggestions[0].flags
    assert "stale_scores" in diagnosis.to_dict()
    assert "match no score" in diagnosis.findings[0]


@pytest.fixture
def tables(here):
    (here / "f.csv").write_text("path,x\n" + "".join(f"a/orig_{i}_x.mp4,1\n" for i in IDS))
    (here / "l.csv").write_text("flickr_id,mos\n" + "".join(f"{i},3\n" for i in IDS))
    return here


def test_inspect_shows_the_same_and_writes_nothing(tables, command):
    done = command("inspect", "--features", "f.csv", "--labels", "l.csv", "--json")
    document = json.loads(done.out)
    assert sorted(path.name for path in tables.iterdir()) == ["f.csv", "l.csv"]
    assert document["schema"] == "mos-label-inspection-v1"
    assert document["feature_key_column"] == "path"
    assert document["label_key_column"] == "flickr_id"
    assert document["feature_keys"][0] == {
        "value": f"a/orig_{IDS[0]}_x.mp4",
        "key": f"orig_{IDS[0]}_x",
    }
    assert document["label_keys"][0]["keys"][0] == {"value": IDS[0], "key": IDS[0]}
    assert document["match_rate"] == 0
    assert document["label_scale"]["decided_by"] == "range"
    best = document["diagnosis"]["suggestions"][0]
    done = command(
        "join", "--features", "f.csv", "--labels", "l.csv", "--out", "o.csv",
        *(word for pair in best["flags"].items() for word in pair),
    )  # fmt: skip
    assert "100 %" in done.err


def test_inspect_tells_people(tables, command):
    done = command("inspect", "--features", "f.csv", "--labels", "l.csv")
    assert done.out == ""
    for words in ("path = flickr_id", "0 % of the clips (0 of 60)", "--feature-key-regex", "100 %"):
        assert words in done.err


def test_inspect_names_what_is_in_the_way(here, command):
    (here / "f.csv").write_text("path,mos\na/1.mp4,3\nb/1.mp4,3\n")
    (here / "l.csv").write_text("key,mos\n1,3\n")
    document = json.loads(
        command("inspect", "--features", "f.csv", "--labels", "l.csv", "--json").out
    )
    assert len(document["obstacles"]) == 2
    assert "'mos'" in document["obstacles"][0]
    assert "'a/1.mp4' and 'b/1.mp4'" in document["obstacles"][1]
    assert document["diagnosis"] is None


def test_coverage_of_two_fifths_is_explained(here, command):
    names = [f"{key}.mp4" if i % 5 < 2 else f"clip_{key}_final.mp4" for i, key in enumerate(IDS)]
    (here / "f.csv").write_text("file_name\n" + "".join(f"{name}\n" for name in names))
    (here / "l.csv").write_text("flickr_id,mos\n" + "".join(f"{i},3\n" for i in IDS))
    done = command("join", "--features", "f.csv", "--labels", "l.csv", "--out", "o.csv", code=1)
    assert "40 % of the clips (24 of 60)" in done.err
    assert "would cover 100 % of the clips" in done.err


def test_label_files_with_key_columns_of_different_names_are_one_side(here, command):
    (here / "f.csv").write_text("path\n" + "".join(f"a/{i}.mp4\na/{i}.mp4\n" for i in range(30)))
    (here / "one.csv").write_text("filename,mos\n" + "".join(f"{i}.mp4,3\n" for i in range(10)))
    (here / "two.csv").write_text("name,mos\n" + "".join(f"{i},3\n" for i in range(10, 20)))
    both = ("--features", "f.csv", "--labels", "one.csv", "--labels", "two.csv", "--json")
    document = json.loads(command("inspect", *both).out)
    unmatched = document["diagnosis"]["unmatched_features"]
    assert [each["key"] for each in unmatched] == [str(i) for i in range(20, 30)]
    assert document["diagnosis"]["stale_labels"] == []
    assert [each["key"] for each in document["feature_keys"]] == ["0", "1", "2", "3", "4"]
    found = json.loads(command("inspect", *both, "--feature-key-regex", "x(.+)").out)
    assert found["diagnosis"]["suggestions"][0]["match_rate"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("kind", ["struct", "bytes"])
def test_a_column_that_cannot_be_a_key_is_passed_over(here, command, kind):
    # Tables of images call the image so, and its name says that it might be a key.
    images = {"struct": [{"bytes": b"x", "path": "a.png"}] * 3, "bytes": [b"\xff\xfe"] * 3}[kind]
    pq.write_table(pa.table({"clip_id": ["a", "b", "c"], "image": images}), "features.parquet")
    (here / "labels.csv").write_text("key,mos\na,3\nz,1\n")
    files = ["--features", "features.parquet", "--labels", "labels.csv"]
    options = [*files, "--key-column", "clip_id"]
    command("join", *options, "--out", "out.parquet", code=1)
    assert (here / "out.parquet.audit.json").exists()
    command("inspect", *options)
    failed = command("inspect", *files, "--key-column", "image", code=2)
    assert "features.parquet" in failed.err
    assert "'image'" in failed.err
