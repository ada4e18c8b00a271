"""What scorers were trained on: the registry, the columns, the audit and its marks."""

from __future__ import annotations

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import secondopinion
from labeljoin.labels import judge_contamination, parse_trained_on, trained_on_in
from provenance.toolkit import InputError
from secondopinion.scorers.facts import entries


def test_every_published_corpus_has_a_source():
    listed = [slug for slug, entry in entries().items() if "trained_on" in entry]
    assert {"dover", "q_align", "fast_vqa", "musiq", "niqe"} <= set(listed)
    assert all(entries()[slug]["trained_on_source"] for slug in listed)


@pytest.mark.parametrize(
    ("slug", "corpora"),
    [
        ("dover_technical", ("LSVQ",)),
        ("musiq", ("KonIQ-10k",)),
        ("musiq_spaq", ("SPAQ",)),
        ("niqe", ()),
        ("some_new_scorer", None),
        ("musiq_mine", None),
    ],
)
def test_the_registry_knows_weights_by_their_slug(slug, corpora):
    assert secondopinion.trained_on(slug).corpora == corpora


@pytest.mark.parametrize(
    ("scorer", "judged", "status"),
    [
        ("dover", ["lsvq"], "contaminated"),
        ("dover", ["konvid_1k"], "possible"),
        ("dover", ["CHUG"], "clean"),
        ("dover", [], "unknown"),
        ("niqe", [], "clean"),
        ("q_align", ["KADID10k", "CHUG"], "contaminated"),
        ("nobody_knows", ["CHUG"], "unknown"),
    ],
)
def test_the_judged_corpus_is_compared_by_letters_and_digits(scorer, judged, status):
    found = judge_contamination(scorer, secondopinion.trained_on(scorer), judged)
    assert found.status == status
    assert bool(found.sentence) == (status != "clean")


@pytest.mark.parametrize("text", ["dover", "=LSVQ", "dover=", "dover= "])
def test_a_correction_needs_both_sides(text):
    with pytest.raises(InputError, match="SCORER=CORPUS"):
        parse_trained_on([text])


def test_columns_and_audit_say_what_the_scorer_was_trained_on(tmp_path):
    keys = [f"c{n}" for n in range(5)]
    pq.write_table(
        pa.table({"clip_id": keys, "corpus": ["KoNViD-1k"] * 5}), tmp_path / "features.parquet"
    )
    with (tmp_path / "dover.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", " aesthetic score", " technical score", " overall/final score"])
        rows.writerows([f"{key}.mp4", 50, 50, 40 + n] for n, key in enumerate(keys))
    audit = secondopinion.join_file(
        tmp_path / "features.parquet",
        f"dover={tmp_path / 'dover.csv'}",
        tmp_path / "out.parquet",
        secondopinion.JoinOptions(trained_on=("dover=KoNViD-1k",)),
    )
    assert audit["corpora_judged"] == ["KoNViD-1k"]
    by_slug = {entry["slug"]: entry for entry in audit["scorers"]}
    assert by_slug["dover"]["contamination"]["status"] == "contaminated"
    assert by_slug["dover"]["trained_on"]["source"] == "--trained-on"
    assert by_slug["dover_technical"]["contamination"]["status"] == "possible"
    assert any("was trained on KoNViD-1k" in note for note in audit["notes"])
    field = pq.read_schema(tmp_path / "out.parquet").field("second_opinion_dover_score")
    found = trained_on_in(field.metadata[b"moskit.trained_on"])
    assert found is not None
    assert found.corpora == ("KoNViD-1k",)
    assert json.loads((tmp_path / "out.parquet.audit.json").read_text())["scorers"]
