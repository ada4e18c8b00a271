"""Which columns of both sides hold the clip keys, where names do not tell."""

import json

import labeljoin
import pyarrow as pa
import pytest
from provenance.toolkit import InputError

CLIPS = [f"Animation_1080P-{number:04x}" for number in range(60)]
MOS = [1 + number % 5 for number in range(60)]
NUMBERS = list(range(60))


def join(features, labels, **options):
    return labeljoin.join(pa.table(features), labels, labeljoin.JoinOptions(**options))


@pytest.mark.parametrize("name", ["asset", "Video Name", "CLIP-ID", "file.name", "Clip"])
def test_names_are_compared_without_case_blanks_and_punctuation(name):
    audit = join({name: CLIPS}, pa.table({name: CLIPS, "Mos": MOS})).audit
    assert audit["clip_key"]["column"] == audit["label_key_column"] == name
    assert audit["clip_key"]["decided_by"] == "name"
    assert audit["match_rate"] == 1


def test_values_decide_where_no_name_does():
    features = {"no": NUMBERS, "thing": [f"v/{clip}.mp4" for clip in CLIPS], "width": [1080] * 60}
    labels = {"no": NUMBERS[::-1], "which": CLIPS, "mos": MOS, "width": [1080] * 60}
    audit = join(features, pa.table(labels)).audit
    assert audit["clip_key"] == {
        "column": "thing",
        "normalize": "auto",
        "regex": None,
        "ignore_case": False,
        "decided_by": "values",
        "evidence": "60 of 60 keys of 'thing' are in 'which' of labels",
    }
    assert audit["label_sources"][0]["key_decided_by"] == "values"
    assert audit["match_rate"] == 1


def test_values_find_the_column_of_one_side():
    """The other side's column is known, and is the only one that is looked at there."""
    features = {"thing": [f"{clip}.mp4" for clip in CLIPS], "again": CLIPS[::-1]}
    labels = {"clip": CLIPS[:40], "other": CLIPS[40:] * 2, "mos": MOS[:40]}
    assert (
        join({"clip": CLIPS}, {"l": pa.table({"which": CLIPS, "mos": MOS})}).audit["label_sources"][
            0
        ]["key_decided_by"]
        == "values"
    )
    with pytest.raises(InputError, match="values would allow 2 pairs") as caught:
        join(features, pa.table(labels))
    assert "40 of 60 keys of 'thing' are in 'clip' of labels" in caught.value.what
    assert "--key-column" in (caught.value.fix or "")


def test_rows_are_not_joined_by_their_numbers():
    """Short numbers count something; they would meet although they name different clips."""
    features = {"no": NUMBERS, "thing": [f"x{clip}" for clip in CLIPS]}
    labels = {"no": NUMBERS, "which": CLIPS, "mos": MOS}
    with pytest.raises(InputError) as caught:
        join(features, pa.table(labels))
    assert caught.value.code == "keys.undecided-sides"


def test_problems_of_both_sides_come_together(here, command):
    (here / "f.csv").write_text("thing,vif\na1,0.5\nb2,0.6\n")
    (here / "l.csv").write_text("which,goodness\nc3,2\nd4,3\n")
    for verb in ("inspect", "join"):
        out = ["--out", "o.csv"] if verb == "join" else []
        told = command(verb, "--features", "f.csv", "--labels", "l.csv", *out, code=2).err
        for word in ("f.csv: ", "thing", "l.csv: ", "which", "goodness"):
            assert word in told
        for flag in ("--key-column", "--label-key-column", "--label-mos-column"):
            assert flag in told
        assert told.count("error:") == 1
    assert sorted(path.name for path in here.iterdir()) == ["f.csv", "l.csv"]


def test_a_shared_name_whose_keys_meet_comes_before_one_whose_keys_do_not():
    """CHUG has both `name`, which comes first among names of keys, and `Video`."""
    features = {"Video": CLIPS, "name": [f"n{number}" for number in NUMBERS]}
    labels = {"Video": CLIPS, "name": [f"other{number}" for number in NUMBERS], "mos_j": MOS}
    audit = join(features, pa.table(labels), label_scale="1-5").audit
    assert (audit["feature_key_column"], audit["label_key_column"]) == ("Video", "Video")
    # What was asked for is not second-guessed.
    with pytest.raises(labeljoin.CoverageError):
        join(features, pa.table(labels), label_scale="1-5", key_column="name")


def test_what_values_decide_is_remembered_and_shown(here, command):
    (here / "f.csv").write_text("thing,vif\n" + "".join(f"{clip}.mp4,1\n" for clip in CLIPS))
    (here / "l.csv").write_text("which,mos\n" + "".join(f"{clip},3\n" for clip in CLIPS))
    told = command("join", "--features", "f.csv", "--labels", "l.csv", "--out", "o.csv").err
    assert "decided by values" in told
    found = labeljoin.clip_key(labeljoin.open_table("o.csv"))
    assert (found.column, found.decided_by) == ("thing", "table")
    inspected = json.loads(
        command("inspect", "--features", "f.csv", "--labels", "l.csv", "--json").out
    )
    assert inspected["clip_key"]["decided_by"] == "values"


def test_columns_that_were_not_taken_are_reported_with_their_flag(here, command):
    (here / "f.csv").write_text("clip\na\nb\n")
    (here / "l.csv").write_text("clip,MOS,SD,N,codec,fps\na,3,0.5,20,x,25\nb,4,0.4,21,y,30\n")
    join = ("join", "--features", "f.csv", "--labels", "l.csv", "--out", "o.csv")
    told = command(*join).err
    assert "mos_n_ratings, mos_std_dev" in told
    assert "not taken codec, fps; --extras auto,codec would take codec" in " ".join(told.split())
    flagged = " ".join(command(*join, "--extras", "auto,codec,fps").err.split())
    assert "not taken" not in flagged
    assert labeljoin.open_table("o.csv").column_names[-4:] == [
        "codec",
        "fps",
        "mos_n_ratings",
        "mos_std_dev",
    ]
    assert "not taken" not in command(*join, "--extras", "none").err
    renamed = json.loads(command(*join, "--extras", "auto,mos_std_dev=fps", "--json").out)
    [source] = renamed["label_sources"]
    assert source["extras"] == {"mos_n_ratings": "N", "mos_std_dev": "fps"}
    assert source["columns_left"] == ["SD", "codec"]
