"""Label files: columns, scale, extras, duplicates, and errors that name file and row."""

import json

import labeljoin
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labeljoin.keys import KeyRule
from labeljoin.labels import LabelOptions, LabelSource
from provenance.toolkit import InputError


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write_file(name, text):
        (tmp_path / name).write_bytes(text.encode())
        return name

    return write_file


def index(*paths, **options):
    return labeljoin.labels.index_labels(
        [LabelSource.open(path) for path in paths], LabelOptions(**options)
    )


def labels(found):
    return dict(zip(found.keys.to_pylist(), found.columns.to_pylist(), strict=True))


def refused(*paths, **options):
    with pytest.raises(InputError) as caught:
        index(*paths, **options)
    return str(caught.value)


def test_a_five_point_file(write):
    found = index(write("l.csv", "flickr_id,mos,width\n3339962845,4.64,960\n007,1,2\n"))
    assert labels(found) == {
        "3339962845": {
            "mos": 4.64,
            "mos_raw_0_100": pytest.approx(91),
            "mos_label_source": "l.csv",
        },
        "007": {"mos": 1.0, "mos_raw_0_100": 0.0, "mos_label_source": "l.csv"},
    }
    assert found.files[0].scale.to_dict() == {
        "scale": "1-5",
        "decided_by": "range",
        "evidence": "2 values of column 'mos' in [1, 4.64]",
    }


def test_a_hundred_point_file_takes_its_deviation_along(write):
    text = "Video,mos_j,mos_std\na,75,25\nb,0,0\nc,100,\n"
    found = index(write("chug.csv", text))
    assert found.files[0].scale.scale == "0-100"
    assert labels(found)["a"]["mos"] == 4.0
    assert labels(found)["a"]["mos_raw_0_100"] == 75.0
    assert labels(found)["a"]["mos_std_dev"] == 1.0
    assert labels(found)["c"]["mos_std_dev"] is None


@pytest.mark.parametrize(
    ("values", "scale", "decided_by"),
    [
        ("1 5", "1-5", "range"),
        ("3 3", "1-5", "range"),
        ("0 11", "0-100", "range"),
        ("2.5 100", "0-100", "range"),
    ],
)
def test_scale_by_range(write, values, scale, decided_by):
    rows = "".join(f"k{i},{v}\n" for i, v in enumerate(values.split()))
    decision = index(write("l.csv", f"key,mos\n{rows}")).files[0].scale
    assert (decision.scale, decision.decided_by) == (scale, decided_by)


@pytest.mark.parametrize("values", ["0.5 4", "1 7", "1 10", "-1 50", "20 101"])
def test_an_unclear_range_is_refused_until_told(write, values):
    rows = "".join(f"k{i},{v}\n" for i, v in enumerate(values.split()))
    message = refused(write("l.csv", f"key,mos\n{rows}"))
    assert "--label-scale" in message
    assert "line 2" in message
    assert "line 3" in message


def test_scale_by_column_and_by_option(write):
    by_column = index(write("a.csv", "key,mos_raw_0_100\nx,3\n"))
    assert by_column.files[0].scale.decided_by == "column"
    assert labels(by_column)["x"]["mos"] == 1.12
    by_option = index(write("b.csv", "key,mos\nx,3\n"), scale="0-100")
    assert by_option.files[0].scale.decided_by == "option"
    assert labels(by_option)["x"]["mos_raw_0_100"] == 3


def test_scale_is_decided_per_file(write):
    found = index(write("a.csv", "key,mos\nx,3\n"), write("b.csv", "key,mos\ny,60\n"))
    assert [file.scale.scale for file in found.files] == ["1-5", "0-100"]
    assert labels(found)["y"]["mos"] == 3.4


def test_a_value_outside_the_told_scale_names_its_row(write):
    message = refused(write("l.csv", "key,mos\na,3\nb,7\nc,8\n"), scale="1-5")
    assert message.startswith("l.csv, line 3: the MOS 7 is outside the scale 1 to 5")


@pytest.mark.parametrize("bad", ["good", "4,5", "1_0", "True", "n/a", "0x10"])
def test_text_is_no_mos(write, bad):
    message = refused(write("l.csv", f'key,mos\na,3\nb,"{bad}"\n'))
    assert message.startswith("l.csv, line 3: the MOS ")
    assert "is not a number" in message


@pytest.mark.parametrize("bad", ["inf", "-Infinity", "1e400"])
def test_infinity_is_no_mos(write, bad):
    assert "l.csv, line 3: the MOS is infinite" in refused(
        write("l.csv", f"key,mos\na,3\nb,{bad}\n")
    )


def test_lines_are_counted_as_an_editor_does(write):
    csv = '\ufeffkey,mos\r\n"a\r\nb",3\r\n\r\nc,4\r\n"d\n\ne",bad\r\n'
    assert refused(write("l.csv", csv)).startswith("l.csv, line 6: ")
    jsonl = '{"key": "a", "mos": 3}\n\n{"key": "b", "mos": "bad"}\n'
    assert refused(write("l.jsonl", jsonl)).startswith("l.jsonl, line 3: ")
    array = '[{"key": "a", "mos": 3},\n {"key": "b", "mos": "bad"}]'
    assert refused(write("l.json", array)).startswith("l.json, row 2: ")
    pq.write_table(pa.table({"key": ["a", "b"], "mos": ["3", "bad"]}), "l.parquet")
    assert refused("l.parquet").startswith("l.parquet, row 2: ")


def test_rows_of_a_directory_name_their_part(write, tmp_path):
    (tmp_path / "parts").mkdir()
    write("parts/a.csv", "key,mos\na,3\nb,3\n")
    write("parts/b.csv", "key,mos\nc,3\nd,bad\n")
    assert refused("parts").startswith("parts, part b.csv, line 3: ")


@pytest.mark.parametrize("missing", ["", " ", "NaN", "null"])
def test_blank_mos_is_unlabelled_and_counted(write, missing):
    found = index(write("l.csv", f"key,mos\na,3\nb,{missing}\n"))
    assert found.keys.to_pylist() == ["a"]
    assert found.without_mos == 1


def test_bare_nan_and_null_in_jsonl_are_unlabelled(write):
    text = '{"key":"a","mos":NaN}\n{"key":"b","mos":null}\n{"key":"c"}\n{"key":"d","mos":2}\n'
    found = index(write("l.jsonl", text))
    assert found.keys.to_pylist() == ["d"]
    assert found.without_mos == 3


def test_no_label_at_all_is_refused(write):
    message = refused(write("l.csv", "key,mos\na,\n,3\n"))
    assert "no row has both a clip key and a MOS" in message
    assert "l.csv: 2 rows" in message


def test_both_scales_in_one_file_must_agree(write):
    good = index(write("a.csv", "key,mos,mos_raw_0_100\na,3,50\nb,4.0004,75\n"))
    assert labels(good)["b"]["mos"] == 4.0004
    message = refused(write("b.csv", "key,mos,mos_raw_0_100\na,3,50\nb,4,80\nc,4,\nd,4,90\n"))
    assert message.startswith("b.csv, line 3: mos 4 and mos_raw_0_100 80 do not say the same")
    assert "1 more rows disagree" in message


def test_score_is_a_mos_only_when_named(write):
    path = write("l.csv", "key,score\na,3\n")
    assert "'score' may be a prediction" in refused(path)
    assert index(path, mos_column="score").files[0].mos_column == "score"
    assert "--label-mos-column" in refused(path, mos_column="mos")


def test_extras_under_their_other_names(write):
    youtube = write("y.csv", "vid,x_Subjects,MOSFull,stdFull\nAnimation_1080P-01b3,35.0,3.5,0.7\n")
    found = index(youtube)
    row = labels(found)["Animation_1080P-01b3"]
    assert (row["mos"], row["mos_std_dev"], row["mos_n_ratings"]) == (3.5, 0.7, 35)
    assert found.extras == ["mos_n_ratings", "mos_std_dev"]
    assert found.columns.schema.field("mos_n_ratings").type == pa.int64()


def test_text_extras_stay_as_written(write):
    text = "key,mos,split,corpus_version\na,3,train,1.10\nb,3, ,2.0\n"
    rows = labels(index(write("l.csv", text)))
    assert rows["a"]["corpus_version"] == "1.10"
    assert rows["b"]["split"] is None


def test_extras_are_chosen(write):
    path = write("l.csv", "key,mos,split,width,sos_j\na,3,train,960,0.5\n")
    assert index(path, extras="none").extras == []
    found = index(path, extras="width, mos_std_dev=sos_j")
    assert found.extras == ["mos_std_dev", "width"]
    assert labels(found)["a"]["mos_std_dev"] == 0.5
    assert "'heigth'" in refused(path, extras="heigth")
    assert "writes the column 'mos' itself" in refused(path, extras="mos")


def test_extras_that_no_label_carries_are_left_out(write):
    assert index(write("l.csv", "key,mos,split\na,3,\nb,,train\n")).extras == []


@pytest.mark.parametrize(
    ("column", "value", "complaint"),
    [
        ("mos_std_dev", "-0.1", "is negative"),
        ("mos_std_dev", "wide", "is not a number"),
        ("n_ratings", "3.5", "is not a whole number"),
    ],
)
def test_odd_extras_name_their_row(write, column, value, complaint):
    message = refused(write("l.csv", f"key,mos,{column}\na,3,1\nb,3,{value}\n"))
    assert message.startswith("l.csv, line 3: ")
    assert complaint in message


def test_identical_duplicates_collapse(write):
    one = write("a.csv", "key,mos,split\nx,3,train\nx.mp4,3.0,train\ny,2,test\n")
    two = write("b.csv", "key,mos,n_ratings\nx,50,7\nz,90,8\n")
    found = index(one, two)
    assert found.duplicates_collapsed == 2
    rows = labels(found)
    assert list(rows) == ["x", "y", "z"]
    assert rows["x"]["mos_label_source"] == "a.csv"
    assert (rows["x"]["split"], rows["x"]["mos_n_ratings"]) == ("train", 7)


def test_conflicts_show_both_rows(write):
    message = refused(
        write("a.csv", "key,mos\nx,3\ny,2\n"), write("b.jsonl", '{"key":"y","mos":2.5}\n')
    )
    assert "clip 'y'" in message
    assert "a.csv, line 3: mos 2" in message
    assert "b.jsonl, line 1: mos 2.5" in message


def test_conflicting_extras_are_a_conflict(write):
    message = refused(write("a.csv", "key,mos,split\nx,3,train\nx,3,test\n"))
    assert "line 2: split train" in message
    assert "line 3: split test" in message


def test_a_conflict_of_folded_names_is_explained(write):
    message = refused(write("a.csv", "name,mos\nyfcc-batch1/747,60\nyfcc-batch2/747,70\n"))
    assert "'yfcc-batch1/747' and 'yfcc-batch2/747' became one key" in message
    assert len(index("a.csv", rule=KeyRule("raw"))) == 2


def test_keys_of_all_formats_meet(write):
    pq.write_table(pa.table({"key": [3339962845.0], "mos": [3.0]}), "a.parquet")
    pq.write_table(pa.table({"key": [3339962845], "mos": [3]}), "b.parquet")
    paths = [
        "a.parquet",
        "b.parquet",
        write("c.csv", "key,mos\n3339962845.0,3\n"),
        write("d.jsonl", '{"key":3339962845,"mos":3.0}\n'),
        write("e.json", '{"rows":[{"key":"3339962845","mos":"3"}]}'),
    ]
    found = index(*paths)
    assert found.keys.to_pylist() == ["3339962845"]
    assert found.duplicates_collapsed == 4


def test_integers_beyond_a_double_stay_apart(write):
    lines = "".join(json.dumps({"key": 2**53 + i, "mos": 2 + i}) + "\n" for i in range(3))
    found = index(write("l.jsonl", lines))
    assert found.keys.to_pylist() == [str(2**53 + i) for i in range(3)]


def test_label_rows_without_a_key_are_counted(write):
    found = index(
        write("l.csv", "key,mos\n,3\nclip7,3\nother,2\n"), rule=KeyRule(regex=r"clip(\d+)")
    )
    assert found.keys.to_pylist() == ["7"]
    assert found.files[0].keyless == {"null": 0, "blank": 1, "no-regex-match": 1}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("empty.csv", ""),
        ("header.csv", "key,mos\n"),
        ("twice.csv", "key,mos,mos\na,3,3\n"),
        ("nothing.jsonl", ""),
        ("list.json", "[]"),
        ("nokey.csv", "mos,width\n3,4\n"),
        ("nomos.csv", "key,width\na,4\n"),
    ],
)
def test_unusable_files_end_in_one_sentence(write, name, text):
    message = refused(write(name, text))
    assert name in message
    assert "\n" not in message


def test_a_missing_file_is_named():
    assert "no such file" in refused("/nowhere/labels.csv")


def test_comma_separated_text_with_a_txt_suffix(write):
    found = index(write("LSVQ.txt", "name,height,mos\nyfcc-batch1/747,540,61.2\n"))
    assert labels(found)["747"]["mos_raw_0_100"] == 61.2


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from([1.0, 2.5, 5.0])),
        min_size=1,
        max_size=12,
    )
)
def test_duplicates_collapse_or_conflict_in_any_order(rows):
    table = pa.table({"key": [k for k, _ in rows], "mos": [m for _, m in rows]})
    sources = [LabelSource.from_table(table, "labels")]
    wanted: dict[str, set[float]] = {}
    for key, mos in rows:
        wanted.setdefault(key, set()).add(mos)
    if any(len(values) > 1 for values in wanted.values()):
        with pytest.raises(InputError, match="conflict"):
            labeljoin.labels.index_labels(sources)
    else:
        found = labeljoin.labels.index_labels(sources)
        assert dict(zip(found.keys.to_pylist(), found.columns["mos"].to_pylist(), strict=True)) == {
            key: values.pop() for key, values in wanted.items()
        }
        assert found.duplicates_collapsed == len(rows) - len(wanted)
