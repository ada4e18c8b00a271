"""Clip keys: normalisation, regexes, keyless values, folds and inference."""

import re
import unicodedata

import labeljoin
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labeljoin.keys import KeyRule
from provenance.toolkit import InputError


def keys(values, *rule, **options):
    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
    return KeyRule(*rule, **options).keys(array).keys.to_pylist()


@pytest.mark.parametrize(
    ("mode", "value", "key"),
    [
        ("auto", "data/123.mp4", "123"),
        ("auto", "C:\\clips\\A001.MP4", "A001"),
        ("auto", "clip_v1.5", "clip_v1.5"),
        ("auto", "a/clip.v2.webm", "clip.v2"),
        ("auto", "clip.mp4.mp4", "clip.mp4"),
        ("auto", ".mp4", ".mp4"),
        ("auto", "folder/", "folder"),
        ("raw", "data/123.mp4", "data/123.mp4"),
        ("raw", "  a b \t", "a b"),
        ("basename", "data/123.mp4", "123.mp4"),
        ("basename", "data\\x/y\\123.mp4", "123.mp4"),
        ("stem", "data/clip_v1.5", "clip_v1"),
        ("stem", "a.tar.gz", "a.tar"),
        ("stem", ".hidden", ".hidden"),
    ],
)
def test_modes(mode, value, key):
    assert keys([value], mode) == [key]


@pytest.mark.parametrize("mode", labeljoin.keys.KEY_NORMALIZE_MODES)
def test_one_key_however_it_is_typed(mode):
    arrays = [
        pa.array([3339962845]),
        pa.array([3339962845.0]),
        pa.array(["3339962845"]),
        pa.array(["3339962845.0"]),
        pa.array(["3339962845.000 "]),
        pa.array(["3339962845"], pa.large_string()),
        pa.array(["3339962845"]).dictionary_encode(),
        pa.array([b"3339962845"], pa.binary()),
        pa.array([3339962845], pa.uint64()),
        pa.array([3339962845]).cast(pa.decimal128(21, 2)),
    ]
    assert [keys(array, mode) for array in arrays] == [["3339962845"]] * len(arrays)


def test_leading_zeros_and_wide_integers_stay():
    assert keys(["007", "7"]) == ["007", "7"]
    assert keys(pa.array([2**53 + 1, -(2**62)])) == [str(2**53 + 1), str(-(2**62))]
    assert keys(pa.array([2.0**70, 1.5, -3.0])) == [str(2**70), "1.5", "-3"]
    assert keys(pa.array([0.1], pa.float32())) == ["0.1"]


def test_unicode_forms_meet():
    assert keys(["Cafe\u0301.mp4"]) == keys(["Caf\u00e9.mp4"]) == ["Caf\u00e9"]


def test_regex_first_group_wins_else_the_match():
    assert keys(["x/orig_12_540p.mp4", "none"], regex=r"_(\d+)_") == ["12", None]
    assert keys(["x/orig_12_540p.mp4"], regex=r"\d+") == ["12"]
    assert keys(["b7"], regex=r"a(\d)|b\d") == ["b7"]


def test_regex_sees_the_normalised_key():
    assert keys(["2020/clip7.mp4"], "auto", r"(\d+)") == ["7"]
    assert keys(["2020/clip7.mp4"], "raw", r"(\d+)") == ["2020"]


def test_regex_runs_on_unique_values_only(monkeypatch):
    searched = []

    class Spy:
        groups = 0

        def __init__(self, pattern):
            self.pattern = real(pattern)

        def search(self, text):
            searched.append(text)
            return self.pattern.search(text)

    real = re.compile
    monkeypatch.setattr(re, "compile", Spy)
    rows = ["a/1.mp4", "b/1.mp4", "a/2.mp4"] * 1000
    assert keys(rows, regex="[0-9]+") == ["1", "1", "2"] * 1000
    assert sorted(searched) == ["1", "2"]


def test_invalid_regex_is_one_sentence():
    with pytest.raises(InputError, match=r"'\(\[' does not compile"):
        KeyRule(regex="([")


def test_keyless_values_are_counted_by_reason():
    result = KeyRule(regex=r"^(\d+)$").keys(pa.array(["1", None, " ", "", "x", "x", "2"]))
    assert result.reasons == {"null": 1, "blank": 2, "no-regex-match": 2}
    assert result.keyless == 5
    floats = KeyRule().keys(pa.array([1.0, float("nan"), None]))
    assert floats.reasons == {"null": 2, "blank": 0, "no-regex-match": 0}


def test_folds_name_the_values():
    result = KeyRule().keys(pa.array(["ref/1.mp4", "dist/1.mp4", "ref/2.mp4", "ref/2.mp4"]))
    assert result.folded == {"1": ("dist/1.mp4", "ref/1.mp4")}


def test_only_an_unaided_auto_guesses():
    assert KeyRule().guesses
    assert not KeyRule("basename").guesses
    assert not KeyRule("auto", "x").guesses
    assert not KeyRule(ignore_case=True).guesses


def test_case_is_kept_unless_it_is_to_be_ignored():
    assert keys(["A1.MP4", "a1.mp4"]) == ["A1", "a1"]
    assert keys(["A1.MP4", "a1.mp4"], ignore_case=True) == ["a1", "a1"]


def test_unused_dictionary_entries_are_no_keys():
    encoded = pa.array(["a/1.mp4", "b/1.mp4", "c/2.mp4"]).dictionary_encode()
    kept = encoded.filter(pa.array([True, False, True]))
    result = KeyRule().keys(kept)
    assert result.keys.to_pylist() == ["1", "2"]
    assert result.folded == {}


def test_chunks_with_dictionaries_of_their_own():
    chunks = pa.chunked_array(
        [pa.array(["a", "b"]).dictionary_encode(), pa.array(["b", None]).dictionary_encode()]
    )
    assert keys(chunks) == ["a", "b", "b", None]
    assert keys(pa.chunked_array([], pa.string())) == []


def test_nested_columns_are_no_keys():
    with pytest.raises(InputError, match="list"):
        keys(pa.array([["a"]]))


@given(st.lists(st.one_of(st.none(), st.text()), max_size=30), st.sampled_from(["raw", "auto"]))
def test_keys_are_a_function_of_the_value(values, mode):
    array = pa.array(values, pa.string())
    together = keys(array, mode)
    assert together == [keys(array[i : i + 1], mode)[0] for i in range(len(values))]
    for key in together:
        assert key is None or (key == key.strip() and unicodedata.is_normalized("NFC", key))


PIECES = st.sampled_from([*"a0 /\\.\n", ".mp4", ".TS", "//", "\u00a0", "é", "ſ"])


@given(
    st.lists(st.none() | st.lists(PIECES, max_size=12).map("".join), max_size=8),
    st.sampled_from(["basename", "stem", "auto"]),
    st.integers(0, 2),
)
def test_modes_take_paths_apart_as_python_does(values, mode, start):
    def expected(value):
        path = re.sub(r"\A([+-]?[0-9]+)\.0+\Z", r"\1", (value or "").strip()).rstrip("/\\")
        name = re.split(r"[/\\]", path)[-1]
        head, _, suffix = name.rpartition(".")
        known = suffix.casefold() in labeljoin.keys.MEDIA_SUFFIXES
        if head and suffix and (mode == "stem" or (mode == "auto" and known)):
            name = head
        return name.strip() or None

    array = pa.array(values, pa.string())[start:]
    assert keys(array, mode) == [expected(value) for value in values[start:]]


@given(st.lists(st.text(), max_size=30), st.sampled_from(labeljoin.keys.KEY_NORMALIZE_MODES))
def test_normalising_is_blind_to_encoding(values, mode):
    plain = pa.array(values, pa.string())
    assert keys(plain, mode) == keys(plain.dictionary_encode(), mode)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20))
def test_integers_print_exactly(values):
    assert keys(pa.array(values, pa.int64())) == [str(value) for value in values]


@given(st.lists(st.floats(allow_infinity=False), max_size=20))
def test_whole_floats_meet_integers(values):
    for value, key in zip(values, keys(pa.array(np.array(values, float))), strict=True):
        assert (key is None) == (value != value)
        if key is not None and value.is_integer():
            assert key == str(int(value))


def test_key_columns_are_inferred_in_order_ignoring_case():
    assert labeljoin.keys.infer_key_column(["path", "File", "VID"]) == "VID"
    assert labeljoin.keys.infer_key_column(["mos", "clip_path"]) == "clip_path"
    with pytest.raises(InputError, match="mos, width"):
        labeljoin.keys.infer_key_column(["mos", "width"])
